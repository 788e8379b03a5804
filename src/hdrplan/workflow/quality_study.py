"""How far a plan is from what was possible: the same case, catheters, source and strength, and proven optima beside it.

Two questions are asked of the positions at which the plan's source may stop. How much higher could D100 of each CTV be
if no organ got more? How much less could the healthy organ get at the same D100? Every figure is an interval. Its
lower end is what a plan with deliverable times reaches, proven at every point of the CTV. Its upper end is the bound
that no plan from these positions passes. D100 of the given plan is an interval too, from a search over all points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import (
    DoseRate,
    DoseRateBlocks,
    MinimumDose,
    MinimumDoseSearch,
    SamplePoints,
    dose_rate,
    sample_points,
)
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize import (
    Axis,
    Bounded,
    DoseLost,
    EveryPoint,
    EveryPointOptimum,
    Front,
    GoalId,
    LongProof,
    Optimum,
    PlanProblem,
    WorkLimit,
    optimize_every_point,
    optimize_times,
    pareto_front,
)
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goal, Goals, Plan, Prescription, parse_metric
from hdrplan.workflow.problem import delivery_rules, require_points_memory
from hdrplan.workflow.quality import CoverageGain, PlanQuality, QualityOptions, SparingGain
from hdrplan.workflow.quality_limits import AS_IN_PLAN, Doses, limits_as_in
from hdrplan.workflow.reevaluate import minimum_interval
from hdrplan.workflow.steps import StepProgress, Steps
from hdrplan.workflow.times import EVERY_POINT_FRAC

__all__ = ["MAXIMUM_CTVS", "plan_quality"]

# D100 is raised until the limits stop it: the dose asked for is so many times the plan's, and more if that is reached.
_RAISED, _HIGHEST_GY = 1.5, 100.0
_LOWEST_GY = 1.0
# D100 of the plans in the picture, as fractions of the best.
_FRONT_FRACS = (*(0.01 * k for k in range(70, 98, 2)), *(0.001 * k for k in range(980, 1060, 5)), 1.07, 1.1, 1.2)
# Of every CTV there is an optimum of its own.
MAXIMUM_CTVS = 6
_D100 = parse_metric("D100")
# Limits that a linear program has exactly.
_LINEAR = ("dose_mean", "dose_max", "dose_min", "total_time")
_NO_WORK = WorkLimit(seconds=0.0)


@dataclass(slots=True, eq=False)
class _Question:
    """What all optima share: the plan's positions, the points, and the searches, whose bounds serve every plan."""

    plan: Plan
    case: Case
    points: SamplePoints
    rate: DoseRate | DoseRateBlocks
    options: QualityOptions
    searches: dict[str, MinimumDoseSearch]
    begin_with: Mapping[GoalId, IntArray] = field(default_factory=dict)

    @property
    def longest_s(self) -> float:
        """Longest time at one position in all plans, (s)."""
        return max(PlanOptions().max_dwell_s, float(self.plan.times_s.max()))

    def minimum_dose(self, name: str, times_s: FloatArray, **asked: Any) -> MinimumDose:
        return self.search(name).minimum_dose(times_s, **asked)

    def search(self, name: str) -> MinimumDoseSearch:
        if name not in self.searches:
            self.searches[name] = MinimumDoseSearch(
                self.points.shape(name), self.plan.dwells, self.plan.source, strength_u=self.plan.strength_u
            )
        return self.searches[name]

    def doses(self, times_s: FloatArray) -> Doses:
        return Doses.at(self.points, self.rate.dose_gy(times_s), float(times_s.sum()))

    def problem(self, asked_gy: dict[str, float], limits: Sequence[Goal]) -> PlanProblem:
        goals = Goals(tuple(Prescription(name, gy) for name, gy in asked_gy.items()), tuple(limits))
        return PlanProblem(
            rate=self.rate, points=self.points, goals=goals, healthy=self.case.healthy, max_time_s=self.longest_s
        )

    def optimum(self, asked_gy: dict[str, float], limits: Sequence[Goal]) -> EveryPointOptimum:
        """Return the best deliverable plan, its CTVs proven at every point.

        Cold points are first looked for under the limits that a linear program has, and what joined stays for the next
        question: a round with D_cc limits takes many times as long.
        """
        linear = tuple(goal for goal in limits if goal.metric.kind in _LINEAR)
        if len(linear) < len(limits):
            self._every_point(self.problem(asked_gy, linear))
        rules = delivery_rules(self.plan.dwells, PlanOptions(time_step_s=self.options.time_step_s))
        # With a search for the best whole times the comparison of 47 cc had not ended after 290 processor seconds; it
        # takes 35 without.
        delivery = None if rules is None else replace(rules, search=False)
        return self._every_point(replace(self.problem(asked_gy, limits), delivery=delivery))

    def _every_point(self, problem: PlanProblem) -> EveryPointOptimum:
        """Return the optimum of a problem, and keep the points that joined it."""
        result = optimize_every_point(
            replace(problem, begin_with=self.begin_with),
            minimum_dose=self.minimum_dose,
            rate_at=lambda _, points_mm: dose_rate(
                self.plan.dwells, points_mm, self.plan.source, strength_u=self.plan.strength_u
            ),
            tolerance_frac=EVERY_POINT_FRAC,
            proof=LongProof(limit=_NO_WORK),
        )
        solved = result.problem
        self.points, self.rate, self.begin_with = solved.points, solved.rate, solved.begin_with or self.begin_with
        return result


