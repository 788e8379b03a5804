"""Straight lines through grids of clearance: where a needle can go, and what stops it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.trilinear import value_between

__all__ = ["march_rays"]

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


@jit
def march_rays(
    first: int,
    last: int,
    start: F64,
    goal: F64,
    spacing_mm: F64,
    step_mm: float,
    beyond_mm: float,
    clear_mm: F32,
    nearest: U8,
    patient: U8,
    target: U8,
    tip_mm: F64,
    chord_mm: F64,
    least_mm: F64,
    blocker: I64,
) -> None:
    """March each ray from its goal back to its start on the skin, and on beyond the goal to the tip.

    ``start`` and ``goal`` are fractional (x, y, z) indices. ``blocker`` becomes -1 where the way is free, the number
    of the obstacle that stops it, or -2 where it leaves the patient or the grid (the last 4 mm are skin, and may lie
    outside). ``tip_mm`` is the distance of the tip behind the goal: ``beyond_mm`` behind the last voxel of the target,
    less where an obstacle is near. ``chord_mm``, the length in the target, and ``least_mm``, the least clearance, count
    from skin to tip.
    """
    nz, ny, nx = clear_mm.shape
    for r in range(first, last):
        dx = (goal[r, 0] - start[r, 0]) * spacing_mm[0]
        dy = (goal[r, 1] - start[r, 1]) * spacing_mm[1]
        dz = (goal[r, 2] - start[r, 2]) * spacing_mm[2]
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        ux, uy, uz = dx / length / spacing_mm[0], dy / length / spacing_mm[1], dz / length / spacing_mm[2]
        least, chord, blocker[r] = 1e9, 0.0, -1
        # From the goal to the skin; the last few millimetres are skin and may be half outside.
        steps = int(length / step_mm)
        for s in range(steps + 1):
            t = s * step_mm
            x, y, z = goal[r, 0] - t * ux, goal[r, 1] - t * uy, goal[r, 2] - t * uz
            if not (0 <= x <= nx - 1 and 0 <= y <= ny - 1 and 0 <= z <= nz - 1):
                blocker[r] = -2
                break
            i, j, k = int(x + 0.5), int(y + 0.5), int(z + 0.5)
            if patient[k, j, i] == 0 and t < length - 4.0:
                blocker[r] = -2
                break
            chord += step_mm * (target[k, j, i] > 0)
            free = value_between(clear_mm, x, y, z)
            least = min(least, free)
            if free < 0.0:
                blocker[r] = nearest[k, j, i]
                break
        # On beyond the goal: to the far side of the target and a little farther.
        tip, after, t = 0.0, 0.0, step_mm
        while blocker[r] == -1 and after <= beyond_mm and t < 400.0:
            x, y, z = goal[r, 0] + t * ux, goal[r, 1] + t * uy, goal[r, 2] + t * uz
            if not (0 <= x <= nx - 1 and 0 <= y <= ny - 1 and 0 <= z <= nz - 1):
                break
            i, j, k = int(x + 0.5), int(y + 0.5), int(z + 0.5)
            free = value_between(clear_mm, x, y, z)
            if free < 0.0 or patient[k, j, i] == 0:
                break
            least = min(least, free)
            tip = t
            if target[k, j, i] > 0:
                chord += step_mm
                after = 0.0
            after += step_mm
            t += step_mm
        tip_mm[r], chord_mm[r], least_mm[r] = tip, chord, least
