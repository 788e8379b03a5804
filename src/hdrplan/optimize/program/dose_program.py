"""The linear program of one set of goals: columns, rows, objectives.

Its columns are the dwell times and, for each requirement, what it may be missed by. The program grows while it is
solved, but it never stands elsewhere than its plan: each solve says which points the dose-volume goals leave out
(``excused``, which every solution carries), and what is changed for a while is changed back by a context manager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.optimize.objectives import Objective
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.beginning import beginning
from hdrplan.optimize.program.columns import Columns
from hdrplan.optimize.program.goal_rows import points_of, ratio_rows, single_row
from hdrplan.optimize.program.lazy_lp import Excused, LazyLP, Solution
from hdrplan.optimize.program.mean_tail import MeanTail
from hdrplan.optimize.program.point_rows import PointRows
from hdrplan.optimize.program.requirements import Kind, Requirement
from hdrplan.optimize.program.rows import NewRows, Row
from hdrplan.optimize.proof import Kept, NeighbourRatio

__all__ = ["MAX_MISS", "Program"]

# Finite, so that weak duality always gives a bound; no goal is ever missed by this much.
MAX_MISS = 1e5


class Program:
    """Dwell times and one miss for each requirement, which go by their place in ``requirements``.

    Parameters
    ----------
    problem : PlanProblem
    requirements : tuple of Requirement
    """

    def __init__(self, problem: PlanProblem, requirements: tuple[Requirement, ...]) -> None:
        self.problem, self.requirements = problem, requirements
        self.columns = Columns(problem.n_dwells, len(requirements))
        no_miss = np.zeros(len(requirements))
        shortest_s, longest_s = problem.time_bounds_s
        self._lp = LazyLP(np.append(shortest_s, no_miss), np.append(longest_s, no_miss))
        self.deadline = np.inf
        self.families: dict[int, PointRows] = {}
        self.single_rows: dict[int, int] = {}  # requirement -> its only row
        self._kept: list[int] = []

    # -- columns --------------------------------------------------------------------------------------------------

    @property
    def rows_used(self) -> int:
        """Rows that the solver has been given."""
        return self._lp.rows_used

    @property
    def rows_all(self) -> int:
        """Rows that a plan is judged by, in the program or not."""
        return sum(len(family.points) for family in self.families.values()) + len(self.single_rows)

    @property
    def time_bounds_s(self) -> tuple[FloatArray, FloatArray]:
        """Shortest and longest time of each dwell as they are now, (n_dwells,) each."""
        return self._lp.lower[: self.columns.n_dwells].copy(), self._lp.upper[: self.columns.n_dwells].copy()

    def bound_times(self, dwells: IntArray, shortest_s: FloatArray | float, longest_s: FloatArray | float) -> None:
        """Give some dwell times other bounds.

        Parameters
        ----------
        dwells : (m,) int array
        shortest_s, longest_s : float or (m,) array
        """
        self._lp.bounds(dwells, shortest_s, longest_s)

    @contextmanager
    def times_bound(self) -> Iterator[Callable[[IntArray, FloatArray, FloatArray], None]]:
        """Give some times other bounds for a while: yields the function of dwells, shortest and longest times."""
        before = self.time_bounds_s
        try:
            yield self.bound_times
        finally:
            self.bound_times(np.arange(self.columns.n_dwells), *before)

    def max_miss(self, which: Sequence[int]) -> FloatArray:
        """Return by how much requirements may be missed, Gy or s."""
        return self._lp.upper[self.columns.of_misses(which)].copy()

    def allow_miss(self, which: Sequence[int], maximum: float | FloatArray, surplus: float | FloatArray = 0.0) -> None:
        """Let requirements be missed by at most so many Gy (or s); 0 makes them hard. A surplus is a negative miss.

        Parameters
        ----------
        which : sequence of int
        maximum : float or (m,) array
        surplus : float or (m,) array
        """
        self._lp.bounds(self.columns.of_misses(which), -np.asarray(surplus), maximum)

    def fix_misses(self, which: Sequence[int], misses: FloatArray) -> None:
        """Let requirements be missed by exactly so many Gy (or s): limits that move."""
        self._lp.bounds(self.columns.of_misses(which), misses, misses)

    @contextmanager
    def missing_allowed(self, which: Sequence[int]) -> Iterator[Callable[[float | FloatArray], None]]:
        """Let requirements be missed for a while: yields the function that says by how much."""
        before = self.max_miss(which)
        try:
            yield lambda maximum: self.allow_miss(which, maximum)
        finally:
            self.allow_miss(which, before)

    # -- requirements ---------------------------------------------------------------------------------------------

    def enter(self, k: int) -> None:
        """Add requirement ``k``; a dose-volume goal counts in a solve that says which points it leaves out."""
        requirement, problem, column = self.requirements[k], self.problem, self.columns.n_dwells + k
        if requirement.kind in (Kind.EVERY_POINT, Kind.DOSE_VOLUME):
            points = points_of(problem, requirement, miss_column=column, n_columns=self.columns.count)
            self.families[k] = PointRows(points)
            if requirement.kind == Kind.EVERY_POINT:
                self._lp.families.append(self.families[k])
        else:
            row = single_row(problem, requirement, miss_column=column, n_columns=self.columns.count)
            self.single_rows[k] = self._lp.add(requirement.id, row)

    def row(self, number: int) -> Row:
        """Return one row of the program."""
        return self._lp.row(number)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows that the solver holds, freed ones included."""
        return tuple(self.row(number) for number in self._lp.held.tolist())

    @property
    def dose_volume(self) -> dict[int, PointRows]:
        """The dose-volume goals entered, with all their points."""
        return {k: family for k, family in self.families.items() if self.requirements[k].kind == Kind.DOSE_VOLUME}

    @property
    def binding(self) -> list[PointRows]:
        """The limits on points that bind now, in the order they are judged."""
        return [family for family in self._lp.families if isinstance(family, PointRows)]

    def bind(self, family: PointRows, *, binding: bool) -> None:
        """Let a limit on points of a scenario bind, or lift it: its rows stay in the program, free."""
        family.excuse(np.full(len(family.points), not binding), self._lp)
        active = family in self._lp.families
        if binding and not active:
            self._lp.families.append(family)
        elif active and not binding:
            self._lp.families.remove(family)

    def tie(self, pairs: IntArray, ratio: float) -> None:
        """Neighbouring times differ by at most a factor."""
        self._lp.add(NeighbourRatio(), ratio_rows(pairs, ratio, n_columns=self.columns.count))

    def start(self, cost: FloatArray | None = None) -> None:
        """Give the solver some rows of each CTV to begin with, and a basis where a plan is near.

        Parameters
        ----------
        cost : (n_columns,) array, optional
            What is minimised first, with no prescription missed.
        """
        families = [family for family in self.binding if family.points.sense == 1 and not family.point_of]
        own = None if cost is None else cost[: self.columns.n_dwells]
        begin = beginning(self.problem, families, own, *self.time_bounds_s)
        for family, at in begin.points.items():
            new = family.first_rows() if at is None else family.points.rows(at, family.limit_gy)
            family.taken(self._lp.add(family.owner, new), new)
        if begin.near_s is not None:
            self._lp.begin_near(np.append(begin.near_s, np.zeros(self.columns.n_misses)), begin.near_frac)

    # -- limits ---------------------------------------------------------------------------------------------------

    def keep(self, cost: FloatArray, maximum: float, objective: Objective) -> None:
        """Hold an objective at what was reached, in all solves that follow.

        Parameters
        ----------
        cost : (n_columns,) array
            The objective.
        maximum : float
        objective : Objective
            Its name.
        """
        row = NewRows(cost[None, :], np.array([-np.inf]), np.array([maximum]))
        self._kept.append(self._lp.add(Kept(objective), row))

    @contextmanager
    def kept(self, cost: FloatArray, maximum: float, objective: Objective) -> Iterator[None]:
        """Hold an objective for a while.

        Parameters
        ----------
        cost, maximum, objective
            As in :meth:`keep`.
        """
        self.keep(cost, maximum, objective)
        try:
            yield
        finally:
            self._lp.limit(self._kept.pop(), -np.inf, np.inf)

    def release_kept(self) -> None:
        """Hold no objective any more."""
        while self._kept:
            self._lp.limit(self._kept.pop(0), -np.inf, np.inf)

    @contextmanager
    def limits_lowered(self) -> Iterator[Callable[[int, float], None]]:
        """Plan on lower limits for a while: yields the function that lowers one by some Gy (or s), again and again."""
        limits_gy = {k: family.limit_gy for k, family in self.families.items()}
        rows = {number: self.row(number) for number in self.single_rows.values()}

        def lower(k: int, by: float) -> None:
            if k in self.families:
                self.families[k].relimit(self.families[k].limit_gy - by, self._lp)
            else:
                self._lp.limit(self.single_rows[k], -np.inf, self.row(self.single_rows[k]).high - by)

        try:
            yield lower
        finally:
            for k, limit_gy in limits_gy.items():
                self.families[k].relimit(limit_gy, self._lp)
            for number, row in rows.items():
                self._lp.limit(number, row.low, row.high)

    # -- solving --------------------------------------------------------------------------------------------------

    def solve(
        self,
        cost: FloatArray,
        excused: Excused | None = None,
        *,
        primal: bool = False,
        check: bool = True,
        tolerance_frac: float = 0.0,
        max_rounds: int = 200,
    ) -> Solution:
        """Minimise under all requirements entered.

        Parameters
        ----------
        cost : (n_columns,) array
        excused : mapping, optional
            Requirement -> points that a dose-volume goal leaves out. Goals that are not in it do not count: without it
            the solution's bound is one of all plans that hold these goals, for it is one of more.
        primal : bool
            Begin with the primal simplex: quicker where only the cost is new.
        check : bool
            False: only the rows added so far, for a bound; no row is looked for.
        tolerance_frac : float
            Violation, as a fraction of a limit, at which to be content.
        max_rounds : int

        Returns
        -------
        Solution
        """
        excused = excused or {}
        with self._standing(excused):
            solution = self._lp.solve(
                cost,
                deadline=self.deadline,
                primal=primal,
                check=check,
                tolerance_frac=tolerance_frac,
                max_rounds=max_rounds,
            )
        return replace(solution, excused=excused)

    @contextmanager
    def _standing(self, excused: Excused) -> Iterator[None]:
        """Bind the dose-volume goals of ``excused`` outside their points; take the others out for a while."""
        dose_volume = self.dose_volume
        for k, mask in excused.items():
            family = dose_volume.pop(k)
            if family.excused is not mask:
                family.excuse(mask, self._lp)
            if family not in self._lp.families:
                self._lp.families.append(family)
        absent = [family for family in dose_volume.values() if family in self._lp.families]
        masks = [family.excused for family in absent]
        for family in absent:
            self._lp.families.remove(family)
            family.excuse(np.ones(len(family.points), dtype=np.bool_), self._lp)
        try:
            yield
        finally:
            for family, mask in zip(absent, masks, strict=True):
                self._lp.families.append(family)
                family.excuse(mask, self._lp)

    @contextmanager
    def in_place_of_dose_volume(self, tails: Mapping[int, MeanTail]) -> Iterator[Callable[[Mapping[int, float]], None]]:
        """Let mean tails stand for the dose-volume goals for a while: yields the function that limits them."""

        def limit(limits_gy: Mapping[int, float]) -> None:
            for k, limit_gy in limits_gy.items():
                tails[k].relimit(limit_gy, self._lp)

        with self._standing({}):
            self._lp.families.extend(tails.values())
            try:
                yield limit
            finally:
                for tail in tails.values():
                    tail.relimit(np.inf if tail.points.sense == -1 else -np.inf, self._lp)
                    self._lp.families.remove(tail)

    def thin_out(self, x: FloatArray) -> None:
        """Leave rows of points out that hold at the last solution with room to spare, where there are very many."""
        out = set(self._lp.thin_out(x).tolist())
        for family in self.families.values() if out else ():
            family.forget(out)

    def without_dose_volume(self) -> LazyLP:
        """Return a copy with the rows so far, those of the dose-volume goals left out."""
        left_out = {family.owner for family in self.dose_volume.values()}
        return self._lp.copy(n for n in self._lp.held.tolist() if self.row(n).owner not in left_out)

    def hand_over(self) -> LazyLP:
        """Return the linear program itself, to a search that goes on with it alone: do not use this one any more."""
        return self._lp
