"""Dose on a grid at a cost that does not grow with dwells times voxels: far dwells through coarse blocks.

The grid is cut into blocks of blocks. Seen from far away the rate of a dwell is smooth over a block, and a polynomial
through 5 x 5 x 5 Chebyshev points carries it; a block passes its polynomial on to its eight children without loss, and
only the dwells that are too near for it. The last blocks (8 x 8 x 8 voxels, say) write their polynomial out and add
what is left voxel by voxel.

How near is too near is measured (:mod:`hdrplan.kernels.carried_error`) for each block size, distance and angle from the
source's axis: close to the axis F bends within a few degrees, and a block must be small against its distance. Each
dwell may err by ``tolerance``. All of them together then do, whatever their signs: doses are positive, and the error of
their sum is at most the largest relative error times the sum.

References
----------
Fong W, Darve E, The black-box fast multipole method, J Comput Phys 2009;228:8712 (Chebyshev blocks).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_borrowing
from hdrplan.kernels.angle import degrees32
from hdrplan.kernels.chebyshev import NODES, PADDED, write_out
from hdrplan.kernels.lattice import Lattice
from hdrplan.kernels.lattice_rows import add_dwell, add_far_dwell
from hdrplan.kernels.tg43 import Stops
from hdrplan.kernels.vector import HELD

__all__ = ["Blocks", "block_rows"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]
Places = tuple[Singles, Singles, Singles]
Triple = tuple[float, float, float]


class Blocks(NamedTuple):
    """How a grid is cut for one source; read-only arrays. Level 0 is the largest block, the last level the leaf."""

    source: Lattice
    roots: Ints  # number of root blocks along x, y, z
    origin: Floats  # centre of voxel (0, 0, 0)
    steps: Floats  # [k] vector from voxel to voxel along index k (x, y, z)
    leaf: Ints  # voxels of a leaf along x, y, z
    least2_mm2: Floats  # [level, angle]: square of the distance from which on a block carries a dwell
    half_diagonal_mm: Floats  # [level]
    nodes: Singles  # [level, (x, y, z), 128] from the block's centre, mm, LPS
    voxels: Singles  # [(x, y, z), voxels of a leaf] from its centre, mm, LPS
    child: Singles  # [half, node of child, node]: Lagrange polynomials of the parent at the child's nodes
    write_x: Singles  # [node, voxel]: the same at the leaf's voxels
    write_y: Singles
    write_z: Singles


@jit_borrowing
def _add(
    at: Places, half: float, offset: Triple, stops: Stops, k: int, t: Lattice, places: Singles, out: Singles
) -> None:
    """Add dwell k at the points of a block of this half diagonal, whose centre lies ``offset`` from the dwell."""
    f4 = np.float32
    dx, dy, dz = offset
    axis = (f4(stops.axes[k, 0]), f4(stops.axes[k, 1]), f4(stops.axes[k, 2]))
    if dx * dx + dy * dy + dz * dz > (half + 4.0 * t.length_mm) ** 2:
        add_far_dwell(at, (f4(dx), f4(dy), f4(dz)), axis, f4(stops.weights[k]), t, places, out)
    else:
        add_dwell(at, (f4(dx), f4(dy), f4(dz)), axis, f4(stops.weights[k]), t, places, out)


@jit_borrowing
def _place(leaf: int, level: int, depth: int) -> tuple[int, int, int]:
    """Index x, y, z of a leaf's block on a level inside its root: every third bit of its number, from the top."""
    x = y = z = 0
    for k in range(level):
        digit = leaf >> (3 * (depth - 1 - k)) & 7
        x, y, z = 2 * x + (digit & 1), 2 * y + (digit >> 1 & 1), 2 * z + (digit >> 2)
    return x, y, z


@jit_borrowing
def _centre(x: float, y: float, z: float, b: Blocks) -> Triple:
    """LPS position of a fractional voxel index."""
    return (
        b.origin[0] + x * b.steps[0, 0] + y * b.steps[1, 0] + z * b.steps[2, 0],
        b.origin[1] + x * b.steps[0, 1] + y * b.steps[1, 1] + z * b.steps[2, 1],
        b.origin[2] + x * b.steps[0, 2] + y * b.steps[1, 2] + z * b.steps[2, 2],
    )


