"""What a program of several CTVs begins with: each planned by itself, with the dwells next to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.memory import give_back
from hdrplan.optimize.program.lazy_lp import LazyLP, LPStatus
from hdrplan.optimize.program.point_rows import LimitedPoints, PointRows
from hdrplan.threads import over_each

__all__ = ["Apart", "planned_apart"]

# Fewer dwells need no such start. Of 900 dwells and four CTVs the first program took 4.7 s by itself.
MANY_DWELLS = 300
# A CTV alone knows nothing of the others; the second time it knows what they give it, and what its dwells give them.
SWEEPS = 2
# Points that tell which CTV a dwell is next to.
_TELLING = 500
MAX_ROUNDS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """Plans of single CTVs put together: no plan of all, but near it.

    Parameters
    ----------
    times_s : (n_dwells,) array
    points : mapping
        Family -> those of its points, (m,) each, at which the plan of its CTV is as low as it may be.
    """

    times_s: FloatArray
    points: Mapping[PointRows, IntArray]


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """One CTV and the dwells next to it."""

    family: PointRows
    dwells: IntArray

    def points(self, earlier_gy: FloatArray) -> LimitedPoints:
        """Return its points with their rates of these dwells alone, a copy: of four CTVs they are a quarter of all."""
        whole, n = self.family.points, len(self.dwells)
        own = whole.gy_per_s[:, self.dwells]
        return replace(whole, gy_per_s=own, n_columns=n, miss_column=None, earlier_gy=earlier_gy)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The plan of one CTV: times of its dwells, points that bind it, and what their multipliers pay for all dwells."""

    times_s: FloatArray
    binding: IntArray | None
    paid: FloatArray


def planned_apart(
    begin_with: Mapping[PointRows, IntArray | None], cost: FloatArray, lower: FloatArray, upper: FloatArray
) -> Apart | None:
    """Return plans of single CTVs; None where there are few dwells, one CTV, or one that has no plan of its own.

    Parameters
    ----------
    begin_with : mapping
        Family of each prescription -> points to begin with, if some are known.
    cost, lower, upper : (n_dwells,) arrays
        The objective, and bounds of the times.
    """
    n, families = len(cost), tuple(begin_with)
    if n < MANY_DWELLS or len(families) < 2:
        return None
    strongest = [f.points.gy_per_s[:: 1 + len(f.points) // _TELLING].max(axis=0) for f in families]
    next_to = np.argmax(strongest, axis=0)
    ctvs = []
    for k, family in enumerate(families):
        dwells = np.flatnonzero(next_to == k)
        if not len(dwells):
            return None
        ctvs.append(_Own(family, dwells))
    found = [_Found(np.zeros(len(ctv.dwells)), begin_with[ctv.family], np.zeros(n)) for ctv in ctvs]
    for _ in range(SWEEPS):
        again = over_each(partial(_next, ctvs, found, cost=cost, lower=lower, upper=upper), range(len(ctvs)))
        if any(one is None for one in again):
            return None
        found = [one for one in again if one is not None]
    give_back()
    binding = {c.family: one.binding for c, one in zip(ctvs, found, strict=True) if one.binding is not None}
    return Apart(_together(ctvs, found, n), binding)


def _next(
    ctvs: Sequence[_Own], found: Sequence[_Found], k: int, *, cost: FloatArray, lower: FloatArray, upper: FloatArray
) -> _Found | None:
    """Plan CTV ``k`` again, with what the others' last plans give it, and what its dwells give to the others."""
    others_s = _together(ctvs, found, len(cost))
    others_s[ctvs[k].dwells] = 0.0
    paid = np.sum([one.paid for j, one in enumerate(found) if j != k], axis=0)
    return _alone(ctvs[k], found[k].binding, others_s, cost - paid, lower, upper)


def _together(ctvs: Sequence[_Own], found: Sequence[_Found], n_dwells: int) -> FloatArray:
    times_s = np.zeros(n_dwells)
    for ctv, one in zip(ctvs, found, strict=True):
        times_s[ctv.dwells] = one.times_s
    return times_s


def _alone(
    ctv: _Own, binding: IntArray | None, others_s: FloatArray, cost: FloatArray, lower: FloatArray, upper: FloatArray
) -> _Found | None:
    """Plan one CTV at given times of all other dwells; None where that cannot be."""
    whole, dwells = ctv.family.points, ctv.dwells
    rows = PointRows(ctv.points(whole.dose_gy(others_s) if others_s.any() else whole.earlier_gy))
    lp = LazyLP(lower[dwells], upper[dwells])
    lp.families.append(rows)
    new = rows.first_rows() if binding is None else rows.points.rows(binding, rows.limit_gy)
    rows.taken(lp.add(rows.owner, new), new)
    solution = lp.solve(cost[dwells], max_rounds=MAX_ROUNDS)
    if solution.status != LPStatus.OPTIMAL:
        return None
    dual = solution.dual
    paid = dual.multipliers @ whole.gy_per_s[dual.points]
    return _Found(solution.x, np.unique(dual.points), paid)
