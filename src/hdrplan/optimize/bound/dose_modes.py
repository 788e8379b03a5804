"""Doses as few numbers: the directions in which plans worth having differ.

A plan has a hundred dwell times, but the doses of one organ differ, among plans that are nearly as good as the best,
in little more than their size, their slope along the catheters and their steepness. So the dose of every point is
written as a combination of about twenty numbers, the first of them those in which some such plans were seen to differ
most (principal components), the others what best describes the rest. What these leave over is bounded for each point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.optimize.program.dose_program import Program

__all__ = ["Directions", "Excess", "directions"]

MOST = 24
# Principal components among them; the plans seen are too few to tell more.
LEADING = 3
# The directions must be good where doses come this near to the limit.
NEAR_FRAC = 0.1
MOST_NEAR = 2000
# Rows of the rate matrix looked at together.
CHUNK = 4096


class Excess:
    """By how much each point is on the wrong side of its limit, as a fraction of it: all dose-volume goals together.

    Parameters
    ----------
    program : Program
    which : list of int
        The requirements; points without volume are left out.
    """

    def __init__(self, program: Program, which: list[int]) -> None:
        self.blocks: list[tuple[FloatArray, float]] = []
        volume, shift, rows, goal = [], [], [], []
        for g, k in enumerate(which):
            one, block = program.listed[k], program.tails[k]
            scale = -one.sense / one.limit
            cc = program.points.volume_cc[one.rows]
            given = block.given_gy
            at = np.flatnonzero(cc > 0)
            self.blocks.append((block.gy_per_s, scale))
            volume.append(cc[at])
            shift.append(scale * (given[at] - one.limit))
            rows.append(at)
            goal.append(np.full(len(at), g))
        self.tail_cc = np.array([program.listed[k].tail_cc for k in which])
        self.volume_cc, self.shift = np.concatenate(volume), np.concatenate(shift)
        self.goal: IntArray = np.concatenate(goal)
        self._row: IntArray = np.concatenate(rows)

    def per_s(self, at: IntArray) -> FloatArray:
        """Return the rows (len(at), n_dwells) of some points: excess for each second."""
        rows = [scale * gy_per_s[self._row[at[self.goal[at] == g]]] for g, (gy_per_s, scale) in enumerate(self.blocks)]
        return np.concatenate(rows)

    def of(self, times_s: FloatArray) -> FloatArray:
        """Return the excess of all points."""
        dose = [scale * (gy_per_s @ times_s) for gy_per_s, scale in self.blocks]
        return np.concatenate([dose[g][self._row[self.goal == g]] for g in range(len(dose))]) + self.shift


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Excess of some points: ``fixed + loads @ (per_s @ times)``, give or take ``rest``.

    Parameters
    ----------
    at : (m,) array
        Which points.
    per_s : (r, n_dwells) array
        The numbers as functions of the dwell times.
    loads : (m, r) array
    fixed, rest : (m,) arrays
    """

    at: IntArray
    per_s: FloatArray
    loads: FloatArray
    fixed: FloatArray
    rest: FloatArray

    def reach(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Least and greatest excess of each point where the numbers lie between two corners."""
        middle = self.fixed + self.loads @ (0.5 * (low + high))
        half = np.abs(self.loads) @ (0.5 * (high - low)) + self.rest
        return middle - half, middle + half


def directions(
    excess: Excess, at: IntArray, plans_s: FloatArray, least_s: FloatArray, most_s: FloatArray
) -> Directions:
    """Choose the numbers by what some plans worth having differ in.

    Parameters
    ----------
    excess : Excess
    at : (m,) array
        The points to describe, in the order of their goals.
    plans_s : (k, n_dwells) array
        Dwell times of these plans.
    least_s, most_s : (n_dwells,) arrays
        Bounds of the times: what the numbers leave over is bounded with them.
    """
    moved = plans_s - plans_s.mean(axis=0)
    span = most_s - least_s
    scale = np.maximum(span, 1e-3 * max(float(span.max()), 1e-9))
    near = at[_near(excess, at, plans_s)]
    weight = np.sqrt(excess.volume_cc[near] / excess.tail_cc[excess.goal[near]])
    rows = excess.per_s(near) * weight[:, None]
    _, strength, patterns = np.linalg.svd(moved @ rows.T, full_matrices=False)
    leading = patterns[:LEADING][strength[:LEADING] > 1e-6 * strength[0]]
    first = leading @ rows
    # Loads on the first numbers, by regression over the plans; on the others, by projection.
    regress = moved.T @ np.linalg.pinv(moved @ first.T).T
    rest = rows - (rows @ regress) @ first
    _, strength, others = np.linalg.svd(rest * scale, full_matrices=False)
    others = others[: MOST - len(first)][strength[: MOST - len(first)] > 1e-8]
    per_s = np.concatenate((first, others / scale))
    loads, fixed, left = [], [], []
    for begin in range(0, len(at), CHUNK):
        rows = excess.per_s(at[begin : begin + CHUNK])
        on_first = rows @ regress
        rest = rows - on_first @ first
        on_others = (rest * scale) @ others.T
        rest = rest - on_others @ per_s[len(first) :]
        loads.append(np.concatenate((on_first, on_others), axis=1))
        fixed.append(rest @ (0.5 * (least_s + most_s)))
        left.append(np.abs(rest) @ (0.5 * span))
    return Directions(
        at, per_s, np.concatenate(loads), np.concatenate(fixed) + excess.shift[at], np.concatenate(left) + 1e-9
    )


def _near(excess: Excess, at: IntArray, plans_s: FloatArray) -> IntArray:
    """Places in ``at`` of points whose excess comes near zero in some of the plans."""
    above = np.stack([excess.of(plan)[at] for plan in plans_s])
    near = np.flatnonzero((above.max(axis=0) > -NEAR_FRAC) & (above.min(axis=0) < NEAR_FRAC))
    if len(near) == 0:
        near = np.argsort(np.abs(above).min(axis=0), kind="stable")[:1]
    return np.sort(near)[:: max(1, len(near) // MOST_NEAR)]
