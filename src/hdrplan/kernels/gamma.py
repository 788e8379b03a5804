"""The gamma index of two dose distributions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.trilinear import value_between

__all__ = ["Reference", "Search", "gamma_rows"]

Floats = npt.NDArray[np.float64]


class Reference(NamedTuple):
    """Points whose doses are judged; read-only arrays."""

    dose_gy: Floats  # (n,)
    index_xyz: Floats  # (n, 3), place of each point in the evaluated grid, in its voxels
    criterion_gy: Floats  # (n,), dose criterion at each point


class Search(NamedTuple):
    """Where to look round a point; read-only arrays."""

    offsets_xyz: Floats  # (m, 3), steps in voxels, nearest first; the first is 0
    distance2: Floats  # (m,), squared length of each step over the distance criterion
    largest: float  # gamma is not searched, and not told, beyond


@jit
def gamma_rows(
    first: int, last: int, reference: Reference, evaluated_zyx: npt.NDArray[np.float32], search: Search, out: Floats
) -> None:
    """Gamma of reference points ``first`` to ``last``.

    Parameters
    ----------
    first, last : int
    reference : Reference
    evaluated_zyx : (nz, ny, nx) array
        Gy; read by trilinear interpolation; places outside are passed over.
    search : Search
    out : (n,) array
        Written; NaN where no place of the search nearer than the largest gamma lies inside the evaluated grid.

    References
    ----------
    Low DA et al., Med Phys 1998;25:656 (the gamma index). Wendling M et al., Med Phys 2007;34:1647 (the search from
    near to far, ended when the distance alone exceeds the best value).
    """
    nz, ny, nx = evaluated_zyx.shape
    index_xyz, offsets_xyz, distance2 = reference.index_xyz, search.offsets_xyz, search.distance2
    for i in range(first, last):
        best = search.largest * search.largest
        inside = False
        for j in range(len(distance2)):
            if distance2[j] >= best:
                break
            x = index_xyz[i, 0] + offsets_xyz[j, 0]
            y = index_xyz[i, 1] + offsets_xyz[j, 1]
            z = index_xyz[i, 2] + offsets_xyz[j, 2]
            if x < 0.0 or y < 0.0 or z < 0.0 or x > nx - 1 or y > ny - 1 or z > nz - 1:
                continue
            inside = True
            off = (value_between(evaluated_zyx, x, y, z) - reference.dose_gy[i]) / reference.criterion_gy[i]
            value = off * off + distance2[j]
            if value < best:
                best = value
        out[i] = np.sqrt(best) if inside else np.nan
