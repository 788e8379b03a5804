"""Dwell times of a proven optimum, by the goals in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.bounded import Bounded
from hdrplan.optimize.certificate import Certificate, Loss, LossCause, Optimum, Scope, Shortfall, Status
from hdrplan.optimize.held import Held
from hdrplan.optimize.notes import MissedAfterRounding, TimeNotProven
from hdrplan.optimize.objectives import RelativeMiss, TotalTime
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.convex_bound import convex_bound
from hdrplan.optimize.program.dose_program import MAX_MISS
from hdrplan.optimize.program.judge import broken
from hdrplan.optimize.program.lazy_lp import SOLVER, LPStatus, Solution
from hdrplan.optimize.program.proof_of import proof_of
from hdrplan.optimize.program.requirements import Kind
from hdrplan.optimize.times.delivery import deliverable
from hdrplan.optimize.times.hard_goals import hold_hard_goals
from hdrplan.optimize.times.prices import prices_of
from hdrplan.optimize.times.proof import prove, reserve_cost
from hdrplan.optimize.times.standing import SLACK_FRAC, Standing, Task
from hdrplan.optimize.work import WorkLimit

__all__ = ["optimize_times"]

NO_WORK = WorkLimit(seconds=0.0)
# A bound this near to the plan, as a fraction, is the plan's own.
CLOSED_FRAC = 1e-6
# Of the proof's time, for the bound of one level: large organs take half a second a row.
CONVEX_FRAC = 0.05
# A smaller relative miss is none.
MINIMUM_MISS_FRAC = 1e-9


def optimize_times(
    problem: PlanProblem,
    *,
    proof: WorkLimit = NO_WORK,
    time_limit_s: float = np.inf,
    on_progress: Callable[[int, int], None] | None = None,
    real_times: bool = False,
    quick: bool = False,
) -> Optimum:
    """Return dwell times that hold every prescription and hard limit, spare the healthy organ, then take little time.

    1. D100 >= prescription at all sample points of every CTV, surface points included, and all hard limits.
    2. If that cannot be, the organs' limits stand and the prescriptions give way: the sum of what their D100 misses is
       minimised.
    3. Priority levels in their order: the sum of the relative misses of a level's goals is minimised, and kept.
    4. The mean dose of the healthy organ is minimised; without such an organ, the total time.
    5. The total time is minimised, at a mean dose at most a millionth higher.

    Parameters
    ----------
    problem : PlanProblem
    proof : WorkLimit
        For a bound where dose-volume goals bind, which are not convex: until no plan can be better by 0.1 % of the
        objective, or of the prescription where that had to be lowered. Its steps are regions of plans.
    time_limit_s : float
        After this, and the time of the proof, what there is is returned, marked "not proven": it may hold no goal yet.
        Without it a slow or busy machine makes the same plan as a fast one.
    on_progress : callable, optional
        Called with (done, total) while the proof runs.
    real_times : bool
        Of the afterloader's rules only the ratio of neighbouring times holds: times are real numbers.
    quick : bool
        Where dose-volume goals bind: a plan that holds them, without a search for the best. Bounds hold as ever.

    Returns
    -------
    Optimum

    Raises
    ------
    InputError
        Goals that do not fit the points, a CTV without prescription, hard goals that exclude each other.
    InfeasibleError
        Limits that no dwell times satisfy, with every prescription given up.

    References
    ----------
    Weak duality: any multipliers of the right sign bound the optimum (Dantzig GB, Linear Programming and Extensions,
    1963, chapter 6).
    """
    tell = on_progress or (lambda done, total: None)
    task = Task.of(problem, lambda share: tell(round(1000 * share), 1000), quick=quick)
    task.program.deadline = time.monotonic() + time_limit_s
    delivery = problem.delivery
    if delivery is not None and delivery.ratio is not None:
        task.program.tie(delivery.neighbours, delivery.ratio)
    standing = hold_hard_goals(task, proof)
    for level in sorted({goal.level for goal in problem.goals.goals} - {0}):
        standing = _reach(task, standing, level)
    standing = _spare(task, standing)
    standing = prove(task, standing)
    standing, last = _shorten(task, standing)
    optimum = _optimum(task, standing, last)
    if delivery is None or real_times or last.status == LPStatus.INFEASIBLE:
        return optimum
    return _delivered(task, optimum, last, delivery)


def _delivered(task: Task, optimum: Optimum, last: Solution, delivery: Delivery) -> Optimum:
    """Return the result of the times that the afterloader can deliver: all that is said of a plan is said of these."""
    program, main = task.program, optimum.certificate.main
    x, notes = deliverable(program, task.cost, last, delivery)
    value = float(task.cost @ x)
    certificate = optimum.certificate.losing(LossCause.WHOLE_TIMES, value - main.value, main=replace(main, value=value))
    certificate = replace(certificate, missed=tuple(n.goal for n in notes if isinstance(n, MissedAfterRounding)))
    in_full = np.concatenate((x[: program.columns.n_dwells], np.zeros(len(task.requirements))))
    short = {program.requirements[k].goal: by for k, by in broken(program, in_full).items()}
    return replace(
        optimum,
        times_s=x[: program.columns.n_dwells],
        certificate=certificate,
        shortfalls=tuple(_reaching(s, s.prescription_gy - max(0.0, short[s.goal])) for s in optimum.shortfalls),
        notes=(*optimum.notes, *notes),
    )


def _reaching(short: Shortfall, reached_gy: float) -> Shortfall:
    return replace(short, reached_gy=reached_gy, best_gy=max(short.best_gy, reached_gy))


def _reach(task: Task, standing: Standing, level: int) -> Standing:
    """Minimise the sum of the relative misses of one level's goals, and keep it."""
    program, requirements = task.program, task.requirements
    own = tuple(k for k, r in enumerate(requirements) if r.level == level)
    scale = {k: max(requirements[k].limit, 1e-9) for k in own}
    cost = program.columns.cost(misses={k: 1.0 / scale[k] for k in own})
    for k in own:
        program.enter(k)
    program.allow_miss(own, MAX_MISS)
    convex = not program.dose_volume
    reached = program.solve(cost) if convex else task.polished(cost, standing.plan.x)
    if reached.status != LPStatus.OPTIMAL:
        return replace(standing, stopped=standing.stopped or reached.status == LPStatus.STOPPED)
    standing = standing.at(reached)
    # Other plans leave out other points: the bound of them all is that of what is convex of the dose-volume goals.
    bound = 0.0
    if not convex and reached.value > MINIMUM_MISS_FRAC and not standing.proof.used_up:
        bound = min(reached.value, max(0.0, convex_bound(program, cost, seconds=CONVEX_FRAC * standing.proof.seconds)))
    objective = RelativeMiss(level, task.goals(own))
    # A goal that can be met is met to the last digit; one that cannot keeps its miss, with a ten-thousandth of it.
    maximum = 0.0 if reached.value <= MINIMUM_MISS_FRAC else reached.value * (1 + 1e-4) + SLACK_FRAC
    program.keep(cost, maximum, objective)
    program.allow_miss(own, np.array([maximum * scale[k] for k in own]))
    if not convex and all(requirements[k].kind == Kind.DOSE_VOLUME for k in own):
        return standing.reaching(Bounded(objective=objective, value=reached.value, bound=bound))
    # Other goals have one without those goals too, with its proof.
    relaxed = reached if convex else program.solve(cost)
    standing = replace(standing, stopped=standing.stopped or relaxed.status == LPStatus.STOPPED)
    bound, proof = max(bound, relaxed.bound), proof_of(program, cost, relaxed)
    return standing.reaching(Bounded(objective=objective, value=reached.value, bound=bound, proof=proof))


