"""Linear lower bounds of a structure's dose in boxes, from large boxes to the small ones inside them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray, frozen
from hdrplan.dose.boxes import CORNERS, BoxTree, lowest_inside
from hdrplan.dose.factor import FactorBound
from hdrplan.dose.kept_bounds import KeptBounds
from hdrplan.dose.shape import Shape
from hdrplan.dose.tables import tables_of
from hdrplan.geometry import Dwells, Volume
from hdrplan.kernels.boxes import Boxes, Left, linear_bound_rows
from hdrplan.kernels.tg43 import Stops, padded
from hdrplan.sources import TG43Source
from hdrplan.threads import over_rows

__all__ = ["Bounds", "BoxBounds"]

# Of dwells beyond this distance from a structure, bounds are kept in large boxes only: small ones take their sum.
_NEAR_DWELL_MM = 15.0
# Dwells listed for the boxes of one pass, in which those that large boxes settled are left out of new lists: 200 MB.
_MOST_LISTED = 50_000_000


class Bounds(NamedTuple):
    """What is known of boxes, one row a box."""

    lower_gy: FloatArray  # (n,): no point of the structure in the box receives less
    linear: FloatArray  # (n, 5): dose in the middle, slopes along the axes, remainder
    rise_gy: FloatArray  # (n, 8): from the middle to each corner, by the slopes of the bound
    level: FloatArray  # (n, 8): of the shape at the corners
    half_diagonal_mm: FloatArray  # (n,)

    def of(self, chosen: BoolArray) -> Bounds:
        """Return those of some boxes."""
        return Bounds(*(array[chosen] for array in self))


def left_of(left: Left, chosen: BoolArray) -> Left:
    """Return what is left to some of the boxes."""
    return Left(left.sums[chosen], left.first[chosen], left.length[chosen], left.stops)


class BoxBounds:
    """Bounds of the dose in the boxes of one structure; those of single dwells are kept for other times.

    Parameters
    ----------
    shape : Shape
    dwells : Dwells
    source : TG43Source
    strength_u : float
        Air-kerma strength, U.
    factor : Volume, optional
        What TG-43's dose is multiplied by. What large boxes leave to those inside is TG-43's.
    """

    def __init__(
        self, shape: Shape, dwells: Dwells, source: TG43Source, *, strength_u: float, factor: Volume | None = None
    ) -> None:
        self._factored = None if factor is None else FactorBound(shape.grid, factor)
        self.tree, self._grid, self._dwells, self._strength_u = BoxTree(shape), shape.grid, dwells, strength_u
        self._kept = KeptBounds(self._near_dwells())
        self._tables = padded(tables_of(source))
        self._lowest_m = float(source.radial_dose[source.radial_r_mm <= 100.0].min() * source.anisotropy.min())

    def _near_dwells(self) -> BoolArray:
        """Which dwells lie near the structure."""
        tree, grid = self.tree, self._grid
        half_mm = tree.size(tree.roots) / 2 * grid.spacing_mm
        centres = grid.world(tree.low(tree.roots) + tree.size(tree.roots) / 2)
        reach_mm = np.linalg.norm(half_mm, axis=1).max(initial=0.0) + _NEAR_DWELL_MM
        apart_mm = np.linalg.norm(self._dwells.positions_mm[:, None, :] - centres, axis=2)
        return np.asarray(apart_mm.min(axis=1, initial=np.inf) <= reach_mm)

    def roots(self, times_s: FloatArray) -> Left:
        """Return what is left to the largest boxes: all dwells with a time."""
        n, used = len(self.tree.roots), np.flatnonzero(times_s > 0.0).astype(np.int32)
        return Left(np.zeros((n, 5)), np.zeros(n, dtype=np.int64), np.full(n, len(used)), used)

    def bounds(self, boxes: IntArray, times_s: FloatArray, left: Left, allowed_gy: float) -> tuple[Bounds, Left]:
        """Return what is known of boxes, and what they leave to those inside.

        Parameters
        ----------
        boxes : (n,) int array
            Their numbers in the tree.
        times_s : (n_dwells,) array
        left : Left
            What larger boxes left to them.
        allowed_gy : float
            Remainder of a dwell up to which its bound is enough for all boxes inside.
        """
        low, size, level = self.tree.low(boxes), self.tree.size(boxes), self.tree.level(boxes)
        half_mm = size / 2 * self._grid.spacing_mm
        rho = np.linalg.norm(half_mm, axis=1)
        asked = Boxes(frozen(self._grid.world(low + size / 2)), frozen(rho), frozen(self._grid.direction))
        stops = Stops(self._dwells.positions_mm, self._dwells.axes, frozen(self._strength_u * times_s))
        kept, out = self._kept.of(boxes, times_s > 0.0), np.empty((len(boxes), 5))
        new_lists = int(left.length.sum()) <= _MOST_LISTED
        inside = _room_for(left) if new_lists else left
        allowed = allowed_gy if new_lists else -1.0
        over_rows(
            lambda first, last: linear_bound_rows(
                first, last, asked, stops, self._lowest_m, self._tables, kept, left, allowed, out, inside
            ),
            len(boxes),
            smallest=64,
        )
        if self._factored is not None:
            self._factored.apply(low, size, out)
        rise = _rise(out[:, 1:4], half_mm)
        lower = out[:, 0] - out[:, 4] + lowest_inside(rise, level)
        return Bounds(lower, out, rise, level, rho), inside

    def halves(self, boxes: IntArray, bounds: Bounds, inside: Left) -> tuple[IntArray, FloatArray, Left]:
        """Return the halves of boxes, what the linear bounds of the whole boxes say of each, and what is left to each.

        Parameters
        ----------
        boxes : (n,) int array
        bounds : Bounds
        inside : Left
            As :meth:`bounds` returns both of these boxes.
        """
        tree, spacing_mm = self.tree, self._grid.spacing_mm
        halves = tree.halves(boxes)
        whole = tree.rows_of_halves(boxes)
        half_mm = tree.size(halves) / 2 * spacing_mm
        away_mm = (
            tree.low(halves) * spacing_mm + half_mm - ((tree.low(boxes) + tree.size(boxes) / 2) * spacing_mm)[whole]
        )
        value, slope, rest = bounds.linear[whole, 0], bounds.linear[whole, 1:4], bounds.linear[whole, 4]
        there = value - rest + (away_mm * slope).sum(axis=1)
        sums = inside.sums[whole]
        sums[:, 0] += (away_mm * sums[:, 1:4]).sum(axis=1)
        lowest = there + lowest_inside(_rise(slope, half_mm), tree.level(halves))
        return halves, lowest, Left(sums, inside.first[whole], inside.length[whole], inside.stops)


def _room_for(left: Left) -> Left:
    """Return room for what boxes leave to those inside: no more dwells than larger ones left to them."""
    first = np.cumsum(left.length) - left.length
    dwells = np.empty(int(left.length.sum()), dtype=np.int32)
    return Left(np.empty_like(left.sums), first, np.empty_like(left.length), dwells)


def _rise(slope: FloatArray, half_mm: FloatArray) -> FloatArray:
    """Rise of a linear function from the middle of boxes to their corners, (n, 8)."""
    return np.asarray((slope * half_mm) @ CORNERS.T)
