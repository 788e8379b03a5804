"""Dose on a grid at a cost that does not grow with dwells times voxels: far dwells through coarse blocks.

The grid is cut into blocks of blocks. Seen from far away the rate of a dwell is smooth over a block, and a polynomial
through 5 x 5 x 5 Chebyshev points carries it; a block passes its polynomial on to its eight children without loss, and
only the dwells that are too near for it. The last blocks (8 x 8 x 8 voxels, say) write their polynomial out and add
what is left voxel by voxel.

How near is too near is measured (:func:`error_rows`) for each block size, distance and angle from the source's axis:
close to the axis F bends within a few degrees, and a block must be small against its distance. A dwell with the share f
of a block's dose may err by ``tolerance`` / (f sqrt(n)), where n dwells have time: errors of several dwells have either
sign, and n of them with equal shares then stay within ``tolerance`` together; never by more than ``_LOOSEST`` times the
tolerance. A single dwell may err by the tolerance itself.

References
----------
Fong W, Darve E, The black-box fast multipole method, J Comput Phys 2009;228:8712 (Chebyshev blocks).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.lattice import Lattice, add_dwell, add_far_dwell

__all__ = ["FARTHEST", "NODES", "STEP", "Blocks", "block_rows", "error_rows"]

NODES = 5
_CUBE = NODES**3
FARTHEST, STEP = 24.0, 1.14
"""Distances of the error table: ``FARTHEST / STEP ** k`` half diagonals of the block."""
_LOOSEST = 8.0
_PADDED = 128  # 125 nodes and three that nobody reads: whole vectors

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


class Blocks(NamedTuple):
    """How a grid is cut; read-only arrays. Level 0 is the largest block, the last level the leaf."""

    origin: Floats  # centre of voxel (0, 0, 0)
    steps: Floats  # [k] vector from voxel to voxel along index k (x, y, z)
    leaf: npt.NDArray[np.int64]  # voxels of a leaf along x, y, z
    error: Floats  # [level, distance, angle]: largest relative error of a dwell carried from there or farther
    half_diagonal_mm: Floats  # [level]
    tolerance: float
    nodes: Singles  # [level, (x, y, z), 128] from the block's centre, mm, LPS
    voxels: Singles  # [(x, y, z), voxels of a leaf] from its centre, mm, LPS
    child: Singles  # [half, node of child, node]: Lagrange polynomials of the parent at the child's nodes
    write_x: Singles  # [node, voxel]: the same at the leaf's voxels
    write_y: Singles
    write_z: Singles


@jit
def _stretch(source: Singles, n_rows: int, width: int, weights: Singles, out: Singles) -> None:
    """out[row, j, :] = sum_k weights[k, j] source[row, k, :], all flat, ``width`` values in the last place."""
    n = weights.shape[1]
    for row in range(n_rows):
        base = row * NODES * width
        for j in range(n):
            w0, w1, w2, w3, w4 = weights[0, j], weights[1, j], weights[2, j], weights[3, j], weights[4, j]
            to = (row * n + j) * width
            for i in range(width):
                at = base + i
                out[to + i] = (
                    w0 * source[at]
                    + w1 * source[at + width]
                    + w2 * source[at + 2 * width]
                    + w3 * source[at + 3 * width]
                    + w4 * source[at + 4 * width]
                )


@jit
def _write_out(
    polynomial: Singles, wx: Singles, wy: Singles, wz: Singles, a: Singles, b: Singles, out: Singles
) -> None:
    """Values of a polynomial (z, y, x nodes) at a product of places (z, y, x); ``a`` and ``b`` are scratch."""
    nx, ny = wx.shape[1], wy.shape[1]
    for row in range(NODES * NODES):
        for i in range(nx):
            at = row * NODES
            a[row * nx + i] = (
                wx[0, i] * polynomial[at]
                + wx[1, i] * polynomial[at + 1]
                + wx[2, i] * polynomial[at + 2]
                + wx[3, i] * polynomial[at + 3]
                + wx[4, i] * polynomial[at + 4]
            )
    _stretch(a, NODES, nx, wy, b)
    _stretch(b, 1, nx * ny, wz, out)


@jit
def _carried_error(level: int, along: float, distance: float, b: Blocks) -> float:
    """Relative error of a dwell that a block carries (infinite where it is too near)."""
    _, distances, angles = b.error.shape
    if distance <= b.half_diagonal_mm[level]:
        return np.inf
    nearer = math.ceil(math.log(FARTHEST * b.half_diagonal_mm[level] / distance) / math.log(STEP))
    if nearer >= distances:
        return np.inf
    angle = min(int(math.acos(min(max(along / distance, -1.0), 1.0)) / math.pi * angles), angles - 1)
    return float(b.error[level, max(nearer, 0), angle])


@jit
def _add(
    x: Singles,
    y: Singles,
    z: Singles,
    half: float,
    dx: float,
    dy: float,
    dz: float,
    axes: Floats,
    weights: Floats,
    k: int,
    t: Lattice,
    out: Singles,
) -> None:
    f4 = np.float32
    ax, ay, az = f4(axes[k, 0]), f4(axes[k, 1]), f4(axes[k, 2])
    if dx * dx + dy * dy + dz * dz > (half + 4.0 * t.length_mm) ** 2:
        add_far_dwell(x, y, z, f4(dx), f4(dy), f4(dz), ax, ay, az, f4(weights[k]), t, out)
    else:
        add_dwell(x, y, z, f4(dx), f4(dy), f4(dz), ax, ay, az, f4(weights[k]), t, out)


@jit
def _place(leaf: int, level: int, depth: int) -> tuple[int, int, int]:
    """Index x, y, z of a leaf's block on a level inside its root: every third bit of its number, from the top."""
    x = y = z = 0
    for k in range(level):
        digit = leaf >> (3 * (depth - 1 - k)) & 7
        x, y, z = 2 * x + (digit & 1), 2 * y + (digit >> 1 & 1), 2 * z + (digit >> 2)
    return x, y, z


