"""Primary dose: straight lines from dwells to points through voxels, and what is left of the photons at their end.

Attenuation of every medium is a sum of that of two base media (water and bone, within 0.005 % in transmission through
15 g/cm2 of tissue), so a line is two numbers: the mass of either that it meets. Kerma of the whole spectrum behind them
is a table of both, linear in its logarithm between nodes.

References
----------
Amanatides J, Woo A, Eurographics 1987: from voxel to voxel. Siddon RL, Med Phys 1985;12:252.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.tg43 import Stops, geometry_factor, place

__all__ = ["BaseBox", "SpectrumTables", "primary_media_rows", "primary_rows"]

Floats = npt.NDArray[np.float64]

# Radius of the thinnest capsule.
_WALL_MM = 0.45


class BaseBox(NamedTuple):
    """What lines pass through; read-only. Frame: mm along the axes of the grid, its low corner is 0."""

    per_mm: Floats  # (3,), 1 / spacing, x, y, z
    mass: npt.NDArray[np.float32]  # (nz, ny, nx, 2), g/cm2 of either base medium in a centimetre
    water_g_per_cc: float  # density of the water that is compared with


class SpectrumTables(NamedTuple):
    """Kerma behind masses of the base media; read-only.

    ``log_kerma[medium, angle, i, j]`` is the logarithm of kerma times 4 pi r^2 per photon; angles are even in the
    cosine from -1 to 1, or there is one for all.
    """

    length_mm: float  # active length of the source
    first: Floats  # (2,), g/cm2 of the first node of either base
    per_node: Floats  # (2,), nodes in a g/cm2
    log_kerma: npt.NDArray[np.float32]


@jit_inline
def _masses(ax: float, ay: float, az: float, bx: float, by: float, bz: float, box: BaseBox) -> tuple[float, float]:
    """Return g/cm2 of both base media on a line, in the box's frame; beyond the box there is nothing."""
    nz, ny, nx = box.mass.shape[:3]
    length_mm = math.sqrt((bx - ax) ** 2 + (by - ay) ** 2 + (bz - az) ** 2)
    x, y, z = ax * box.per_mm[0], ay * box.per_mm[1], az * box.per_mm[2]
    # Of the difference, not the difference of products: contracted, that is not 0 where both ends are in one plane.
    dx, dy, dz = (bx - ax) * box.per_mm[0], (by - ay) * box.per_mm[1], (bz - az) * box.per_mm[2]
    # Where the line is in the box: fractions of its length.
    begin, end = 0.0, 1.0
    for start, d, n in ((x, dx, nx), (y, dy, ny), (z, dz, nz)):
        if d == 0.0:
            if start < 0.0 or start >= n:
                return 0.0, 0.0
        else:
            one, two = -start / d, (n - start) / d
            begin, end = max(begin, min(one, two)), min(end, max(one, two))
    if end <= begin:
        return 0.0, 0.0
    at = begin + 1e-12
    i = min(max(int(x + at * dx), 0), nx - 1)
    j = min(max(int(y + at * dy), 0), ny - 1)
    k = min(max(int(z + at * dz), 0), nz - 1)
    si, sj, sk = 1 if dx > 0.0 else -1, 1 if dy > 0.0 else -1, 1 if dz > 0.0 else -1
    per_x = 1.0 / abs(dx) if dx != 0.0 else np.inf
    per_y = 1.0 / abs(dy) if dy != 0.0 else np.inf
    per_z = 1.0 / abs(dz) if dz != 0.0 else np.inf
    next_x = (i + (dx > 0.0) - x) / dx if dx != 0.0 else np.inf
    next_y = (j + (dy > 0.0) - y) / dy if dy != 0.0 else np.inf
    next_z = (k + (dz > 0.0) - z) / dz if dz != 0.0 else np.inf
    first, second, now = 0.0, 0.0, begin
    while True:
        m0, m1 = box.mass[k, j, i, 0], box.mass[k, j, i, 1]
        if next_x <= next_y and next_x <= next_z:
            then = next_x
            i += si
            next_x += per_x
        elif next_y <= next_z:
            then = next_y
            j += sj
            next_y += per_y
        else:
            then = next_z
            k += sk
            next_z += per_z
        # A plane that a line all but lies in may be met, by a rounding, before the box is.
        then = max(then, now)
        if then >= end or not (0 <= i < nx and 0 <= j < ny and 0 <= k < nz):
            first += (end - now) * m0
            second += (end - now) * m1
            break
        first += (then - now) * m0
        second += (then - now) * m1
        now = then
    return first * length_mm * 0.1, second * length_mm * 0.1


