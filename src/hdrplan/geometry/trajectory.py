"""Straight paths of a needle from the skin into a lesion: their limits, their values, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InputError
from hdrplan.geometry.catheter import Catheter

__all__ = [
    "POSITIONS",
    "Position",
    "Reach",
    "Trajectories",
    "angle_deg",
    "angle_to_deg",
    "gap_to_mm",
    "line_gap_mm",
    "varied",
]

Position = Literal["supine", "prone", "left-side", "right-side", "any"]
# Which way is up, in LPS: the table is below. Lying on the left side puts the right side up.
POSITIONS: dict[str, tuple[float, float, float] | None] = {
    "supine": (0.0, -1.0, 0.0),
    "prone": (0.0, 1.0, 0.0),
    "left-side": (-1.0, 0.0, 0.0),
    "right-side": (1.0, 0.0, 0.0),
    "any": None,
}


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
    blocked : mapping
        Obstacle or limit -> lines that it stopped first.
    """

    entry_mm: FloatArray
    tip_mm: FloatArray
    chord_mm: FloatArray
    free_mm: FloatArray
    tilt_deg: FloatArray
    slant_deg: FloatArray
    tried: int
    blocked: Mapping[str, int]

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


def varied(paths: Trajectories, n: int, first: Sequence[int] = (0,)) -> IntArray:
    """Return the indices of ``n`` paths that differ most inside the lesion, beginning with the easiest.

    Each next one is the farthest from all chosen so far; two paths are as far apart as the farther of their two ends in
    the lesion. Easy paths count as a little farther.

    Parameters
    ----------
    paths : Trajectories
    n : int
    first : sequence of int
        Those to begin with, at least one.
    """
    axis = (paths.tip_mm - paths.entry_mm) / paths.length_mm[:, None]
    ends = np.concatenate((paths.tip_mm, paths.tip_mm - np.maximum(paths.chord_mm, 10.0)[:, None] * axis), axis=1)
    # The rank of ease costs at most 10 mm.
    ease = 10.0 * np.arange(len(paths)) / max(1, len(paths) - 1)
    chosen = [int(row) for row in first]
    away = np.full(len(paths), np.inf)

    def nearer(row: int) -> FloatArray:
        gap = ends - ends[row]
        return np.asarray(
            np.minimum(away, np.maximum(np.linalg.norm(gap[:, :3], axis=1), np.linalg.norm(gap[:, 3:], axis=1)))
        )

    for row in chosen:
        away = nearer(row)
    while len(chosen) < min(n, len(paths)) and away.max() > 0:
        chosen.append(int(np.where(away > 0, away - ease, -np.inf).argmax()))
        away = nearer(chosen[-1])
    return np.array(chosen)


def angle_deg(paths: Trajectories) -> FloatArray:
    """Angle between every two paths, (n, n)."""
    axis = (paths.tip_mm - paths.entry_mm) / paths.length_mm[:, None]
    return np.asarray(np.degrees(np.arccos(np.clip(axis @ axis.T, -1.0, 1.0))))


def angle_to_deg(paths: Trajectories, catheters: Sequence[Catheter]) -> FloatArray:
    """Angle of every path to the chord of every catheter, (n_paths, n_catheters)."""
    axis = (paths.tip_mm - paths.entry_mm) / paths.length_mm[:, None]
    chords = np.array([c.points_mm[-1] - c.points_mm[0] for c in catheters]).reshape(-1, 3)
    chords /= np.linalg.norm(chords, axis=1)[:, None]
    return np.asarray(np.degrees(np.arccos(np.clip(axis @ chords.T, -1.0, 1.0))))


def gap_to_mm(paths: Trajectories, catheters: Sequence[Catheter]) -> FloatArray:
    """Minimum distance of every path to every catheter along its whole polyline, (n_paths, n_catheters)."""
    gaps = [
        np.min([_segment_gap_mm(paths, a, b) for a, b in pairwise(catheter.points_mm)], axis=0)
        for catheter in catheters
    ]
    return np.array(gaps).reshape(-1, len(paths)).T


def _segment_gap_mm(paths: Trajectories, a_mm: FloatArray, b_mm: FloatArray) -> FloatArray:
    """Distance of one segment to every path between skin and tip, (n,) [1]_.

    References
    ----------
    .. [1] Ericson C, Real-Time Collision Detection, Morgan Kaufmann 2005, section 5.1.9.
    """
    path, segment, apart = paths.tip_mm - paths.entry_mm, b_mm - a_mm, paths.entry_mm - a_mm
    long2, short2, both = (path * path).sum(axis=1), float(segment @ segment), path @ segment
    on_path, on_segment = (path * apart).sum(axis=1), apart @ segment
    parallel = long2 * short2 - both**2
    safe = np.where(parallel > 1e-9 * long2 * short2, parallel, np.inf)  # parallel: any place will do
    s = np.clip((both * on_segment - on_path * short2) / safe, 0.0, 1.0)
    t = np.clip((both * s + on_segment) / short2, 0.0, 1.0)
    # The place on the segment is bound to its ends; the nearest place on the path follows it.
    s = np.clip((both * t - on_path) / long2, 0.0, 1.0)
    return np.asarray(np.linalg.norm(apart + s[:, None] * path - t[:, None] * segment, axis=1))


def line_gap_mm(paths: Trajectories) -> FloatArray:
    """Minimum distance of every two paths between skin and tip, (n, n)."""
    n = len(paths)
    gap = np.full((n, n), np.inf)
    at = np.linspace(0.0, 1.0, 41)
    points = paths.entry_mm[:, None] + at[None, :, None] * (paths.tip_mm - paths.entry_mm)[:, None]
    for i in range(n):
        # Exact from each sampled point of one path to the other segment; 41 points of 200 mm are 5 mm apart.
        d = paths.tip_mm - paths.entry_mm
        rel = points[i][None] - paths.entry_mm[:, None]
        t = np.clip((rel * d[:, None]).sum(-1) / (d * d).sum(-1)[:, None], 0, 1)
        gap[i] = np.linalg.norm(rel - t[..., None] * d[:, None], axis=-1).min(axis=1)
    gap = np.minimum(gap, gap.T)
    np.fill_diagonal(gap, 0.0)
    return np.asarray(gap)