@jit
def _centre(x: float, y: float, z: float, b: Blocks) -> tuple[float, float, float]:
    """LPS position of a fractional voxel index."""
    return (
        b.origin[0] + x * b.steps[0, 0] + y * b.steps[1, 0] + z * b.steps[2, 0],
        b.origin[1] + x * b.steps[0, 1] + y * b.steps[1, 1] + z * b.steps[2, 1],
        b.origin[2] + x * b.steps[0, 2] + y * b.steps[1, 2] + z * b.steps[2, 2],
    )


@jit
def _carry(
    level: int,
    cx: float,
    cy: float,
    cz: float,
    above: npt.NDArray[np.int64],
    n_above: int,
    carried: float,
    positions: Floats,
    axes: Floats,
    weights: Floats,
    b: Blocks,
    t: Lattice,
    near: npt.NDArray[np.int64],
    polynomial: Singles,
) -> tuple[int, float]:
    """Add to a block's polynomial the dwells that it may carry, and list the others in ``near``.

    ``carried`` is what the blocks above carry at least, in weight / distance^2. Returns the number of the others, and
    what is carried now.
    """
    half = b.half_diagonal_mm[level]
    total = carried
    for m in range(n_above):
        k = above[m]
        dx, dy, dz = cx - positions[k, 0], cy - positions[k, 1], cz - positions[k, 2]
        total += weights[k] / (math.sqrt(dx * dx + dy * dy + dz * dz) + half) ** 2
    n_near = 0
    for m in range(n_above):
        k = above[m]
        dx, dy, dz = cx - positions[k, 0], cy - positions[k, 1], cz - positions[k, 2]
        distance = math.sqrt(dx * dx + dy * dy + dz * dz)
        along = dx * axes[k, 0] + dy * axes[k, 1] + dz * axes[k, 2]
        share = min(weights[k] / max(distance - half, 0.5 * half) ** 2 / total, 1.0)
        allowed = b.tolerance * min(_LOOSEST, 1.0 / (share * math.sqrt(len(positions))))
        if _carried_error(level, along, distance, b) <= allowed:
            nodes = b.nodes[level]
            _add(nodes[0], nodes[1], nodes[2], half, dx, dy, dz, axes, weights, k, t, polynomial)
            carried += weights[k] / (distance + half) ** 2
        else:
            near[n_near] = k
            n_near += 1
    return n_near, carried


