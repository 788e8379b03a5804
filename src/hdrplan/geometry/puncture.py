"""The search for straight paths of a needle from the skin into a lesion, past everything it must not touch."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InfeasibleError
from hdrplan.geometry.clearance import Clearance, mask_on
from hdrplan.geometry.structure import Structure, inside
from hdrplan.geometry.trajectory import POSITIONS, Reach, Trajectories
from hdrplan.kernels.rays import Marched, Rays, Room, march_rays
from hdrplan.threads import over_rows

__all__ = ["trajectories"]

# March in steps of half a voxel of 1.5 to 2 mm.
_STEP_MM = 1.0
# Entries on a raster of the skin, goals on a raster of the lesion.
_ENTRY_MM = 8.0
_GOALS = 90


def trajectories(room: Clearance, lesion: Structure, reach: Reach) -> Trajectories:
    """All straight paths from a raster of the skin through a raster of the lesion that keep every limit.

    Parameters
    ----------
    room : Clearance
        Of the obstacles.
    lesion : Structure
    reach : Reach

    Raises
    ------
    InfeasibleError
        No path: the message names the obstacle or limit that stops most lines, and what to change.
    """
    entry, normal = _skin(room, lesion, reach.longest_mm)
    goal = _goals(lesion)
    blocked: dict[str, int] = {}
    if not len(entry):
        raise InfeasibleError(
            f"no skin lies within {reach.longest_mm:g} mm of {lesion.name}",
            remedy="Raise `longest_mm`, or check that the images reach the skin.",
        )
    a, b = (i.ravel() for i in np.meshgrid(np.arange(len(entry)), np.arange(len(goal)), indexing="ij"))
    tried = len(a)
    axis = goal[b] - entry[a]
    length = np.linalg.norm(axis, axis=1)
    axis /= length[:, None]
    tilt = np.degrees(np.arcsin(np.clip(np.abs(axis[:, 2]), 0, 1)))
    slant = np.degrees(np.arccos(np.clip(-(axis * normal[a]).sum(axis=1), -1, 1)))
    keep = np.ones(tried, dtype=np.bool_)

    def limit(name: str, good: BoolArray) -> None:
        stopped = keep & ~good
        blocked[name] = int(stopped.sum())
        keep[stopped] = False

    limit("the length (`longest_mm`)", length + reach.beyond_mm <= reach.longest_mm)
    up = POSITIONS[reach.position]
    if up is not None:
        limit("the table (`position`, `below_deg`)", axis @ np.array(up) <= np.sin(np.radians(reach.below_deg)) + 1e-9)
    if reach.toward is not None:
        wanted = np.asarray(reach.toward) / np.linalg.norm(reach.toward)
        limit(
            "the preferred direction (`toward`, `within_deg`)", -(axis @ wanted) >= np.cos(np.radians(reach.within_deg))
        )
    limit("the tilt out of the axial plane (`tilt_deg`)", tilt <= reach.tilt_deg)
    limit("the slant to the skin (`slant_deg`)", slant <= reach.slant_deg)
    a, b, tilt, slant, length = a[keep], b[keep], tilt[keep], slant[keep], length[keep]
    axis = axis[keep]
    tip, chord, free, blocker = _marched(room, lesion, entry[a], goal[b], reach.beyond_mm)
    for k, name in enumerate(room.names):
        blocked[name] = int((blocker == k).sum())
    blocked["the skin (the path leaves the body)"] = int((blocker == -2).sum())
    good = (blocker == -1) & (length + tip <= reach.longest_mm)
    if not good.any():
        raise _no_path(lesion.name, tried, blocked, room)
    rows = np.flatnonzero(good)
    # A path that only grazes the lesion holds no dwell of use.
    rows = rows[chord[rows] >= 0.3 * chord[rows].max()]
    effort = (length[rows] + tip[rows]) / 100 + tilt[rows] / 45 + slant[rows] / 60 - np.minimum(free[rows], 10) / 10
    rows = rows[np.argsort(effort, kind="stable")]
    return Trajectories(
        entry_mm=entry[a[rows]],
        tip_mm=goal[b[rows]] + tip[rows, None] * axis[rows],
        chord_mm=chord[rows],
        free_mm=free[rows],
        tilt_deg=tilt[rows],
        slant_deg=slant[rows],
        tried=tried,
        blocked={name: n for name, n in sorted(blocked.items(), key=lambda item: -item[1]) if n},
    )


def _skin(room: Clearance, lesion: Structure, longest_mm: float) -> tuple[FloatArray, FloatArray]:
    """Entry points on the skin near the lesion and their outward normals."""
    patient, grid = room.patient_zyx, room.grid
    # The border of the image is no skin: voxels outside the grid count as patient.
    core = ndimage.binary_erosion(patient, border_value=1)
    index = np.argwhere(patient & ~core)[:, ::-1]
    world = grid.world(index)
    low, high = lesion.box_mm
    near = np.linalg.norm(np.maximum(np.maximum(low - world, world - high), 0), axis=1) <= longest_mm
    index, world = index[near], world[near]
    if not len(index):
        return np.zeros((0, 3)), np.zeros((0, 3))
    cell = np.floor(world / _ENTRY_MM).astype(int)
    off_centre = np.linalg.norm(world - (cell + 0.5) * _ENTRY_MM, axis=1)
    order = np.lexsort((off_centre, *cell.T))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(cell[order], axis=0) != 0).any(axis=1)
    rows = order[first]
    soft = ndimage.gaussian_filter(patient.astype(np.float32), sigma=(6.0 / grid.spacing_mm[::-1]).tolist())
    slope = np.stack([-g for g in np.gradient(soft, *grid.spacing_mm[::-1].tolist())][::-1], axis=-1)
    x, y, z = index[rows].T
    normal = slope[z, y, x] @ grid.direction.T
    size = np.linalg.norm(normal, axis=1, keepdims=True)
    return world[rows], np.asarray(normal / np.maximum(size, 1e-9))


def _goals(lesion: Structure) -> FloatArray:
    """Points of a raster inside the lesion, about as many for any size."""
    step_mm = float(np.clip((lesion.volume_cc * 1000 / _GOALS) ** (1 / 3), 2.0, 20.0))
    voxels_mm = lesion.voxels_mm
    middle = voxels_mm.mean(axis=0)
    half = np.abs(voxels_mm - middle).max() + step_mm
    axis = np.arange(-np.floor(half / step_mm), np.floor(half / step_mm) + 1) * step_mm
    raster = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3) + middle
    chosen = raster[inside(lesion, raster)]
    if not len(chosen):
        chosen = voxels_mm[np.linalg.norm(voxels_mm - middle, axis=1).argmin()][None]
    return np.asarray(chosen)


def _marched(
    room: Clearance, lesion: Structure, entry_mm: FloatArray, goal_mm: FloatArray, beyond_mm: float
) -> Marched:
    n = len(entry_mm)
    rays = Rays(start=room.grid.index(entry_mm), goal=room.grid.index(goal_mm))
    grids = Room(
        spacing_mm=room.grid.spacing_mm,
        free_mm=room.free_mm_zyx,
        nearest=room.nearest_zyx,
        patient=room.patient_zyx.astype(np.uint8),
        target=mask_on(room.grid, lesion).astype(np.uint8),
    )
    marched = Marched(tip_mm=np.zeros(n), chord_mm=np.zeros(n), free_mm=np.zeros(n), blocker=np.zeros(n, np.int64))
    over_rows(lambda first, last: march_rays(first, last, rays, grids, _STEP_MM, beyond_mm, marched), n)
    return marched


def _no_path(name: str, tried: int, blocked: dict[str, int], room: Clearance) -> InfeasibleError:
    """Say what stops most lines and what would help: the obstacles, if any line keeps the other limits."""
    margins = dict(zip(room.names, room.margins_mm.tolist(), strict=True))
    met = {name: n for name, n in blocked.items() if name in margins}
    within = tried - sum(n for name, n in blocked.items() if name not in margins)
    listed, of, kept = (met, within, "that keep the limits of length and angle") if within else (blocked, tried, "")
    worst = sorted((item for item in listed.items() if item[1]), key=lambda item: -item[1])[:3]
    shares = ", ".join(f"{stop} {100 * n / of:.0f} %" for stop, n in worst)
    first = worst[0][0]
    remedy = (
        f'Lower the margin of {first} (now {margins[first]:g} mm: `margins_mm["{first}"]`), or relax the limits of '
        "length and angle."
        if first in margins
        else "Relax the first of these."
    )
    return InfeasibleError(
        f"no straight path leads to {name}",
        got=" ".join(f"of {of} lines {kept} stopped: {shares}".split()),
        remedy=remedy,
    )