def plan_quality(
    plan: Plan, case: Case, *, options: QualityOptions | None = None, on_progress: StepProgress | None = None
) -> PlanQuality:
    """Compare a plan with the proven optima from the same dwell positions.

    Parameters
    ----------
    plan : Plan
        Every position that it lists may be used, whatever its time.
    case : Case
        Structures, at least one of them a CTV, and the healthy organ; catheters and CT are not used.
    options : QualityOptions, optional
    on_progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    PlanQuality

    Raises
    ------
    InputError
        Too many CTVs, a CTV that the plan does not cover at all, a plan without time.
    InfeasibleError
        Limits of the clinic that no plan holds.
    """
    options = options or QualityOptions()
    step = Steps(on_progress)
    if not plan.total_time_s > 0:
        raise InputError("a plan to compare needs a dwell time above 0", got="none")
    if len(case.ctvs) > MAXIMUM_CTVS:
        raise InputError(f"at most {MAXIMUM_CTVS} CTVs are compared", got=len(case.ctvs), remedy="Name fewer CTVs.")
    with step("sample"):
        points = sample_points(
            case.dosed_structures(Goals((), options.limits or ())), spacing_mm=options.sample_mm, healthy=case.healthy
        )
        require_points_memory(points, plan.dwells)
    with step("matrix") as progress:
        rate = dose_rate(plan.dwells, points.points_mm, plan.source, strength_u=plan.strength_u, on_progress=progress)
    question = _Question(plan, case, points, rate, options, {})
    doses = question.doses(plan.times_s)
    limits = limits_as_in(doses, case, plan) if options.limits is None else options.limits
    with step("D100 of the plan"):
        minima = {ctv.name: _minimum(question, ctv.name) for ctv in case.ctvs}
    coverage = []
    for ctv in case.ctvs:
        with step(f"best D100 of {ctv.name}"):
            coverage.append(_coverage(question, ctv.name, minima, (*limits, _same_cost(doses, case))))
    with step("least dose at this D100"):
        sparing = _sparing(question, doses, minima, limits)
    fronts = {}
    if options.picture:
        with step("trade-off"):
            fronts = {gain.structure: _front(question, gain, minima, limits) for gain in coverage}
    return PlanQuality(
        plan=plan,
        limits=limits,
        as_in_plan=options.limits is None,
        broken=doses.broken(limits),
        coverage=tuple(coverage),
        sparing=sparing,
        doses={
            "plan": doses,
            "sparing": question.doses(sparing.times_s),
            **{gain.structure: question.doses(gain.times_s) for gain in coverage},
        },
        fronts={name: front for name, front in fronts.items() if front is not None},
        offered=len(plan.dwells),
        active=int((plan.times_s > 0).sum()),
        longest_s=question.longest_s,
        seconds=step.seconds,
    )


def _minimum(question: _Question, name: str) -> EveryPoint:
    """Return the interval of the plan's D100."""
    times_s = question.plan.times_s
    lowest_gy = float((question.rate.at(question.points.rows(name)) @ times_s).min())
    if not _LOWEST_GY <= lowest_gy <= _HIGHEST_GY / _RAISED:
        raise InputError(
            f"plans are compared whose D100 lies between {_LOWEST_GY:g} and {_HIGHEST_GY / _RAISED:.0f} Gy",
            got=f"{lowest_gy:.2g} Gy",
            where=name,
            remedy="Is this structure the CTV of this plan, and drawn in its frame of reference?",
        )
    return minimum_interval(question.search(name), times_s, name, lowest_gy=lowest_gy)


def _same_cost(doses: Doses, case: Case) -> Goal:
    """Return the limit that the healthy organ's mean dose, or else the total time, is no higher than in the plan."""
    metric = parse_metric("time" if case.healthy is None else "Dmean")
    goal = Goal(structure=case.healthy or "plan", metric=metric, sense="<=", value=1.0, level=0, source=AS_IN_PLAN)
    return replace(goal, value=doses.reached(goal))


