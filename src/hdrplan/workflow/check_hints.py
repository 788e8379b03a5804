"""Second check, what a difference looks like: a factor between two units or counts, or a shift of the dose grid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.metrics import Limit
from hdrplan.plan import BrachyPlan, Plan
from hdrplan.sources import HALF_LIFE_DAYS
from hdrplan.workflow.check_grid import GridCheck
from hdrplan.workflow.check_rows import CheckRow, doses_at
from hdrplan.workflow.check_stated import StatedDose

__all__ = ["GridShift", "constant_hints", "factor_hints", "grid_shift", "shift_hints"]

# Sources are exchanged after about three months: a longer decay explains nothing.
_LONGEST_DECAY_DAYS = 100.0
# A ratio is called a factor within this.
_NEAR_FRAC = 0.02
_UNITS = (
    (10.0, "10: mm and cm, or a digit"),
    (60.0, "60: minutes and seconds"),
    (100.0, "100: cGy and Gy"),
    (1e3, "1000: mGy and Gy, or ms and s"),
    (3600.0, "3600: hours and seconds"),
    (1e6, "1,000,000: uGy and Gy"),
)
# Voxels that the shift is fitted to: nearer to a dwell a grid's own coarseness decides, farther the dose hardly varies.
_FIT_VOXELS = 1500
_FIT_RANGE_MM = (5.0, 30.0)
_FIT_STEP_MM = 0.2
_FIT_ROUNDS = 6
# A shift is said from this size on, if it takes away at least half of the misfit and leaves no more than grids of one
# dose differ by; a mirrored or another dose leaves more.
_SAID_MM = 0.5
_BETTER = 0.5
_LEFT_FRAC = 0.02
# A difference is one factor throughout if 90 % of the voxels lie within this of the median.
_CONSTANT_FRAC = 0.005


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridShift:
    """The shift at which the TPS's dose grid fits the recomputed dose best.

    Parameters
    ----------
    shift_mm : (3,) array
        By which the TPS's dose lies off the plan's dwells, LPS.
    misfit_frac, shifted_misfit_frac : float
        Median size of the relative difference as the grid lies, and after it is moved back.
    """

    shift_mm: FloatArray
    misfit_frac: float
    shifted_misfit_frac: float

    @property
    def size_mm(self) -> float:
        """Length of the shift."""
        return float(np.linalg.norm(self.shift_mm))

    @property
    def explains(self) -> bool:
        """Whether the shift takes away most of the difference."""
        limit_frac = min(_BETTER * self.misfit_frac, _LEFT_FRAC)
        return self.size_mm >= _SAID_MM and self.shifted_misfit_frac <= limit_frac


def grid_shift(plan: Plan, stated: StatedDose, threshold_gy: float) -> GridShift | None:
    """Fit the shift of a dose grid by least squares of the logarithm of dose; None where too few voxels tell it.

    Parameters
    ----------
    plan : Plan
    stated : StatedDose
    threshold_gy : float
    """
    values = stated.volume.values_zyx
    top_gy = math.inf if stated.full_scale_gy is None else 0.999 * stated.full_scale_gy
    chosen = np.argwhere((values >= threshold_gy) & (values < top_gy))
    rng = np.random.default_rng(0)
    chosen = chosen[rng.permutation(len(chosen))[: 20 * _FIT_VOXELS]]
    points = stated.volume.grid.world(chosen[:, ::-1])
    near_mm = _distances_mm(points, plan.dwells.positions_mm[plan.times_s > 0])
    held = np.flatnonzero((near_mm >= _FIT_RANGE_MM[0]) & (near_mm <= _FIT_RANGE_MM[1]))[:_FIT_VOXELS]
    if len(held) < 50:
        return None
    points, stated_gy = points[held], values[tuple(chosen[held].T)].astype(np.float64)
    shift = np.zeros(3)
    first = residual = np.log(stated_gy / doses_at(plan, points))
    for _ in range(_FIT_ROUNDS):
        moved = points - shift
        slopes = np.column_stack(
            [
                np.log(doses_at(plan, moved - step) / doses_at(plan, moved + step)) / (2 * _FIT_STEP_MM)
                for step in _FIT_STEP_MM * np.eye(3)
            ]
        )
        # A constant factor is another fault than a shift: it is fitted beside it.
        design = np.column_stack((slopes, np.ones(len(points))))
        spread = 3.0 * np.median(np.abs(residual - np.median(residual))) + 1e-9
        fair = np.abs(residual - np.median(residual)) <= spread
        change = np.linalg.lstsq(design[fair], residual[fair], rcond=None)[0][:3]
        shift = shift + np.clip(change, -5.0, 5.0)
        residual = np.log(stated_gy / doses_at(plan, points - shift))
        if np.abs(change).max() < 1e-3:
            break
    misfits = (float(np.median(np.abs(np.expm1(r)))) for r in (first, residual))
    before, after = misfits
    return GridShift(shift_mm=shift, misfit_frac=before, shifted_misfit_frac=after)


def _distances_mm(points_mm: FloatArray, dwells_mm: FloatArray) -> FloatArray:
    return np.asarray(cKDTree(dwells_mm).query(points_mm)[0])


def shift_hints(shift: GridShift | None) -> list[Caution]:
    """Say where a shift explains the difference of the grids."""
    if shift is None or not shift.explains:
        return []
    x, y, z = shift.shift_mm
    return [
        caution(
            "dose-grid-shifted",
            size_mm=shift.size_mm,
            shift=f"{x:+.1f}, {y:+.1f}, {z:+.1f} mm",
            before=shift.misfit_frac,
            after=shift.shifted_misfit_frac,
        )
    ]


def constant_hints(grid: GridCheck, limit: Limit) -> list[Caution]:
    """Say where all voxels differ by one factor: then strength, its date or a scaling is at fault, and no position.

    Parameters
    ----------
    grid : GridCheck
    limit : Limit
        Of the median: smaller factors are no fault.
    """
    ratio = 1.0 + grid.median_frac
    if abs(grid.median_frac) <= limit.warn_frac or grid.spread_frac > _CONSTANT_FRAC:
        return []
    days = abs(math.log2(ratio)) * HALF_LIFE_DAYS if ratio > 0 else math.inf
    decay = f", as by {days:.1f} days of decay" if days <= _LONGEST_DECAY_DAYS else ""
    return [caution("difference-is-constant", ratio=ratio, spread=grid.spread_frac, decay=decay)]


def factor_hints(brachy: BrachyPlan, rows: Sequence[CheckRow]) -> list[Caution]:
    """Say where failed comparisons differ by a factor between units, or by the number of pulses or fractions.

    Parameters
    ----------
    brachy : BrachyPlan
    rows : sequence of CheckRow
    """
    counts = [
        (float(brachy.pulses), f"the {brachy.pulses} pulses"),
        (float(brachy.fractions), f"the {brachy.fractions} fractions"),
        (float(brachy.pulses * brachy.fractions), "pulses times fractions"),
    ]
    hints = []
    for kind, label in (("kerma", "the reference air kerma"), ("point", "the points"), ("grid", "the dose grid")):
        ratios = [
            1.0 + row.difference_frac
            for row in rows
            if row.kind == kind and row.verdict == "fail" and math.isfinite(row.difference_frac)
        ]
        ratio = float(np.median(ratios)) if ratios else math.nan
        name = _factor_name(ratio, (*counts, *_UNITS))
        if name:
            hints.append(caution("difference-is-a-factor", label=label, ratio=ratio, name=name))
    return [*hints, *_length_hints(brachy)]


def _factor_name(ratio: float, factors: Iterable[tuple[float, str]]) -> str:
    if not ratio > 0:
        return ""
    for factor, name in factors:
        off = min(abs(ratio / factor - 1.0), abs(ratio * factor - 1.0))
        if factor > 1.0 + 2 * _NEAR_FRAC and off <= _NEAR_FRAC:
            return name
    return ""


def _length_hints(brachy: BrachyPlan) -> list[Caution]:
    """Say where positions in space and distances along the channels are in different units."""
    ratios = []
    for channel in brachy.channels:
        order = np.argsort(channel.relative_mm, kind="stable")
        steps_mm = np.diff(channel.relative_mm[order])
        apart_mm = np.linalg.norm(np.diff(channel.positions_mm[order], axis=0), axis=1)
        ratios += (apart_mm[steps_mm > 1e-6] / steps_mm[steps_mm > 1e-6]).tolist()
    ratio = float(np.median(ratios)) if ratios else math.nan
    if _factor_name(ratio, _UNITS[:1]):
        return [caution("positions-in-other-unit", ratio=ratio)]
    return []
