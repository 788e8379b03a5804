"""Regions of plans: ranges of the numbers in which plans differ, and what they leave of each goal's volume."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.staircase import floor_at, grow
from hdrplan.optimize.bound.dose_modes import Directions, Excess
from hdrplan.optimize.program.lazy_lp import Solution

__all__ = ["HAIR", "Floor", "Ranges", "Region", "Undecided", "floors_of"]

# Numbers are of the order of 1.
MIN_HALF = 1e-7
# Volumes are compared with this fraction of the goal's volume to spare.
HAIR = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Lower and upper end of each number, (r,) each."""

    low: FloatArray
    high: FloatArray

    def middle_and_half(self) -> tuple[FloatArray, FloatArray]:
        """Middle and half width; one without width is given some, for coefficients that the solver can hold."""
        return 0.5 * (self.low + self.high), np.maximum(0.5 * (self.high - self.low), MIN_HALF)

    def moves(self, seen: Directions, undecided: Undecided) -> FloatArray:
        """How much each number moves the doses of the undecided points, as a fraction of the limit."""
        loads = seen.loads[undecided.places(seen)] if len(undecided.at) else seen.loads
        return np.asarray(np.sqrt((loads**2).mean(axis=0)) * 0.5 * (self.high - self.low))

    def narrowed(self, k: int, lowest: Solution | None, highest: Solution | None) -> Ranges | None:
        """Take over new bounds of one number.

        Parameters
        ----------
        k : int
        lowest, highest : Solution or None
            Of the smallest and of the greatest number, the latter with its sign reversed; None where there is no plan.

        Returns
        -------
        Ranges or None
            None where nothing is left.
        """
        if lowest is None or highest is None:
            return None
        low, high = max(float(self.low[k]), lowest.bound), min(float(self.high[k]), -highest.bound)
        if low > high:
            if low - high > 1e-9 * (1.0 + abs(low)):
                return None
            low, high = high, low
        lows, highs = self.low.copy(), self.high.copy()
        lows[k], highs[k] = low, high
        return Ranges(lows, highs)

    def halved(self, k: int) -> tuple[Ranges, Ranges]:
        """Halve the range of one number."""
        below, above = self.high.copy(), self.low.copy()
        below[k] = above[k] = 0.5 * (self.low[k] + self.high[k])
        return Ranges(self.low, below), Ranges(above, self.high)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Undecided:
    """Points that may be on either side of their limit, and the range of the excess of each.

    Parameters
    ----------
    at : (m,) int array
        Which points of the excess, in its order.
    low, high : (m,) arrays
    above_cc : (n_goals,) array
        Volume of each goal's points that are surely above.
    """

    at: IntArray
    low: FloatArray
    high: FloatArray
    above_cc: FloatArray

    @classmethod
    def all_of(cls, excess: Excess) -> Undecided:
        """Return every point, with nothing known of it."""
        none = np.full(len(excess.goal), np.inf)
        return cls(at=np.arange(len(none)), low=-none, high=none, above_cc=np.zeros(len(excess.tail_cc)))

    def places(self, seen: Directions) -> IntArray:
        """Return where the points stand in a description of them and maybe others."""
        return np.searchsorted(seen.at, self.at)

    def within(self, excess: Excess, seen: Directions, ranges: Ranges) -> Undecided:
        """Take over what the ranges of the numbers say.

        Parameters
        ----------
        excess : Excess
        seen : Directions
            Describes all of the points.
        ranges : Ranges
            Of its numbers.

        Returns
        -------
        Undecided
        """
        return self.narrowed(excess, *seen.reach(ranges.low, ranges.high, self.places(seen)))

    def decided(self, excess: Excess, k: int, *, above: bool) -> Undecided:
        """Put one of the points above its limit, or below it.

        Parameters
        ----------
        excess : Excess
        k : int
            Its place in ``at``.
        above : bool

        Returns
        -------
        Undecided
        """
        above_cc = self.above_cc.copy()
        above_cc[excess.goal[self.at[k]]] += above * excess.volume_cc[self.at[k]]
        left = np.arange(len(self.at)) != k
        return Undecided(at=self.at[left], low=self.low[left], high=self.high[left], above_cc=above_cc)

    def narrowed(self, excess: Excess, low: FloatArray, high: FloatArray) -> Undecided:
        """Take over other ranges; points that are now on one side for sure are decided.

        Parameters
        ----------
        excess : Excess
        low, high : (m,) arrays

        Returns
        -------
        Undecided
        """
        low, high = np.maximum(self.low, low), np.minimum(self.high, high)
        above, left = low > 0, (low <= 0) & (high > 0)
        goal, volume_cc = excess.goal[self.at[above]], excess.volume_cc[self.at[above]]
        above_cc = self.above_cc + np.bincount(goal, volume_cc, minlength=len(self.above_cc))
        return Undecided(at=self.at[left], low=low[left], high=high[left], above_cc=above_cc)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Region:
    """Plans whose numbers lie in ranges; the one with the lowest bound comes first.

    Parameters
    ----------
    bound : float
        No plan of the region has a lower objective.
    order : int
        Regions of one bound come in the order they were made.
    ranges : Ranges
    undecided : Undecided
    x : (n_columns,) array
        The last solution, of a relaxation: a plan that is worth a try.
    below : (k,) int array
        Points of the excess that a halving put below their limit: each is a row of the program.
    """

    bound: float
    order: int
    ranges: Ranges = field(compare=False)
    undecided: Undecided = field(compare=False)
    x: FloatArray = field(compare=False)
    below: IntArray = field(compare=False, default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Floor:
    """Convex function below the volume of one goal's undecided points above their limit.

    Parameters
    ----------
    left_cc : float
        What the points surely above leave of the goal's volume.
    tail_cc : float
        The goal's volume.
    ranges : Ranges
        The region that it was made for.
    hulls : tuple of arrays or None
        Of :func:`hdrplan.kernels.staircase.grow`; None where the undecided points have room enough.
    """

    left_cc: float
    tail_cc: float
    ranges: Ranges
    hulls: tuple[FloatArray, IntArray, FloatArray, FloatArray, IntArray] | None

    def above(self, number: FloatArray, per_s: FloatArray) -> tuple[FloatArray, float] | None:
        """Return the row of dwell times that this floor breaks at some numbers, and its upper limit; None if it holds.

        Parameters
        ----------
        number : (r,) array
        per_s : (r, n_dwells) array
            The numbers as functions of the dwell times.
        """
        if self.hulls is None:
            return None
        middle, half = self.ranges.middle_and_half()
        q = (number - middle) / half
        volume_cc, slope = floor_at(*self.hulls, q)
        if volume_cc - self.left_cc <= 10 * HAIR * self.tail_cc:
            return None
        # volume + slope (p - q) <= left, for p = (number - middle) / half.
        limit = self.left_cc - volume_cc + slope @ q + (slope / half) @ middle + HAIR * self.tail_cc
        return (slope / half) @ per_s, float(limit)


def floors_of(excess: Excess, seen: Directions, ranges: Ranges, undecided: Undecided) -> tuple[Floor, ...] | None:
    """Return a floor for each goal; None where the points surely above are too many already.

    Parameters
    ----------
    excess : Excess
    seen : Directions
    ranges : Ranges
        Of the numbers of ``seen``.
    undecided : Undecided
        Points that these ranges leave.

    Returns
    -------
    tuple of Floor, or None
    """
    middle, half = ranges.middle_and_half()
    goal, volume = excess.goal[undecided.at], excess.volume_cc[undecided.at]
    floors = []
    for g, tail_cc in enumerate(excess.tail_cc):
        left_cc = float(excess.room_cc[g] - undecided.above_cc[g])
        if left_cc < -HAIR * tail_cc:
            return None
        own = np.flatnonzero(goal == g)
        hulls = None
        if volume[own].sum() > max(0.0, left_cc):
            place = undecided.places(seen)[own]
            loads, rest = seen.loads[place], seen.rest[place]
            middle_gy = seen.fixed[place] + loads @ middle
            # What is left over of a description may lower an excess: the rest of it then reaches higher.
            most = undecided.high[own] - middle_gy + rest
            hulls = grow(loads * half, middle_gy, rest, volume[own], most)
        floors.append(Floor(left_cc=left_cc, tail_cc=float(tail_cc), ranges=ranges, hulls=hulls))
    return tuple(floors)
