"""Straight paths to the lesions: the candidates, where a catheter may come to lie instead, what it passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import (
    Catheter,
    Clearance,
    Dwells,
    Reach,
    Structure,
    Trajectories,
    box_of,
    distance_mm,
    trajectories,
    varied,
)
from hdrplan.plan import Case

__all__ = ["candidate_trajectories", "displaced", "nearest_mm"]

# Obstacles farther than this from a catheter are not named beside it.
_BESIDE_MM = 40.0


def candidate_trajectories(case: Case, room: Clearance, reach: Reach, *, count: int) -> tuple[Trajectories, int]:
    """Return paths to all lesions, to each its share, that differ most from each other.

    Parameters
    ----------
    case : Case
    room : Clearance
    reach : Reach
    count : int
        Of candidates for all lesions together.

    Returns
    -------
    candidates : Trajectories
    free : int
        Paths that keep every limit, before the candidates were drawn from them.
    """
    share = max(1, count // len(case.ctvs))
    free = [trajectories(room, ctv, reach) for ctv in case.ctvs]
    groups = [varied(group, share) for group in free]
    blocked: dict[str, int] = {}
    for group in groups:
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
    return candidates, sum(len(group) for group in free)


def displaced(dwells: Dwells, *, error_mm: float, scenarios: int, seed: int) -> list[Dwells]:
    """Return dwells of catheters that lie elsewhere, each moved as a whole.

    Parameters
    ----------
    dwells : Dwells
    error_mm : float
        RMS displacement in space; 0: no scenarios.
    scenarios : int
    seed : int
    """
    if error_mm == 0.0:
        return []
    rng = np.random.default_rng(seed)
    count = len(dwells.catheter_names)
    moved = []
    for _ in range(scenarios):
        shift_mm = rng.normal(0.0, error_mm / np.sqrt(3), (count, 3))
        moved.append(replace(dwells, positions_mm=dwells.positions_mm + shift_mm[dwells.catheter]))
    return moved


def nearest_mm(case: Case, catheter: Catheter, margins_mm: Mapping[str, float]) -> dict[str, float]:
    """Return the three obstacles nearest to a straight catheter, with the distances of their voxels.

    Parameters
    ----------
    case : Case
    catheter : Catheter
    margins_mm : mapping
        Its keys are the obstacles.
    """
    ends_mm = catheter.points_mm
    path_mm = ends_mm[-1] - ends_mm[0]
    steps = int(np.linalg.norm(path_mm)) + 1
    line_mm = ends_mm[0] + np.linspace(0.0, 1.0, steps + 1)[:, None] * path_mm
    near = {
        structure.name: float(distance_mm(structure, line_mm).min())
        for structure in case.structures
        if structure.name in margins_mm and _box_gap_mm(structure, line_mm) < _BESIDE_MM
    }
    return dict(sorted(near.items(), key=lambda item: item[1])[:3])


def _box_gap_mm(structure: Structure, line_mm: FloatArray) -> float:
    """Distance of a line to the box of a structure: a lower bound."""
    box = box_of(structure.mask_zyx)[::-1]
    low, high = np.array([side.start for side in box]), np.array([side.stop - 1 for side in box])
    index = structure.grid.index(line_mm)
    gap = np.maximum(np.maximum(low - index, index - high), 0.0) * structure.grid.spacing_mm
    return float(np.linalg.norm(gap, axis=1).min())
