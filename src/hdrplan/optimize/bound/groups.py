"""Groups of alike undecided points: the range of the mean excess of a group tells much of each of its points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.staircase import alike
from hdrplan.optimize.bound.dose_modes import Directions, Excess
from hdrplan.optimize.bound.region import Ranges, Undecided

__all__ = ["Group", "groups_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Some undecided points of one goal, each described by the mean of all and what it differs from that.

    Parameters
    ----------
    members : (k,) int array
        Places among the undecided points.
    number : (r,) array
        The mean as a combination of the numbers.
    answer : (k,) array
        Excess of each point for one unit of the mean.
    low, high : (k,) arrays
        Excess of each point without the mean.
    """

    members: IntArray
    number: FloatArray
    answer: FloatArray
    low: FloatArray
    high: FloatArray

    def reach(self, low: float, high: float) -> tuple[FloatArray, FloatArray]:
        """Smallest and greatest excess of each point where the mean lies between two values.

        Parameters
        ----------
        low, high : float

        Returns
        -------
        low, high : (k,) arrays
        """
        ends = np.sort(np.stack((self.answer * low, self.answer * high)), axis=0)
        return self.low + ends[0], self.high + ends[1]


def groups_of(excess: Excess, seen: Directions, ranges: Ranges, undecided: Undecided, count: int) -> Iterator[Group]:
    """Share the undecided points of each goal among groups of alike ones.

    Parameters
    ----------
    excess : Excess
    seen : Directions
    ranges : Ranges
        Of its numbers.
    undecided : Undecided
    count : int
        Groups of each goal at most: a power of two.

    Yields
    ------
    Group
    """
    middle, half = ranges.middle_and_half()
    place = undecided.places(seen)
    loads, goal, volume = seen.loads[place], excess.goal[undecided.at], excess.volume_cc[undecided.at]
    for g in np.unique(goal).tolist():
        parts = [np.flatnonzero(goal == g)]
        while 2 * len(parts) <= count and max(map(len, parts)) > 1:
            parts = [half_ for part in parts for half_ in _halves(loads[part] * half, part)]
        for part in parts:
            own = loads[part]
            mean = volume[part] @ own / volume[part].sum()
            scaled = mean * half
            answer = (own * half) @ scaled / max(float(scaled @ scaled), 1e-300)
            differs = own - answer[:, None] * mean
            fixed = seen.fixed[place[part]] + differs @ middle
            rest = seen.rest[place[part]] + np.abs(differs) @ half
            yield Group(members=part, number=mean, answer=answer, low=fixed - rest, high=fixed + rest)


def _halves(loads: FloatArray, part: IntArray) -> tuple[IntArray, ...]:
    if len(part) < 2:
        return (part,)
    order = alike(loads)
    return part[order[: len(part) // 2]], part[order[len(part) // 2 :]]
