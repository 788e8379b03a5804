"""What a matrix of dose rates costs before its table is read: no float32 kernel of this kind is faster."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from hdrplan.arrays import FloatArray, frozen
from hdrplan.bench.problems import Problem
from hdrplan.kernels.lattice import Lattice, lattice_of
from hdrplan.kernels.lattice_rows import Columns
from hdrplan.kernels.limits import unread_rows
from hdrplan.kernels.tg43 import Tables
from hdrplan.kernels.vector import LANES
from hdrplan.sources import TG43Source
from hdrplan.threads import over_rows

__all__ = ["unread_matrix"]


def unread_matrix(p: Problem) -> FloatArray:
    """Return G_L of all dwells at all points, 1 / mm^2: positions, roots, divisions, and the place in the table.

    Parameters
    ----------
    p : Problem
    """
    n, positions, lattice = len(p.dwells), p.dwells.positions_mm, _even(p.source)
    centre = frozen(positions.mean(axis=0))
    whole = np.minimum(np.arange(-(-n // LANES) * LANES), n - 1)
    rows = frozen(np.concatenate([positions - centre, p.dwells.axes], axis=1)[whole].T, np.float32)
    out, points, columns = np.empty((len(p.points_mm), n)), p.points_mm, Columns(centre, rows, 1.0)
    over_rows(lambda first, last: unread_rows(first, last, points, columns, lattice, out), len(out))
    return out


@lru_cache(maxsize=4)
def _even(source: TG43Source) -> Lattice:
    """Return a source of this length whose g and F are 1."""
    capsule = source.capsule
    return lattice_of(
        Tables(
            scale=1.0,
            length_mm=source.active_length_mm,
            g_r_mm=frozen([1.0, 100.0]),
            g=frozen([1.0, 1.0]),
            f_r_mm=frozen([1.0, 100.0]),
            f_theta_rad=frozen([0.0, math.pi]),
            f=frozen(np.ones((2, 2))),
            near_mm=1.0,
            far_mm=100.0,
            unpublished=frozen([[False]], np.bool_),
            capsule_radius_mm=capsule.radius_mm,
            capsule_low_mm=capsule.cable_z_mm,
            capsule_high_mm=capsule.tip_z_mm,
        )
    )
