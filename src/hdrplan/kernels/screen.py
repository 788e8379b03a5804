"""Which points are on the wrong side of a limit, without a look at most of them.

Points are sorted into cells. The least rates of a cell, dwell by dwell, bound the dose of all its points from below for
any times (they are not negative); only cells whose bound fails are looked at point by point.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["cell_extremes", "cell_numbers", "sorted_by_cell", "worst_of_cells"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@jit
def cell_numbers(first: int, last: int, points: Floats, low: Floats, edge: float, many: Ints, cell: Ints) -> None:
    """Find the number of the cube around each point; there are ``many`` cubes along each axis from ``low`` on."""
    for i in range(first, last):
        number = 0
        for axis in range(3):
            number = number * many[axis] + min(int((points[i, axis] - low[axis]) / edge), many[axis] - 1)
        cell[i] = number


@jit
def sorted_by_cell(cell: Ints, start: Ints, order: Ints) -> None:
    """Fill ``order`` with the points cell by cell; those of cell c become ``order[start[c] : start[c + 1]]``.

    ``start`` has two entries more than there are cells, and begins as zeros.
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
    first: int,
    last: int,
    order: Ints,
    start: Ints,
    rates: Floats,
    given: Floats,
    sign: float,
    least: Floats,
    least_given: Floats,
    point: Ints,
    total: Floats,
) -> None:
    """Least (``sign`` 1) or greatest (-1) rate of each dwell, and dose given, over the points of each cell.

    ``point`` becomes the point of the cell with the least (greatest) sum of its rates, ``total`` that sum.
    """
    n = rates.shape[1]
    for c in range(first, last):
        begin = order[start[c]]
        for j in range(n):
            least[c, j] = rates[begin, j]
        least_given[c], point[c], best = given[begin], begin, np.inf
        for k in range(start[c], start[c + 1]):
            i = order[k]
            whole = 0.0
            if sign > 0:
                for j in range(n):
                    whole += rates[i, j]
                    least[c, j] = min(least[c, j], rates[i, j])
                least_given[c] = min(least_given[c], given[i])
            else:
                for j in range(n):
                    whole += rates[i, j]
                    least[c, j] = max(least[c, j], rates[i, j])
                least_given[c] = max(least_given[c], given[i])
            if sign * whole < best:
                point[c], best = i, sign * whole
        total[c] = sign * best


@jit
def worst_of_cells(
    first: int,
    last: int,
    order: Ints,
    start: Ints,
    rates: Floats,
    given: Floats,
    sign: float,
    least: Floats,
    least_given: Floats,
    times: Floats,
    limit: float,
    excused: Bools,
    point: Ints,
    short: Floats,
) -> None:
    """Coldest (``sign`` 1) or hottest (-1) point of each cell that may miss the limit, and what it is short of it.

    ``short`` is negative infinity for cells whose bound holds, and for those of which every point is excused.
    """
    n = rates.shape[1]
    for c in range(first, last):
        point[c], short[c] = order[start[c]], -np.inf
        bound = least_given[c]
        for j in range(n):
            bound += least[c, j] * times[j]
        # The last digits of two sums of the same terms may differ.
        if sign * (limit - bound) < -1e-9 * limit:
            continue
        for k in range(start[c], start[c + 1]):
            i = order[k]
            if excused[i]:
                continue
            dose = given[i]
            for j in range(n):
                dose += rates[i, j] * times[j]
            if sign * (limit - dose) > short[c]:
                point[c], short[c] = i, sign * (limit - dose)
