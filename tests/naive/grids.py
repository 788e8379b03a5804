"""Grids, tables and numbers, one entry at a time."""

from __future__ import annotations

import itertools
import math
import statistics
import struct

import numpy as np


def trilinear(values_zyx: np.ndarray, index_xyz: np.ndarray) -> float:
    """Weighted sum of all voxels with hat functions; outside, the value at the border."""
    nz, ny, nx = values_zyx.shape
    x, y, z = (min(max(v, 0.0), n - 1.0) for v, n in zip(index_xyz, (nx, ny, nz), strict=True))
    hats_x, hats_y, hats_z = (
        [max(0.0, 1 - abs(v - i)) for i in range(n)] for v, n in zip((x, y, z), (nx, ny, nz), strict=True)
    )
    total = 0.0
    for hat_z, plane in zip(hats_z, values_zyx.tolist(), strict=True):
        for hat_y, row in zip(hats_y, plane, strict=True):
            for hat_x, value in zip(hats_x, row, strict=True):
                total += hat_x * hat_y * hat_z * value
    return total


def value_and_slopes(values_zyx: np.ndarray, index_xyz: np.ndarray) -> list[float]:
    """The value, and how much it rises over the voxel-wide span round the place along x, y, z."""
    out = [trilinear(values_zyx, index_xyz)]
    for axis in range(3):
        half = 0.5 * np.eye(3)[axis]
        out.append(trilinear(values_zyx, index_xyz + half) - trilinear(values_zyx, index_xyz - half))
    return out


def on_grid(index_xyz: np.ndarray, shape_zyx: tuple[int, ...]) -> bool:
    """Whether a place lies between the first and last voxel centres."""
    return all(0.0 <= v <= n - 1.0 for v, n in zip(index_xyz, shape_zyx[::-1], strict=True))


def inside_polygon(x: float, y: float, polygon: np.ndarray) -> bool:
    """Even-odd rule, edge by edge, as in a textbook."""
    inside = False
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 <= y) != (y1 <= y) and x > x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


def on_edge(x: float, y: float, polygon: np.ndarray) -> bool:
    """Whether the crossing of an edge lies on the point to roundoff: then either answer is right."""
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if (y0 <= y) != (y1 <= y) and abs(x - x0 - (y - y0) * (x1 - x0) / (y1 - y0)) < 1e-9:
            return True
    return False


def gamma(
    reference_gy: float,
    index_xyz: np.ndarray,
    evaluated_zyx: np.ndarray,
    spacing_mm: np.ndarray,
    *,
    criterion_gy: float,
    distance_mm: float,
    step_mm: float,
    largest: float,
) -> float:
    """Least of sqrt(distance^2 + dose difference^2) over the places of a lattice nearer than ``largest`` (Low 1998).

    NaN where none of them is on the grid.
    """
    n = math.floor(largest * distance_mm / step_mm + 1e-9)
    best, seen = largest, False
    for steps in itertools.product(range(-n, n + 1), repeat=3):
        away_mm = step_mm * np.array(steps)
        far = float(np.linalg.norm(away_mm)) / distance_mm
        at = index_xyz + away_mm / spacing_mm
        if far >= largest * (1 - 1e-12) or not on_grid(at, evaluated_zyx.shape):
            continue
        seen = True
        best = min(best, math.hypot(far, (trilinear(evaluated_zyx, at) - reference_gy) / criterion_gy))
    return best if seen else math.nan


def sets_that_meet(cuts: list[set[int]], apart: np.ndarray, most: int) -> set[frozenset[int]]:
    """Every set of at most ``most`` elements that meets all cuts and holds no two that exclude each other."""
    return {
        frozenset(chosen)
        for k in range(most + 1)
        for chosen in itertools.combinations(range(len(apart)), k)
        if all(set(chosen) & cut for cut in cuts) and not apart[np.ix_(chosen, chosen)].any()
    }


def bits_of(value: float) -> int:
    """The 32 bits of a float32 as a signed number."""
    return int(struct.unpack("<i", struct.pack("<f", value))[0])


def long_bits_of(value: float) -> int:
    """The 64 bits of a float64 as a signed number."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def float_of(bits: int) -> float:
    """The float64 of 64 bits, a signed number."""
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def short_number(code: int) -> float:
    """The half precision number of a code, 2^12 times finer, without its subnormals."""
    half = struct.unpack("<e", struct.pack("<h", abs(code) + (1 << 10)))[0] / 2.0**12 if code else 0.0
    return -half if code < 0 else half


def short_near(value: float) -> int:
    """The code of the half precision number next to a value."""
    if abs(value) < 2.0**-26:
        return 0
    code = struct.unpack("<h", struct.pack("<e", abs(value) * 2.0**12))[0] - (1 << 10)
    return -code if value < 0.0 else code


def short_above(value: float) -> int:
    """The code of the least number that is not below a value."""
    code = max(0, short_near(value) - 1)
    while short_number(code) < value:
        code += 1
    return code


def multiply_add(rounds: int, factor: float, lanes: int) -> float:
    """x -> x f + f from 0, the same in every lane: the sum of a geometric series, summed over the lanes."""
    return lanes * sum(factor**k for k in range(1, rounds + 1))


def blurred_line(values: list[float], weights: np.ndarray) -> list[float]:
    """Weighted means along a line that goes on as its mirror image on both sides."""
    n = len(values)
    endless = [values[k] if k < n else values[2 * n - 1 - k] for k in range(2 * n)]
    out = []
    for x in range(n):
        total = weights[0] * endless[x]
        for k in range(1, len(weights)):
            total += weights[k] * (endless[(x - k) % (2 * n)] + endless[(x + k) % (2 * n)])
        out.append(total)
    return out


def distance_from_face(once: float, twice: float, reach: float) -> float:
    """Normal quantiles of one blur and of two, the shift by curvature taken out."""
    if not (1e-3 < once < 1 - 1e-3 and 1e-6 < twice < 1 - 1e-6):
        return reach if once > 0.5 else -reach
    normal = statistics.NormalDist()
    return min(max(2 * normal.inv_cdf(once) - math.sqrt(2) * normal.inv_cdf(twice), -reach), reach)
