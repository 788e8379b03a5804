"""The best plan that a linear program and searches find: what a proven bound must not lie above.

Dense rows of plainly written TG-43, SciPy's ``linprog``, and cold points by search on the continuous shape. The program
knows some points of a CTV only, so its optimum is a bound of its own: every plan that it speaks of has at least that.
Points that a search finds too cold join it, and the bound rises. Where it reaches the bound that is to be judged, that
one is right. Where it does not, a plan is looked for: one counts as found when the search sees no point of a CTV below
what is asked; every limit holds in the program itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.validate.growing_program import MARGIN_FRAC, Asked, GrowingProgram
from hdrplan.validate.search import QUICK, THOROUGH

__all__ = ["Judgement", "judgement", "nearest", "risen"]

_ROUNDS = 30
# A bound that lies above another by less than this is the same.
_SAME_FRAC = 1e-6
# A round in which the program's bound rises by less is the last.
_SLOW_FRAC = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """What was found of a lower bound that is stated.

    Parameters
    ----------
    at_least : float
        The program's own bound: no plan that it speaks of has less; infinite where there is no such plan.
    found : float
        The objective of the best plan found, as far as searches see; infinite where none was looked for or found.
    times_s : (n_dwells,) array or None
        Of the solution that ``at_least`` belongs to; None where there is none.
    rounds : int
    """

    at_least: float
    found: float
    times_s: FloatArray | None
    rounds: int

    @property
    def value(self) -> float:
        """What the bound is compared with: the best plan found, or the program's own bound where that was enough."""
        return self.at_least if math.isinf(self.found) else self.found

    def below(self, bound: float) -> float:
        """By how much the best plan found lies below a bound; NaN where neither plan nor program says anything."""
        if self.at_least >= bound - _SAME_FRAC * abs(bound):
            return 0.0
        return math.nan if math.isinf(self.found) else max(0.0, bound - self.found)


def judgement(asked: Asked, bound: float, *, of_misses: bool = False) -> Judgement:
    """Look whether a plan lies below a bound.

    Parameters
    ----------
    asked : Asked
    bound : float
        Of the objective, or of the sum of the misses in Gy.
    of_misses : bool
        Whether the bound is that of the smallest sum of what the prescriptions are missed by.

    Returns
    -------
    Judgement
    """
    program, n, k = GrowingProgram(asked), len(asked.cost), len(asked.targets)
    cost = np.concatenate((np.zeros(n), np.ones(k))) if of_misses else np.concatenate((asked.cost, np.zeros(k)))
    base = 0.0 if of_misses else asked.base
    wanted_gy = np.array([target.wanted_gy for target in asked.targets])
    if asked.held_gy is not None and not of_misses:
        wanted_gy = asked.held_gy
    enough = bound - _SAME_FRAC * abs(bound)
    at_least, times_s, rounds = risen(program, cost, wanted_gy, may_miss=of_misses, enough=enough - base)
    found = math.inf
    if at_least + base < enough:
        found, more = _found(program, cost, wanted_gy, may_miss=of_misses)
        rounds += more
    return Judgement(at_least=at_least + base, found=found + base, times_s=times_s, rounds=rounds)


def nearest(asked: Asked) -> FloatArray | None:
    """Return times that hold every limit and miss as little as can be of the doses to be held; None without any."""
    assert asked.held_gy is not None
    n, k = len(asked.cost), len(asked.targets)
    cost = np.concatenate((np.zeros(n), np.ones(k)))
    return risen(GrowingProgram(asked), cost, asked.held_gy, may_miss=True, enough=math.inf)[1]


def risen(
    program: GrowingProgram, cost: FloatArray, wanted_gy: FloatArray, *, may_miss: bool, enough: float
) -> tuple[float, FloatArray | None, int]:
    """Return the program's own bound, its times and the rounds: points join as long as it rises, and is not enough.

    Parameters
    ----------
    program : GrowingProgram
    cost : (n + k,) array
    wanted_gy : (k,) array
    may_miss : bool
    enough : float
    """
    n, at_least, times_s = len(program.asked.cost), -math.inf, None
    for rounds in range(1, _ROUNDS + 1):
        while True:
            x = program.solve(cost, wanted_gy, may_miss=may_miss, margin_frac=0.0)
            if x is None:
                return math.inf, None, rounds
            times_s = x[:n]
            if not program.limit(times_s):
                break
        value = float(cost @ x)
        slow, at_least = value - at_least <= _SLOW_FRAC * abs(value), max(at_least, value)
        # The program's own bound needs no plan, and so no thorough search.
        if at_least >= enough or slow or not program.grow(x, wanted_gy, seed=rounds, efforts=(QUICK,)):
            break
    return at_least, times_s, rounds


def _found(program: GrowingProgram, cost: FloatArray, wanted_gy: FloatArray, *, may_miss: bool) -> tuple[float, int]:
    """Return the cost of a plan that holds everything as far as searches see, infinite without one; and the rounds.

    Parameters
    ----------
    program : GrowingProgram
    cost : (n + k,) array
    wanted_gy : (k,) array
        Dose that each target is to receive.
    may_miss : bool
        Whether it may receive less.
    """
    for rounds in range(1, _ROUNDS + 1):
        x = program.solve(cost, wanted_gy, may_miss=may_miss, margin_frac=MARGIN_FRAC)
        if x is None:
            return math.inf, rounds
        if program.limit(x[: len(program.asked.cost)]):
            continue
        if not program.grow(x, wanted_gy, seed=rounds, efforts=(QUICK, THOROUGH)):
            return float(cost @ x), rounds
    return math.inf, _ROUNDS
