"""What a block's polynomial misses of a dwell that it carries: measured by distance and angle."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.chebyshev import NODES, PADDED, write_out
from hdrplan.kernels.lattice import Lattice
from hdrplan.kernels.lattice_rows import add_dwell
from hdrplan.kernels.vector import HELD, LANES

__all__ = ["FARTHEST", "STEP", "BlockPlaces", "Probe", "error_rows"]

FARTHEST, STEP = 24.0, 1.07
"""Distances of the error table: ``FARTHEST / STEP ** k`` half diagonals of the block."""

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


class BlockPlaces(NamedTuple):
    """A block and the places in it at which its polynomial is tested; read-only arrays, mm from its centre."""

    nodes: Singles  # (3, 128)
    places: Singles  # (3, q^3)
    write: Singles  # (5, q), Lagrange polynomials at the test places along one axis


class Probe(NamedTuple):
    """From where a dwell looks at a block; read-only arrays."""

    distances_mm: Floats  # (n,), falling
    directions: Floats  # (m, 4), unit vectors from dwell to block, and a turn of the source round that line, rad
    too_large: float  # an error above it ends the walk; nearer is infinite


@jit
def error_rows(first: int, last: int, probe: Probe, block: BlockPlaces, t: Lattice, out: Floats) -> None:
    """Largest relative error of a dwell that a block carries, for angle bins ``first:last``.

    For every distance, from far to near, a block is put there in several directions and the polynomial compared with
    the rate itself at places between the nodes.

    Parameters
    ----------
    first, last : int
    probe : Probe
    block : BlockPlaces
    t : Lattice
    out : (distances, angle bins) array
        Written: the largest error from there outward.
    """
    nodes, places, write = block.nodes, block.places, block.write
    distances_mm, directions = probe.distances_mm, probe.directions
    bins, q = out.shape[1], write.shape[1]
    values = np.empty(PADDED, dtype=np.float32)
    scratch = (np.empty(NODES * NODES * q, dtype=np.float32), np.empty(NODES * q * q, dtype=np.float32))
    guess = np.empty(q**3, dtype=np.float32)
    # Whole vectors.
    kept, exact = np.zeros(4 * HELD, dtype=np.float32), np.empty(-(-(q**3) // LANES) * LANES, dtype=np.float32)
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
                add_dwell((nodes[0], nodes[1], nodes[2]), (dx, dy, dz), (ax, ay, az), f4(1.0), t, kept, values)
                add_dwell((places[0], places[1], places[2]), (dx, dy, dz), (ax, ay, az), f4(1.0), t, kept, exact)
                write_out(values, write, write, write, scratch, guess)
                for i in range(q**3):
                    worst = max(worst, abs(guess[i] - exact[i]) / exact[i])
            if worst > probe.too_large:
                break
            out[step, angle] = worst
