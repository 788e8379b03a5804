"""The best plan of a set of catheters, with every row, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.optimize.catheters.candidates import CatheterSet
from hdrplan.optimize.catheters.meter import Meter
from hdrplan.optimize.catheters.row_pool import RowPool, WatchedPoints
from hdrplan.optimize.catheters.set_problem import SetProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import dose_volume_missed, excused_at, polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.point_rows import PointRows
from hdrplan.optimize.program.scenario_rows import scenario_rows

__all__ = ["SetPlans"]

# Dose-volume goals: polished until a round saves less than this.
_POLISHED_FRAC = 1e-4


class SetPlans:
    """Two programs over the dwells of all candidates, of which those of one set are switched on.

    The main program leaves dose-volume goals out, so that its multipliers prove something; the strict one has them.

    Parameters
    ----------
    sets : SetProblem
    meter : Meter
    """

    def __init__(self, sets: SetProblem, meter: Meter) -> None:
        self._sets, self._meter = sets, meter
        hard = [k for k, r in enumerate(sets.requirements) if r.level == 0]
        self._main = _program(sets, [k for k in hard if k not in sets.tails], meter.end.at_s)
        self._strict = _program(sets, hard, meter.end.at_s) if sets.tails else self._main
        self._on: dict[Program, CatheterSet] = {}
        self.pool = self._first_rows()
        self._pooled: set[int] = set()  # rows of the main program that a plan has brought into the pool

    def _first_rows(self) -> RowPool:
        """Return the pool with the rows that stand alone: mean doses and the total time."""
        sets, n = self._sets, self._sets.n_dwells
        priced = np.append(np.arange(n), n + np.array(sets.lower, dtype=np.int64))
        watched = [WatchedPoints(family, pays=family.owner in sets.paying, tail=False) for family in self._main.binding]
        watched += [WatchedPoints(family, pays=False, tail=True) for family in self._strict.dose_volume.values()]
        pool = RowPool(priced, n, watched)
        for number in self._main.single_rows.values():
            self._give(pool, number)
        return pool

    def _give(self, pool: RowPool, number: int) -> None:
        row = self._main.row(number)
        pool.add(row.coefficients, row.low, row.high, pays=row.owner in self._sets.paying)

    def _switch(self, program: Program, chosen: CatheterSet) -> None:
        """Let only the dwells of some candidates have time."""
        before, owner = self._on.get(program), self._sets.candidates.owner
        changed = self._sets.candidates.everything if before is None else before ^ chosen
        at = np.flatnonzero(np.isin(owner, sorted(changed)))
        if len(at):
            longest = np.where(np.isin(owner[at], sorted(chosen)), self._sets.problem.max_time_s, 0.0)
            program.bound_times(at, 0.0, longest)
        self._on[program] = chosen

    def without_tails(self, chosen: CatheterSet) -> Solution:
        """Return the best times of a set, dose-volume goals left out, misses priced in; its rows enter the pool."""
        self._switch(self._main, chosen)
        solution = self._main.solve(self._sets.cost)
        self._meter.solves += 1
        new = {int(i) for i in solution.dual.rows} - self._pooled
        for number in sorted(new):
            self._give(self.pool, number)
        self._pooled |= new
        return solution

    def best(self, chosen: CatheterSet, start: FloatArray | None = None) -> Solution | None:
        """Return the plan of a set under all goals, misses priced in; None where the solver stopped.

        Parameters
        ----------
        chosen : frozenset of int
        start : (n_columns,) array, optional
            A plan whose hottest points are the first to be excused.
        """
        solution, strict = self.without_tails(chosen), self._strict
        if solution.status != LPStatus.OPTIMAL:
            return None
        unmissed = np.append(solution.x[: self._sets.n_dwells], np.zeros(len(self._sets.requirements)))
        if dose_volume_missed(strict, unmissed):
            self._switch(strict, chosen)
            first = solution.x if start is None else start
            solution = polished(strict, self._sets.cost, first, better_frac=_POLISHED_FRAC)
        return solution if solution.status == LPStatus.OPTIMAL else None

    def excused(self, x: FloatArray) -> list[BoolArray]:
        """Return for each dose-volume goal the points that it need not bind in a plan: the hottest (coldest)."""
        return list(excused_at(self._strict, x).values())

    def missed_at(self, chosen: CatheterSet, x: FloatArray, budget: float) -> float:
        """By how many Gy a set need miss its lower limits at most, if the objective may be ``budget``.

        Parameters
        ----------
        chosen : frozenset of int
        x : (n_columns,) array
            Its plan; dose-volume goals excuse the points that they excuse there.
        budget : float
            Of the objective, misses not counted; infinite: none.

        Returns
        -------
        float
            NaN where the solver stopped.
        """
        sets, program = self._sets, self._strict
        excused = excused_at(program, x)
        self._switch(program, chosen)
        times = np.where(np.arange(len(sets.cost)) < sets.n_dwells, sets.cost, 0.0)
        # A little of the objective keeps the times finite where nothing else does.
        cost = program.columns.cost(times[: sets.n_dwells] * (1e-6 / sets.miss_cost), dict.fromkeys(sets.lower, 1.0))
        with ExitStack() as stack:
            # The search is over; one program more is owed to each number of catheters.
            stack.enter_context(_without_deadline(program))
            if np.isfinite(budget):
                stack.enter_context(program.kept(times, budget * (1 + 1e-9), sets.problem.objective))
            solution = program.solve(cost, excused)
        return sets.missed_gy(solution.x) if solution.status == LPStatus.OPTIMAL else float("nan")


@contextmanager
def _without_deadline(program: Program) -> Iterator[None]:
    deadline, program.deadline = program.deadline, np.inf
    try:
        yield
    finally:
        program.deadline = deadline


def _program(sets: SetProblem, entered: Sequence[int], deadline: float) -> Program:
    """Return a program with some requirements, prescriptions in all scenarios."""
    program = Program(sets.problem, sets.requirements)
    program.deadline = deadline
    for k in entered:
        program.enter(k)
    program.allow_miss(list(sets.lower), sets.maximum_miss_gy)
    program.start()
    prescriptions = [k for k in sets.lower if sets.requirements[k].prescription]
    for scenario in scenario_rows(program, sets.candidates.scenarios, prescriptions, missable=True):
        for points in scenario:
            program.bind(PointRows(points), binding=True)
    return program
