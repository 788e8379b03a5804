"""The independent second check of a clinical plan: what its times give by TG-43, against what the TPS says.

Beside the walk: it knows no files and draws nothing. ``io`` reads the plan, ``report`` shows the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints, dose_at_points, dose_field, sample_points
from hdrplan.errors import InputError
from hdrplan.geometry import Structure, Volume
from hdrplan.metrics import GammaCriteria, dvh, gamma_index
from hdrplan.plan import BrachyPlan, as_plan
from hdrplan.sources import TG43Source

__all__ = ["CheckRow", "GridCheck", "SecondCheck", "Tolerances", "between_centres", "check_plan"]

# Nearer to a dwell, half a millimetre of position changes the dose by more than 10 %.
NEAR_DWELL_MM = 10.0
# Gamma is judged at every n-th voxel of larger grids: a tenth of a percent of the pass rate is told by this many.
MAX_GAMMA_VOXELS = 200_000
# Stored grids are read between their voxel centres; this part of a voxel is roundoff.
_ON_CENTRE = 1e-6


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What passes. The defaults are this program's, not a protocol's: put the clinic's own into a file.

    Parameters
    ----------
    trak_frac, point_frac, median_frac, dvh_frac : float
        Largest differences: of the reference air kerma, of reference points, of the grid's median, of DVH metrics.
    point_mm : float
        A point also passes where a shift of this length explains its difference.
    gamma_pass_frac : float
        Least part of the points with gamma at most 1.
    threshold_frac : float
        Grid points below this part of the prescription are left out.
    gamma : GammaCriteria
    """

    trak_frac: float = 0.001
    point_frac: float = 0.02
    point_mm: float = 0.5
    median_frac: float = 0.01
    dvh_frac: float = 0.03
    gamma_pass_frac: float = 0.95
    threshold_frac: float = 0.1
    gamma: GammaCriteria = field(default_factory=GammaCriteria)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One comparison: what, the TPS's value, ours, and whether it passes."""

    what: str
    unit: str
    tps: float
    ours: float
    difference_frac: float
    limit: str
    passed: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class GridCheck:
    """Comparison of the dose grids.

    Parameters
    ----------
    ours : Volume
        Recomputed on the TPS's grid, Gy.
    tps : Volume
    judged_zyx : bool array
        Voxels above the threshold, not at full scale.
    gamma_zyx : array
        NaN where not judged.
    median_frac, p95_frac : float
        Median of ours / TPS - 1, 95th percentile of the size of TPS / ours - 1.
    gamma_pass_frac : float
    left_out : int
        Voxels at the TPS's full scale.
    """

    ours: Volume
    tps: Volume
    judged_zyx: npt.NDArray[np.bool_]
    gamma_zyx: npt.NDArray[np.float32]
    median_frac: float
    p95_frac: float
    gamma_pass_frac: float
    left_out: int


@dataclass(frozen=True, slots=True, eq=False)
class SecondCheck:
    """Result of :func:`check_plan`.

    Parameters
    ----------
    rows : tuple of CheckRow
        TRAK, reference points, grid, DVH metrics.
    grid : GridCheck or None
    tip_reversed : bool
        The assumption used.
    tip_text : str
        What is known of the tip, and which assumption fits better.
    warnings : tuple of str
    passed : bool
        All judged rows pass, and at least one row compares a dose.
    """

    rows: tuple[CheckRow, ...]
    grid: GridCheck | None
    tip_reversed: bool
    tip_text: str
    warnings: tuple[str, ...]
    passed: bool


