"""A linear program that grows: dense rows of plainly written TG-43, SciPy's ``linprog``, cold points by search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.validate.search import Effort, coldest, points_of, tips_of

__all__ = ["MARGIN_FRAC", "Asked", "GrowingProgram", "Target"]

# The program asks for this fraction more than the search must see: cold points it was not given lie a little lower.
MARGIN_FRAC = 2e-4
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


def _begun_with(shape: Shape, rng: np.random.Generator) -> FloatArray:
    return np.concatenate((points_of(shape, rng, _BEGIN), tips_of(shape, rng)))


class GrowingProgram:
    """Rows that grow: those of the targets' points, and those limits that were violated."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.used = np.zeros(len(asked.limits), dtype=np.bool_)
        rng = np.random.default_rng(8)
        points = [
            target.points_mm if target.shape is None else _begun_with(target.shape, rng) for target in asked.targets
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

    def limit(self, times_s: FloatArray) -> bool:
        """Add the limits that times violate most; False where all hold."""
        asked = self.asked
        over = asked.rows @ times_s - asked.limits
        over[self.used] = 0.0
        worst = np.argsort(-over)[:_JOIN]
        worst = worst[over[worst] > 1e-9 * np.maximum(1.0, np.abs(asked.limits[worst]))]
        self.used[worst] = True
        return len(worst) > 0

    def grow(self, x: FloatArray, wanted_gy: FloatArray, *, seed: int, efforts: tuple[Effort, ...]) -> bool:
        """Add the points that a solution leaves too cold; False where none is found.

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
        grown = False
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
                colder_mm = cold.points_mm[cold.dose_gy < lowest_gy * (1 + MARGIN_FRAC)]
                new = asked.rates(colder_mm)
                fixed_gy = asked.earlier_gy(colder_mm) + new @ asked.passing_s
                self.fixed_gy[j] = np.concatenate((self.fixed_gy[j], fixed_gy))
                self.chosen[j] = np.arange(len(self.known_gy_per_s[j]) + len(new))
                self.known_gy_per_s[j] = np.concatenate((self.known_gy_per_s[j], new))
                return True
        return False
