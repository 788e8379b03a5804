"""Bounds of sets of paths beside one catheter that may lie anywhere: the guest, whose dwells are exchanged.

Foresight asks for the best rest of an implant hundreds of times, each time beside the same catheter somewhere else. The
paths and what is in stay the same, and so do the points: the rows that mattered once are kept, only their coefficients
at the guest's dwells are new. A proof is kept with its multipliers. Beside another guest these say as much as before of
every set of paths, divided by what they pay at the new dwells (:mod:`hdrplan.optimize.catheters.cuts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.errors import InputError
from hdrplan.kernels.cover import cheapest_cover
from hdrplan.optimize.catheters.kept_proofs import KeptProofs
from hdrplan.optimize.catheters.set_problem import priced_requirements
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.goal_rows import points_of, single_row
from hdrplan.optimize.program.point_rows import LimitedPoints
from hdrplan.optimize.program.requirements import SAME_VOLUME_FRAC, Kind, Requirement, hottest

__all__ = ["GuestProgram"]

F32 = npt.NDArray[np.float32]

# Points missed by less than this fraction of their limit count as held: single precision tells no more.
_SHORT_FRAC = 1e-5
_MAXIMUM_ROUNDS = 100
# Rows, and dwells of a guest, for which there is room at first.
_ROOM, _GUEST_ROOM = 1024, 24
# Dose-volume goals: polished until a round saves less than this, and at most so often.
_POLISHED_FRAC, _POLISHED_ROUNDS = 1e-4, 25
# A limit missed by less than this fraction is held: the tolerance of the linear program.
_HELD_FRAC = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Limited:
    """All points under one limit, and their rates in single precision: (n_columns, n_points)."""

    requirement: Requirement
    points: LimitedPoints
    rates: F32

    @property
    def tail(self) -> bool:
        return self.requirement.kind == Kind.DOSE_VOLUME


class GuestProgram:
    """The linear program of what is in, all paths, and a guest.

    Columns are the dwells of what is in and of the paths, then what each lower limit is missed by, then the dwells of
    the guest. Rows only ever become more.

    Parameters
    ----------
    problem : PlanProblem
        Rates of what is in and of all paths; goals of level 0 hold, others are left aside.
    owner : (n_dwells,) int array
        Path of each dwell, in order; -1: of a catheter that is in.
    n_paths : int

    Raises
    ------
    InputError
        Goals that do not fit the points, a dwell that costs nothing.
    """

    def __init__(self, problem: PlanProblem, owner: IntArray, n_paths: int) -> None:
        self._problem, self._n = problem, problem.n_dwells
        listed, per_s, self._miss_cost = priced_requirements(problem)
        hard = [(k, r) for k, r in enumerate(listed) if r.level == 0]
        lower = [k for k, r in hard if r.sense == 1]
        miss_of = {k: self._n + i for i, k in enumerate(lower)}
        self._lower_gy = np.array([listed[k].limit for k in lower])
        n_columns = self._n + len(lower)
        self._in = np.flatnonzero(owner < 0)
        self._dwells = [np.flatnonzero(owner == path) for path in range(n_paths)]
        self._misses = np.arange(self._n, n_columns)
        self._cost = np.concatenate((per_s, np.full(len(lower), self._miss_cost), np.ones(_GUEST_ROOM)))
        longest = (np.full(self._n, problem.max_time_s), 1.001 * self._lower_gy)
        self._longest = np.concatenate((*longest, np.full(_GUEST_ROOM, problem.max_time_s)))
        # (columns, room) for the kernel, which reads a column's rows; (room, columns) for what a few rows weigh.
        self._rows, self._by_row = np.zeros((len(self._cost), _ROOM)), np.zeros((_ROOM, len(self._cost)))
        self._numbers = np.ones((3, _ROOM))  # length of each row; its limit in strict solves, and in all others
        self._at = np.full((_ROOM, 2), -1)  # number of the limit, and point; -1: a row that stands alone
        self.count = 0
        self.proofs = KeptProofs(owner, n_paths, _ROOM)
        self._singles: list[Requirement] = []
        self._limited: list[_Limited] = []
        self._guest, self._guest_rates = np.zeros((len(problem.points), 0)), list[F32]()
        for k, requirement in sorted(hard, key=lambda one: one[1].kind == Kind.DOSE_VOLUME):
            column = miss_of.get(k)
            if requirement.kind in (Kind.EVERY_POINT, Kind.DOSE_VOLUME):
                self._limit(requirement, column, n_columns)
            else:
                self._single(requirement, column, n_columns)
        self._excused: dict[int, BoolArray] = {}

    @property
    def tails(self) -> bool:
        """Whether there are dose-volume goals: values hold them, bounds leave them out."""
        return bool(self._limited) and self._limited[-1].tail

    def _limit(self, requirement: Requirement, column: int | None, n_columns: int) -> None:
        points = points_of(self._problem, requirement, miss_column=0, n_columns=n_columns)
        rates = np.ascontiguousarray(points.gy_per_s.T, dtype=np.float32)
        self._limited.append(_Limited(requirement, replace(points, miss_column=column), rates))

    def _single(self, requirement: Requirement, column: int | None, n_columns: int) -> None:
        new = single_row(self._problem, requirement, miss_column=n_columns, n_columns=n_columns + 1)
        row = new.coefficients[0, :n_columns]
        if column is not None:
            row[column] = requirement.sense
        self._singles.append(requirement)
        self._add(
            requirement.sense * row, requirement.sense * float((new.low if requirement.sense == 1 else new.high)[0])
        )

    def receive(self, guest: FloatArray) -> None:
        """Put another catheter in the place of the guest.

        Parameters
        ----------
        guest : (n_points, m) array
            Rates of its dwells in Gy/s; m may be 0.
        """
        if guest is self._guest:
            return
        problem, m, first = self._problem, guest.shape[1], len(self._misses) + self._n
        if first + m > len(self._cost):
            more = first + m - len(self._cost)
            self._cost = np.append(self._cost, np.ones(more))
            self._longest = np.append(self._longest, np.full(more, problem.max_time_s))
            self._rows = np.pad(self._rows, ((0, more), (0, 0)))
            self._by_row = np.pad(self._by_row, ((0, 0), (0, more)))
        self._guest = guest
        if m:
            volume = None if problem.healthy is None else problem.points.volume_cc[problem.points.rows(problem.healthy)]
            healthy = guest if volume is None else guest[problem.points.rows(problem.healthy or "")]
            per_s = np.ones(m) if volume is None else volume @ healthy / volume.sum()
            if not (per_s > 0).all():
                raise InputError("every dwell must give the healthy organ some dose", got="a dwell that gives none")
            self._cost[first : first + m] = per_s
        self._guest_rates = [
            np.ascontiguousarray(guest[one.requirement.rows].T, dtype=np.float32) for one in self._limited
        ]
        block = np.zeros((self.count, m))
        for number, one in enumerate(self._limited):
            of_it = np.flatnonzero(self._at[: self.count, 0] == number)
            block[of_it] = one.points.sense * guest[one.requirement.rows.start + self._at[of_it, 1]]
        for k, requirement in enumerate(self._singles):
            block[k] = requirement.sense * self._alone(requirement)
        self._by_row[: self.count, first : first + m] = block
        self._rows[first : first + m, : self.count] = block.T
        self._numbers[0, : self.count] = np.linalg.norm(self._by_row[: self.count, : first + m], axis=1)
        self.proofs.beside(block, self._cost[first : first + m])

    def _alone(self, requirement: Requirement) -> FloatArray:
        """Coefficients of the guest's dwells in a row of its own: (m,)."""
        if requirement.kind == Kind.TIME:
            return np.ones(self._guest.shape[1])
        volume = self._problem.points.volume_cc[requirement.rows]
        return np.asarray(volume @ self._guest[requirement.rows] / volume.sum())

    def _add(self, row: FloatArray, limit: float, at: tuple[int, int] = (-1, -1)) -> None:
        k = self.count
        if k == len(self._at):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)), axis=1)
            self._by_row = np.concatenate((self._by_row, np.zeros_like(self._by_row)))
            self._numbers, self._at = np.tile(self._numbers, 2), np.tile(self._at, (2, 1))
            self.proofs.widen(len(self._at))
        self._by_row[k, : len(row)] = row
        self._rows[:, k] = self._by_row[k]
        tail = at[0] >= 0 and self._limited[at[0]].tail
        excused = tail and at[0] in self._excused and self._excused[at[0]][at[1]]
        self._numbers[:, k] = np.linalg.norm(row), -np.inf if excused else limit, -np.inf if tail else limit
        self._at[k] = at
        self.count += 1

    def _fill(self, times: FloatArray, misses: FloatArray, *, strict: bool) -> int:
        """Take in the rows that times violate, the worst of each cube; return how many."""
        before = self.count
        for number, one in enumerate(self._limited):
            if one.tail and not strict:
                break
            points = one.points
            miss = 0.0 if points.miss_column is None else misses[points.miss_column - self._n]
            short = points.sense * (points.limit_gy - self._dose_gy(number, times)) - miss
            if number in self._excused and one.tail:
                short[self._excused[number]] = -np.inf
            bad = np.flatnonzero(short > _SHORT_FRAC * points.limit_gy)
            cube = points.cubes.cube[bad]
            bad = bad[np.lexsort((-short[bad], cube))]
            for point in bad[np.unique(np.sort(cube), return_index=True)[1]].tolist():
                row = np.zeros(len(self._longest))
                row[: self._n] = points.sense * points.gy_per_s[point]
                if points.miss_column is not None:
                    row[points.miss_column] = 1.0
                m = self._guest.shape[1]
                first = self._n + len(self._misses)
                row[first : first + m] = points.sense * self._guest[one.requirement.rows.start + point]
                self._add(row, points.sense * points.limit_gy, (number, point))
        return self.count - before

    def _dose_gy(self, number: int, times: FloatArray) -> F32:
        """Dose at the points of a limit by times of all columns."""
        on, first = np.flatnonzero(times[: self._n]), self._n + len(self._misses)
        dose = times[on].astype(np.float32) @ self._limited[number].rates[on]
        guest = times[first : first + self._guest.shape[1]].astype(np.float32)
        return np.asarray(dose + guest @ self._guest_rates[number])

    def bound(self, chosen: Sequence[int]) -> float:
        """Bound a set of paths beside the guest by the rows so far; the proof is kept."""
        return self._solved(chosen, strict=False)[0]

    def value(self, chosen: Sequence[int], beaten: float) -> tuple[float, FloatArray]:
        """Return the best objective of a set under all goals, misses priced in, and the times of all columns.

        Parameters
        ----------
        chosen : sequence of int
            Paths.
        beaten : float
            A value that is not below this one may be a bound only.
        """
        value, times = self._filled(chosen, strict=False)
        if value >= beaten or not self._missed(times):
            return value, times
        best = np.inf
        for _ in range(_POLISHED_ROUNDS):
            self._excuse(times)
            value, times = self._filled(chosen, strict=True)
            if best - value <= _POLISHED_FRAC * value:
                break
            best = value
        return value, times

    def filled_bound(self, chosen: Sequence[int]) -> float:
        """Bound a set by all rows, dose-volume goals left out; the proof is kept."""
        return self._filled(chosen, strict=False)[0]

    def missed_gy(self, times: FloatArray) -> float:
        """By how much the lower limits are missed at most; 0 where all hold."""
        misses = times[self._misses]
        return float(np.where(misses > _HELD_FRAC * self._lower_gy, misses, 0.0).max(initial=0.0))

    def _filled(self, chosen: Sequence[int], *, strict: bool) -> tuple[float, FloatArray]:
        for _ in range(_MAXIMUM_ROUNDS):
            value, times = self._solved(chosen, strict=strict)
            if not self._fill(times, times[self._misses], strict=strict):
                break
        return value, times

    def _solved(self, chosen: Sequence[int], *, strict: bool) -> tuple[float, FloatArray]:
        m, first = self._guest.shape[1], self._n + len(self._misses)
        of_guest = np.arange(first, first + m)
        columns = np.concatenate([self._in, *(self._dwells[path] for path in chosen), self._misses, of_guest])
        cost, longest, n = self._cost[columns], self._longest[columns], self.count
        size, limit = self._numbers[0, :n], self._numbers[1 if strict else 2, :n]
        multipliers, values = cheapest_cover(self._rows, size, limit, columns, cost, longest)
        used = np.flatnonzero(multipliers)
        paid = multipliers[used] @ self._by_row[used]
        # The longest times of the dwells that are switched on take back what is paid above their cost.
        value = float(limit[used] @ multipliers[used] - np.maximum(paid[columns] - cost, 0.0) @ longest)
        if not strict:
            paid[columns] = np.minimum(paid[columns], cost)
            ratio = paid / self._cost
            self.proofs.add(value, ratio[: self._n], used, multipliers[used], float(ratio[of_guest].max(initial=0.0)))
        times = np.zeros(len(self._cost))
        times[columns] = np.clip(values, 0.0, longest)
        return value, times

    def _missed(self, times: FloatArray) -> bool:
        """Whether times miss a dose-volume goal."""
        for number, one in enumerate(self._limited):
            if one.tail:
                points, volume = one.points, self._problem.points.volume_cc[one.requirement.rows]
                miss = 0.0 if points.miss_column is None else times[points.miss_column]
                wrong = points.sense * (points.limit_gy - self._dose_gy(number, times)) > miss
                if float(volume[wrong].sum()) >= one.requirement.tail_cc * (1 - SAME_VOLUME_FRAC):
                    return True
        return False

    def _excuse(self, times: FloatArray) -> None:
        """Free the points of each dose-volume goal that times may leave on the wrong side, and bind all others."""
        for number, one in enumerate(self._limited):
            if one.tail:
                volume = self._problem.points.volume_cc[one.requirement.rows]
                dose = -one.points.sense * self._dose_gy(number, times).astype(np.float64)
                # A goal on a volume does not see the points on the surface, which have none.
                mask = hottest(dose, volume, one.requirement.tail_cc) | (volume == 0)
                self._excused[number] = mask
                of_it = np.flatnonzero(self._at[: self.count, 0] == number)
                limit = one.points.sense * one.points.limit_gy
                self._numbers[1, of_it] = np.where(mask[self._at[of_it, 1]], -np.inf, limit)
