"""Doses as few numbers: the directions in which plans worth having differ.

A plan has a hundred dwell times, but the doses of one organ differ, among plans that are nearly as good as the best,
in little more than their size, their slope along the catheters and their steepness. So the dose of every point is
written as a combination of about twenty numbers, the first of them those in which some such plans were seen to differ
most (principal components), the others what best describes the rest. What these leave over is bounded for each point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray, RateArray
from hdrplan.dose import doses_of
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.requirements import SAME_VOLUME_FRAC

__all__ = ["Directions", "Excess", "directions", "excess_of"]

MAX_NUMBERS = 40
# Principal components among them; the plans seen are too few to tell more.
LEADING = 3
# The directions must be good where doses come this near to the limit.
NEAR_FRAC = 0.1
MAX_NEAR = 2000
# Rows of the rate matrix looked at together.
CHUNK = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Excess:
    """By how much each point is on the wrong side of its limit, as a fraction of it: all dose-volume goals together.

    Points without volume are left out.

    Parameters
    ----------
    blocks : tuple of (rates, scale)
        For each goal its rows of the rate matrix in Gy/s, and what makes Gy on the wrong side a fraction of the limit.
    goal : (n,) int array
        Goal of each point.
    row : (n,) int array
        Row of each point in its goal's rates.
    volume_cc, shift : (n,) arrays
        Volume of each point, and its excess without any dwell time.
    tail_cc : (n_goals,) array
        The volume on the wrong side must stay below this.
    room_cc : (n_goals,) array
        The greatest volume that points on the wrong side can have then: where all are of one size, a multiple of it.
    """

    blocks: tuple[tuple[RateArray, float], ...]
    goal: IntArray
    row: IntArray
    volume_cc: FloatArray
    shift: FloatArray
    tail_cc: FloatArray
    room_cc: FloatArray

    def per_s(self, at: IntArray) -> FloatArray:
        """Return the rows (len(at), n_dwells) of some points: excess for each second."""
        rows = [(scale, gy_per_s[self.row[at[self.goal[at] == g]]]) for g, (gy_per_s, scale) in enumerate(self.blocks)]
        return np.concatenate([scale * some.astype(np.float64) for scale, some in rows])

    def of(self, times_s: FloatArray) -> FloatArray:
        """Return the excess of all points."""
        dose = [scale * doses_of(gy_per_s, times_s) for gy_per_s, scale in self.blocks]
        return np.concatenate([dose[g][self.row[self.goal == g]] for g in range(len(dose))]) + self.shift


def excess_of(program: Program, which: Sequence[int]) -> Excess:
    """Return the excess of some dose-volume goals of a program, over the limits and what these may be missed by."""
    blocks, goal, row, volume, shift, room = [], [], [], [], [], []
    for g, k in enumerate(which):
        requirement, points = program.requirements[k], program.families[k].points
        limit_gy = requirement.limit - requirement.sense * float(program.max_miss([k])[0])
        scale = -requirement.sense / limit_gy
        cc = program.problem.points.volume_cc[requirement.rows]
        at = np.flatnonzero(cc > 0)
        blocks.append((points.gy_per_s, scale))
        goal.append(np.full(len(at), g))
        row.append(at)
        volume.append(cc[at])
        shift.append(scale * (points.earlier_gy[at] - limit_gy))
        room.append(_room_cc(cc[at], requirement.tail_cc))
    return Excess(
        blocks=tuple(blocks),
        goal=np.concatenate(goal),
        row=np.concatenate(row),
        volume_cc=np.concatenate(volume),
        shift=np.concatenate(shift),
        tail_cc=np.array([program.requirements[k].tail_cc for k in which]),
        room_cc=np.array(room),
    )


def _room_cc(volume_cc: FloatArray, tail_cc: float) -> float:
    """Return the greatest volume below ``tail_cc`` that some of the points can have, or what is not below that."""
    size_cc = float(volume_cc.max(initial=0.0))
    if len(volume_cc) == 0 or size_cc - float(volume_cc.min()) > SAME_VOLUME_FRAC * size_cc:
        return tail_cc
    return size_cc * max(0.0, float(np.ceil(tail_cc * (1 - SAME_VOLUME_FRAC) / size_cc)) - 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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

    @property
    def n_dwells(self) -> int:
        """Dwell times that the numbers are functions of."""
        return int(self.per_s.shape[1])

    def reach(self, low: FloatArray, high: FloatArray, places: IntArray) -> tuple[FloatArray, FloatArray]:
        """Smallest and greatest excess of some points where the numbers lie between two corners.

        Parameters
        ----------
        low, high : (r,) arrays
        places : (k,) int array
            Of the points in ``at``.

        Returns
        -------
        low, high : (k,) arrays
        """
        loads = self.loads[places]
        middle = self.fixed[places] + loads @ (0.5 * (low + high))
        half = np.abs(loads) @ (0.5 * (high - low)) + self.rest[places]
        return middle - half, middle + half


def directions(
    excess: Excess, at: IntArray, plans_s: FloatArray, shortest_s: FloatArray, longest_s: FloatArray
) -> Directions:
    """Choose the numbers by what some plans worth having differ in: each goal has numbers of its own.

    Numbers for all organs together describe each of them badly: on three organs the search began with ranges that no
    later step made narrower.

    Parameters
    ----------
    excess : Excess
    at : (m,) array
        The points to describe, in the order of their goals.
    plans_s : (k, n_dwells) array
        Dwell times of these plans.
    shortest_s, longest_s : (n_dwells,) arrays
        Bounds of the times: what the numbers leave over is bounded with them.

    Returns
    -------
    Directions
    """
    goal = excess.goal[at]
    by_goal = [_of_goal(excess, at[goal == g], plans_s, shortest_s, longest_s) for g in np.unique(goal).tolist()]
    loads = np.zeros((len(at), sum(len(d.per_s) for d in by_goal)))
    row = column = 0
    for directions in by_goal:
        (m, r) = directions.loads.shape
        loads[row : row + m, column : column + r] = directions.loads
        row, column = row + m, column + r
    return Directions(
        at=at,
        per_s=np.concatenate([d.per_s for d in by_goal]),
        loads=loads,
        fixed=np.concatenate([d.fixed for d in by_goal]),
        rest=np.concatenate([d.rest for d in by_goal]),
    )


def _of_goal(
    excess: Excess, at: IntArray, plans_s: FloatArray, shortest_s: FloatArray, longest_s: FloatArray
) -> Directions:
    """Choose the numbers of one goal."""
    moved = plans_s - plans_s.mean(axis=0)
    span = longest_s - shortest_s
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
    others = others[: MAX_NUMBERS - len(first)][strength[: MAX_NUMBERS - len(first)] > 1e-8]
    per_s = np.concatenate((first, others / scale))
    loads, fixed, left = [], [], []
    for begin in range(0, len(at), CHUNK):
        rows = excess.per_s(at[begin : begin + CHUNK])
        on_first = rows @ regress
        rest = rows - on_first @ first
        on_others = (rest * scale) @ others.T
        rest = rest - on_others @ per_s[len(first) :]
        loads.append(np.concatenate((on_first, on_others), axis=1))
        fixed.append(rest @ (0.5 * (shortest_s + longest_s)))
        left.append(np.abs(rest) @ (0.5 * span))
    return Directions(
        at=at,
        per_s=per_s,
        loads=np.concatenate(loads),
        fixed=np.concatenate(fixed) + excess.shift[at],
        rest=np.concatenate(left) + 1e-9,
    )


def _near(excess: Excess, at: IntArray, plans_s: FloatArray) -> IntArray:
    """Places in ``at`` of points whose excess comes near zero in some of the plans."""
    above = excess.per_s(at) @ plans_s.T + excess.shift[at, None]
    near = np.flatnonzero((above.max(axis=1) > -NEAR_FRAC) & (above.min(axis=1) < NEAR_FRAC))
    if len(near) == 0:
        near = np.argsort(np.abs(above).min(axis=1), kind="stable")[:1]
    return np.sort(near)[:: max(1, len(near) // MAX_NEAR)]
