"""Points sorted by place: cubes of which one point a round is asked for, cells that are judged by one bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.screen import Cells, cell_numbers, sorted_by_cell
from hdrplan.threads import over_rows

__all__ = ["Cubes", "cells_of", "cubes_of"]

# One row for each cube of this edge and round: neighbouring points violate together, and one row mends them all.
CUBE_MM = 8.0
# Points in a cell of the screen: fewer make its table as large as the matrix, more make its bounds loose.
CELL_POINTS = 12


def cells_of(points_mm: FloatArray, edge_mm: float = CUBE_MM) -> IntArray:
    """Return for each point the number of its cube."""
    cell, _ = _numbered(points_mm, edge_mm)
    return cell


def _numbered(points_mm: FloatArray, edge_mm: float) -> tuple[IntArray, int]:
    low = np.array([points_mm[:, axis].min() for axis in range(3)])
    high = np.array([points_mm[:, axis].max() for axis in range(3)])
    many = ((high - low) / edge_mm).astype(np.int64) + 1
    cell = np.empty(len(points_mm), dtype=np.int64)
    over_rows(lambda first, last: cell_numbers(first, last, points_mm, low, edge_mm, many, cell), len(points_mm))
    return cell, int(many.prod())


@dataclass(frozen=True, slots=True, eq=False)
class Cubes:
    """Points by place: the cube of each, and smaller cells whose points lie together in ``order``.

    Parameters
    ----------
    cube : (n,) array
    order : (n,) array
        Points, cell by cell.
    start : (n_cells + 1,) array
        The points of cell c are ``order[start[c] : start[c + 1]]``; no cell is empty.
    """

    cube: IntArray
    order: IntArray
    start: IntArray

    @property
    def cells(self) -> Cells:
        """The cells as the kernels take them."""
        return Cells(self.order, self.start)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.start) - 1


def cubes_of(points_mm: FloatArray) -> Cubes:
    """Sort points into cubes, and into cells of some dozen points."""
    cube, many = _numbered(points_mm, CUBE_MM)
    used = int((np.bincount(cube, minlength=many) > 0).sum())
    divisions = max(1, int((len(points_mm) / used / CELL_POINTS) ** (1 / 3)))
    cell, many = _numbered(points_mm, CUBE_MM / divisions)
    start, order = np.zeros(many + 2, dtype=np.int64), np.empty(len(cell), dtype=np.int64)
    sorted_by_cell(cell, start, order)
    begins = start[:-2][np.diff(start[:-1]) > 0]
    return Cubes(cube, order, np.append(begins, len(cell)))