def check_plan(
    brachy: BrachyPlan,
    source: TG43Source,
    *,
    dose: Volume | None = None,
    full_scale_gy: float | None = None,
    structures: Sequence[Structure] = (),
    tolerances: Tolerances = Tolerances(),
    reverse_tip: bool | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SecondCheck:
    """Recompute a TPS's dose and compare.

    Parameters
    ----------
    brachy : BrachyPlan
        With the file's own strength and times.
    source : TG43Source
        The plan's source model.
    dose : Volume, optional
        The TPS's dose grid, Gy.
    full_scale_gy : float, optional
        Dose at which the TPS's grid tops out; voxels at it are left out.
    structures : sequence of Structure
        For DVH metrics: ours computed at their points, the TPS's read from its grid.
    tolerances : Tolerances
    reverse_tip : bool, optional
        None takes the file's direction; where the file leaves it open, the one that fits better.
    on_progress : callable, optional

    Raises
    ------
    InputError
        A plan without dwells.
    """
    warnings = list(brachy.warnings)
    if dose is not None and brachy.fractions > 1:
        dose, full_scale_gy = _of_one_fraction(brachy, source, dose, full_scale_gy, tolerances, warnings)
    reverse, tip_text = _tip(brachy, source, dose, full_scale_gy, tolerances, reverse_tip)
    plan = as_plan(brachy, source, reverse_tip=reverse)
    rows = [_trak(brachy, tolerances)]
    rows += _points(brachy, source, reverse, tolerances)
    grid = None
    if dose is not None:
        ours = dose_field(
            plan.dwells, plan.times_s, dose.grid, source, strength_u=plan.strength_u, on_progress=on_progress
        )
        grid = _grid(ours, dose, full_scale_gy, _threshold_gy(brachy, dose, tolerances), tolerances)
        rows += _grid_rows(grid, tolerances)
        if grid.left_out:
            warnings.append(f"{grid.left_out} voxels at the grid's full scale of {full_scale_gy:.4g} Gy are left out")
    if structures and dose is not None:
        rows += _dvh_rows(plan, source, dose, full_scale_gy, structures, tolerances, warnings)
    compared = [row for row in rows[1:] if row.passed is not None]
    if not compared:
        warnings.append("nothing but the reference air kerma could be compared: the files state no dose")
    passed = bool(compared) and all(row.passed for row in rows if row.passed is not None)
    return SecondCheck(tuple(rows), grid, reverse, tip_text, tuple(warnings), passed)


def _row(what: str, unit: str, tps: float, ours: float, limit_frac: float) -> CheckRow:
    if math.isnan(tps) or math.isnan(ours) or tps == 0:
        return CheckRow(what, unit, tps, ours, math.nan, "not stated", None)
    difference = ours / tps - 1.0
    return CheckRow(what, unit, tps, ours, difference, f"{100 * limit_frac:g} %", abs(difference) <= limit_frac)


def _trak(brachy: BrachyPlan, tolerances: Tolerances) -> CheckRow:
    """TRAK of the file against strength times time: the arithmetic of the plan."""
    return _row(
        "total reference air kerma",
        "uGy at 1 m",
        brachy.stated_trak_u_s / 3600.0,
        brachy.trak_u_s / 3600.0,
        tolerances.trak_frac,
    )


def _point_doses(brachy: BrachyPlan, source: TG43Source, reverse: bool, points_mm: FloatArray) -> FloatArray:
    plan = as_plan(brachy, source, reverse_tip=reverse)
    return dose_at_points(plan.dwells, plan.times_s, points_mm, source, strength_u=plan.strength_u).gy


def _points(brachy: BrachyPlan, source: TG43Source, reverse: bool, tolerances: Tolerances) -> list[CheckRow]:
    if not brachy.points:
        return []
    places = np.array([point.position_mm for point in brachy.points])
    ours = _point_doses(brachy, source, reverse, places)
    plan = as_plan(brachy, source, reverse_tip=reverse)
    rows = []
    for k, point in enumerate(brachy.points):
        row = _row(f"point {point.name}", "Gy", point.dose_gy, float(ours[k]), tolerances.point_frac)
        near = float(np.linalg.norm(plan.dwells.positions_mm - places[k], axis=1).min())
        if row.passed is not None and near < NEAR_DWELL_MM:
            # Dose of the neighbourhood: six steps of the distance allowed.
            steps = places[k] + tolerances.point_mm * np.vstack((np.eye(3), -np.eye(3)))
            spread = np.append(_point_doses(brachy, source, reverse, steps), ours[k])
            explained = bool(spread.min() <= point.dose_gy <= spread.max())
            limit = f"{row.limit}, or {tolerances.point_mm:g} mm ({near:.1f} mm from a dwell)"
            row = replace(row, limit=limit, passed=row.passed or explained)
        rows.append(row)
    return rows


def _tip(
    brachy: BrachyPlan,
    source: TG43Source,
    dose: Volume | None,
    full_scale_gy: float | None,
    tolerances: Tolerances,
    wanted: bool | None,
) -> tuple[bool, str]:
    """Which way the sources point, and how well each way fits."""
    known = all(channel.tip_known for channel in brachy.channels if len(channel.times_s))
    origins = sorted({channel.axis_from for channel in brachy.channels if len(channel.times_s)})
    said = (
        f"tip direction from {', '.join(origins)}"
        if known
        else "the plan does not tell the tip direction of all channels"
    )
    misfits = [_misfit(brachy, source, dose, full_scale_gy, tolerances, reverse) for reverse in (False, True)]
    if any(math.isnan(m) for m in misfits):
        return bool(wanted), f"{said}; no dose is stated that could tell"
    better = misfits[1] < misfits[0]
    fit = f"as read {100 * misfits[0]:.3f} %, reversed {100 * misfits[1]:.3f} % median difference"
    reverse = wanted if wanted is not None else better and not known
    fits = "reversed fits better" if better else "as read fits better"
    if abs(misfits[0] - misfits[1]) < 1e-4:
        fits = "both fit alike"
    return reverse, f"{said}; {fit}: {fits}; used: {'reversed' if reverse else 'as read'}"


def _misfit(
    brachy: BrachyPlan,
    source: TG43Source,
    dose: Volume | None,
    full_scale_gy: float | None,
    tolerances: Tolerances,
    reverse: bool,
) -> float:
    """Median relative difference over points and a thinned grid."""
    places = [point.position_mm for point in brachy.points if not math.isnan(point.dose_gy)]
    doses = [point.dose_gy for point in brachy.points if not math.isnan(point.dose_gy)]
    if dose is not None:
        limit = full_scale_gy if full_scale_gy is not None else math.inf
        values = dose.values_zyx
        chosen = np.argwhere((values >= _threshold_gy(brachy, dose, tolerances)) & (values < 0.999 * limit))
        chosen = chosen[:: max(1, len(chosen) // 4000)]
        places += list(dose.grid.world(chosen[:, ::-1]))
        doses += values[tuple(chosen.T)].tolist()
    if not doses or min(doses) <= 0:
        return math.nan
    ours = _point_doses(brachy, source, reverse, np.array(places))
    return float(np.median(np.abs(ours / np.array(doses) - 1.0)))


def _of_one_fraction(
    brachy: BrachyPlan,
    source: TG43Source,
    dose: Volume,
    full_scale_gy: float | None,
    tolerances: Tolerances,
    warnings: list[str],
) -> tuple[Volume, float | None]:
    """Return the dose of one fraction: files differ in whether the grid is of one or of all; the fit tells."""
    part = Volume(dose.grid, dose.values_zyx / np.float32(brachy.fractions))
    scale = None if full_scale_gy is None else full_scale_gy / brachy.fractions
    grid_only = replace(brachy, points=())
    one = _misfit(grid_only, source, dose, full_scale_gy, tolerances, False)
    if _misfit(grid_only, source, part, scale, tolerances, False) >= one:
        return dose, full_scale_gy
    warnings.append(f"the dose grid is that of {brachy.fractions} fractions; one of them is compared")
    return part, scale


def _threshold_gy(brachy: BrachyPlan, dose: Volume, tolerances: Tolerances) -> float:
    """Lowest dose judged: a part of the prescription, else of the dose that a thousandth of the grid exceeds."""
    normal = brachy.prescription_gy
    if math.isnan(normal) or normal <= 0:
        normal = float(np.quantile(dose.values_zyx, 0.999))
    return max(tolerances.threshold_frac * normal, 1e-6)


def _grid(
    ours: Volume, tps: Volume, full_scale_gy: float | None, threshold_gy: float, tolerances: Tolerances
) -> GridCheck:
    full = np.zeros(tps.grid.shape_zyx, dtype=np.bool_)
    if full_scale_gy is not None:
        full = (tps.values_zyx >= 0.999 * full_scale_gy) | (ours.values_zyx >= 0.999 * full_scale_gy)
    judged = (ours.values_zyx >= threshold_gy) & ~full
    if not judged.any():
        raise InputError("no voxel of the dose grid lies above the threshold", got=f"{threshold_gy:.3g} Gy")
    reference = ours.values_zyx[judged].astype(np.float64)
    relative = tps.values_zyx[judged] / reference - 1.0
    voxels = np.argwhere(judged)
    thin = max(1, -(-len(voxels) // MAX_GAMMA_VOXELS))
    chosen = voxels[::thin]
    values = gamma_index(
        reference[::thin],
        chosen[:, ::-1],
        tps.values_zyx,
        tps.grid.spacing_mm,
        tolerances.gamma,
        normal_gy=threshold_gy / max(tolerances.threshold_frac, 1e-9),
    )
    gamma = np.full(tps.grid.shape_zyx, np.nan, dtype=np.float32)
    gamma[tuple(chosen.T)] = values
    return GridCheck(
        ours,
        tps,
        judged,
        gamma,
        # Ours over theirs, as in the other rows; a TPS voxel of 0 Gy counts as far off.
        float(np.median(reference / np.maximum(tps.values_zyx[judged], 1e-9)) - 1.0),
        float(np.quantile(np.abs(relative), 0.95)),
        float((values <= 1.0).mean()),
        int(full.sum()),
    )


def _grid_rows(grid: GridCheck, tolerances: Tolerances) -> list[CheckRow]:
    count = int(grid.judged_zyx.sum())
    median = CheckRow(
        f"dose grid, median of {count} voxels",
        "",
        math.nan,
        math.nan,
        grid.median_frac,
        f"{100 * tolerances.median_frac:g} %",
        abs(grid.median_frac) <= tolerances.median_frac,
    )
    gamma = CheckRow(
        f"dose grid, gamma at most 1 in {int(np.isfinite(grid.gamma_zyx).sum())} voxels",
        "%",
        math.nan,
        100 * grid.gamma_pass_frac,
        math.nan,
        f">= {100 * tolerances.gamma_pass_frac:g} % at {tolerances.gamma.text}",
        grid.gamma_pass_frac >= tolerances.gamma_pass_frac,
    )
    return [median, gamma]


def between_centres(dose: Volume, points_mm: FloatArray) -> FloatArray:
    """Doses at points between the voxel centres of a stored grid; NaN outside them, where nothing was written."""
    return dose.at(points_mm, rim_voxels=_ON_CENTRE)


def _dvh_rows(
    plan: Any,
    source: TG43Source,
    dose: Volume,
    full_scale_gy: float | None,
    structures: Sequence[Structure],
    tolerances: Tolerances,
    warnings: list[str],
) -> list[CheckRow]:
    """D98, D90, D50 and D2cc of structures that the TPS's grid holds."""
    rows: list[CheckRow] = []
    held_whole = []
    for structure in structures:
        # Voxel centres first: sampling an organ that the grid does not hold would be for nothing.
        inside = float(dose.grid.contains(structure.voxels_mm, rim_voxels=_ON_CENTRE).mean())
        if inside >= 0.999:
            held_whole.append(structure)
        else:
            warnings.append(f"{structure.name}: {inside:.1%} lies inside the dose grid; its DVH is not compared")
    if not held_whole:
        return rows
    points: SamplePoints = sample_points(held_whole)
    ours = dose_at_points(plan.dwells, plan.times_s, points.points_mm, source, strength_u=plan.strength_u).gy
    theirs = between_centres(dose, points.points_mm)
    for name in points.names:
        at = points.rows(name)
        held = ~np.isnan(theirs[at])
        volume = points.volume_cc[at]
        mine, his = dvh(ours[at], volume), dvh(np.where(held, theirs[at], ours[at]), volume)
        for what, frac, cc in (("D98", 0.98, None), ("D90", 0.9, None), ("D50", 0.5, None), ("D2cc", None, 2.0)):
            a, b = (c.dose_at_frac(frac) if frac is not None else c.dose_at_cc(cc or 0.0) for c in (his, mine))
            if full_scale_gy is not None and max(a, b) >= 0.99 * full_scale_gy:
                continue
            rows.append(_row(f"{name} {what}", "Gy", a, b, tolerances.dvh_frac))
    return rows
