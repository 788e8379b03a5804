"""Which points are on the wrong side of a limit, without a look at most of them.

Points are sorted into cells. The minimum rates of a cell, dwell by dwell, bound the dose of all its points from below
for any times (they are not negative); only cells whose bound fails are looked at point by point. Bounds are sums of one
term a dwell: where some times change, only their terms are computed again. So the extreme rates stand dwell by dwell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = [
    "Cells",
    "Doses",
    "Extremes",
    "Limit",
    "Seconds",
    "Worst",
    "add_to_bounds",
    "cell_extremes",
    "cell_numbers",
    "sorted_by_cell",
    "worst_of_cells",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Extremes are kept in float32, moved outwards by what its rounding may take: a cell is then looked at for nothing.
_OUTWARDS = 2.0**-23


class Cells(NamedTuple):
    """Points, cell by cell: those of cell c are ``order[start[c] : start[c + 1]]``; no cell is empty."""

    order: Ints  # (n_points,)
    start: Ints  # (n_cells + 1,)


class Doses(NamedTuple):
    """What points receive."""

    rates: npt.NDArray[np.floating[Any]]  # (n, n_dwells), Gy/s, in double or single precision
    earlier_gy: Floats  # (n,), dose of former sessions


class Extremes(NamedTuple):
    """What no point of a cell receives less than, or more than; written."""

    rates: npt.NDArray[np.float32]  # (n_dwells, n_cells), Gy/s
    earlier_gy: Floats  # (n_cells,)


class Seconds(NamedTuple):
    """Times of some dwells, or by how much they change."""

    dwells: Ints  # (m,)
    seconds: Floats  # (m,)


class Limit(NamedTuple):
    """A limit of the dose at points."""

    sign: float  # 1: at least, -1: at most
    gy: float
    excused: Bools  # (n_points,), points that it does not bind


class Worst(NamedTuple):
    """The worst point of each cell; written."""

    point: Ints  # (n_cells,)
    short: Floats  # (n_cells,), Gy by which it misses the limit; -inf: no point of the cell can miss it


@jit
def cell_numbers(first: int, last: int, points: Floats, low: Floats, edge: float, count: Ints, cell: Ints) -> None:
    """Find the number of the cube around each point.

    Parameters
    ----------
    first, last : int
    points : (n, 3) array
        mm.
    low : (3,) array
        Lowest corner of all cubes, mm.
    edge : float
        mm.
    count : (3,) array
        Cubes along each axis.
    cell : (n,) array
        Written.
    """
    for i in range(first, last):
        number = 0
        for axis in range(3):
            number = number * count[axis] + min(int((points[i, axis] - low[axis]) / edge), count[axis] - 1)
        cell[i] = number


@jit
def sorted_by_cell(cell: Ints, start: Ints, order: Ints) -> None:
    """Sort points by their cells.

    Parameters
    ----------
    cell : (n,) array
        Cell of each point.
    start : (n_cells + 2,) array
        Written; zeros at first.
    order : (n,) array
        Written: the points of cell c become ``order[start[c] : start[c + 1]]``.
    """
    for i in range(len(cell)):
        start[cell[i] + 2] += 1
    for c in range(2, len(start)):
        start[c] += start[c - 1]
    for i in range(len(cell)):
        order[start[cell[i] + 1]] = i
        start[cell[i] + 1] += 1


@jit
def cell_extremes(
    first: int, last: int, cells: Cells, doses: Doses, sign: float, extremes: Extremes, point: Ints, total: Floats
) -> None:
    """Minimum (or maximum) rate of each dwell, and earlier dose, over the points of each cell.

    Parameters
    ----------
    first, last : int
        Numbers of cells.
    cells : Cells
    doses : Doses
        Of the points.
    sign : float
        1: minimum, -1: maximum.
    extremes : Extremes
        Written.
    point : (n_cells,) array
        Written: the point with the minimum (maximum) sum of its rates.
    total : (n_cells,) array
        Written: that sum, Gy/s.
    """
    rates, earlier_gy = doses.rates, doses.earlier_gy
    order, start = cells.order, cells.start
    n = rates.shape[1]
    extreme = np.empty(n)
    for c in range(first, last):
        begin = order[start[c]]
        for j in range(n):
            extreme[j] = rates[begin, j]
        extremes.earlier_gy[c], point[c], best = earlier_gy[begin], begin, np.inf
        for k in range(start[c], start[c + 1]):
            i = order[k]
            whole = 0.0
            if sign > 0:
                for j in range(n):
                    whole += rates[i, j]
                    extreme[j] = min(extreme[j], rates[i, j])
                extremes.earlier_gy[c] = min(extremes.earlier_gy[c], earlier_gy[i])
            else:
                for j in range(n):
                    whole += rates[i, j]
                    extreme[j] = max(extreme[j], rates[i, j])
                extremes.earlier_gy[c] = max(extremes.earlier_gy[c], earlier_gy[i])
            if sign * whole < best:
                point[c], best = i, sign * whole
        total[c] = sign * best
        for j in range(n):
            extremes.rates[j, c] = extreme[j] * (1.0 - sign * _OUTWARDS)


@jit
def add_to_bounds(first: int, last: int, extremes: Extremes, change: Seconds, bound: Floats) -> None:
    """Add to the bound of each cell what some seconds more give at least (or at most).

    Parameters
    ----------
    first, last : int
        Numbers of cells.
    extremes : Extremes
        From :func:`cell_extremes`.
    change : Seconds
        More seconds of some dwells, or fewer: negative.
    bound : (n_cells,) array
        Written, Gy.
    """
    rates = extremes.rates
    for k in range(len(change.dwells)):
        j, seconds = change.dwells[k], change.seconds[k]
        for c in range(first, last):
            bound[c] += seconds * rates[j, c]


@jit
def worst_of_cells(
    first: int, last: int, cells: Cells, doses: Doses, bound: Floats, times: Floats, limit: Limit, worst: Worst
) -> None:
    """Coldest (or hottest) point of each cell that may miss the limit, and by how much it does.

    Parameters
    ----------
    first, last : int
        Numbers of cells.
    cells : Cells
    doses : Doses
        Of the points.
    bound : (n_cells,) array
        What no point of the cell receives less (more) than, Gy.
    times : (n_dwells,) array
        s, not negative.
    limit : Limit
    worst : Worst
        Written; short is -inf for cells whose bound holds, and for those of which every point is excused.
    """
    rates, order, start, sign = doses.rates, cells.order, cells.start, limit.sign
    n = rates.shape[1]
    for c in range(first, last):
        worst.point[c], worst.short[c] = order[start[c]], -np.inf
        # The last digits of two sums of the same terms may differ.
        if sign * (limit.gy - bound[c]) < -1e-9 * limit.gy:
            continue
        for k in range(start[c], start[c + 1]):
            i = order[k]
            if limit.excused[i]:
                continue
            dose = doses.earlier_gy[i]
            for j in range(n):
                dose += rates[i, j] * times[j]
            if sign * (limit.gy - dose) > worst.short[c]:
                worst.point[c], worst.short[c] = i, sign * (limit.gy - dose)
