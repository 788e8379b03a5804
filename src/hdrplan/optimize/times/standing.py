"""Where the sequence of goals stands after each of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.certificate import Price, Shortfall
from hdrplan.optimize.held import Held
from hdrplan.optimize.notes import Note
from hdrplan.optimize.objectives import MeanDose, NamedGoal, TotalTime
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.goal_rows import objective_cost
from hdrplan.optimize.program.judge import polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.program.requirements import Requirement, requirements
from hdrplan.optimize.times.dose_volume import MANY_ROUNDS, NEAR_ROUNDS, QUICK_ROUNDS, best_under_dose_volume
from hdrplan.optimize.work import WorkLimit

__all__ = ["SLACK_FRAC", "Standing", "Task"]

# What a later objective may give back of an earlier one, as a fraction: far below any clinical meaning, far above the
# solver's tolerance, so that the later program is never infeasible by a rounding.
SLACK_FRAC = 3e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What all steps of one sequence work on.

    Parameters
    ----------
    program : Program
        Grows from step to step.
    objective : MeanDose or TotalTime
        What is minimised when all goals are reached.
    cost : (n_columns,) array
        The objective as weights of the program's columns.
    hard : tuple of int
        Requirements of level 0.
    doses : tuple of int
        Those of them that give way to the organs: prescriptions, and other lower limits on a CTV.
    on_progress : callable
        Called with the share of a proof that is done, 0 to 1.
    quick : bool
        Whether dose-volume goals are held by the next plan that does, without a search for the best.
    near : (n_columns,) array, optional
        A plan found under nearly the same goals: the search under dose-volume goals goes on from there.
    """

    program: Program
    objective: MeanDose | TotalTime
    cost: FloatArray
    hard: tuple[int, ...]
    doses: tuple[int, ...]
    on_progress: Callable[[float], None]
    quick: bool
    near: FloatArray | None

    @classmethod
    def of(cls, problem: PlanProblem, on_progress: Callable[[float], None], *, quick: bool = False) -> Task:
        """Return the task of a problem, with no requirement entered."""
        listed = requirements(problem)
        program = Program(problem, listed)
        hard = tuple(k for k, r in enumerate(listed) if r.level == 0)
        ctvs = {r.structure for r in listed if r.prescription}
        return cls(
            program=program,
            objective=problem.objective,
            cost=objective_cost(problem, program.columns),
            hard=hard,
            doses=tuple(k for k in hard if listed[k].sense == 1 and listed[k].structure in ctvs),
            on_progress=on_progress,
            quick=quick,
            near=None if problem.near_s is None else np.append(problem.near_s, np.zeros(len(listed))),
        )

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """All requirements, prescriptions first."""
        return self.program.requirements

    def polished(self, cost: FloatArray, x: FloatArray) -> Solution:
        """Minimise under dose-volume goals, beginning with the points that they leave out at ``x``."""
        rounds = QUICK_ROUNDS if self.quick else MANY_ROUNDS if self.near is None else NEAR_ROUNDS
        return polished(self.program, cost, x, rounds=rounds)

    def best_found(self, cost: FloatArray, relaxed: Solution) -> Solution | None:
        """Search under dose-volume goals from the plan without them, or the one that is near."""
        return best_under_dose_volume(self.program, cost, relaxed, near=self.near, quick=self.quick)

    def goals(self, which: tuple[int, ...]) -> tuple[NamedGoal, ...]:
        """Return the goals of some requirements."""
        return tuple(self.requirements[k].goal for k in which)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """The plan after a step, and everything known by then.

    Parameters
    ----------
    plan : Solution
        With the points that its dose-volume goals leave out: the next step begins there.
    proof : WorkLimit
        Left for proofs of goals that are not convex.
    levels : tuple of Bounded
        Every objective in the order solved.
    held
        As in :class:`hdrplan.optimize.certificate.Certificate`.
    shortfalls, prices, conflict, notes
        As in :class:`hdrplan.optimize.Optimum`.
    relaxed : Solution, optional
        The main objective without the dose-volume goals, where these are at work: its bound holds with them.
    lifted : float, optional
        The bound of the main objective that takes them into account, where that is better.
    stopped : bool
        Whether any solve so far ran out of time.
    """

    plan: Solution
    proof: WorkLimit
    levels: tuple[Bounded, ...] = ()
    held: tuple[Held, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    prices: tuple[Price, ...] = ()
    conflict: tuple[NamedGoal, ...] = ()
    notes: tuple[Note, ...] = ()
    relaxed: Solution | None = None
    lifted: float | None = None
    stopped: bool = False

    @property
    def bound(self) -> float:
        """Bound of the main objective."""
        if self.lifted is not None:
            return self.lifted
        return self.plan.bound if self.relaxed is None else self.relaxed.bound

    def at(self, plan: Solution) -> Standing:
        """Go on from another plan."""
        return replace(self, plan=plan, stopped=self.stopped or plan.status == LPStatus.STOPPED)

    def relaxed_to(self, relaxed: Solution) -> Standing:
        """Take over another bound that leaves out the dose-volume goals."""
        return replace(self, relaxed=relaxed, stopped=self.stopped or relaxed.status == LPStatus.STOPPED)

    def reaching(self, level: Bounded) -> Standing:
        """Add an objective that was solved."""
        return replace(self, levels=(*self.levels, level))

    def noting(self, *notes: Note) -> Standing:
        """Add notes."""
        return replace(self, notes=(*self.notes, *notes))
