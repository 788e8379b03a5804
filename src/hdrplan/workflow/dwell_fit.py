"""The dwell times that a dose grid has, by least squares, with a factor common to all and a shift of the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import dose_rate
from hdrplan.plan import Plan
from hdrplan.workflow.check_grid import GridCheck
from hdrplan.workflow.check_rows import doses_at

__all__ = ["KNOWN_FRAC", "DwellFit", "fit_times"]

# Nearer to a dwell a grid's own coarseness decides, farther hardly one dwell stands out.
_RANGE_MM = (5.0, 25.0)
# Voxels in all, the same number nearest to each dwell, and from how many a dwell on nothing is told.
_VOXELS, _LARGEST_VOXELS, _LEAST_EACH, _SEEN_VOXELS = 6000, 20_000, 12, 200_000
# Standard errors come from leaving out one tenth of the voxels after the other, in cubes of this edge: what a grid or a
# table of another source has wrong is wrong in neighbouring voxels alike.
_TENTHS, _CUBE_MM = 10, 10.0
# A shift of the whole grid is fitted beside the times, by the slope of the dose over twice this.
_STEP_MM = 0.2
# Neighbours are taken together until their time is known so well, as a part of what is judged; less is no difference.
KNOWN_FRAC = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DwellFit:
    """Times by least squares, and how well they explain the dose.

    Parameters
    ----------
    times_s : (n_dwells,) array
        Of the moving source too; they are in the dose, times the factor.
    without_s : (10, n_dwells) array
        Each with one tenth of the voxels left out.
    factor : float
        Common to all dwells.
    voxels : (n_dwells,) array
        Number of those nearest to each dwell.
    misfit, left : (n_dwells,) array
        Squared relative differences of dose summed over these voxels, with the plan's times and with the fitted ones.
    """

    times_s: FloatArray
    without_s: FloatArray
    factor: float
    voxels: FloatArray
    misfit: FloatArray
    left: FloatArray

    def error_s(self, dwells: IntArray) -> float:
        """Return the standard error of the times of some dwells together."""
        return float(_jackknife(self.without_s[:, dwells].sum(axis=1)))


def fit_times(plan: Plan, grid: GridCheck) -> DwellFit | None:
    """Fit the dwell times to the planning system's dose; None where it has too few voxels round the dwells.

    Parameters
    ----------
    plan : Plan
    grid : GridCheck
    """
    return _fitted(plan, *_voxels(plan, grid))


def _voxels(plan: Plan, grid: GridCheck) -> tuple[FloatArray, FloatArray, IntArray]:
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


def _fitted(plan: Plan, points: FloatArray, gy: FloatArray, nearest: IntArray) -> DwellFit | None:
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
    return DwellFit(
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
    known = np.flatnonzero((planned_s > 0) & (error_s <= KNOWN_FRAC * planned_s))
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
