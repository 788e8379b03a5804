"""Second check, its rows: one comparison each, of the planning system's value with the recomputed one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.dose import dose_at_points, sample_points
from hdrplan.geometry import Structure, Volume
from hdrplan.metrics import DVH, Limit, Tolerances, dvh
from hdrplan.plan import BrachyPlan, Plan, ReferencePoint, parse_metric
from hdrplan.workflow.check_grid import GridCheck
from hdrplan.workflow.check_stated import ON_CENTRE, StatedDose, between_centres
from hdrplan.workflow.stored_curve import value_in_curve

__all__ = ["CheckRow", "Verdict", "compared_row", "doses_at", "dvh_rows", "grid_rows", "point_rows", "trak_row"]

# Nearer to a dwell, half a millimetre of position changes the dose by more than 10 %.
NEAR_DWELL_MM = 10.0
# A structure's DVH is compared where at least this part of it lies inside the TPS's grid.
_WHOLE_FRAC = 0.999


Kind: TypeAlias = Literal["kerma", "point", "grid", "dwell", "dvh", "stored", "time", "media"]
Verdict: TypeAlias = Literal["pass", "warn", "fail", "not judged"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckRow:
    """One comparison.

    Parameters
    ----------
    kind : {"kerma", "point", "grid", "dwell", "dvh", "stored", "time", "media"}
        "dwell": times that the dose grid has, with the plan's. "stored": DVHs in the file of the dose. "media": with
        the dose in the patient's media.
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
    verdict : {"pass", "warn", "fail", "not judged"}
    exact : float
        What ``recomputed`` is at exact points, where it is read from the TPS's grid like its own value; else NaN.
    place_mm : (3,) array, optional
        Of a point.
    axes_frac : float
        At a point: what the directions of the sources leave open of the recomputed dose, at most.
    """

    kind: Kind
    quantity: str
    unit: str = ""
    tps: float = math.nan
    recomputed: float = math.nan
    difference_frac: float = math.nan
    exact: float = math.nan
    tolerance: str
    verdict: Verdict
    place_mm: FloatArray | None = None
    axes_frac: float = math.nan

    @property
    def passed(self) -> bool | None:
        """Whether it lies within tolerance; None where nothing is judged."""
        return None if self.verdict == "not judged" else self.verdict != "fail"


def trak_row(brachy: BrachyPlan, tolerances: Tolerances) -> CheckRow:
    """Compare the file's total reference air kerma with strength times time: the arithmetic of the plan."""
    return compared_row(
        "kerma",
        "total reference air kerma",
        "uGy at 1 m",
        (brachy.stated_trak_u_s / 3600.0, brachy.trak_u_s / 3600.0),
        tolerances.limit("trak_frac"),
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
    gy = doses_at(plan, places)
    rows = []
    for k, point in enumerate(points):
        values = point.dose_gy, float(gy[k])
        row = compared_row("point", f"point {point.label}", "Gy", values, tolerances.limit("point_frac"))
        row = replace(row, place_mm=point.position_mm)
        near_mm = float(np.linalg.norm(plan.dwells.positions_mm - places[k], axis=1).min())
        if row.passed is not None and near_mm < NEAR_DWELL_MM:
            # Dose of the neighbourhood: six steps of the distance allowed.
            steps = places[k] + tolerances.point_mm * np.vstack((np.eye(3), -np.eye(3)))
            spread_gy = np.append(doses_at(plan, steps), gy[k])
            explained = bool(spread_gy.min() <= point.dose_gy <= spread_gy.max())
            tolerance = f"{row.tolerance}, or {tolerances.point_mm:g} mm ({near_mm:.1f} mm from a dwell)"
            row = replace(row, tolerance=tolerance, verdict="pass" if explained else row.verdict)
        rows.append(row)
    return rows


def grid_rows(grid: GridCheck, tolerances: Tolerances) -> list[CheckRow]:
    """Judge the comparison of the grids: its median and the fraction of voxels that passes gamma."""
    limit = tolerances.limit("median_frac")
    above = f"voxels above {grid.threshold_gy:.3g} Gy"
    median = CheckRow(
        kind="grid",
        quantity=f"median, {int(grid.judged_zyx.sum())} {above}",
        difference_frac=grid.median_frac,
        tolerance=limit.text,
        verdict=_judged(grid.median_frac, limit),
    )
    gamma = CheckRow(
        kind="grid",
        quantity=f"gamma <= 1, {grid.gamma_voxels} {above}",
        unit="%",
        recomputed=100 * grid.gamma_pass_frac,
        tolerance=f">= {100 * tolerances.gamma_pass_frac:g} % at {tolerances.gamma.short}",
        verdict="pass" if grid.gamma_pass_frac >= tolerances.gamma_pass_frac else "fail",
    )
    return [median, gamma]


def dvh_rows(
    plan: Plan, recomputed: Volume, stated: StatedDose, structures: Sequence[Structure], tolerances: Tolerances
) -> tuple[list[CheckRow], list[Caution]]:
    """Compare D98, D90, D50 and D2cc of the structures that the TPS's grid holds.

    Like is judged with like: both doses on the TPS's grid, read between its voxel centres in the same way. A grid's own
    coarseness is no difference of dose; what it makes of a metric is shown by the dose at the exact points, unjudged.

    Parameters
    ----------
    plan : Plan
    recomputed : Volume
        On the TPS's grid.
    stated : StatedDose
    structures : sequence of Structure
    tolerances : Tolerances

    Returns
    -------
    list of CheckRow
    list of Caution
        Structures that are left out, and why.
    """
    held, cut = [], []
    for structure in structures:
        # Voxel centres first: sampling an organ that the grid does not hold would be for nothing.
        inside_frac = float(stated.volume.grid.contains(structure.voxels_mm, rim_voxels=ON_CENTRE).mean())
        if inside_frac >= _WHOLE_FRAC:
            held.append(structure)
        else:
            cut.append(f"{structure.name} ({100 * inside_frac:.0f} %)")
    notes = [caution("dvh-outside-grid", names=", ".join(cut))] if cut else []
    if not held:
        return [], notes
    points = sample_points(held)
    gy = doses_at(plan, points.points_mm)
    on_grid = [between_centres(volume, points.points_mm) for volume in (stated.volume, recomputed)]
    rows: list[CheckRow] = []
    stored: list[CheckRow] = []
    for name in points.names:
        at = points.rows(name)
        inside = np.isfinite(on_grid[0][at])
        volume_cc = points.volume_cc[at]
        tps, same_grid = (_dvh_metrics(dvh(dose_gy[at][inside], volume_cc[inside])) for dose_gy in on_grid)
        exact = _dvh_metrics(dvh(gy[at], volume_cc))
        for metric, tps_gy in tps.items():
            # At the full scale of the grid both are unknown; where one alone is, they differ.
            if stated.full_scale_gy is None or min(tps_gy, same_grid[metric]) < 0.99 * stated.full_scale_gy:
                values = tps_gy, same_grid[metric]
                row = compared_row("dvh", f"{name} {metric}", "Gy", values, tolerances.dvh_limit(name))
                rows.append(replace(row, exact=exact[metric]))
        stored += _stored_rows(name, stated, exact, float(volume_cc.sum()), tolerances.limit("stored_dvh_frac"))
    return [*rows, *stored], notes


def _stored_rows(
    name: str, stated: StatedDose, exact: Mapping[str, float], volume_cc: float, limit: Limit
) -> list[CheckRow]:
    """Compare the DVH that came with the dose: its volume, and its metrics with ours at exact points.

    It was made of other points than those of the dose grid, which the file does not tell: no like with like.
    """
    curve = stated.dvhs.get(name)
    if curve is None or len(curve.dose_gy) < 2 or not curve.volume[0] > 0:
        return []
    rows = []
    if not curve.relative:
        rows.append(
            compared_row("stored", f"{name} volume, DVH in the file", "cc", (float(curve.volume[0]), volume_cc), limit)
        )
    for metric, ours_gy in exact.items():
        value_gy, bin_gy = value_in_curve(curve, parse_metric(metric), volume_cc)
        row = compared_row(
            "stored", f"{name} {metric}, DVH in the file", "Gy", (value_gy * stated.factor, ours_gy), limit
        )
        if abs(value_gy * stated.factor - ours_gy) <= bin_gy * stated.factor:
            row = replace(row, tolerance=f"{row.tolerance}, or one bin ({bin_gy:.3g} Gy)", verdict="pass")
        rows.append(row)
    return rows


def compared_row(kind: Kind, quantity: str, unit: str, values: tuple[float, float], limit: Limit) -> CheckRow:
    """Return the row of two values, judged by a limit; not judged where one is missing.

    Parameters
    ----------
    kind : str
    quantity : str
    unit : str
    values : (float, float)
        The TPS's, and the recomputed one.
    limit : Limit
    """
    tps, recomputed = values
    if math.isnan(tps) or math.isnan(recomputed) or tps == 0:
        return CheckRow(
            kind=kind,
            quantity=quantity,
            unit=unit,
            tps=tps,
            recomputed=recomputed,
            tolerance="not stated",
            verdict="not judged",
        )
    difference_frac = recomputed / tps - 1.0
    return CheckRow(
        kind=kind,
        quantity=quantity,
        unit=unit,
        tps=tps,
        recomputed=recomputed,
        difference_frac=difference_frac,
        tolerance=limit.text,
        verdict=_judged(difference_frac, limit),
    )


def _judged(difference_frac: float, limit: Limit) -> Verdict:
    size = abs(difference_frac)
    return "fail" if not size <= limit.fail_frac else "warn" if size > limit.warn_frac else "pass"


def doses_at(plan: Plan, points_mm: FloatArray) -> FloatArray:
    """Return the plan's dose at points, Gy."""
    return dose_at_points(plan.dwells, plan.exposure_s, points_mm, plan.source, strength_u=plan.strength_u).gy


def _dvh_metrics(curve: DVH) -> dict[str, float]:
    return {
        "D98": curve.dose_at_frac(0.98),
        "D90": curve.dose_at_frac(0.9),
        "D50": curve.dose_at_frac(0.5),
        "D2cc": curve.dose_at_cc(2.0),
    }