def _spare(task: Task, standing: Standing) -> Standing:
    """Minimise the main objective under all goals reached so far."""
    program, plan = task.program, standing.plan
    if plan.status == LPStatus.STOPPED:
        return standing
    levels = any(r.level for r in task.requirements)
    # Without levels the last step was this one.
    if plan.excused and levels:
        standing = standing.relaxed_to(program.solve(task.cost))
        standing = standing.at(task.polished(task.cost, plan.x))
    elif levels:
        standing = standing.at(program.solve(task.cost))
    return standing.reaching(_main(task, standing, standing.plan.value))


def _main(task: Task, standing: Standing, value: float) -> Bounded:
    """Return the main objective with its bound, and the proof of the linear program behind it."""
    proof = proof_of(task.program, task.cost, standing.relaxed or standing.plan)
    return Bounded(objective=task.objective, value=value, bound=standing.bound, proof=proof)


def _shorten(task: Task, standing: Standing) -> tuple[Standing, Solution]:
    """Minimise the total time at the main objective reached; return the plan that takes it beside the standing."""
    program, plan = task.program, standing.plan
    if isinstance(task.objective, TotalTime) or plan.status != LPStatus.OPTIMAL:
        return standing, plan
    program.keep(task.cost, plan.value * (1 + SLACK_FRAC), task.objective)
    total_time = program.columns.cost(1.0)
    last = program.solve(total_time, plan.excused, primal=True)
    if last.status != LPStatus.OPTIMAL:
        stopped = standing.stopped or last.status == LPStatus.STOPPED
        return replace(standing.noting(TimeNotProven()), stopped=stopped), plan
    # Other plans may leave out other points: a bound for all of them is one without the dose-volume goals. It begins
    # with the last basis; a copy of the program, which has none, took a third of the simplex of 900 dwells.
    bounding = program.solve(total_time, check=False) if plan.excused else last
    proof = proof_of(program, total_time, bounding)
    return standing.reaching(Bounded(objective=TotalTime(), value=last.value, bound=bounding.bound, proof=proof)), last


