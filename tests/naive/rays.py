"""A straight needle through a grid of clearance, looked at much closer than needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from naive.grids import on_grid, trilinear


@dataclass(frozen=True)
class Look:
    """What lies along a way, one entry for each place."""

    clear_mm: np.ndarray  # minus infinity off the grid
    nearest: np.ndarray  # -1 off the grid
    outside: np.ndarray  # of the patient, or of the grid
    in_target: np.ndarray

    def upto(self, n: int) -> Look:
        return Look(self.clear_mm[:n], self.nearest[:n], self.outside[:n], self.in_target[:n])


def look(
    start: np.ndarray,
    along: np.ndarray,
    length_mm: float,
    step_mm: float,
    clear_mm: np.ndarray,
    nearest: np.ndarray,
    patient: np.ndarray,
    target: np.ndarray,
) -> Look:
    """Every ``step_mm`` from ``start`` on; ``start`` and ``along`` (for 1 mm) are in voxels x, y, z."""
    rows = []
    for s in np.arange(0.0, length_mm, step_mm):
        at = start + s * along
        if on_grid(at, clear_mm.shape):
            z, y, x = (math.floor(v + 0.5) for v in at[::-1])
            rows.append((trilinear_near(clear_mm, at), nearest[z, y, x], not patient[z, y, x], target[z, y, x]))
        else:
            rows.append((-math.inf, -1, True, False))
    clear, whose, outside, inside = zip(*rows, strict=True)
    return Look(
        np.array(clear), np.array(whose, dtype=int), np.array(outside, dtype=bool), np.array(inside, dtype=bool)
    )


def trilinear_near(values: np.ndarray, at: np.ndarray) -> float:
    """The same value from the 2 x 2 x 2 voxels round the place: the hat functions of all others are 0 there."""
    low = [min(max(math.floor(v), 0), max(n - 2, 0)) for v, n in zip(at, values.shape[::-1], strict=True)]
    x, y, z = low
    return trilinear(values[z : z + 2, y : y + 2, x : x + 2], at - low)


def first(flags: np.ndarray, run: int = 1) -> float:
    """Index at which the flags first hold ``run`` times in a row; infinite if never."""
    count = 0
    for k, flag in enumerate(flags):
        count = count + 1 if flag else 0
        if count == run:
            return k - run + 1
    return math.inf


def last(flags: np.ndarray, run: int = 1) -> float:
    """Index at which the last such row ends; minus infinite if there is none."""
    return len(flags) - 1 - first(flags[::-1], run)
