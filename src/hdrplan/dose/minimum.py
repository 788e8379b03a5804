"""The minimum dose over all points of a structure, proven: boxes, bounds, and halving.

What is covered are the points of a :class:`hdrplan.dose.Shape`, those at which the trilinear interpolation of its level
is not negative: the shape that the sample points were taken from. Boxes stay inside one cell between eight voxel
centres, so the level is multilinear in each and has its extremes at the corners: a box is outside, inside or cut by the
surface without any doubt. With q >= 0 in the structure, every multiplier w >= 0 gives

    dose(x) >= dose(x) - w q(x) >= minimum over the eight corners of [linear bound - w q],

which is how a box cut by the surface is charged only for its part inside. Boxes whose bound misses the dose wanted are
halved along their longest edge, until the bound holds or a point of the structure is known that misses it too. The
dose is that of :func:`hdrplan.dose.dose_at_points`, inside a capsule that of its side wall: nothing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray, freeze, frozen
from hdrplan.dose.boxes import CORNERS, BoxTree, candidates, lowest_corner
from hdrplan.dose.kept_bounds import KeptBounds
from hdrplan.dose.rate import dose_at_points
from hdrplan.dose.shape import Shape
from hdrplan.dose.tables import checked_strength, checked_times, tables_of
from hdrplan.geometry import Dwells
from hdrplan.kernels.boxes import Boxes, linear_bound_rows
from hdrplan.kernels.tg43 import Stops, padded
from hdrplan.sources import TG43Source
from hdrplan.threads import over_rows

__all__ = ["MAX_BOXES", "MinimumDose", "MinimumDoseSearch", "minimum_dose"]

MAX_BOXES = 3_000_000
"""Boxes that a search examines at most, but for the last round."""

# Of dwells beyond this distance from a structure, bounds in large boxes are enough for the small ones.
_NEAR_DWELL_MM = 15.0
# Half diagonal, mm: a cold point speaks for a box of this size, however much less there may be in it.
_NEAR_MM = 0.2
# A point that misses the dose by this many tolerances speaks for a box of some mm while only a proof is looked for: a
# first plan that leaves a whole region cold took 870,000 boxes and gave 400,000 cold points.
_BY_FAR, _ROUGHLY_MM = 20.0, 1.0
# Places that receive less than this many tolerances more than is wanted are looked at first, before any box, at the
# next times: one of them is cold in two of three rounds. A session of four lesions took 70,000 boxes of each to see it.
_NEARLY_COLD, _MOST_PLACES = 10.0, 20_000
# Of its remainder a box may take this fraction from larger boxes, shared out evenly among the dwells.
_FROM_LARGER_FRAC = 0.3
# No box gets smaller. On the axis beyond a catheter's last dwell the dose has a crease of some Gy per mm, which no
# corner of a larger box meets.
_SMALLEST_MM = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinimumDose:
    """Bounds of the minimum dose in a structure.

    Parameters
    ----------
    lower_gy : float
        No point of the structure receives less: proven.
    upper_gy : float
        The lowest dose found at a point of the structure; infinite where every box was proven without a look at a
        point.
    cold_mm : (n, 3) array
        Points of the structure that keep it from being proven, the coldest first; empty where all is.
    boxes : int
        Boxes examined.
    finished : bool
        Whether every point is proven to receive the dose wanted; ``lower_gy`` holds in any case.
    """

    lower_gy: float
    upper_gy: float
    cold_mm: FloatArray
    boxes: int
    finished: bool

    def __post_init__(self) -> None:
        freeze(self, "cold_mm", (None, 3))


def minimum_dose(
    shape: Shape,
    dwells: Dwells,
    times_s: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
    wanted_gy: float,
    tolerance_gy: float,
) -> MinimumDose:
    """Prove that every point of a structure receives a dose, or find the points that keep it from being proven.

    Parameters
    ----------
    shape : Shape
        Of the structure: one of ``SamplePoints.shapes``, or of :func:`hdrplan.dose.shape_of`.
    dwells : Dwells
    times_s : (n_dwells,) array
    source : TG43Source
    strength_u : float
        Air-kerma strength, U.
    wanted_gy : float
        What is to be proven.
    tolerance_gy : float
        Where a point receives less than ``wanted_gy`` and half of this more, it counts as cold: the boxes round it
        would have to be very small.

    Returns
    -------
    MinimumDose

    Raises
    ------
    InputError
        As in :func:`hdrplan.dose.dose_at_points`.
    """
    search = MinimumDoseSearch(shape, dwells, source, strength_u=strength_u)
    return search.minimum_dose(times_s, wanted_gy=wanted_gy, tolerance_gy=tolerance_gy)


class MinimumDoseSearch:
    """The minimum dose of one structure, asked for time after time: boxes and the bounds of single dwells are kept.

    Parameters
    ----------
    shape, dwells, source, strength_u
        As in :func:`minimum_dose`.
    """

    def __init__(self, shape: Shape, dwells: Dwells, source: TG43Source, *, strength_u: float) -> None:
        self._shape, self._dwells, self._source = shape, dwells, source
        self._strength_u = checked_strength(strength_u)
        self._tree = BoxTree(shape)
        self._kept = KeptBounds(self._near_dwells())
        self._nearly_cold_mm = np.zeros((0, 3))
        self._tables = padded(tables_of(source))
        self._lowest_m = float(source.radial_dose[source.radial_r_mm <= 100.0].min() * source.anisotropy.min())

    def minimum_dose(
        self, times_s: npt.ArrayLike, *, wanted_gy: float, tolerance_gy: float, only_proof: bool = False
    ) -> MinimumDose:
        """Return bounds of the minimum dose at some times; errors as in :func:`minimum_dose`.

        Parameters
        ----------
        times_s : (n_dwells,) array
        wanted_gy, tolerance_gy : float
            As there.
        only_proof : bool
            Whether nothing but a proof is worth small boxes: once a cold point is known, no box is halved below some
            tenths of a mm, and those of very cold points not below a mm; and where a place that was nearly cold before
            is cold now, no box is examined. ``lower_gy`` is then lower than it could be.
        """
        dwells, shape, tree = self._dwells, self._shape, self._tree
        times = checked_times(dwells, times_s)
        if only_proof and (known := self._cold_again(times, wanted_gy, tolerance_gy)) is not None:
            return known
        boxes, examined, lower, upper, finished = tree.roots, 0, np.inf, np.inf, True
        allowed_gy = np.zeros(len(boxes))
        cold: list[FloatArray] = [np.zeros((0, 3))]
        cold_gy: list[FloatArray] = [np.zeros(0)]
        nearly_cold: list[FloatArray] = [np.zeros((0, 3))]
        while len(boxes):
            examined += len(boxes)
            bound = self._bounds(boxes, times, allowed_gy)
            open_ = bound.lower_gy < wanted_gy
            lower = min(lower, float(bound.lower_gy[~open_].min(initial=np.inf)))
            boxes, bound = boxes[open_], bound.of(open_)
            points = frozen(shape.grid.world(self._coldest(boxes, bound)))
            doses = dose_at_points(dwells, times, points, self._source, strength_u=self._strength_u).gy
            # A level that is 0 but for its rounding: no point of the structure is known in the box.
            doses = np.where(shape.holds(points), doses, np.inf)
            upper = min(upper, float(doses.min(initial=np.inf)))
            nearly_cold.append(points[doses < wanted_gy + _NEARLY_COLD * tolerance_gy])
            missed = doses < wanted_gy + tolerance_gy / 2
            # A cold point speaks for its box when little lies below it.
            little = (doses - bound.lower_gy < tolerance_gy / 4) | (bound.half_diagonal_mm < _NEAR_MM)
            stop = (missed & little) | (bound.half_diagonal_mm < _SMALLEST_MM)
            if only_proof and (missed.any() or not finished):
                by_far = doses < wanted_gy - _BY_FAR * tolerance_gy
                stop |= bound.half_diagonal_mm < np.where(by_far, _ROUGHLY_MM, _NEAR_MM)
            if examined > MAX_BOXES:
                stop[:] = True
            if stop.any():
                finished = False
                lower = min(lower, float(bound.lower_gy[stop].min()))
                cold.append(points[stop & missed])
                cold_gy.append(doses[stop & missed])
            boxes, from_whole, rest_gy = self._halves(boxes[~stop], bound.of(~stop))
            # Half of the halves lie on the warm side of their box, and its bound is enough for them.
            proven = from_whole >= wanted_gy
            examined += int(proven.sum())
            lower = min(lower, float(from_whole[proven].min(initial=np.inf)))
            boxes, allowed_gy = (
                boxes[~proven],
                rest_gy[~proven] * (_FROM_LARGER_FRAC / max(1, int(np.count_nonzero(times)))),
            )
        # The last ones are those in the smallest boxes.
        self._nearly_cold_mm = np.concatenate(nearly_cold)[-_MOST_PLACES:]
        return MinimumDose(
            lower_gy=lower,
            upper_gy=max(lower, upper),
            cold_mm=np.concatenate(cold)[np.argsort(np.concatenate(cold_gy), kind="stable")],
            boxes=examined,
            finished=finished,
        )

    def _cold_again(self, times_s: FloatArray, wanted_gy: float, tolerance_gy: float) -> MinimumDose | None:
        """Return the places of the last search that are cold at these times; None for none."""
        places = frozen(self._nearly_cold_mm)
        gy = dose_at_points(self._dwells, times_s, places, self._source, strength_u=self._strength_u).gy
        # Between what is wanted and a quarter of the tolerance more, boxes would have to be very small.
        if gy.min(initial=np.inf) >= wanted_gy + tolerance_gy / 4:
            return None
        order = np.argsort(gy, kind="stable")
        cold = places[order[gy[order] < wanted_gy + tolerance_gy / 2]]
        return MinimumDose(lower_gy=0.0, upper_gy=float(gy.min()), cold_mm=cold, boxes=0, finished=False)

    def _near_dwells(self) -> BoolArray:
        """Which dwells lie near the structure."""
        tree, grid = self._tree, self._shape.grid
        half_mm = tree.size(tree.roots) / 2 * grid.spacing_mm
        centres = grid.world(tree.low(tree.roots) + tree.size(tree.roots) / 2)
        reach_mm = np.linalg.norm(half_mm, axis=1).max(initial=0.0) + _NEAR_DWELL_MM
        apart_mm = np.linalg.norm(self._dwells.positions_mm[:, None, :] - centres, axis=2)
        return np.asarray(apart_mm.min(axis=1, initial=np.inf) <= reach_mm)

    def _bounds(self, boxes: IntArray, times_s: FloatArray, allowed_gy: FloatArray) -> _Bounds:
        low, size, level = self._tree.low(boxes), self._tree.size(boxes), self._tree.level(boxes)
        grid, half_mm = self._shape.grid, size / 2 * self._shape.grid.spacing_mm
        rho = np.linalg.norm(half_mm, axis=1)
        asked = Boxes(frozen(grid.world(low + size / 2)), frozen(rho), frozen(grid.direction), frozen(allowed_gy))
        stops = Stops(self._dwells.positions_mm, self._dwells.axes, frozen(self._strength_u * times_s))
        kept, out = self._kept.of(boxes, self._tree.wholes(), times_s > 0.0), np.empty((len(boxes), 5))
        over_rows(
            lambda first, last: linear_bound_rows(first, last, asked, stops, self._lowest_m, self._tables, kept, out),
            len(boxes),
            smallest=64,
        )
        rise = _rise(out[:, 1:4], half_mm)
        lower = out[:, 0] - out[:, 4] + lowest_corner(rise, level)
        return _Bounds(lower, out, rise, level, rho)

    def _halves(self, boxes: IntArray, bound: _Bounds) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the halves of boxes, what the linear bounds of the whole boxes say of each, and their remainders."""
        tree = self._tree
        halves = tree.halves(boxes)
        whole = tree.rows_of_halves(boxes)
        half_mm = tree.size(halves) / 2 * self._shape.grid.spacing_mm
        middle_mm = tree.low(halves) * self._shape.grid.spacing_mm + half_mm
        whole_mm = (tree.low(boxes) + tree.size(boxes) / 2) * self._shape.grid.spacing_mm
        value, slope, rest = bound.linear[whole, 0], bound.linear[whole, 1:4], bound.linear[whole, 4]
        there = value - rest + ((middle_mm - whole_mm[whole]) * slope).sum(axis=1)
        return halves, there + lowest_corner(_rise(slope, half_mm), tree.level(halves)), rest

    def _coldest(self, boxes: IntArray, bound: _Bounds) -> FloatArray:
        """Of each box, the place in the structure where the dose's slopes say it is lowest; grid indices.

        Candidates are the corners inside and, since the level is linear along an edge, the places where edges pass
        the surface.
        """
        places, rise = candidates(bound.level, bound.rise_gy)
        at = places[np.arange(len(boxes)), rise.argmin(axis=1)]
        return np.asarray(self._tree.low(boxes) + (at + 1) / 2 * self._tree.size(boxes))


class _Bounds(NamedTuple):
    """What is known of boxes, one row a box."""

    lower_gy: FloatArray  # (n,): no point of the structure in the box receives less
    linear: FloatArray  # (n, 5): dose in the middle, slopes along the axes, remainder
    rise_gy: FloatArray  # (n, 8): from the middle to each corner, by the slopes of the bound
    level: FloatArray  # (n, 8): of the shape at the corners
    half_diagonal_mm: FloatArray  # (n,)

    def of(self, chosen: BoolArray) -> _Bounds:
        return _Bounds(*(array[chosen] for array in self))


def _rise(slope: FloatArray, half_mm: FloatArray) -> FloatArray:
    """Rise of a linear function from the middle of boxes to their corners, (n, 8)."""
    return np.asarray((slope * half_mm) @ CORNERS.T)
