"""The proof of a plan whose dose-volume goals bind, and the better plan that it may find."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError
from hdrplan.optimize.bound.branch_and_bound import branch_and_bound
from hdrplan.optimize.notes import NoProof, ProofWork
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.judge import polished
from hdrplan.optimize.program.lazy_lp import LPStatus, Solution
from hdrplan.optimize.times.standing import Standing, Task
from hdrplan.optimize.work import WorkLimit

__all__ = ["GAP_FRAC", "prove", "proven", "reserve_cost"]

# A plan under dose-volume goals is proven when no plan is better by more than this fraction of the objective, or of the
# prescriptions where these had to be lowered.
GAP_FRAC = 1e-3
# The surplus of a prescription that a bound may look at: far more than any row lets through.
SURPLUS_FRAC = 0.5


def prove(task: Task, standing: Standing) -> Standing:
    """Lift the bound of a plan whose dose-volume goals bind, and go on from a better plan if one is found."""
    relaxed = standing.relaxed
    if relaxed is None or standing.plan.status != LPStatus.OPTIMAL:
        return standing
    reserve = reserve_cost(task.program, standing.plan)
    gap_of = partial(_gap, reserve=reserve)
    standing, lifted = proven(task, standing, task.cost, gap_of=gap_of, limit=standing.proof, without_reserve=True)
    standing = replace(standing, lifted=lifted if lifted > relaxed.bound else None)
    *before, main = standing.levels
    return replace(standing, levels=(*before, replace(main, value=standing.plan.value, bound=standing.bound)))


def _gap(value: float, *, reserve: float) -> float:
    return GAP_FRAC * abs(value) + reserve


def reserve_cost(program: Program, plan: Solution) -> float:
    """Return what the reserve of the prescriptions adds to the objective of a plan, by its multipliers."""
    paid = plan.dual.by_owner()
    return sum(paid.get(program.requirements[k].id, 0.0) * by for k, by in _reserves(program).items())


def _reserves(program: Program) -> dict[int, float]:
    """Return the Gy that the program asks for beyond each prescription, or beyond what it was lowered to."""
    ours = [k for k, requirement in enumerate(program.requirements) if requirement.prescription]
    asked_gy = np.array([program.requirements[k].limit for k in ours]) - program.max_miss(ours)
    frac = program.problem.reserve_frac
    return dict(zip(ours, (asked_gy * frac / (1 + frac)).tolist(), strict=True))


def proven(
    task: Task,
    standing: Standing,
    cost: FloatArray,
    *,
    gap_of: Callable[[float], float],
    limit: WorkLimit,
    surplus: Sequence[int] = (),
    without_reserve: bool = False,
) -> tuple[Standing, float]:
    """Bound an objective under all goals held so far, those that are not convex included.

    Parameters
    ----------
    task : Task
    standing : Standing
    cost : (n_columns,) array
        The objective of the plan that stands.
    gap_of : callable
        Objective of a plan -> the end: no plan is better by more than this, in the unit of the objective.
    limit : WorkLimit
    surplus : sequence of int
        Requirements whose surplus counts as a negative miss: without it the bound of a miss stands still at 0 as long
        as plans without any are not excluded.
    without_reserve : bool
        Whether the bound is that of plans that give the prescriptions and no reserve. Multipliers do not tell what it
        costs: where points may be left out, less dose can leave out others.

    Returns
    -------
    standing : Standing
        With a better plan, if one was found, and what is left of the work.
    bound : float
        Minus infinity where nothing was proven.
    """
    plan, program = standing.plan, task.program
    if limit.used_up or plan.status != LPStatus.OPTIMAL or not program.dose_volume:
        return standing, -np.inf
    fresh = Program(program.problem, program.requirements)
    entered = sorted({*program.families, *program.single_rows})
    for k in entered:
        fresh.enter(k)
    maximum_surplus = SURPLUS_FRAC * np.array([program.requirements[k].limit * (k in surplus) for k in entered])
    reserve_gy = _reserves(program) if without_reserve else {}
    maximum_miss = program.max_miss(entered) + np.array([reserve_gy.get(k, 0.0) for k in entered])
    fresh.allow_miss(entered, maximum_miss, maximum_surplus)
    fresh.start(cost)
    try:
        with _time_apart(program, limit.seconds):
            search = branch_and_bound(
                fresh,
                cost,
                plan.value,
                gap_of=gap_of,
                limit=limit,
                polish=lambda x: polished(program, cost, x),
                on_progress=task.on_progress,
            )
    except HdrPlanError as error:
        # A plan is not lost because its proof is.
        return standing.at(polished(program, cost, plan.x, rounds=2)).noting(NoProof(str(error))), -np.inf
    better = plan if search.plan is None else search.plan
    standing = standing.at(polished(program, cost, better.x, rounds=2))
    work = ProofWork(search.regions, search.seconds, search.ended)
    left = standing.proof.less(seconds=search.seconds, steps=search.regions)
    return replace(standing.noting(work), proof=left), search.bound


@contextmanager
def _time_apart(program: Program, seconds: float) -> Iterator[None]:
    """Let something take up to ``seconds`` of its own: the time it takes does not count for the program's."""
    before, begun = program.deadline, time.monotonic()
    program.deadline = before + seconds
    try:
        yield
    finally:
        program.deadline = before + time.monotonic() - begun