@jit
def block_rows(
    first: int,
    last: int,
    roots: npt.NDArray[np.int64],
    positions: Floats,
    axes: Floats,
    weights: Floats,
    b: Blocks,
    t: Lattice,
    out: Singles,
) -> None:
    """Doses in Gy of the voxels of root blocks ``first:last``; ``roots`` is their number along x, y, z."""
    depth = len(b.half_diagonal_mm) - 1
    lx, ly, lz = b.leaf[0], b.leaf[1], b.leaf[2]
    n = len(positions)
    # Row 0 is what stands above the root: all dwells, nothing carried. Row l + 1 belongs to level l.
    near = np.empty((depth + 2, n), dtype=np.int64)
    near[0] = np.arange(n)
    count = np.full(depth + 2, n)
    carried = np.zeros(depth + 2)
    polynomial = np.zeros((depth + 2, _PADDED), dtype=np.float32)
    size = max(max(lx, ly, lz), NODES)
    scratch_a = np.empty(NODES * NODES * size, dtype=np.float32)
    scratch_b = np.empty(NODES * size * size, dtype=np.float32)
    tile = np.empty(lx * ly * lz, dtype=np.float32)
    for root in range(first, last):
        root_x, root_y, root_z = root % roots[0], root // roots[0] % roots[1], root // (roots[0] * roots[1])
        for leaf in range(8**depth):
            # The largest block that begins with this leaf, and all below it.
            level = depth
            while level > 0 and leaf % 8 ** (depth - level + 1) == 0:
                level -= 1
            x0 = y0 = z0 = 0
            while level <= depth:
                ix, iy, iz = _place(leaf, level, depth)
                sx, sy, sz = lx << (depth - level), ly << (depth - level), lz << (depth - level)
                x0, y0, z0 = ((root_x << level) + ix) * sx, ((root_y << level) + iy) * sy, ((root_z << level) + iz) * sz
                level += 1
                if x0 >= out.shape[2] or y0 >= out.shape[1] or z0 >= out.shape[0]:
                    continue
                if level > 1:
                    wx, wy, wz = b.child[ix & 1], b.child[iy & 1], b.child[iz & 1]
                    _write_out(polynomial[level - 1], wx, wy, wz, scratch_a, scratch_b, polynomial[level])
                else:
                    polynomial[level] = np.float32(0.0)
                cx, cy, cz = _centre(x0 + 0.5 * (sx - 1), y0 + 0.5 * (sy - 1), z0 + 0.5 * (sz - 1), b)
                count[level], carried[level] = _carry(
                    level - 1, cx, cy, cz, near[level - 1], count[level - 1], carried[level - 1],
                    positions, axes, weights, b, t, near[level], polynomial[level],
                )  # fmt: skip
            if x0 >= out.shape[2] or y0 >= out.shape[1] or z0 >= out.shape[0]:
                continue
            _write_out(polynomial[depth + 1], b.write_x, b.write_y, b.write_z, scratch_a, scratch_b, tile)
            cx, cy, cz = _centre(x0 + 0.5 * (lx - 1), y0 + 0.5 * (ly - 1), z0 + 0.5 * (lz - 1), b)
            for m in range(count[depth + 1]):
                k = near[depth + 1, m]
                dx, dy, dz = cx - positions[k, 0], cy - positions[k, 1], cz - positions[k, 2]
                half = b.half_diagonal_mm[depth]
                _add(b.voxels[0], b.voxels[1], b.voxels[2], half, dx, dy, dz, axes, weights, k, t, tile)
            _copy_inside(tile, lx, ly, lz, x0, y0, z0, out)


