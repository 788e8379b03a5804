"""Gaussian blurs of masks, and the distance from a mask's faces that two of them tell.

References
----------
Wichura MJ, Algorithm AS 241: the percentage points of the normal distribution, J R Stat Soc C 1988;37:477.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["Blurred", "Scales", "along_rows", "distance_rows", "within_rows"]

Singles = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]

# Blurred values nearer to 0 or 1 than this, of one blur and of two, are as good as 0 or 1.
_ONCE, _TWICE = 1e-3, 1e-6


class Blurred(NamedTuple):
    """A mask blurred by a narrow and by a wide normal distribution, once and twice; flat arrays."""

    narrow: Singles
    narrow_twice: Singles
    wide: Singles
    wide_twice: Singles


class Scales(NamedTuple):
    """Lengths in voxels, but for ``reach``, which is in standard deviations."""

    narrow: float  # standard deviation
    wide: float  # standard deviation
    step: float  # by this much the wide blur may move the surface of the narrow one
    reach: float  # beyond it there is nothing
    own_side: float  # voxel centres keep their side by this much


@jit
def _mirrored(k: int, n: int) -> int:
    """Index within 0 to n - 1 of what lies at k: the array is mirrored at its ends."""
    k %= 2 * n
    return k if k < n else 2 * n - 1 - k


@jit
def along_rows(
    first: int, last: int, values: npt.NDArray[np.float32], weights: Weights, out: npt.NDArray[np.float32]
) -> None:
    """Blur along the middle axis of an (a, b, c) array, for rows ``first:last`` of the a * b.

    Parameters
    ----------
    first, last : int
    values : (a, b, c) float32 array
    weights : (r + 1,) array
        Of the middle and of its neighbours on either side.
    out : (a, b, c) float32 array
        Written.
    """
    n, width = values.shape[1], values.shape[2]
    total = np.empty(width)
    for row in range(first, last):
        a, b = row // n, row % n
        here = values[a, b]
        for x in range(width):
            total[x] = weights[0] * here[x]
        for k in range(1, len(weights)):
            before, after, weight = values[a, _mirrored(b - k, n)], values[a, _mirrored(b + k, n)], weights[k]
            for x in range(width):
                total[x] += weight * (np.float64(before[x]) + np.float64(after[x]))
        for x in range(width):
            out[a, b, x] = total[x]


@jit
def within_rows(
    first: int, last: int, values: npt.NDArray[np.float32], weights: Weights, out: npt.NDArray[np.float32]
) -> None:
    """Blur each of the rows ``first:last`` of an (m, n) array along itself; parameters as in :func:`along_rows`."""
    n, reach = values.shape[1], len(weights) - 1
    line, total = np.empty(n + 2 * reach), np.empty(n)
    for row in range(first, last):
        for x in range(reach):
            line[x], line[n + reach + x] = values[row, _mirrored(x - reach, n)], values[row, _mirrored(n + x, n)]
        for x in range(n):
            line[reach + x] = values[row, x]
            total[x] = weights[0] * line[reach + x]
        for k in range(1, reach + 1):
            weight, before, after = weights[k], line[reach - k :], line[reach + k :]
            for x in range(n):
                total[x] += weight * (before[x] + after[x])
        for x in range(n):
            out[row, x] = total[x]


@jit
def _normal_quantile(p: float) -> float:
    """Percentage point of the normal distribution, to 1e-15 (AS 241, PPND16); 0 < p < 1."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = ((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
        num = (((num + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
        num = (num + 133.14166789178437745) * r + 3.387132872796366608
        den = ((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
        den = (((den + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
        return float(q * num / ((den + 42.313330701600911252) * r + 1.0))
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        num = ((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
        num = (((num + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
        num = (num + 4.6303378461565452959) * r + 1.42343711074968357734
        den = ((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
        den = (((den + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
        den = (den + 2.05319162663775882187) * r + 1.0
    else:
        r -= 5.0
        num = ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
        num = (((num + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
        num = (num + 5.4637849111641143699) * r + 6.6579046435011037772
        den = ((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
        den = (((den + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
        den = (den + 0.59983220655588793769) * r + 1.0
    return float(math.copysign(num / den, q))


@jit
def _distance(once: float, twice: float, reach: float) -> float:
    """Distance from a face in standard deviations, positive inside; beyond ``reach``, that.

    The second blur has sqrt(2) the standard deviation and twice the shift by curvature.
    """
    if once <= _ONCE or once >= 1.0 - _ONCE or twice <= _TWICE or twice >= 1.0 - _TWICE:
        return reach if once > 0.5 else -reach
    away = 2.0 * _normal_quantile(once) - math.sqrt(2.0) * _normal_quantile(twice)
    return float(min(max(away, -reach), reach))


@jit
def distance_rows(
    first: int, last: int, blurred: Blurred, mask: npt.NDArray[np.bool_], scales: Scales, out: npt.NDArray[np.float32]
) -> None:
    """Signed distance of voxels ``first:last`` from the mask's faces, in voxels.

    Parameters
    ----------
    first, last : int
    blurred : Blurred
    mask : (n,) bool array
    scales : Scales
    out : (n,) float32 array
        Written.
    """
    for i in range(first, last):
        wide = scales.wide * _distance(np.float64(blurred.wide[i]), np.float64(blurred.wide_twice[i]), scales.reach)
        narrow = scales.narrow * _distance(
            np.float64(blurred.narrow[i]), np.float64(blurred.narrow_twice[i]), scales.reach
        )
        if abs(narrow) < scales.reach * scales.narrow - scales.step:
            wide = min(max(wide, narrow - scales.step), narrow + scales.step)
        out[i] = max(wide, scales.own_side) if mask[i] else min(wide, -scales.own_side)
