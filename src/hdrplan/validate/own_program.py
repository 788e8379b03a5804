"""The best plan that a linear program and searches find: what a proven bound must not lie above.

Dense rows of plainly written TG-43, SciPy's ``linprog``, and cold points by search on the continuous shape. The program
knows some points of a CTV only, so its optimum is a bound of its own: every plan that it speaks of has at least that.
Points that a search finds too cold join it, and the bound rises. Where it reaches the bound that is to be judged, that
one is right. Where it does not, a plan is looked for: one counts as found when the search sees no point of a CTV below
what is asked; every limit holds in the program itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.validate.search import QUICK, THOROUGH, Effort, coldest, points_of

__all__ = ["Asked", "Judgement", "Target", "judgement"]

# The program asks for this fraction more than the search must see: cold points it was not given lie a little lower.
_MARGIN_FRAC = 2e-4
_ROUNDS = 30
# A bound that lies above another by less than this is the same.
_SAME_FRAC = 1e-6
# A round in which the program's bound rises by less is the last.
_SLOW_FRAC = 1e-6
# Points of a CTV that a program begins with, and rows that join at most in a round.
_BEGIN, _JOIN = 3_000, 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """A CTV and the dose that every point of it is to receive.

    Parameters
    ----------
    wanted_gy : float
    shape : Shape or None
        Where every point counts; None: the points alone.
    points_mm : (n, 3) array
    """

    wanted_gy: float
    shape: Shape | None
    points_mm: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What a plan must hold, and what is to be small.

    Parameters
    ----------
    cost : (n_dwells,) array
        Objective of one second at each dwell.
    base : float
        Objective of the moving source.
    shortest_s, longest_s : (n_dwells,) array
    rows : (m, n_dwells) array
    limits : (m,) array
        rows @ times <= limits.
    targets : tuple of Target
    rates : callable
        (n, 3) points in mm -> (n, n_dwells) Gy / s.
    doses_gy : callable
        (n_dwells,) seconds, (n, 3) points in mm -> (n,) Gy.
    passing_s : (n_dwells,) array
        Seconds that the moving source adds.
    earlier_gy : callable
        (n, 3) points in mm -> (n,) Gy given before, that counts towards what is wanted.
    held_gy : (n_targets,) array or None
        Where prescriptions give way: the doses that a plan must give. None: those wanted.
    """

    cost: FloatArray
    base: float
    shortest_s: FloatArray
    longest_s: FloatArray
    rows: FloatArray
    limits: FloatArray
    targets: tuple[Target, ...]
    rates: Callable[[FloatArray], FloatArray]
    doses_gy: Callable[[FloatArray, FloatArray], FloatArray]
    passing_s: FloatArray
    earlier_gy: Callable[[FloatArray], FloatArray]
    held_gy: FloatArray | None = None


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