@jit
def _copy_inside(tile: Singles, lx: int, ly: int, lz: int, x0: int, y0: int, z0: int, out: Singles) -> None:
    """Copy a leaf to its place in the grid; what lies outside is dropped."""
    nz, ny, nx = out.shape
    for z in range(min(lz, nz - z0)):
        for y in range(min(ly, ny - y0)):
            for x in range(min(lx, nx - x0)):
                out[z0 + z, y0 + y, x0 + x] = tile[(z * ly + y) * lx + x]


@jit
def error_rows(
    first: int,
    last: int,
    half_mm: Floats,
    distances_mm: Floats,
    directions: Floats,
    too_large: float,
    nodes: Singles,
    places: Singles,
    write: Singles,
    t: Lattice,
    out: Floats,
) -> None:
    """Largest relative error of a dwell that a block carries, for angle bins ``first:last``.

    For every distance, from far to near, a block is put there in several directions and the polynomial compared with
    the rate itself at places between the nodes. An error above ``too_large`` ends the walk; nearer is infinite.

    Parameters
    ----------
    half_mm : (3,) array
        Half the block's edges.
    distances_mm : (n,) array
        Falling.
    directions : (m, 4) array
        Unit vectors from dwell to block in the block's frame, and a turn of the source round that line (rad).
    too_large : float
    nodes : (3, 128) array
        Nodes of the block in mm.
    places : (3, q^3) array
        Test places in mm.
    write : (5, q) array
        Lagrange polynomials at the test places.
    out : (n, bins) array
        The largest error from there outward.
    """
    bins, q = out.shape[1], write.shape[1]
    values = np.empty(_PADDED, dtype=np.float32)
    scratch_a = np.empty(NODES * NODES * q, dtype=np.float32)
    scratch_b = np.empty(NODES * q * q, dtype=np.float32)
    guess = np.empty(q**3, dtype=np.float32)
    exact = np.empty(q**3, dtype=np.float32)
    f4 = np.float32
    for angle in range(first, last):
        out[:, angle] = np.inf
        worst = 0.0
        for step in range(len(distances_mm)):
            for m in range(len(directions)):
                ux, uy, uz = directions[m, 0], directions[m, 1], directions[m, 2]
                # Any vector across the line, turned round it.
                cx, cy, cz = (0.0, -uz, uy) if abs(ux) < 0.6 else (-uz, 0.0, ux)
                size = math.sqrt(cx * cx + cy * cy + cz * cz)
                cx, cy, cz = cx / size, cy / size, cz / size
                ex, ey, ez = uy * cz - uz * cy, uz * cx - ux * cz, ux * cy - uy * cx
                c, s = math.cos(directions[m, 3]), math.sin(directions[m, 3])
                theta = (angle + (m + 0.5) / len(directions)) * math.pi / bins
                along, across = math.cos(theta), math.sin(theta)
                ax = f4(along * ux + across * (c * cx + s * ex))
                ay = f4(along * uy + across * (c * cy + s * ey))
                az = f4(along * uz + across * (c * cz + s * ez))
                r = distances_mm[step]
                dx, dy, dz = f4(r * ux), f4(r * uy), f4(r * uz)
                values[:] = f4(0.0)
                exact[:] = f4(0.0)
                add_dwell(nodes[0], nodes[1], nodes[2], dx, dy, dz, ax, ay, az, f4(1.0), t, values)
                add_dwell(places[0], places[1], places[2], dx, dy, dz, ax, ay, az, f4(1.0), t, exact)
                _write_out(values, write, write, write, scratch_a, scratch_b, guess)
                for i in range(q**3):
                    worst = max(worst, abs(guess[i] - exact[i]) / exact[i])
            if worst > too_large:
                break
            out[step, angle] = worst
