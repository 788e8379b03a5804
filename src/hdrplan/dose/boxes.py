"""Boxes that cover a shape: where they lie, how they are halved, and what their corners say of all points in them.

A box is given by its lower corner and its size, as x, y, z indices of the grid. Boxes of one cell and less have a
level that is multilinear in them; in larger ones a plane stands for it that is not below it.
"""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose.shape import Shape
from hdrplan.kernels.levels import corner_level_rows, lowest_inside_rows
from hdrplan.threads import over_rows

__all__ = ["CORNERS", "BoxTree", "candidates", "first_boxes", "halved", "levels", "lowest_inside"]

CORNERS = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
"""Corners of a box from its middle, in half edges, (8, 3)."""

_EDGES = [(i, j) for i in range(8) for j in range(i) if (CORNERS[i] != CORNERS[j]).sum() == 1]
# Cells along an edge of the first boxes: where doses are high, boxes of some millimetres are proven at once.
_BLOCK = 8
# Points where an edge passes the surface are taken this fraction of the edge inside, clear of rounding.
_HAIR = 1e-7


def first_boxes(shape: Shape) -> tuple[FloatArray, FloatArray]:
    """Boxes of eight cells a side that cover the shape: lower corners and sizes, as x, y, z indices."""
    count = -(-(np.array(shape.level_zyx.shape[::-1]) - 1) // _BLOCK)
    low = _BLOCK * np.stack(np.meshgrid(*(np.arange(n) for n in count), indexing="ij"), axis=-1).reshape(-1, 3)
    low, size = low.astype(np.float64), np.full(low.shape, float(_BLOCK))
    held = levels(shape, low, size).max(axis=1) >= 0.0
    return low[held], size[held]


def levels(shape: Shape, low: FloatArray, size: FloatArray) -> FloatArray:
    """Return levels at the eight corners of each box, (n, 8), in the order of ``CORNERS``.

    Within one cell it is the shape's; in larger boxes that of a plane which is not below it wherever that is inside.

    Parameters
    ----------
    shape : Shape
    low, size : (n, 3) array
        Lower corners and sizes in grid indices.
    """
    out = np.empty((len(low), 8))
    over_rows(
        lambda first, last: corner_level_rows(first, last, shape.level_zyx, low, size, out), len(low), smallest=64
    )
    return out


def lowest_inside(rise: FloatArray, level: FloatArray) -> FloatArray:
    """Return a bound of how far a linear dose falls from the middle of boxes, wherever the level is not negative.

    Parameters
    ----------
    rise, level : (n, 8) array
        Of the dose from the middle to each corner; level of :func:`levels` at the corners.
    """
    out = np.empty(len(rise))
    over_rows(lambda first, last: lowest_inside_rows(first, last, rise, level, out), len(rise), smallest=2000)
    return out


def candidates(level: FloatArray, rise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Places on the edges of boxes, -1 to 1, and the rise of the dose to them: inf outside the structure."""
    n = len(level)
    share = np.zeros((n, len(_EDGES)))
    for e, (i, j) in enumerate(_EDGES):
        cut = (level[:, i] >= 0) != (level[:, j] >= 0)
        inward = np.where(level[cut, i] >= 0, -_HAIR, _HAIR)
        share[cut, e] = np.clip(level[cut, i] / (level[cut, i] - level[cut, j]) + inward, 0.0, 1.0)
    ends = np.array(_EDGES)
    there = rise[:, ends[:, 0]] + share * (rise[:, ends[:, 1]] - rise[:, ends[:, 0]])
    there[(level[:, ends[:, 0]] >= 0) == (level[:, ends[:, 1]] >= 0)] = np.inf
    on_edges = CORNERS[ends[:, 0]] + share[:, :, None] * (CORNERS[ends[:, 1]] - CORNERS[ends[:, 0]])
    corners = np.broadcast_to(CORNERS, (n, 8, 3))
    return np.concatenate((corners, on_edges), axis=1), np.concatenate(
        (np.where(level >= 0, rise, np.inf), there), axis=1
    )


def halved(low: FloatArray, size: FloatArray, spacing_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both halves of each box, cut across its longest edge.

    Parameters
    ----------
    low, size : (n, 3) array
        Lower corners and sizes in grid indices.
    spacing_mm : (3,) array
    """
    longest = (size * spacing_mm).argmax(axis=1)
    half = size.copy()
    rows = np.arange(len(size))
    half[rows, longest] /= 2
    other = low.copy()
    other[rows, longest] += half[rows, longest]
    return np.concatenate((low, other)), np.concatenate((half, half))


class BoxTree:
    """Boxes of one shape and their halves, made when they are first asked for; a box keeps its number.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        self._shape, self._count = shape, 0
        self._low, self._size, self._level = np.empty((0, 3)), np.empty((0, 3)), np.empty((0, 8))
        # Number of the first half, -1 until it is asked for; halves outside the shape are dropped.
        self._first, self._halves = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        low, size = first_boxes(shape)
        self._add(low, size, levels(shape, low, size))
        self.roots: IntArray = np.arange(self._count)
        """Numbers of the boxes that cover the shape."""

    def low(self, boxes: IntArray) -> FloatArray:
        """Lower corners, (n, 3)."""
        return self._low[boxes]

    def size(self, boxes: IntArray) -> FloatArray:
        """Sizes, (n, 3)."""
        return self._size[boxes]

    def level(self, boxes: IntArray) -> FloatArray:
        """Level at the corners, (n, 8)."""
        return self._level[boxes]

    def halves(self, boxes: IntArray) -> IntArray:
        """Numbers of the halves of boxes, those that hold a part of the shape."""
        new = boxes[self._first[boxes] < 0]
        low, size = halved(self._low[new], self._size[new], self._shape.grid.spacing_mm)
        both = np.arange(2 * len(new)).reshape(2, -1).T.ravel()  # the two halves of a box one after the other
        low, size = low[both], size[both]
        level = levels(self._shape, low, size)
        held = level.max(axis=1, initial=-np.inf) >= 0
        count = held.reshape(len(new), 2).sum(axis=1)
        self._halves[new], self._first[new] = count, self._count + np.cumsum(count) - count
        self._add(low[held], size[held], level[held])
        count = self._halves[boxes]
        return np.repeat(self._first[boxes] - np.cumsum(count) + count, count) + np.arange(count.sum())

    def rows_of_halves(self, boxes: IntArray) -> IntArray:
        """Of each half that :meth:`halves` returned for these boxes, the row of its box among them."""
        return np.repeat(np.arange(len(boxes)), self._halves[boxes])

    def _add(self, low: FloatArray, size: FloatArray, level: FloatArray) -> None:
        start, self._count = self._count, self._count + len(low)
        if self._count > len(self._low):
            more = max(self._count, 2 * len(self._low)) - len(self._low)
            self._low, self._size, self._level, self._first, self._halves = (
                np.concatenate((array, np.full((more, *array.shape[1:]), -1, dtype=array.dtype)))
                for array in (self._low, self._size, self._level, self._first, self._halves)
            )
        added = slice(start, self._count)
        self._low[added], self._size[added], self._level[added] = low, size, level