class _Program:
    """Rows that grow: those of the targets' points, and those limits that were violated."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.used = np.zeros(len(asked.limits), dtype=np.bool_)
        rng = np.random.default_rng(8)
        points = [
            target.points_mm if target.shape is None else points_of(target.shape, rng, _BEGIN)
            for target in asked.targets
        ]
        self.known_gy_per_s = [asked.rates(points_mm) for points_mm in points]
        # What is there without any time: of earlier plans, and of the moving source.
        self.fixed_gy = [
            asked.earlier_gy(points_mm) + known @ asked.passing_s
            for points_mm, known in zip(points, self.known_gy_per_s, strict=True)
        ]
        # Of points alone only the coldest are rows; of a shape all that is known.
        self.chosen = [np.arange(min(len(known), _BEGIN)) for known in self.known_gy_per_s]

    def solve(
        self, cost: FloatArray, wanted_gy: FloatArray, *, may_miss: bool, margin_frac: float
    ) -> FloatArray | None:
        """Return times and misses; None where there are none.

        Parameters
        ----------
        cost : (n + k,) array
            Of times and misses.
        wanted_gy : (k,) array
            Dose that each target is to receive.
        may_miss : bool
            Whether it may receive less.
        margin_frac : float
            The known points receive this fraction more.
        """
        asked, n, k = self.asked, len(self.asked.cost), len(self.asked.targets)
        blocks, limits = [], []
        for j, (known, chosen) in enumerate(zip(self.known_gy_per_s, self.chosen, strict=True)):
            # The margin is a fraction of what is asked after the miss: of a dose that gave way by much it is small.
            more = 1.0 + (0.0 if asked.targets[j].shape is None else margin_frac)
            rows = np.zeros((len(chosen), n + k))
            rows[:, :n], rows[:, n + j] = -known[chosen], -more
            blocks.append(rows)
            limits.append(self.fixed_gy[j][chosen] - wanted_gy[j] * more)
        blocks.append(np.pad(asked.rows[self.used], ((0, 0), (0, k))))
        limits.append(asked.limits[self.used])
        misses = np.stack((np.zeros(k), wanted_gy * may_miss), axis=1)
        bounds = np.concatenate((np.stack((asked.shortest_s, asked.longest_s), axis=1), misses))
        solved = linprog(cost, np.concatenate(blocks), np.concatenate(limits), bounds=bounds, method="highs")
        return np.asarray(solved.x) if solved.status == 0 else None

    def grow(self, x: FloatArray, wanted_gy: FloatArray, *, seed: int, efforts: tuple[Effort, ...]) -> bool:
        """Add what a solution violates; False where nothing is.

        Parameters
        ----------
        x : (n + k,) array
            Times and misses.
        wanted_gy : (k,) array
        seed : int
        efforts : tuple of Effort
            How hard to look for cold points: each after the one before found none.
        """
        asked, n = self.asked, len(self.asked.cost)
        times_s, missed_gy = x[:n], x[n:]
        over = asked.rows @ times_s - asked.limits
        over[self.used] = 0.0
        worst = np.argsort(-over)[:_JOIN]
        worst = worst[over[worst] > 1e-9 * np.maximum(1.0, np.abs(asked.limits[worst]))]
        self.used[worst] = True
        grown = len(worst) > 0
        for j, target in enumerate(asked.targets):
            lowest_gy = wanted_gy[j] - missed_gy[j]
            if target.shape is None:
                dose = self.known_gy_per_s[j] @ times_s + self.fixed_gy[j]
                cold = np.setdiff1d(np.argsort(dose)[:_JOIN], self.chosen[j])
                cold = cold[dose[cold] < lowest_gy]
                self.chosen[j] = np.concatenate((self.chosen[j], cold))
                grown |= len(cold) > 0
                continue
            grown |= self._search(j, times_s, lowest_gy, seed, efforts)
        return bool(grown)

    def _search(self, j: int, times_s: FloatArray, lowest_gy: float, seed: int, efforts: tuple[Effort, ...]) -> bool:
        """Look for points of a target's shape below a dose, and add what is found.

        Parameters
        ----------
        j : int
            Which target.
        times_s : (n,) array
        lowest_gy : float
        seed : int
        efforts : tuple of Effort
        """
        asked, shape = self.asked, self.asked.targets[j].shape
        assert shape is not None

        def dose_gy(at: FloatArray) -> FloatArray:
            return asked.doses_gy(times_s + asked.passing_s, at) + asked.earlier_gy(at)

        for effort in efforts:
            cold = coldest(shape, dose_gy, seed=seed, effort=effort)
            if cold.minimum_gy < lowest_gy:
                colder_mm = cold.points_mm[cold.dose_gy < lowest_gy * (1 + _MARGIN_FRAC)]
                new = asked.rates(colder_mm)
                fixed_gy = asked.earlier_gy(colder_mm) + new @ asked.passing_s
                self.fixed_gy[j] = np.concatenate((self.fixed_gy[j], fixed_gy))
                self.chosen[j] = np.arange(len(self.known_gy_per_s[j]) + len(new))
                self.known_gy_per_s[j] = np.concatenate((self.known_gy_per_s[j], new))
                return True
        return False


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
    program, n, k = _Program(asked), len(asked.cost), len(asked.targets)
    cost = np.concatenate((np.zeros(n), np.ones(k))) if of_misses else np.concatenate((asked.cost, np.zeros(k)))
    base = 0.0 if of_misses else asked.base
    wanted_gy = np.array([target.wanted_gy for target in asked.targets])
    if asked.held_gy is not None and not of_misses:
        wanted_gy = asked.held_gy
    enough = bound - _SAME_FRAC * abs(bound)
    at_least, times_s = -math.inf, None
    for rounds in range(1, _ROUNDS + 1):
        x = program.solve(cost, wanted_gy, may_miss=of_misses, margin_frac=0.0)
        if x is None:
            return Judgement(at_least=math.inf, found=math.inf, times_s=None, rounds=rounds)
        value, times_s = float(cost @ x) + base, x[:n]
        slow, at_least = value - at_least <= _SLOW_FRAC * abs(value), max(at_least, value)
        # The program's own bound needs no plan, and so no thorough search.
        if at_least >= enough or slow or not program.grow(x, wanted_gy, seed=rounds, efforts=(QUICK,)):
            break
    found = math.inf
    if at_least < enough:
        found, more = _found(program, cost, wanted_gy, may_miss=of_misses)
        rounds += more
    return Judgement(at_least=at_least, found=found + base, times_s=times_s, rounds=rounds)


def _found(program: _Program, cost: FloatArray, wanted_gy: FloatArray, *, may_miss: bool) -> tuple[float, int]:
    """Return the cost of a plan that holds everything as far as searches see, infinite without one; and the rounds.

    Parameters
    ----------
    program : _Program
    cost : (n + k,) array
    wanted_gy : (k,) array
        Dose that each target is to receive.
    may_miss : bool
        Whether it may receive less.
    """
    for rounds in range(1, _ROUNDS + 1):
        x = program.solve(cost, wanted_gy, may_miss=may_miss, margin_frac=_MARGIN_FRAC)
        if x is None:
            return math.inf, rounds
        if not program.grow(x, wanted_gy, seed=rounds, efforts=(QUICK, THOROUGH)):
            return float(cost @ x), rounds
    return math.inf, _ROUNDS
