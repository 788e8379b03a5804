"""Polygons on a raster: even-odd filling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["flip_inside"]


@jit
def flip_inside(xy: npt.NDArray[np.float64], out: npt.NDArray[np.bool_]) -> None:
    """Flip every pixel whose centre lies inside a polygon by the even-odd rule.

    Parameters
    ----------
    xy : (n, 2) array
        Vertices in pixel indices (x, y); the last is joined to the first. Zero-width channels (keyholes) cancel.
    out : (ny, nx) bool array
        Pixel (0, 0) has its centre at (0, 0). Flipped once per polygon: nested contours make holes.
    """
    ny, nx = out.shape
    n = xy.shape[0]
    for i in range(n):
        x0, y0 = xy[i, 0], xy[i, 1]
        x1, y1 = xy[(i + 1) % n, 0], xy[(i + 1) % n, 1]
        if y0 == y1:
            continue
        if y0 > y1:
            # Upward, whichever way it is walked: a keyhole's two walks then cancel to the last bit.
            x0, y0, x1, y1 = x1, y1, x0, y0
        # Rows with y0 <= y < y1: a vertex on a row counts once.
        for y in range(max(0, int(np.ceil(y0))), ny):
            if y >= y1:
                break
            crossing = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
            # Pixels strictly right of the crossing flip; what two edges flip twice stays.
            start = max(0, int(np.floor(crossing)) + 1)
            for x in range(start, nx):
                out[y, x] = not out[y, x]
