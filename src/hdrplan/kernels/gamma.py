"""The gamma index of two dose distributions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.trilinear import value_between

__all__ = ["gamma_rows"]


@jit
def gamma_rows(
    first: int,
    last: int,
    reference_gy: npt.NDArray[np.float64],
    index_xyz: npt.NDArray[np.float64],
    evaluated_zyx: npt.NDArray[np.float32],
    offsets_xyz: npt.NDArray[np.float64],
    distance2: npt.NDArray[np.float64],
    criterion_gy: npt.NDArray[np.float64],
    largest: float,
    out: npt.NDArray[np.float64],
) -> None:
    """Gamma of reference points ``first`` to ``last``.

    Parameters
    ----------
    reference_gy : (n,) array
    index_xyz : (n, 3) array
        Place of each point in the evaluated grid, in its voxels.
    evaluated_zyx : (nz, ny, nx) array
        Read by trilinear interpolation; places outside are passed over.
    offsets_xyz : (m, 3) array
        Steps to search, in voxels, nearest first; the first is 0.
    distance2 : (m,) array
        Squared length of each step over the distance criterion.
    criterion_gy : (n,) array
        Dose criterion at each point.
    largest : float
        Gamma is not searched, and not told, beyond.
    out : (n,) array
        NaN where no place of the search nearer than ``largest`` lies inside the evaluated grid.

    References
    ----------
    Low DA et al., Med Phys 1998;25:656 (the gamma index). Wendling M et al., Med Phys 2007;34:1647 (the search from
    near to far, ended when the distance alone exceeds the best value).
    """
    nz, ny, nx = evaluated_zyx.shape
    for i in range(first, last):
        best = largest * largest
        found = False
        for j in range(len(distance2)):
            if distance2[j] >= best:
                break
            x = index_xyz[i, 0] + offsets_xyz[j, 0]
            y = index_xyz[i, 1] + offsets_xyz[j, 1]
            z = index_xyz[i, 2] + offsets_xyz[j, 2]
            if x < 0.0 or y < 0.0 or z < 0.0 or x > nx - 1 or y > ny - 1 or z > nz - 1:
                continue
            found = True
            off = (value_between(evaluated_zyx, x, y, z) - reference_gy[i]) / criterion_gy[i]
            value = off * off + distance2[j]
            if value < best:
                best = value
        out[i] = np.sqrt(best) if found else np.nan