@jit_borrowing
def _carry(
    level: int, centre: Triple, above: Ints, stops: Stops, b: Blocks, near: Ints, places: Singles, polynomial: Singles
) -> int:
    """Add to a block's polynomial the dwells that it may carry, list the others in ``near``, and return their number.

    ``above`` lists the dwells that no larger block carries.
    """
    half, nodes, least2 = b.half_diagonal_mm[level], b.nodes[level], b.least2_mm2[level]
    at, f4 = (nodes[0], nodes[1], nodes[2]), np.float32
    cx, cy, cz = centre
    positions, axes = stops.positions, stops.axes
    n_near = 0
    for m in range(len(above)):
        k = above[m]
        dx, dy, dz = cx - positions[k, 0], cy - positions[k, 1], cz - positions[k, 2]
        distance2 = max(dx * dx + dy * dy + dz * dz, 1e-12)
        along = dx * axes[k, 0] + dy * axes[k, 1] + dz * axes[k, 2]
        cos2 = min(along * along / distance2, 1.0)
        turn = degrees32(f4(along), f4(cos2), f4(1.0 - cos2)) * f4(len(least2) / 180.0)
        if distance2 >= least2[min(int(turn), len(least2) - 1)]:
            _add(at, half, (dx, dy, dz), stops, k, b.source, places, polynomial)
        else:
            near[n_near] = k
            n_near += 1
    return n_near


@jit
def block_rows(first: int, last: int, stops: Stops, b: Blocks, out: Singles) -> None:
    """Doses of the voxels of root blocks ``first:last``.

    Parameters
    ----------
    first, last : int
        Numbers of root blocks, x fastest.
    stops : Stops
    b : Blocks
    out : (nz, ny, nx) array
        Written: Gy.
    """
    roots = b.roots
    depth = len(b.half_diagonal_mm) - 1
    lx, ly, lz = b.leaf[0], b.leaf[1], b.leaf[2]
    n = len(stops.positions)
    # Row 0 is what stands above the root: all dwells. Row l + 1 belongs to level l.
    near = np.empty((depth + 2, n), dtype=np.int64)
    count = np.empty(depth + 2, dtype=np.int64)
    for k in range(n):
        near[0, k] = k
    for k in range(depth + 2):
        count[k] = n
    polynomial = np.zeros((depth + 2, PADDED), dtype=np.float32)
    size = max(max(lx, ly, lz), NODES)
    scratch = (np.empty(NODES * NODES * size, dtype=np.float32), np.empty(NODES * size * size, dtype=np.float32))
    places, tile = np.zeros(4 * HELD, dtype=np.float32), np.empty(lx * ly * lz, dtype=np.float32)
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
                    write_out(polynomial[level - 1], wx, wy, wz, scratch, polynomial[level])
                else:
                    for node in range(PADDED):
                        polynomial[level, node] = np.float32(0.0)
                centre = _centre(x0 + 0.5 * (sx - 1), y0 + 0.5 * (sy - 1), z0 + 0.5 * (sz - 1), b)
                above = near[level - 1, : count[level - 1]]
                count[level] = _carry(level - 1, centre, above, stops, b, near[level], places, polynomial[level])
            if x0 >= out.shape[2] or y0 >= out.shape[1] or z0 >= out.shape[0]:
                continue
            write_out(polynomial[depth + 1], b.write_x, b.write_y, b.write_z, scratch, tile)
            cx, cy, cz = _centre(x0 + 0.5 * (lx - 1), y0 + 0.5 * (ly - 1), z0 + 0.5 * (lz - 1), b)
            half, at = b.half_diagonal_mm[depth], (b.voxels[0], b.voxels[1], b.voxels[2])
            for m in range(count[depth + 1]):
                k = near[depth + 1, m]
                dx, dy, dz = cx - stops.positions[k, 0], cy - stops.positions[k, 1], cz - stops.positions[k, 2]
                _add(at, half, (dx, dy, dz), stops, k, b.source, places, tile)
            _copy_inside(tile, lx, ly, lz, x0, y0, z0, out)


@jit_borrowing
def _copy_inside(tile: Singles, lx: int, ly: int, lz: int, x0: int, y0: int, z0: int, out: Singles) -> None:
    """Copy a leaf to its place in the grid; what lies outside is dropped."""
    nz, ny, nx = out.shape
    for z in range(min(lz, nz - z0)):
        for y in range(min(ly, ny - y0)):
            at, row = (z * ly + y) * lx, out[z0 + z, y0 + y, x0:]
            line = tile[at : at + lx]
            for x in range(min(lx, nx - x0)):
                row[x] = line[x]
