"""From wishes to a plan on the screen, in a fraction of a second: what a touch does not change is kept.

While somebody touches the plan its dose rates come from tables, a proof and times set by hand have exact ones
(:mod:`hdrplan.live.rates`). The linear program takes some hundredths of a second (docs/measurements/live.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints, dose_at_points, dose_field, sample_points
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import Dwells, Structure
from hdrplan.live.rates import Rates, RateStore, sampled
from hdrplan.live.sentences import state_of_optimum, text_by_hand, text_of
from hdrplan.live.shown import PlanState, Shown
from hdrplan.live.wishes import Wishes, fixed_times
from hdrplan.metrics import DVH
from hdrplan.optimize import EveryPoint, Optimum, PlanProblem, Status, optimize_times
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import Strength, TG43Source
from hdrplan.threads import single_blas_thread
from hdrplan.workflow import (
    Score,
    Steps,
    best_times,
    curves_of,
    delivery_rules,
    dose_grid,
    evaluate,
    proven_minimum,
    with_proven_d100,
)

__all__ = ["Engine"]


class Engine:
    """What a case needs to be planned again and again.

    The arguments are those of :func:`hdrplan.workflow.plan_case`.
    """

    def __init__(self, case: Case, source: TG43Source, strength: Strength, options: PlanOptions) -> None:
        self.case, self.source, self.strength, self.options = case, source, strength, options
        self._points: dict[tuple[object, ...], SamplePoints] = {}
        self._joined: tuple[list[SamplePoints], SamplePoints] | None = None
        # A proof may run beside a touch.
        self._lock = threading.RLock()
        self._rates = RateStore(source, strength, options)

    def draft(self, wishes: Wishes, before: Shown | None) -> Shown:
        """Return the plan that follows a touch: real times, optimal at the sample points; or the times set by hand.

        Under a goal on a volume of dose the times hold it, and are not searched for the best.

        Parameters
        ----------
        wishes : Wishes
        before : Shown or None
            Stays on the screen where no plan holds the limits.
        """
        with single_blas_thread():
            return self._shown(wishes, before, self._optimum, settled=False)

    def settled(self, wishes: Wishes, before: Shown | None) -> Shown:
        """Return the plan as ``hdrplan plan --proof 0`` makes it: times of the afterloader, proven at every point.

        Parameters
        ----------
        wishes, before
            As in :meth:`draft`.
        """
        with single_blas_thread():
            shown = self._shown(wishes, before, self._proven_optimum, settled=True)
            return self._proven_by_hand(shown) if shown.state == PlanState.BY_HAND else shown

    def _shown(
        self, wishes: Wishes, before: Shown | None, solve: Callable[[PlanProblem, Dwells], Optimum], *, settled: bool
    ) -> Shown:
        step = Steps(gives_back=False)
        case, goals = wishes.case_of(self.case), wishes.active
        with self._lock, step("points"):
            points = self._sampled(case, wishes)
        # Times of the optimiser hold the limits by the same rates by which they are judged. Those set by hand may hold
        # one to the last digit.
        by_hand = wishes.by_hand_s is not None
        rates_of = self._rates.exact if settled or by_hand else self._rates.by_tables
        with ExitStack() as lent:
            with step("rates"):
                rates = lent.enter_context(rates_of(case, goals, points))
            problem = self._problem(case, goals, rates)
            with step("optimise"):
                try:
                    optimum, free = self._optima(wishes, problem, rates.dwells, solve)
                except InfeasibleError as error:
                    if before is None:
                        raise
                    return self._refused(before, case, goals, points, str(error))
            times_s = fixed_times(wishes.by_hand_s or {}, rates.dwells, 0.0) if optimum is None else optimum.times_s
            plan = Plan(dwells=rates.dwells, times_s=times_s, source=self.source, strength=self.strength)
            with step("dose"):
                dose_gy = rates.dose_gy(times_s)
                curves = curves_of(dose_gy, points)
                score = self._score(case, goals, plan, points, dose_gy, curves)
            if optimum is not None:
                proofs = [note for note in optimum.notes if isinstance(note, EveryPoint)]
                score = with_proven_d100(score, proofs)
            above = _above(problem, goals, times_s, free, score)
            if optimum is None:
                text = text_by_hand(score, above)
            else:
                text = text_of(optimum, score, above, goals, settled=settled)
        return Shown(
            plan=plan, goals=goals, points=points, dose_gy=dose_gy, curves=curves, score=score,
            above_frac=above, optimum=optimum, seconds=step.seconds,
            state=PlanState.BY_HAND if optimum is None else state_of_optimum(optimum),
            text=text,
        )  # fmt: skip

    def _refused(self, before: Shown, case: Case, goals: Goals, points: SamplePoints, why: str) -> Shown:
        """Return the last plan, judged by what is asked now: no plan holds that."""
        plan = before.plan
        dose = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u)
        curves = curves_of(dose.gy, points)
        return replace(
            before, goals=goals, points=points, dose_gy=dose.gy, curves=curves, above_frac=float("nan"), optimum=None,
            score=self._score(case, goals, plan, points, dose.gy, curves), state=PlanState.REFUSED,
            text=f"{why} The plan shown is the last one.",
        )  # fmt: skip

    def _optima(
        self, wishes: Wishes, problem: PlanProblem, dwells: Dwells, solve: Callable[[PlanProblem, Dwells], Optimum]
    ) -> tuple[Optimum | None, Optimum | None]:
        """Return the optimum with the times that are locked, if they were not set by hand, and that of all plans."""
        if wishes.by_hand_s is not None:
            try:
                return None, self._optimum(problem, dwells)
            except InfeasibleError:
                return None, None
        locked_s = fixed_times(wishes.locked_s, dwells, np.nan)
        if np.isfinite(locked_s).any():
            locked = solve(replace(problem, locked_s=locked_s), dwells)
            # Under a goal on a volume neither is proven, and how far apart they are says nothing.
            return locked, None if locked.certificate.relaxed else self._optimum(problem, dwells)
        optimum = solve(problem, dwells)
        return optimum, optimum

    def _optimum(self, problem: PlanProblem, dwells: Dwells) -> Optimum:
        return optimize_times(replace(problem, delivery=None), quick=True)

    def _proven_optimum(self, problem: PlanProblem, dwells: Dwells) -> Optimum:
        return best_times(problem, dwells, self.source, strength_u=self.strength.value_u, options=self.options)

    def _proven_by_hand(self, shown: Shown) -> Shown:
        """Prove the minimum dose of a plan whose times were set by hand."""
        if not shown.plan.total_time_s:
            return shown
        proofs = [
            proven_minimum(
                shown.points.shape(target.name), shown.plan, target.name,
                d100_gy=target.d100_gy, prescription_gy=target.prescription_gy,
            )
            for target in shown.score.targets
        ]  # fmt: skip
        least = "; ".join(f"every point of {p.structure} receives at least {p.minimum_gy:.2f} Gy" for p in proofs)
        return replace(shown, score=with_proven_d100(shown.score, proofs), text=f"{shown.text} Proven: {least}.")

    def _sampled(self, case: Case, wishes: Wishes) -> SamplePoints:
        """Return the points of all structures: those of the anatomy are sampled once, not for each new place."""
        asked, places = case.dosed_structures(wishes.active), {place.name for place in wishes.places}
        parts = [self._sampled_once([s for s in asked if s.name not in places], case.healthy)]
        parts += [self._sampled_once([s], None) for s in asked if s.name in places]
        # One and the same value as long as they are the same.
        if self._joined is None or self._joined[0] != parts:
            self._joined = parts, parts[0].joined(parts[1:])
        return self._joined[1]

    def _sampled_once(self, structures: Sequence[Structure], healthy: str | None) -> SamplePoints:
        key = tuple(sampled(s) for s in structures)
        if key not in self._points:
            self._points[key] = sample_points(structures, spacing_mm=self.options.sample_mm, healthy=healthy)
        return self._points[key]

    def _problem(self, case: Case, goals: Goals, rates: Rates) -> PlanProblem:
        return PlanProblem(
            rate=rates.at_asked,
            points=rates.asked,
            goals=goals,
            healthy=case.healthy,
            max_time_s=self.options.max_dwell_s,
            delivery=delivery_rules(rates.dwells, self.options),
        )

    def _score(
        self, case: Case, goals: Goals, plan: Plan, points: SamplePoints, dose_gy: FloatArray, curves: Mapping[str, DVH]
    ) -> Score:
        dose = None
        if any(goal.metric.kind == "conformity" for goal in goals.goals):
            grid = dose_grid(case, plan.dwells, margin_mm=self.options.dose_margin_mm)
            dose = dose_field(plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u)
        return evaluate(dose_gy, points, goals, dose=dose, total_time_s=plan.total_time_s, curves=curves)


def _above(problem: PlanProblem, goals: Goals, times_s: FloatArray, free: Optimum | None, score: Score) -> float:
    """Return how far a plan that holds its hard goals lies above the bound of all plans."""
    hard_missed = any(not g.met for g in score.goals if g.goal.level == 0)
    if free is None or hard_missed or free.status != Status.PROVEN or any(goal.level for goal in goals.goals):
        return float("nan")
    main = free.certificate.main
    if main.bound <= 0:
        return float("nan")
    if problem.healthy is None:
        value = float(times_s.sum())
    else:
        rows = problem.points.rows(problem.healthy)
        volume_cc = problem.points.volume_cc[rows]
        value = float(volume_cc @ (problem.rate.at(rows) @ times_s) / volume_cc.sum())
    return value / main.bound - 1.0
