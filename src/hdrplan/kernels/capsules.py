"""Which boxes lie inside the capsule of a stop: there is no water there, and TG-43 has nothing to say."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.tg43 import Stops, Tables, place

__all__ = ["within_capsule_rows"]

Floats = npt.NDArray[np.float64]


@jit
def _all_corners(centre: Floats, half_mm: Floats, frame: Floats, stops: Stops, k: int, t: Tables) -> bool:
    """Whether the eight corners of a box, and with them all of it, lie inside the capsule of stop k."""
    axes, positions = stops.axes, stops.positions
    for corner in range(8):
        x, y, z = (
            half_mm[0] * (2 * (corner & 1) - 1),
            half_mm[1] * ((corner & 2) - 1),
            half_mm[2] * ((corner & 4) // 2 - 1),
        )
        along, away = place(
            centre[0] - positions[k, 0] + frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z,
            centre[1] - positions[k, 1] + frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z,
            centre[2] - positions[k, 2] + frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z,
            axes[k, 0],
            axes[k, 1],
            axes[k, 2],
        )
        # As in the formula: both ends belong to the capsule, the side wall does not.
        if not (away < t.capsule_radius_mm and t.capsule_low_mm <= along <= t.capsule_high_mm):
            return False
    return True


@jit
def within_capsule_rows(
    first: int,
    last: int,
    centres: Floats,
    half_mm: Floats,
    frame: Floats,
    stops: Stops,
    t: Tables,
    out: npt.NDArray[np.bool_],
) -> None:
    """Whether boxes ``first:last`` lie wholly inside the capsule of one stop.

    Parameters
    ----------
    first, last : int
        Numbers of boxes.
    centres : (n, 3) array
        mm.
    half_mm : (n, 3) array
        Half edges along the frame's directions; 0 asks for points.
    frame : (3, 3) array
        Column k is the k-th direction.
    stops : Stops
    t : Tables
    out : (n,) bool array
        Written.
    """
    longest_mm = math.hypot(max(-t.capsule_low_mm, t.capsule_high_mm), t.capsule_radius_mm)
    positions = stops.positions
    for i in range(first, last):
        out[i] = False
        for k in range(len(positions)):
            x, y, z = (
                centres[i, 0] - positions[k, 0],
                centres[i, 1] - positions[k, 1],
                centres[i, 2] - positions[k, 2],
            )
            if x * x + y * y + z * z > longest_mm * longest_mm:
                continue
            if _all_corners(centres[i], half_mm[i], frame, stops, k, t):
                out[i] = True
                break