def _missed(task: Task, plan: Solution) -> Iterator[Held]:
    """Yield what a plan reaches of the goals of priority levels that it misses: the bound is that of plans as good."""
    program = task.program
    in_full = np.concatenate((plan.x[: program.columns.n_dwells], np.zeros(len(task.requirements))))
    for k, by in broken(program, in_full).items():
        requirement = task.requirements[k]
        if requirement.level and by > MINIMUM_MISS_FRAC * requirement.limit:
            yield Held(requirement.goal, requirement.limit - requirement.sense * by)


def _optimum(task: Task, standing: Standing, last: Solution) -> Optimum:
    """Put everything that is known together."""
    program = task.program
    value = float(task.cost @ last.x)
    closed = standing.relaxed is None or value - standing.bound <= CLOSED_FRAC * abs(value)
    proven = closed and not standing.stopped
    main = _main(task, standing, value)
    open_ = 0.0 if standing.relaxed is None else standing.plan.value - standing.bound
    # A bound by search is one without the reserve.
    reserve = 0.0 if standing.lifted is None else min(open_, reserve_cost(program, standing.plan))
    losses = (
        Loss(LossCause.NOT_CLOSED, open_ - reserve),
        Loss(LossCause.EVERY_POINT, reserve),
        Loss(LossCause.SLACK, value - main.bound - open_),
    )
    certificate = Certificate(
        main=main,
        violation_frac=last.violation,
        rows_used=last.rows_used,
        rows_all=program.rows_all,
        rounds=standing.plan.rounds,
        scope=Scope.SAMPLE_POINTS,
        solver=SOLVER,
        proven=proven,
        relaxed=() if closed or standing.lifted is not None else task.goals(tuple(program.dose_volume)),
        losses=tuple(loss for loss in losses if loss.amount),
        held=(*standing.held, *_missed(task, last)),
    )
    return Optimum(
        times_s=last.x[: program.columns.n_dwells],
        status=Status.LOWERED if standing.shortfalls else Status.PROVEN if proven else Status.NOT_PROVEN,
        certificate=certificate,
        levels=standing.levels,
        shortfalls=standing.shortfalls,
        prices=standing.prices or prices_of(standing.plan, task.requirements, task.objective),
        notes=standing.notes,
        conflict=standing.conflict,
    )
