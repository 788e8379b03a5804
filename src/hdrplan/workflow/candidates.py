"""Straight paths to the lesions: the candidates, where a catheter may come to lie instead, what it passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count as numbers
from itertools import pairwise

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import (
    Catheter,
    Clearance,
    Dwells,
    Reach,
    Structure,
    Trajectories,
    angle_to_deg,
    box_of,
    clearance,
    distance_mm,
    gap_to_mm,
    trajectories,
    varied,
)
from hdrplan.plan import Case
from hdrplan.workflow.obstacles import as_obstacles
from hdrplan.workflow.place_options import PlaceOptions

__all__ = [
    "BESIDE_GIVEN",
    "Ways",
    "by_turns",
    "candidate_trajectories",
    "clear_of",
    "displaced",
    "named_apart",
    "nearest_mm",
    "ways",
]

# Obstacles farther than this from a catheter are not named beside it.
_BESIDE_MM = 40.0


# What a path that keeps every margin and comes too near to a catheter that is in is stopped by.
BESIDE_GIVEN = "catheters that are in"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """Paths to the lesions of a case that keep every margin and clear of the catheters that are in.

    Parameters
    ----------
    solid : Case
        Its structures are the obstacles' own.
    margins_mm : mapping
        Obstacle -> margin.
    room : Clearance
    paths : Trajectories
    n_free : int
        Paths that keep every limit, before these were drawn from them.
    """

    solid: Case
    margins_mm: Mapping[str, float]
    room: Clearance
    paths: Trajectories
    n_free: int


def ways(case: Case, options: PlaceOptions, *, count: int | None = None, room: Clearance | None = None) -> Ways:
    """Return paths that differ most, for the catheters that are still to come.

    Parameters
    ----------
    case : Case
        Its catheters are in.
    options : PlaceOptions
    count : int, optional
        So many paths, and not as many as a choice is from.
    room : Clearance, optional
        Of the same case and options, found before.

    Raises
    ------
    InfeasibleError
        No path is left.
    InputError
        An obstacle that is no structure, no skin.
    """
    solid, margins_mm = as_obstacles(case, options.margins_mm)
    if room is None:
        reach_mm = options.reach.longest_mm
        room = clearance(solid.ctvs, solid.structures, margins_mm, ct=case.ct, body=options.body, reach_mm=reach_mm)
    given = case.catheters
    clear = (lambda paths: clear_of(paths, given, options)) if given else None
    paths, n_free = candidate_trajectories(solid, room, options.reach, count=count or options.candidates, clear=clear)
    return Ways(solid=solid, margins_mm=margins_mm, room=room, paths=paths, n_free=n_free)


def candidate_trajectories(
    case: Case, room: Clearance, reach: Reach, *, count: int, clear: Callable[[Trajectories], BoolArray] | None = None
) -> tuple[Trajectories, int]:
    """Return paths to all lesions, to each its share, that differ most from each other.

    The room is known on voxels; the margins of the candidates hold on the exact distances. Those that would be the
    candidates of an empty room stay candidates while catheters go in, as long as they are clear of these: a path that
    was planned is not lost from sight.

    Parameters
    ----------
    case : Case
        Its structures are the obstacles' own.
    room : Clearance
    reach : Reach
    count : int
        Of candidates for all lesions together.
    clear : callable, optional
        Paths -> which of them are clear of the catheters that are in.

    Returns
    -------
    candidates : Trajectories
    free : int
        Paths that keep every limit, before the candidates were drawn from them.

    Raises
    ------
    InfeasibleError
        No path is left.
    """
    share = max(1, count // len(case.ctvs))
    free = [trajectories(room, ctv, reach) for ctv in case.ctvs]
    cleared = [np.ones(len(group), dtype=np.bool_) if clear is None else clear(group) for group in free]
    groups = [_kept_exactly(case, room, group, share, ok) for group, ok in zip(free, cleared, strict=True)]
    if not sum(len(group) for group in groups):
        raise InfeasibleError(
            "no path keeps all margins on the exact distances"
            if clear is None
            else "no path keeps all margins and clear of the catheters that are in",
            remedy="Lower a margin: `margins_mm`."
            if clear is None
            else "Lower `apart_mm`, raise `spread_deg`, or plan with the catheters that are in.",
        )
    blocked: dict[str, int] = {} if clear is None else {BESIDE_GIVEN: sum(int((~ok).sum()) for ok in cleared)}
    for group in free:
        for name, lines in group.blocked.items():
            blocked[name] = blocked.get(name, 0) + lines
    candidates = Trajectories(
        entry_mm=np.concatenate([group.entry_mm for group in groups]),
        tip_mm=np.concatenate([group.tip_mm for group in groups]),
        chord_mm=np.concatenate([group.chord_mm for group in groups]),
        free_mm=np.concatenate([group.free_mm for group in groups]),
        tilt_deg=np.concatenate([group.tilt_deg for group in groups]),
        slant_deg=np.concatenate([group.slant_deg for group in groups]),
        tried=sum(group.tried for group in groups),
        blocked=blocked,
    )
    return candidates, sum(int(ok.sum()) for ok in cleared)


def clear_of(paths: Trajectories, given: Sequence[Catheter], options: PlaceOptions) -> BoolArray:
    """Whether each path keeps the distance and the angle to all catheters that are in, (n_paths,).

    Parameters
    ----------
    paths : Trajectories
    given : sequence of Catheter
    options : PlaceOptions
    """
    apart = (gap_to_mm(paths, given) >= options.apart_mm) & (angle_to_deg(paths, given) <= options.spread_deg)
    return np.asarray(apart.all(axis=1))


def named_apart(new: Sequence[Catheter], given: Sequence[Catheter]) -> tuple[Catheter, ...]:
    """Return new catheters under the next names that no catheter in the patient has."""
    taken = {catheter.name for catheter in given}
    free = (name for k in numbers(1) if (name := f"cath_{k}") not in taken)
    return tuple(replace(catheter, name=name) for catheter, name in zip(new, free, strict=False))


def displaced(dwells: Dwells, *, error_mm: float, scenarios: int, seed: int, n_given: int = 0) -> list[Dwells]:
    """Return dwells of catheters that lie elsewhere, each moved as a whole.

    Parameters
    ----------
    dwells : Dwells
    error_mm : float
        RMS displacement in space; 0: no scenarios.
    scenarios : int
    seed : int
    n_given : int
        The first catheters are in: they stay where they are.
    """
    if error_mm == 0.0:
        return []
    rng = np.random.default_rng(seed)
    count = len(dwells.catheter_names)
    moved = []
    for _ in range(scenarios):
        shift_mm = rng.normal(0.0, error_mm / np.sqrt(3), (count, 3))
        shift_mm[:n_given] = 0.0
        moved.append(replace(dwells, positions_mm=dwells.positions_mm + shift_mm[dwells.catheter]))
    return moved


def _kept_exactly(case: Case, room: Clearance, free: Trajectories, share: int, clear: BoolArray) -> Trajectories:
    """Return the paths that differ most, of those that keep every margin exactly and are clear of what is in.

    Half a voxel decides about few paths: they are looked at when they are drawn, and others are drawn in their place.
    """
    exact = np.ones(len(free), dtype=np.bool_)  # until it is looked at
    seen = np.zeros(len(free), dtype=np.bool_)

    def drawn(allowed: BoolArray, first: IntArray) -> IntArray:
        while len(kept := np.flatnonzero(allowed & exact)):
            begin = np.searchsorted(kept, first) if len(first) else np.zeros(1, dtype=np.int64)
            rows = kept[varied(free.only(kept), share, begin.tolist())]
            new = rows[~seen[rows]]
            seen[new] = True
            bad = new[~_keeps_margins(case, room, free.only(new))]
            if not len(bad):
                return np.asarray(rows)
            exact[bad] = False
        return np.zeros(0, dtype=np.int64)

    rows = drawn(np.ones(len(free), dtype=np.bool_), np.zeros(0, dtype=np.int64))
    if not clear.all():
        rows = drawn(clear, rows[clear[rows]])
    return free.only(rows)


def _keeps_margins(case: Case, room: Clearance, paths: Trajectories) -> BoolArray:
    """Whether each path keeps every margin, by the distances of the obstacles' own voxels."""
    lines = [_line_mm(ends) for ends in zip(paths.entry_mm, paths.tip_mm, strict=True)]
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    points_mm = np.concatenate([np.empty((0, 3)), *lines])
    last = np.subtract(room.grid.shape_zyx[::-1], 1)
    x, y, z = np.clip(np.rint(room.grid.index(points_mm)).astype(np.int64), 0, last).T
    # Where the nearest voxel has a voxel's diagonal of room, the point itself is clear.
    near = room.free_mm_zyx[z, y, x] < 2.0 * np.linalg.norm(room.grid.spacing_mm)
    keeps = np.ones(len(lines), dtype=np.bool_)
    for structure in case.structures:
        if structure.name in room.names:
            margin_mm = room.margins_mm[room.names.index(structure.name)]
            beside = near & keeps[owner]
            beside[beside] = _box_gap_mm(structure, points_mm[beside]) < margin_mm
            if beside.any():
                keeps[owner[beside][distance_mm(structure, points_mm[beside]) < margin_mm]] = False
    return keeps


