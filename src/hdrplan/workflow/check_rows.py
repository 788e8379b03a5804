"""Second check, its rows: one comparison each, of the planning system's value with the recomputed one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.dose import dose_at_points, sample_points
from hdrplan.geometry import Structure
from hdrplan.metrics import DVH, Tolerances, dvh
from hdrplan.plan import BrachyPlan, Plan, ReferencePoint
from hdrplan.workflow.check_grid import ON_CENTRE, GridCheck, StatedDose, between_centres

__all__ = ["CheckRow", "dvh_rows", "grid_rows", "point_rows", "trak_row"]

# Nearer to a dwell, half a millimetre of position changes the dose by more than 10 %.
NEAR_DWELL_MM = 10.0
# A structure's DVH is compared where at least this part of it lies inside the TPS's grid.
_WHOLE_FRAC = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One comparison.

    Parameters
    ----------
    quantity : str
        What is compared; names of points and structures are free text of the file.
    unit : str
        Of the values.
    tps, recomputed : float
        NaN where there is no such value.
    difference_frac : float
        Recomputed over TPS, minus 1.
    tolerance : str
        What passes.
    passed : bool or None
        None where nothing is judged.
    """

    quantity: str
    unit: str = ""
    tps: float = math.nan
    recomputed: float = math.nan
    difference_frac: float = math.nan
    tolerance: str
    passed: bool | None


def trak_row(brachy: BrachyPlan, tolerances: Tolerances) -> CheckRow:
    """Compare the file's total reference air kerma with strength times time: the arithmetic of the plan."""
    return _compared(
        "total reference air kerma",
        "uGy at 1 m",
        brachy.stated_trak_u_s / 3600.0,
        brachy.trak_u_s / 3600.0,
        tolerances.trak_frac,
    )


def point_rows(plan: Plan, points: Sequence[ReferencePoint], tolerances: Tolerances) -> list[CheckRow]:
    """Compare the doses at reference points.

    Parameters
    ----------
    plan : Plan
    points : sequence of ReferencePoint
    tolerances : Tolerances
        Next to a dwell a point also passes where a shift of ``point_mm`` explains its difference.
    """
    if not points:
        return []
    places = np.array([point.position_mm for point in points])
    gy = _doses(plan, places)
    rows = []
    for k, point in enumerate(points):
        row = _compared(f"point {point.name}", "Gy", point.dose_gy, float(gy[k]), tolerances.point_frac)
        near_mm = float(np.linalg.norm(plan.dwells.positions_mm - places[k], axis=1).min())
        if row.passed is not None and near_mm < NEAR_DWELL_MM:
            # Dose of the neighbourhood: six steps of the distance allowed.
            steps = places[k] + tolerances.point_mm * np.vstack((np.eye(3), -np.eye(3)))
            spread_gy = np.append(_doses(plan, steps), gy[k])
            explained = bool(spread_gy.min() <= point.dose_gy <= spread_gy.max())
            tolerance = f"{row.tolerance}, or {tolerances.point_mm:g} mm ({near_mm:.1f} mm from a dwell)"
            row = replace(row, tolerance=tolerance, passed=row.passed or explained)
        rows.append(row)
    return rows


def grid_rows(grid: GridCheck, tolerances: Tolerances) -> list[CheckRow]:
    """Judge the comparison of the grids: its median and the fraction of voxels that passes gamma."""
    median = CheckRow(
        quantity=f"dose grid, median ({int(grid.judged_zyx.sum())} voxels)",
        difference_frac=grid.median_frac,
        tolerance=f"{100 * tolerances.median_frac:g} %",
        passed=abs(grid.median_frac) <= tolerances.median_frac,
    )
    gamma = CheckRow(
        quantity=f"dose grid, gamma <= 1 ({int(np.isfinite(grid.gamma_zyx).sum())} voxels)",
        unit="%",
        recomputed=100 * grid.gamma_pass_frac,
        tolerance=f">= {100 * tolerances.gamma_pass_frac:g} % at {tolerances.gamma.text}",
        passed=grid.gamma_pass_frac >= tolerances.gamma_pass_frac,
    )
    return [median, gamma]


def dvh_rows(
    plan: Plan, stated: StatedDose, structures: Sequence[Structure], tolerances: Tolerances
) -> tuple[list[CheckRow], list[Caution]]:
    """Compare D98, D90, D50 and D2cc of the structures that the TPS's grid holds.

    Parameters
    ----------
    plan : Plan
    stated : StatedDose
    structures : sequence of Structure
    tolerances : Tolerances

    Returns
    -------
    list of CheckRow
    list of Caution
        Structures that are left out, and why.
    """
    held, notes = [], []
    for structure in structures:
        # Voxel centres first: sampling an organ that the grid does not hold would be for nothing.
        inside_frac = float(stated.volume.grid.contains(structure.voxels_mm, rim_voxels=ON_CENTRE).mean())
        if inside_frac >= _WHOLE_FRAC:
            held.append(structure)
        else:
            notes.append(caution("dvh-outside-grid", name=structure.name, inside=inside_frac))
    if not held:
        return [], notes
    points = sample_points(held)
    gy = _doses(plan, points.points_mm)
    stated_gy = between_centres(stated.volume, points.points_mm)
    rows = []
    for name in points.names:
        at = points.rows(name)
        volume_cc = points.volume_cc[at]
        tps_gy = np.where(np.isnan(stated_gy[at]), gy[at], stated_gy[at])
        tps, recomputed = (_dvh_metrics(dvh(dose_gy, volume_cc)) for dose_gy in (tps_gy, gy[at]))
        for metric, value_gy in tps.items():
            if stated.full_scale_gy is None or max(value_gy, recomputed[metric]) < 0.99 * stated.full_scale_gy:
                rows.append(_compared(f"{name} {metric}", "Gy", value_gy, recomputed[metric], tolerances.dvh_frac))
    return rows, notes


def _compared(quantity: str, unit: str, tps: float, recomputed: float, limit_frac: float) -> CheckRow:
    if math.isnan(tps) or math.isnan(recomputed) or tps == 0:
        return CheckRow(
            quantity=quantity, unit=unit, tps=tps, recomputed=recomputed, tolerance="not stated", passed=None
        )
    difference_frac = recomputed / tps - 1.0
    return CheckRow(
        quantity=quantity,
        unit=unit,
        tps=tps,
        recomputed=recomputed,
        difference_frac=difference_frac,
        tolerance=f"{100 * limit_frac:g} %",
        passed=abs(difference_frac) <= limit_frac,
    )


def _doses(plan: Plan, points_mm: FloatArray) -> FloatArray:
    return dose_at_points(plan.dwells, plan.exposure_s, points_mm, plan.source, strength_u=plan.strength_u).gy


def _dvh_metrics(curve: DVH) -> dict[str, float]:
    return {
        "D98": curve.dose_at_frac(0.98),
        "D90": curve.dose_at_frac(0.9),
        "D50": curve.dose_at_frac(0.5),
        "D2cc": curve.dose_at_cc(2.0),
    }
