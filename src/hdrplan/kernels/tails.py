"""Means over the smallest values: for every column those of its own rows that together have a given volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["lowest_means"]

F64 = npt.NDArray[np.float64]
Rates = npt.NDArray[np.floating[Any]]  # in double or single precision
I64 = npt.NDArray[np.int64]


@jit
def _lowest_mean(value: F64, volume: F64, wanted: float) -> float:
    """Mean of the smallest values that together have the volume wanted; orders both arrays anew."""
    first, last, left, total = 0, len(value), wanted, 0.0
    while last > first:
        a, b, c = value[first], value[(first + last) // 2], value[last - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        below, above, at = first, last, first
        below_volume, below_total, same_volume = 0.0, 0.0, 0.0
        # Smaller values to the front, greater ones to the back.
        while at < above:
            if value[at] < pivot:
                below_volume += volume[at]
                below_total += volume[at] * value[at]
                value[at], value[below] = value[below], value[at]
                volume[at], volume[below] = volume[below], volume[at]
                below += 1
                at += 1
            elif value[at] > pivot:
                above -= 1
                value[at], value[above] = value[above], value[at]
                volume[at], volume[above] = volume[above], volume[at]
            else:
                same_volume += volume[at]
                at += 1
        if below_volume >= left and below > first:
            last = below
            continue
        total += below_total
        left -= below_volume
        if same_volume >= left:
            total += pivot * left
            left = 0.0
            break
        total += pivot * same_volume
        left -= same_volume
        first = above
    return total / (wanted - left)


@jit
def lowest_means(
    first: int, last: int, sign: float, rates: Rates, at: I64, volume: F64, wanted: float, mean: F64
) -> None:
    """Find for some columns the mean of the smallest values that together have a volume.

    Parameters
    ----------
    first, last : int
        Columns ``first`` to ``last - 1``.
    sign : float
        1: the smallest values, -1: the greatest.
    rates : (n, columns) array
    at : (m,) int array
        The rows looked at.
    volume : (m,) array
        Their volumes.
    wanted : float
        Above zero, at most the sum of the volumes.
    mean : (columns,) array
        Written.
    """
    value, own = np.empty(len(at)), np.empty(len(at))
    for j in range(first, last):
        for i in range(len(at)):
            value[i] = sign * rates[at[i], j]
            own[i] = volume[i]
        mean[j] = sign * _lowest_mean(value, own, wanted)