def _coverage(question: _Question, name: str, minima: dict[str, EveryPoint], limits: Sequence[Goal]) -> CoverageGain:
    """Raise D100 of one CTV as far as the limits allow; the other CTVs keep theirs."""
    own, others = minima[name], [m for m in minima.values() if m.structure != name]
    floors = [
        Goal(structure=m.structure, metric=parse_metric("Dmin"), sense=">=", value=m.minimum_gy, level=0,
             source=AS_IN_PLAN)
        for m in others
    ]  # fmt: skip
    asked_gy = own.upper_gy
    while True:
        asked_gy = min(asked_gy * _RAISED, _HIGHEST_GY)
        asked = {m.structure: m.upper_gy for m in others} | {name: asked_gy}
        result = question.optimum(asked, (*limits, *floors))
        if _dose_lost(result.optimum) is not None or asked_gy == _HIGHEST_GY:
            break
    # Once, at the points that are known in the end: not in each of the rounds that find them.
    bounding = optimize_times(replace(result.problem, delivery=None), proof=question.options.proof)
    lost = _dose_lost(bounding)
    highest_gy = asked_gy * (1 + EVERY_POINT_FRAC)
    # What the other CTVs were asked for above their own floor may be part of what is lost.
    slack_gy = sum(m.upper_gy * (1 + EVERY_POINT_FRAC) - m.minimum_gy for m in others)
    times_s, possible_gy = result.optimum.times_s, result.minimum[name].lower_gy
    kept = not question.doses(question.plan.times_s).broken(limits)
    # Where the plan itself keeps the limits, it is one of those that are possible.
    better = possible_gy > own.minimum_gy or not kept
    better = better and not question.doses(times_s).broken((*limits, *floors))
    better = better and all(
        result.minimum[m.structure].lower_gy >= m.minimum_gy * (1 - EVERY_POINT_FRAC) for m in others
    )
    return CoverageGain(
        structure=name,
        plan_lower_gy=own.minimum_gy,
        plan_upper_gy=own.upper_gy,
        possible_gy=possible_gy if better else own.minimum_gy if kept else float("nan"),
        bound_gy=float("inf") if lost is None else highest_gy - lost.bound + slack_gy,
        times_s=times_s if better else question.plan.times_s,
        binding=tuple(goal.label for short in bounding.shortfalls for goal in short.binding),
    )


def _dose_lost(optimum: Optimum) -> Bounded | None:
    """Return what the prescriptions had to give way, with its bound; None where they are held in full."""
    return next((level for level in optimum.levels if isinstance(level.objective, DoseLost)), None)


def _sparing(question: _Question, doses: Doses, minima: dict[str, EveryPoint], limits: Sequence[Goal]) -> SparingGain:
    """Lower the healthy organ's mean dose, or the total time, at the D100 that every CTV has.

    The better plan gives every CTV the upper end of its D100, the plans of the bound give the lower end: whatever the
    plan's D100 is within its interval, both statements hold.
    """
    result = question.optimum({name: m.upper_gy for name, m in minima.items()}, limits)
    main, cost = result.optimum.certificate.main, _same_cost(doses, question.case)
    lower = question.problem({name: m.minimum_gy for name, m in minima.items()}, limits)
    # The points that joined are points of the CTVs as well.
    lower = replace(result.problem, goals=lower.goals, reserve_frac=0.0, delivery=None)
    bounding = optimize_times(lower, proof=question.options.proof)
    times_s = result.optimum.times_s
    possible = question.doses(times_s).reached(cost)
    kept = not doses.broken(limits)
    better = (possible < cost.value or not kept) and not question.doses(times_s).broken(limits)
    better = better and all(result.minimum[name].lower_gy >= m.upper_gy for name, m in minima.items())
    return SparingGain(
        objective=main.text,
        unit=main.unit,
        plan=cost.value,
        possible=possible if better else cost.value if kept else float("nan"),
        bound=_least(bounding),
        times_s=times_s if better else question.plan.times_s,
        binding=tuple(p.goal.label for p in bounding.prices if p.goal.goal.metric != _D100),
    )


def _least(bounding: Optimum) -> float:
    """Return the bound of the main objective: infinite where no plan keeps the D100, 0 where nothing is proven."""
    if not bounding.shortfalls:
        return bounding.certificate.main.bound
    lost = _dose_lost(bounding)
    return float("inf") if lost is not None and lost.bound > 0.0 else 0.0


def _front(
    question: _Question, gain: CoverageGain, minima: dict[str, EveryPoint], limits: Sequence[Goal]
) -> Front | None:
    """Return the least dose of the healthy organ for D100 from below the plan's to beyond what is possible."""
    asked = {name: m.minimum_gy for name, m in minima.items()}
    top_gy = max(gain.plan_upper_gy, gain.bound_gy if np.isfinite(gain.bound_gy) else 0.0)
    values = np.array([frac * top_gy for frac in _FRONT_FRACS])
    try:
        return pareto_front(question.problem(asked, limits), [Axis(gain.structure, "D100", values)])
    except InfeasibleError:
        return None