@jit_inline
def _kerma(medium: int, cosine: float, first: float, second: float, t: SpectrumTables) -> float:
    """Return kerma times 4 pi r^2 per photon behind the masses, linear in its logarithm; constant beyond the table."""
    n_angles, n_first, n_second = t.log_kerma.shape[1:]
    u = min(max((first - t.first[0]) * t.per_node[0], 0.0), n_first - 1.000001)
    v = min(max((second - t.first[1]) * t.per_node[1], 0.0), n_second - 1.000001)
    i, j = int(u), int(v)
    u -= i
    v -= j
    w = (cosine + 1.0) * 0.5 * (n_angles - 1)
    a = min(int(w), max(n_angles - 2, 0))
    w -= a
    total = 0.0
    for step in range(2 if n_angles > 1 else 1):
        table = t.log_kerma[medium, a + step]
        near = table[i, j] + v * (table[i, j + 1] - table[i, j])
        far = table[i + 1, j] + v * (table[i + 1, j + 1] - table[i + 1, j])
        share = 1.0 if n_angles == 1 else (w if step == 1 else 1.0 - w)
        total += share * (near + u * (far - near))
    return math.exp(total)


@jit_inline
def _reached(p: int, d: int, points: Floats, stops: Stops, length_mm: float) -> tuple[float, float, float]:
    """Return what a dwell weighs at a point, the cosine of the line with its axis, and the line's length in mm."""
    sx, sy, sz = stops.positions[d, 0], stops.positions[d, 1], stops.positions[d, 2]
    dx, dy, dz = points[p, 0] - sx, points[p, 1] - sy, points[p, 2] - sz
    along, away = place(dx, dy, dz, stops.axes[d, 0], stops.axes[d, 1], stops.axes[d, 2])
    r = math.sqrt(along * along + away * away)
    cosine = min(max(along / r, -1.0), 1.0) if r > 0.0 else 0.0
    # Within the capsule TG-43 stays. A place nearer the line of the core than its wall is moved out to it, so that the
    # geometry factor is finite; on the axis beyond the line's ends nothing is moved.
    beyond = max(abs(along) - 0.5 * length_mm, 0.0)
    away = math.sqrt(max(away * away, _WALL_MM * _WALL_MM - beyond * beyond))
    return stops.weights[d] * geometry_factor(along, away, length_mm), cosine, r


@jit_inline
def _from_dwell(
    p: int, d: int, points: Floats, medium: int, stops: Stops, box: BaseBox, t: SpectrumTables
) -> tuple[float, float, float]:
    """Return the primary kerma of one dwell at one point: in the medium, in water there, and in water all over."""
    weight, cosine, r = _reached(p, d, points, stops, t.length_mm)
    sx, sy, sz = stops.positions[d, 0], stops.positions[d, 1], stops.positions[d, 2]
    first, second = _masses(points[p, 0], points[p, 1], points[p, 2], sx, sy, sz, box)
    water = _kerma(0, cosine, 0.1 * r * box.water_g_per_cc, 0.0, t)
    there = _kerma(0, cosine, first, second, t)
    within = there if medium == 0 else _kerma(medium, cosine, first, second, t)
    return weight * within, weight * there, weight * water


@jit
def primary_rows(
    first: int,
    last: int,
    points: Floats,
    medium: npt.NDArray[np.int64],
    stops: Stops,
    box: BaseBox,
    tables: SpectrumTables,
    out: Floats,
) -> None:
    """Primary kerma at points ``first`` to ``last - 1``, from all dwells.

    Parameters
    ----------
    first, last : int
    points : (n, 3) array
        In the frame of the box.
    medium : (n,) array
        Rows of ``tables.log_kerma``; 0 is water.
    stops : Stops
        In the frame of the box, ``weights`` as one likes.
    box : BaseBox
    tables : SpectrumTables
    out : (n, 3) array
        Written: kerma in the medium, in water there, and in water all over, per photon and unit weight, times 4 pi.
    """
    for p in range(first, last):
        a, b, c = 0.0, 0.0, 0.0
        for d in range(len(stops.weights)):
            within, there, water = _from_dwell(p, d, points, medium[p], stops, box, tables)
            a += within
            b += there
            c += water
        out[p, 0], out[p, 1], out[p, 2] = a, b, c


@jit
def primary_media_rows(
    first: int, last: int, points: Floats, stops: Stops, box: BaseBox, tables: SpectrumTables, out: Floats
) -> None:
    """Primary kerma at points ``first:last`` in every medium of the tables: a line is followed once for all of them.

    Parameters
    ----------
    first, last : int
    points : (n, 3) array
        In the frame of the box.
    stops : Stops
        In the frame of the box, ``weights`` as one likes.
    box : BaseBox
    tables : SpectrumTables
    out : (n, n_media) array
        Written: kerma in each medium, per photon and unit weight, times 4 pi.
    """
    for p in range(first, last):
        out[p] = 0.0
        for d in range(len(stops.weights)):
            weight, cosine, _ = _reached(p, d, points, stops, tables.length_mm)
            sx, sy, sz = stops.positions[d, 0], stops.positions[d, 1], stops.positions[d, 2]
            one, two = _masses(points[p, 0], points[p, 1], points[p, 2], sx, sy, sz, box)
            for m in range(out.shape[1]):
                out[p, m] += weight * _kerma(m, cosine, one, two, tables)
