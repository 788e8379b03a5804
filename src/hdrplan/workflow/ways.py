"""Straight ways to the lesions: the candidates, where a catheter may come to lie instead, what it passes."""

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

__all__ = ["candidate_ways", "displaced", "nearest_mm"]

# Obstacles farther than this from a catheter are not named beside it.
_BESIDE_MM = 40.0


def candidate_ways(case: Case, room: Clearance, reach: Reach, *, count: int) -> tuple[Trajectories, int]:
    """Return ways to all lesions, to each its share, that differ most from each other.

    Parameters
    ----------
    case : Case
    room : Clearance
    reach : Reach
    count : int
        Of candidates for all lesions together.

    Returns
    -------
    ways : Trajectories
    free : int
        Ways that keep every limit, before the candidates were drawn from them.
    """
    share = max(1, count // len(case.ctvs))
    free = [trajectories(room, ctv, reach) for ctv in case.ctvs]
    parts = [varied(ways, share) for ways in free]
    blocked: dict[str, int] = {}
    for part in parts:
        for name, lines in part.blocked.items():
            blocked[name] = blocked.get(name, 0) + lines
    ways = Trajectories(
        entry_mm=np.concatenate([part.entry_mm for part in parts]),
        tip_mm=np.concatenate([part.tip_mm for part in parts]),
        chord_mm=np.concatenate([part.chord_mm for part in parts]),
        free_mm=np.concatenate([part.free_mm for part in parts]),
        tilt_deg=np.concatenate([part.tilt_deg for part in parts]),
        slant_deg=np.concatenate([part.slant_deg for part in parts]),
        tried=sum(part.tried for part in parts),
        blocked=blocked,
    )
    return ways, sum(len(ways) for ways in free)


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
    way = ends_mm[-1] - ends_mm[0]
    steps = int(np.linalg.norm(way)) + 1
    line_mm = ends_mm[0] + np.linspace(0.0, 1.0, steps + 1)[:, None] * way
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