def _line_mm(ends_mm: FloatArray | Sequence[FloatArray]) -> FloatArray:
    """Points every millimetre from the first to the last of the ends."""
    path_mm = ends_mm[-1] - ends_mm[0]
    steps = int(np.linalg.norm(path_mm)) + 1
    return np.asarray(ends_mm[0] + np.linspace(0.0, 1.0, steps + 1)[:, None] * path_mm)


def nearest_mm(case: Case, catheter: Catheter, names: Collection[str]) -> dict[str, float]:
    """Return the three obstacles nearest to a catheter, with the distances of their voxels.

    Parameters
    ----------
    case : Case
    catheter : Catheter
    names : collection of str
        The obstacles.
    """
    line_mm = np.concatenate([_line_mm(np.stack(ends)) for ends in pairwise(catheter.points_mm)])
    near = {
        structure.name: float(distance_mm(structure, line_mm).min())
        for structure in case.structures
        if structure.name in names and _box_gap_mm(structure, line_mm).min() < _BESIDE_MM
    }
    return dict(sorted(near.items(), key=lambda item: item[1])[:3])


def _box_gap_mm(structure: Structure, points_mm: FloatArray) -> FloatArray:
    """Distance of points to the box of a structure's voxels, (n,): a lower bound of that to the structure."""
    box = box_of(structure.mask_zyx)[::-1]
    low, high = np.array([side.start - 0.5 for side in box]), np.array([side.stop - 0.5 for side in box])
    index = structure.grid.index(points_mm)
    gap = np.maximum(np.maximum(low - index, index - high), 0.0) * structure.grid.spacing_mm
    return np.asarray(np.linalg.norm(gap, axis=1))


def by_turns(case: Case, paths: Trajectories) -> Trajectories:
    """Return paths so that the first ones are the first of every lesion of a case."""
    axis = (paths.tip_mm - paths.entry_mm) / paths.length_mm[:, None]
    middle_mm = paths.tip_mm - 0.5 * paths.chord_mm[:, None] * axis
    lesion = np.argmin([distance_mm(ctv, middle_mm) for ctv in case.ctvs], axis=0)
    rank = np.empty(len(paths), dtype=np.int64)
    for k in range(len(case.ctvs)):
        rank[lesion == k] = np.arange(int((lesion == k).sum()))
    return paths.only(np.argsort(rank, kind="stable"))
