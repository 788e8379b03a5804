"""Linear lower bounds of a dose times a factor, written directly: all corners of all pieces, plain sums."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def factor_at(values_zyx: Floats, place_xyz: Floats) -> float:
    """Return the trilinear value at a place; outside that of the border."""
    inside = [min(max(float(p), 0.0), n - 1.0) for p, n in zip(place_xyz, values_zyx.shape[::-1], strict=True)]
    total = 0.0
    for corner in product((0, 1), repeat=3):
        weight, index = 1.0, []
        for p, step, n in zip(inside, corner, values_zyx.shape[::-1], strict=True):
            whole = min(int(p), max(n - 2, 0))
            weight *= p - whole if step else 1.0 - (p - whole)
            index.append(min(whole + step, n - 1))
        total += weight * float(values_zyx[tuple(index[::-1])])
    return total


def factored(values_zyx: Floats, low: Floats, size: Floats, half_mm: Floats, bound: Floats) -> Floats:
    """Return value, slopes and remainder of the product's bound in one box."""
    middle = low + 0.5 * size
    f = factor_at(values_zyx, middle)
    slope = np.empty(3)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 0.5 * size[axis]
        slope[axis] = (factor_at(values_zyx, middle + step) - factor_at(values_zyx, middle - step)) / 2 / half_mm[axis]
    edges = [
        sorted({float(a), float(a + b), *(float(n) for n in range(-50, 50) if a < n < a + b)})
        for a, b in zip(low, size, strict=True)
    ]
    rest, values = 0.0, []
    for corner in product(*edges):
        value = factor_at(values_zyx, np.array(corner))
        d_mm = (np.array(corner) - middle) / size * 2.0 * half_mm
        rest = max(rest, f + float(slope @ d_mm) - value)
        values.append(value)
    turn = float(np.abs(slope) @ half_mm)
    if f - rest - turn <= 0.0:
        f, slope, rest, turn = min(values), np.zeros(3), 0.0, 0.0
    v, s, r = bound[0], bound[1:4], bound[4]
    highest = max(0.0, v + float(np.abs(s) @ half_mm))
    cross = 0.5 * float(half_mm @ half_mm) * max(0.0, np.linalg.norm(s) * np.linalg.norm(slope) - float(s @ slope))
    return np.array([v * f, *(f * s + v * slope), r * (f + turn) + rest * highest + cross])
