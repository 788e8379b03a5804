"""The best plan that a linear program and searches find: what a proven bound must not lie above.

Dense rows of plainly written TG-43, SciPy's ``linprog``, and cold points by search on the continuous shape. A plan
counts as found when the search sees no point of a CTV below what is asked; every limit holds in the program itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.validate.search import QUICK, THOROUGH, coldest, points_of

__all__ = ["Asked", "BestPlan", "Target", "best_plan"]

# The program asks for this fraction more than the search must see: cold points it was not given lie a little lower.
_MARGIN_FRAC = 2e-4
_ROUNDS = 30
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
    held_gy: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestPlan:
    """A plan that holds everything, as far as searches see.

    Parameters
    ----------
    times_s : (n_dwells,) array
    value : float
        Its objective; infinite where no plan was found that gives the doses held.
    missed_gy : (n_targets,) array
        By how much each prescription must be missed, for the smallest sum; 0 where none had to give way.
    rounds : int
    """

    times_s: FloatArray
    value: float
    missed_gy: FloatArray
    rounds: int


class _Program:
    """Rows that grow: those of the targets' points, and those limits that were violated."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.used = np.zeros(len(asked.limits), dtype=np.bool_)
        rng = np.random.default_rng(8)
        self.known_gy_per_s = [
            asked.rates(target.points_mm) if target.shape is None else asked.rates(points_of(target.shape, rng, _BEGIN))
            for target in asked.targets
        ]
        # Of points alone only the coldest are rows; of a shape all that is known.
        self.chosen = [np.arange(min(len(known), _BEGIN)) for known in self.known_gy_per_s]

    def solve(self, cost: FloatArray, wanted_gy: FloatArray, *, may_miss: bool) -> FloatArray | None:
        """Return times and misses; None where there are none.

        Parameters
        ----------
        cost : (n + k,) array
            Of times and misses.
        wanted_gy : (k,) array
            Dose that each target is to receive.
        may_miss : bool
            Whether it may receive less.
        """
        asked, n, k = self.asked, len(self.asked.cost), len(self.asked.targets)
        blocks, limits = [], []
        for j, (known, chosen) in enumerate(zip(self.known_gy_per_s, self.chosen, strict=True)):
            # The margin is a fraction of what is asked after the miss: of a dose that gave way by much it is small.
            more = 1.0 + (0.0 if asked.targets[j].shape is None else _MARGIN_FRAC)
            rows = np.zeros((len(chosen), n + k))
            rows[:, :n], rows[:, n + j] = -known[chosen], -more
            blocks.append(rows)
            limits.append(known[chosen] @ asked.passing_s - wanted_gy[j] * more)
        blocks.append(np.pad(asked.rows[self.used], ((0, 0), (0, k))))
        limits.append(asked.limits[self.used])
        misses = np.stack((np.zeros(k), wanted_gy * may_miss), axis=1)
        bounds = np.concatenate((np.stack((asked.shortest_s, asked.longest_s), axis=1), misses))
        solved = linprog(cost, np.concatenate(blocks), np.concatenate(limits), bounds=bounds, method="highs")
        return np.asarray(solved.x) if solved.status == 0 else None

    def grow(self, x: FloatArray, wanted_gy: FloatArray, *, seed: int) -> bool:
        """Add what a solution violates; False where nothing is."""
        asked, n = self.asked, len(self.asked.cost)
        times_s, missed_gy = x[:n], x[n:]
        over = asked.rows @ times_s - asked.limits
        over[self.used] = 0.0
        worst = np.argsort(-over)[:_JOIN]
        worst = worst[over[worst] > 1e-9 * np.maximum(1.0, np.abs(asked.limits[worst]))]
        self.used[worst] = True
        exposure_s = times_s + asked.passing_s
        grown = len(worst) > 0
        for j, target in enumerate(asked.targets):
            lowest_gy = wanted_gy[j] - missed_gy[j]
            if target.shape is None:
                dose = self.known_gy_per_s[j] @ exposure_s
                cold = np.setdiff1d(np.argsort(dose)[:_JOIN], self.chosen[j])
                cold = cold[dose[cold] < lowest_gy]
                self.chosen[j] = np.concatenate((self.chosen[j], cold))
                grown |= len(cold) > 0
                continue
            grown |= self._search(j, target.shape, exposure_s, lowest_gy, seed)
        return bool(grown)

    def _search(self, j: int, shape: Shape, exposure_s: FloatArray, lowest_gy: float, seed: int) -> bool:
        for effort in (QUICK, THOROUGH):
            cold = coldest(shape, lambda at: self.asked.doses_gy(exposure_s, at), seed=seed, effort=effort)
            if cold.minimum_gy < lowest_gy:
                new = self.asked.rates(cold.points_mm[cold.dose_gy < lowest_gy * (1 + _MARGIN_FRAC)])
                self.chosen[j] = np.arange(len(self.known_gy_per_s[j]) + len(new))
                self.known_gy_per_s[j] = np.concatenate((self.known_gy_per_s[j], new))
                return True
        return False


def best_plan(asked: Asked, on_progress: Callable[[int, int], None] | None = None) -> BestPlan | None:
    """Solve, look for points that are too cold and limits that are broken, add them, and begin again.

    Parameters
    ----------
    asked : Asked
    on_progress : callable, optional
        Called with (rounds done, rounds at most).

    Returns
    -------
    BestPlan or None
        None where the search still finds cold points after the last round, or no plan holds the limits.
    """
    program, n, k = _Program(asked), len(asked.cost), len(asked.targets)
    wanted_gy = np.array([target.wanted_gy for target in asked.targets])
    missed_gy, rounds = np.zeros(k), 0
    if asked.held_gy is not None:
        misses = np.concatenate((np.zeros(n), np.ones(k)))
        x, rounds = _solved(program, misses, wanted_gy, on_progress, may_miss=True)
        if x is None:
            return None
        missed_gy = x[n:]
    main = np.concatenate((asked.cost, np.zeros(k)))
    held_gy = wanted_gy if asked.held_gy is None else asked.held_gy
    x, more = _solved(program, main, held_gy, on_progress, may_miss=False)
    if x is None and asked.held_gy is None:
        return None
    times_s = np.zeros(n) if x is None else x[:n]
    value = math.inf if x is None else float(asked.cost @ times_s) + asked.base
    return BestPlan(times_s=times_s, value=value, missed_gy=missed_gy, rounds=rounds + more)


def _solved(
    program: _Program,
    cost: FloatArray,
    wanted_gy: FloatArray,
    on_progress: Callable[[int, int], None] | None,
    *,
    may_miss: bool,
) -> tuple[FloatArray | None, int]:
    """Return times and misses that hold everything as far as searches see, and the rounds; None where there are none.

    Parameters
    ----------
    program : _Program
    cost : (n + k,) array
    wanted_gy : (k,) array
        Dose that each target is to receive.
    on_progress : callable or None
    may_miss : bool
        Whether it may receive less.
    """
    for rounds in range(1, _ROUNDS + 1):
        x = program.solve(cost, wanted_gy, may_miss=may_miss)
        if on_progress is not None:
            on_progress(rounds, _ROUNDS)
        if x is None or not program.grow(x, wanted_gy, seed=rounds):
            return x, rounds
    return None, _ROUNDS
