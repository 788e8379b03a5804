"""Straight ways of a needle from the skin into a lesion, past everything it must not touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.geometry.catheter import Catheter
from hdrplan.geometry.clearance import Clearance, mask_on
from hdrplan.geometry.structure import Structure, inside
from hdrplan.kernels.rays import Marched, Rays, Room, march_rays
from hdrplan.threads import over_rows

__all__ = ["POSITIONS", "Position", "Reach", "Trajectories", "angle_deg", "line_gap_mm", "trajectories", "varied"]

Position = Literal["supine", "prone", "left-side", "right-side", "any"]
# Which way is up, in LPS: the table is below. Lying on the left side puts the right side up.
POSITIONS: dict[str, tuple[float, float, float] | None] = {
    "supine": (0.0, -1.0, 0.0),
    "prone": (0.0, 1.0, 0.0),
    "left-side": (-1.0, 0.0, 0.0),
    "right-side": (1.0, 0.0, 0.0),
    "any": None,
}
# March in steps of half a voxel of 1.5 to 2 mm.
_STEP_MM = 1.0
# Entries on a raster of the skin, goals on a raster of the lesion.
_ENTRY_MM = 8.0
_GOALS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Limits of a puncture: starting values of this program, none from a clinical source; the user sets them.

    Parameters
    ----------
    longest_mm : float
        From skin to tip.
    tilt_deg : float
        Angle to the axial plane: the plane that CT fluoroscopy shows.
    slant_deg : float
        Angle to the skin's normal: a flat needle slides.
    below_deg : float
        How far the needle may come from below the horizontal, where the table is.
    position : {"supine", "prone", "left-side", "right-side", "any"}
        How the patient lies; "any" knows no table.
    beyond_mm : float
        How far the tip goes beyond the lesion, if nothing is near.
    toward : (3,) tuple or None
        Preferred direction from the lesion to the skin.
    within_deg : float
        Greatest angle to the preferred direction.
    """

    longest_mm: float = 150.0
    tilt_deg: float = 30.0
    slant_deg: float = 60.0
    below_deg: float = 20.0
    position: Position = "supine"
    beyond_mm: float = 5.0
    toward: tuple[float, float, float] | None = None
    within_deg: float = 45.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("longest_mm", 20.0, 400.0),
            ("tilt_deg", 0.0, 90.0),
            ("slant_deg", 0.0, 90.0),
            ("below_deg", 0.0, 90.0),
            ("beyond_mm", 0.0, 30.0),
            ("within_deg", 1.0, 180.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must lie between {low:g} and {high:g}", got=f"{getattr(self, name):g}")
        if self.position not in POSITIONS:
            raise InputError(f"position must be one of {', '.join(POSITIONS)}", got=self.position)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trajectories:
    """Ways found, the easiest first.

    Parameters
    ----------
    entry_mm, tip_mm : (n, 3) arrays
        On the skin, and at the end.
    chord_mm : (n,) array
        Length inside the lesion.
    free_mm : (n,) array
        Least distance to any obstacle beyond its margin.
    tilt_deg, slant_deg : (n,) arrays
    tried : int
        Lines looked at.
    blocked : dict
        Obstacle or limit -> lines that it stopped first.
    """

    entry_mm: FloatArray
    tip_mm: FloatArray
    chord_mm: FloatArray
    free_mm: FloatArray
    tilt_deg: FloatArray
    slant_deg: FloatArray
    tried: int
    blocked: dict[str, int]

    def __post_init__(self) -> None:
        for name in ("entry_mm", "tip_mm"):
            freeze(self, name, (None, 3))
        for name in ("chord_mm", "free_mm", "tilt_deg", "slant_deg"):
            freeze(self, name, (None,))

    def __len__(self) -> int:
        return len(self.entry_mm)

    @property
    def length_mm(self) -> FloatArray:
        """From skin to tip."""
        return np.asarray(np.linalg.norm(self.tip_mm - self.entry_mm, axis=1))

    def only(self, rows: Sequence[int] | np.ndarray) -> Trajectories:
        """Return some of them, in the order given."""
        at = np.asarray(rows, dtype=np.int64)
        return Trajectories(
            entry_mm=self.entry_mm[at],
            tip_mm=self.tip_mm[at],
            chord_mm=self.chord_mm[at],
            free_mm=self.free_mm[at],
            tilt_deg=self.tilt_deg[at],
            slant_deg=self.slant_deg[at],
            tried=self.tried,
            blocked=self.blocked,
        )

    def catheters(self) -> tuple[Catheter, ...]:
        """Return them as catheters, hub at the skin."""
        return tuple(
            Catheter(f"cath_{k + 1}", np.stack((a, b)))
            for k, (a, b) in enumerate(zip(self.entry_mm, self.tip_mm, strict=True))
        )


def trajectories(room: Clearance, lesion: Structure, reach: Reach) -> Trajectories:
    """All straight ways from a raster of the skin through a raster of the lesion that keep every limit.

    Parameters
    ----------
    room : Clearance
        Of the obstacles.
    lesion : Structure
    reach : Reach

    Raises
    ------
    InfeasibleError
        No way: the message names the obstacle or limit that stops most lines, and what to change.
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
    way = goal[b] - entry[a]
    length = np.linalg.norm(way, axis=1)
    way /= length[:, None]
    tilt = np.degrees(np.arcsin(np.clip(np.abs(way[:, 2]), 0, 1)))
    slant = np.degrees(np.arccos(np.clip(-(way * normal[a]).sum(axis=1), -1, 1)))
    keep = np.ones(tried, dtype=np.bool_)

    def limit(name: str, good: BoolArray) -> None:
        stopped = keep & ~good
        blocked[name] = int(stopped.sum())
        keep[stopped] = False

    limit("the length (`longest_mm`)", length + reach.beyond_mm <= reach.longest_mm)
    up = POSITIONS[reach.position]
    if up is not None:
        limit("the table (`position`, `below_deg`)", way @ np.array(up) <= np.sin(np.radians(reach.below_deg)) + 1e-9)
    if reach.toward is not None:
        wanted = np.asarray(reach.toward) / np.linalg.norm(reach.toward)
        limit(
            "the preferred direction (`toward`, `within_deg`)", -(way @ wanted) >= np.cos(np.radians(reach.within_deg))
        )
    limit("the tilt out of the axial plane (`tilt_deg`)", tilt <= reach.tilt_deg)
    limit("the slant to the skin (`slant_deg`)", slant <= reach.slant_deg)
    a, b, tilt, slant, length = a[keep], b[keep], tilt[keep], slant[keep], length[keep]
    way = way[keep]
    tip, chord, free, blocker = _marched(room, lesion, entry[a], goal[b], reach.beyond_mm)
    for k, name in enumerate(room.names):
        blocked[name] = int((blocker == k).sum())
    blocked["the skin between (the way leaves the body)"] = int((blocker == -2).sum())
    good = (blocker == -1) & (length + tip <= reach.longest_mm)
    if not good.any():
        raise _no_way(lesion.name, tried, blocked, room)
    rows = np.flatnonzero(good)
    # A way that only grazes the lesion holds no dwell of use.
    rows = rows[chord[rows] >= 0.3 * chord[rows].max()]
    effort = (length[rows] + tip[rows]) / 100 + tilt[rows] / 45 + slant[rows] / 60 - np.minimum(free[rows], 10) / 10
    rows = rows[np.argsort(effort, kind="stable")]
    return Trajectories(
        entry_mm=entry[a[rows]],
        tip_mm=goal[b[rows]] + tip[rows, None] * way[rows],
        chord_mm=chord[rows],
        free_mm=free[rows],
        tilt_deg=tilt[rows],
        slant_deg=slant[rows],
        tried=tried,
        blocked={name: n for name, n in sorted(blocked.items(), key=lambda item: -item[1]) if n},
    )


def varied(ways: Trajectories, n: int) -> Trajectories:
    """Return ``n`` ways that differ most inside the lesion, beginning with the easiest.

    Each next one is the farthest from all chosen so far; two ways are as far apart as the farther of their two ends in
    the lesion. Easy ways count as a little farther.
    """
    axis = (ways.tip_mm - ways.entry_mm) / ways.length_mm[:, None]
    ends = np.concatenate((ways.tip_mm, ways.tip_mm - np.maximum(ways.chord_mm, 10.0)[:, None] * axis), axis=1)
    # The rank of ease costs at most 10 mm.
    ease = 10.0 * np.arange(len(ways)) / max(1, len(ways) - 1)
    chosen = [0]
    away = np.full(len(ways), np.inf)
    while len(chosen) < min(n, len(ways)):
        gap = ends - ends[chosen[-1]]
        away = np.minimum(away, np.maximum(np.linalg.norm(gap[:, :3], axis=1), np.linalg.norm(gap[:, 3:], axis=1)))
        if away.max() <= 0:
            break
        value = np.where(away > 0, away - ease, -np.inf)
        chosen.append(int(value.argmax()))
    return ways.only(chosen)


def angle_deg(ways: Trajectories) -> FloatArray:
    """Angle between every two ways, (n, n)."""
    axis = (ways.tip_mm - ways.entry_mm) / ways.length_mm[:, None]
    return np.asarray(np.degrees(np.arccos(np.clip(axis @ axis.T, -1.0, 1.0))))


def line_gap_mm(ways: Trajectories) -> FloatArray:
    """Least distance of every two ways between skin and tip, (n, n)."""
    n = len(ways)
    gap = np.full((n, n), np.inf)
    at = np.linspace(0.0, 1.0, 41)
    points = ways.entry_mm[:, None] + at[None, :, None] * (ways.tip_mm - ways.entry_mm)[:, None]
    for i in range(n):
        # Exact from each sampled point of one way to the other segment; 41 points of 200 mm are 5 mm apart.
        d = ways.tip_mm - ways.entry_mm
        rel = points[i][None] - ways.entry_mm[:, None]
        t = np.clip((rel * d[:, None]).sum(-1) / (d * d).sum(-1)[:, None], 0, 1)
        gap[i] = np.linalg.norm(rel - t[..., None] * d[:, None], axis=-1).min(axis=1)
    gap = np.minimum(gap, gap.T)
    np.fill_diagonal(gap, 0.0)
    return np.asarray(gap)


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


def _no_way(name: str, tried: int, blocked: dict[str, int], room: Clearance) -> InfeasibleError:
    """Say what stops most lines and what would help: the obstacles, if any line keeps the other limits."""
    margins = dict(zip(room.names, room.margins_mm.tolist(), strict=True))
    met = {what: n for what, n in blocked.items() if what in margins}
    within = tried - sum(n for what, n in blocked.items() if what not in margins)
    listed, of, kept = (met, within, "that keep the limits of length and angle") if within else (blocked, tried, "")
    worst = sorted((item for item in listed.items() if item[1]), key=lambda item: -item[1])[:3]
    shares = ", ".join(f"{what} {100 * n / of:.0f} %" for what, n in worst)
    first = worst[0][0]
    remedy = (
        f'Lower the margin of {first} (now {margins[first]:g} mm: `margins_mm["{first}"]`), or loosen the limits of '
        "length and angle for other ways."
        if first in margins
        else "Loosen the first of these."
    )
    return InfeasibleError(
        f"no straight way leads to {name}",
        got=" ".join(f"of {of} lines {kept} stopped: {shares}".split()),
        remedy=remedy,
    )
