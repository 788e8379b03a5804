"""Straight lines through grids of clearance: where a needle can go, and what stops it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit
from hdrplan.kernels.trilinear import value_between

__all__ = ["Marched", "Rays", "Room", "march_rays"]

Floats = npt.NDArray[np.float64]
Triple = tuple[float, float, float]

# The last millimetres before the skin may lie half outside it.
_SKIN_MM = 4.0
# No tip lies farther behind the goal.
_FARTHEST_MM = 400.0


class Rays(NamedTuple):
    """Lines from the skin to places in the lesion, as fractional (x, y, z) indices; read-only arrays."""

    start: Floats  # (n, 3), on the skin
    goal: Floats  # (n, 3)


class Room(NamedTuple):
    """One grid of what stands in the way; read-only arrays, (nz, ny, nx)."""

    spacing_mm: Floats  # (3,), x, y, z
    free_mm: npt.NDArray[np.float32]  # distance from the nearest obstacle minus its margin
    nearest: npt.NDArray[np.uint8]  # which obstacle that is
    patient: npt.NDArray[np.uint8]  # 1 inside the skin
    target: npt.NDArray[np.uint8]  # 1 in the lesion


class Marched(NamedTuple):
    """What was met on each line; written."""

    tip_mm: Floats  # (n,), distance of the tip behind the goal
    chord_mm: Floats  # (n,), length in the target, from skin to tip
    free_mm: Floats  # (n,), the least free room from skin to tip
    blocker: npt.NDArray[np.int64]  # (n,), -1: free; number of the obstacle that stops it; -2: leaves patient or grid


@jit
def march_rays(first: int, last: int, rays: Rays, room: Room, step_mm: float, beyond_mm: float, out: Marched) -> None:
    """March each line from its goal back to its start on the skin, and on beyond the goal to the tip.

    Parameters
    ----------
    first, last : int
        Numbers of lines.
    rays : Rays
    room : Room
        At least two voxels along each axis.
    step_mm : float
    beyond_mm : float
        The tip lies this far behind the last voxel of the target; less far where an obstacle is near.
    out : Marched
    """
    for r in range(first, last):
        goal = (rays.goal[r, 0], rays.goal[r, 1], rays.goal[r, 2])
        dx = (rays.goal[r, 0] - rays.start[r, 0]) * room.spacing_mm[0]
        dy = (rays.goal[r, 1] - rays.start[r, 1]) * room.spacing_mm[1]
        dz = (rays.goal[r, 2] - rays.start[r, 2]) * room.spacing_mm[2]
        length = np.sqrt(dx * dx + dy * dy + dz * dz)
        unit = (dx / length / room.spacing_mm[0], dy / length / room.spacing_mm[1], dz / length / room.spacing_mm[2])
        blocker, chord, free = _to_skin(goal, unit, length, step_mm, room)
        tip = 0.0
        if blocker == -1:
            tip, chord, free = _to_tip(goal, unit, step_mm, beyond_mm, room, chord, free)
        out.blocker[r] = blocker
        out.tip_mm[r], out.chord_mm[r], out.free_mm[r] = tip, chord, free


@jit
def _to_skin(goal: Triple, unit: Triple, length: float, step_mm: float, room: Room) -> tuple[int, float, float]:
    """From the goal to the skin: blocker, length in the target, least free room."""
    nz, ny, nx = room.free_mm.shape
    least, chord = 1e9, 0.0
    steps = int(length / step_mm)
    for s in range(steps + 1):
        t = s * step_mm
        x, y, z = goal[0] - t * unit[0], goal[1] - t * unit[1], goal[2] - t * unit[2]
        if not (0 <= x <= nx - 1 and 0 <= y <= ny - 1 and 0 <= z <= nz - 1):
            return -2, chord, least
        i, j, k = int(x + 0.5), int(y + 0.5), int(z + 0.5)
        if room.patient[k, j, i] == 0 and t < length - _SKIN_MM:
            return -2, chord, least
        chord += step_mm * (room.target[k, j, i] > 0)
        free = value_between(room.free_mm, x, y, z)
        least = min(least, free)
        if free < 0.0:
            return int(room.nearest[k, j, i]), chord, least
    return -1, chord, least


@jit
def _to_tip(
    goal: Triple, unit: Triple, step_mm: float, beyond_mm: float, room: Room, chord: float, least: float
) -> tuple[float, float, float]:
    """From the goal to the far side of the target and a little farther: tip, and chord and least free room with it."""
    nz, ny, nx = room.free_mm.shape
    tip, after, t = 0.0, 0.0, step_mm
    while after <= beyond_mm and t < _FARTHEST_MM:
        x, y, z = goal[0] + t * unit[0], goal[1] + t * unit[1], goal[2] + t * unit[2]
        if not (0 <= x <= nx - 1 and 0 <= y <= ny - 1 and 0 <= z <= nz - 1):
            break
        i, j, k = int(x + 0.5), int(y + 0.5), int(z + 0.5)
        free = value_between(room.free_mm, x, y, z)
        if free < 0.0 or room.patient[k, j, i] == 0:
            break
        least = min(least, free)
        tip = t
        if room.target[k, j, i] > 0:
            chord += step_mm
            after = 0.0
        after += step_mm
        t += step_mm
    return tip, chord, least
