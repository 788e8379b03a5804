"""Second check, the dwell table: which times the planning system's dose grid itself has, dwell by dwell.

Gamma passes 99.75 % of the voxels where two dwells at an ovoid's ends have each other's times: few voxels lie near two
dwells. Dose is linear in the times, so that the grid tells them by least squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.dose import dose_rate
from hdrplan.metrics import Tolerances
from hdrplan.plan import BrachyPlan, Plan
from hdrplan.workflow.check_grid import GridCheck
from hdrplan.workflow.check_rows import CheckRow, Verdict, doses_at

__all__ = ["DwellTimes", "GroupTime", "dwell_row", "dwell_times"]

# Nearer to a dwell a grid's own coarseness decides, farther hardly one dwell stands out.
_RANGE_MM = (5.0, 25.0)
# Voxels in all, the same number nearest to each dwell, and from how many a dwell on nothing is told.
_VOXELS, _LARGEST_VOXELS, _LEAST_EACH, _SEEN_VOXELS = 6000, 20_000, 12, 200_000
# Standard errors come from leaving out one tenth of the voxels after the other, in cubes of this edge: what a grid or a
# table of another source has wrong is wrong in neighbouring voxels alike.
_TENTHS, _CUBE_MM = 10, 10.0
# A difference is told by the grid from five standard errors on, where the fitted times leave at most a third of the
# misfit round these dwells (a tenth of its variance), and no more than grids of one dose differ by, as for a shift.
_TOLD_ERRORS, _BETTER, _LEFT_FRAC = 5.0, 1.0 / 3.0, 0.02
# A shift of the whole grid is fitted beside the times, by the slope of the dose over twice this.
_STEP_MM = 0.2
# Neighbours are taken together until their time is known so well, as a part of what is judged; less is no difference.
_KNOWN_FRAC = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTime:
    """Time of one dwell, or of neighbours that the grid does not tell apart.

    Parameters
    ----------
    channel : int
        Number of the channel.
    from_mm, to_mm : float
        Distance from the channel's most distal position.
    planned_s, in_dose_s : float
        In the plan, and in the dose after a factor common to all dwells was taken out.
    error_s : float
        Standard error of the latter.
    compared_s : float
        What the difference is a part of: the planned time, at least the mean one of the plan's dwells.
    misfit_frac, left_frac : float
        Root mean square of the relative difference of dose round these dwells, with the plan's times and the fitted.
    """

    channel: int
    from_mm: float
    to_mm: float
    planned_s: float
    in_dose_s: float
    error_s: float
    compared_s: float
    misfit_frac: float
    left_frac: float

    @property
    def place(self) -> str:
        """Channel and place along it, in words."""
        along = f"{self.from_mm:.1f}" if self.from_mm == self.to_mm else f"{self.from_mm:.1f} to {self.to_mm:.1f}"
        return f"channel {self.channel} at {along} mm"

    @property
    def off_frac(self) -> float:
        """Size of the difference, as a part of ``compared_s``."""
        return abs(self.planned_s - self.in_dose_s) / self.compared_s

    @property
    def is_told(self) -> bool:
        """Whether the grid tells this difference, and other times explain it."""
        sure = abs(self.planned_s - self.in_dose_s) >= _TOLD_ERRORS * self.error_s and self.off_frac >= _KNOWN_FRAC
        return sure and self.left_frac <= min(_BETTER * self.misfit_frac, _LEFT_FRAC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DwellTimes:
    """The dwell times that a dose grid has.

    Parameters
    ----------
    dwells_of : tuple of tuple of GroupTime
        Each dwell alone, by channel of the plan, in its order.
    groups : tuple of GroupTime
        Neighbours together until their time is known well.
    factor : float
        Common to all dwells: that of the doses.
    """

    dwells_of: tuple[tuple[GroupTime, ...], ...]
    groups: tuple[GroupTime, ...]
    factor: float

    @property
    def dwells(self) -> tuple[GroupTime, ...]:
        """Each dwell alone."""
        return tuple(dwell for channel in self.dwells_of for dwell in channel)

    @property
    def worst(self) -> GroupTime:
        """The largest difference that the grid tells; where it tells none, the largest of times that it knows well."""
        told = [group for group in (*self.dwells, *self.groups) if group.is_told]
        # Where all agree, the longest time stands for them.
        return max(told or self.groups, key=lambda group: (round(group.off_frac, 4), group.planned_s))


def dwell_times(brachy: BrachyPlan, plan: Plan, grid: GridCheck) -> DwellTimes | None:
    """Fit the dwell times to the planning system's dose; None where it has too few voxels round the dwells.

    Parameters
    ----------
    brachy : BrachyPlan
    plan : Plan
        Of ``brachy``, its dwells in the order of the channels.
    grid : GridCheck
    """
    if not plan.times_s.any():
        return None
    fit = _fitted(plan, *_voxels(plan, grid))
    if fit is None:
        return None
    mean_s = float(plan.times_s[plan.times_s > 0].mean())
    dwells: list[tuple[GroupTime, ...]] = []
    groups: list[GroupTime] = []
    start = 0
    for channel in brachy.channels:
        order = start + np.argsort(channel.relative_mm, kind="stable")
        start += len(order)
        alone = np.sort(order)
        dwells.append(tuple(_group(plan, fit, alone[k : k + 1], channel.number, mean_s) for k in range(len(alone))))
        first = 0
        for end in range(1, len(order) + 1):
            group = _group(plan, fit, order[first:end], channel.number, mean_s)
            if group.error_s <= _KNOWN_FRAC * group.compared_s or end == len(order):
                groups.append(group)
                first = end
    return DwellTimes(dwells_of=tuple(dwells), groups=tuple(groups), factor=fit.factor)


def dwell_row(times: DwellTimes, tolerances: Tolerances) -> CheckRow:
    """Judge the largest difference of a dwell time; not judged where the grid does not tell any so well.

    Parameters
    ----------
    times : DwellTimes
    tolerances : Tolerances
    """
    limit, worst = tolerances.limit("dwell_frac"), times.worst
    verdict: Verdict = "pass"
    if worst.is_told and worst.off_frac > limit.warn_frac:
        verdict = "fail" if worst.off_frac > limit.fail_frac else "warn"
    elif all(_TOLD_ERRORS * group.error_s > limit.fail_frac * group.compared_s for group in times.groups):
        verdict = "not judged"
    return CheckRow(
        kind="dwell",
        quantity=f"dwell time in the grid, {worst.place}",
        unit="s",
        tps=worst.in_dose_s,
        recomputed=worst.planned_s,
        difference_frac=(worst.planned_s - worst.in_dose_s) / worst.compared_s,
        tolerance=f"{limit.text}, of the time or the mean one"
        if verdict != "not judged"
        else f"not told by the grid (standard error {worst.error_s:.2g} s)",
        verdict=verdict,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """Times by least squares, all and with one tenth of the voxels left out; misfits summed over the nearest dwells."""

    times_s: FloatArray
    without_s: FloatArray
    factor: float
    voxels: FloatArray
    misfit: FloatArray
    left: FloatArray


def _voxels(plan: Plan, grid: GridCheck) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Return positions, doses and nearest dwells of judged voxels: about as many nearest to each dwell."""
    rng = np.random.default_rng(0)
    voxels = np.flatnonzero(grid.judged_zyx)
    if len(voxels) > _SEEN_VOXELS:
        voxels = rng.choice(voxels, _SEEN_VOXELS, replace=False)
    places = np.column_stack(np.unravel_index(voxels, grid.tps.grid.shape_zyx))
    points = grid.tps.grid.world(places[:, ::-1])
    apart_mm, nearest = cKDTree(plan.dwells.positions_mm).query(points)
    held = rng.permutation(np.flatnonzero((apart_mm >= _RANGE_MM[0]) & (apart_mm <= _RANGE_MM[1])))
    each = min(max(_VOXELS // len(plan.dwells), _LEAST_EACH), max(_LARGEST_VOXELS // len(plan.dwells), 1))
    by_dwell = held[np.argsort(nearest[held], kind="stable")]
    firsts = np.searchsorted(nearest[by_dwell], np.arange(len(plan.dwells)))
    rank = np.arange(len(by_dwell)) - firsts[nearest[by_dwell]]
    chosen = by_dwell[rank < each]
    gy = grid.tps.values_zyx.reshape(-1)[voxels[chosen]].astype(np.float64)
    return points[chosen], gy, nearest[chosen]


def _fitted(plan: Plan, points: FloatArray, gy: FloatArray, nearest: npt.NDArray[np.int64]) -> _Fit | None:
    count = len(plan.dwells)
    if len(gy) < max(50, 3 * count):
        return None
    cube = np.floor(points / _CUBE_MM).astype(np.int64) @ np.array([7, 13, 29])
    tenths = [np.flatnonzero(cube % _TENTHS == k) for k in range(_TENTHS)]
    size = count + 3
    squares, sides = np.zeros((_TENTHS, size, size)), np.zeros((_TENTHS, size))
    parts = [_columns(plan, points[rows], gy[rows]) for rows in tenths]
    for k, (part, stated) in enumerate(parts):
        squares[k], sides[k] = part.T @ part, part.T @ stated
    first = np.append(plan.exposure_s, np.zeros(3))
    fitted = _solved(squares.sum(axis=0), sides.sum(axis=0), first)
    planned = _nearest(squares.sum(axis=0), sides.sum(axis=0), plan.exposure_s)
    factor = float(planned @ first / (first @ first))
    if not factor > 0:
        return None
    misfit, left = np.zeros(count), np.zeros(count)
    for rows, (part, stated) in zip(tenths, parts, strict=True):
        np.add.at(misfit, nearest[rows], (part @ planned - stated) ** 2)
        np.add.at(left, nearest[rows], (part @ fitted - stated) ** 2)
    pairs = zip(squares, sides, strict=True)
    without_s = np.array([_solved(squares.sum(axis=0) - s, sides.sum(axis=0) - b, first)[:count] for s, b in pairs])
    return _Fit(
        times_s=fitted[:count],
        without_s=without_s,
        factor=_common(fitted[:count], _jackknife(without_s), plan.exposure_s, usual=factor),
        voxels=np.bincount(nearest, minlength=count).astype(np.float64),
        misfit=misfit,
        left=left,
    )


def _jackknife(without: FloatArray) -> FloatArray:
    """Return standard errors from fits without one tenth each."""
    return np.asarray(np.sqrt((_TENTHS - 1) / _TENTHS * ((without - without.mean(axis=0)) ** 2).sum(axis=0)))


def _common(fitted_s: FloatArray, error_s: FloatArray, planned_s: FloatArray, *, usual: float) -> float:
    """Return the factor common to all dwells: the median of those that are known well, so that no wrong one sets it.

    Where they are less than half of the plan, the factor of the whole dose.
    """
    known = np.flatnonzero((planned_s > 0) & (error_s <= _KNOWN_FRAC * planned_s))
    weight = np.cumsum(planned_s[known][np.argsort(fitted_s[known] / planned_s[known], kind="stable")])
    if not len(known) or weight[-1] < planned_s.sum() / 2:
        return usual
    ratios = np.sort(fitted_s[known] / planned_s[known])
    return float(ratios[np.searchsorted(weight, weight[-1] / 2)])


def _columns(plan: Plan, points: FloatArray, gy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what a second at each dwell and a millimetre of shift along each axis add, and the stated dose.

    Both as parts of our dose: theirs may be 0 where it should not.
    """
    rate = dose_rate(plan.dwells, points, plan.source, strength_u=plan.strength_u).gy_per_s
    own_gy = rate @ plan.exposure_s
    steps = _STEP_MM * np.eye(3)
    slopes = [(doses_at(plan, points - step) - doses_at(plan, points + step)) / (2 * _STEP_MM) for step in steps]
    return np.column_stack((rate, *slopes)) / own_gy[:, None], gy / own_gy


def _solved(squares: FloatArray, sides: FloatArray, first: FloatArray) -> FloatArray:
    # The least change of the plan: two channels may have dwells in one place, and far ones no voxel sees.
    return np.asarray(first + np.linalg.lstsq(squares, sides - squares @ first, rcond=1e-11)[0])


def _nearest(squares: FloatArray, sides: FloatArray, exposure_s: FloatArray) -> FloatArray:
    """Return the plan's times as they come nearest to the dose: with a factor common to all, and the grid's shift."""
    free = np.zeros((len(sides), 4))
    free[: len(exposure_s), 0], free[len(exposure_s) :, 1:] = exposure_s, np.eye(3)
    return np.asarray(free @ np.linalg.lstsq(free.T @ squares @ free, free.T @ sides, rcond=1e-11)[0])


def _group(plan: Plan, fit: _Fit, own: npt.NDArray[np.int64], channel: int, mean_s: float) -> GroupTime:
    """Return the times of some neighbours together."""
    error_s = float(_jackknife(fit.without_s[:, own].sum(axis=1))) / fit.factor
    seen = float(fit.voxels[own].sum())
    planned_s = float(plan.times_s[own].sum())
    passing_s = float((plan.exposure_s - plan.times_s)[own].sum())
    return GroupTime(
        channel=channel,
        from_mm=float(plan.dwells.offset_mm[own[0]]),
        to_mm=float(plan.dwells.offset_mm[own[-1]]),
        planned_s=planned_s,
        in_dose_s=float(fit.times_s[own].sum()) / fit.factor - passing_s,
        error_s=error_s if seen else math.inf,
        compared_s=max(planned_s, mean_s),
        misfit_frac=math.sqrt(float(fit.misfit[own].sum()) / seen) if seen else math.nan,
        left_frac=math.sqrt(float(fit.left[own].sum()) / seen) if seen else math.nan,
    )
