"""From wishes to a plan on the screen, in a fraction of a second: what a touch does not change is kept.

The sample points belong to the structures and stay; the rates belong to a structure and a catheter, so that a catheter
that moves costs its own columns only. The linear program then takes some hundredths of a second
(docs/measurements/live.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.dose import DoseRateBlocks, GrowingRows, SamplePoints, dose_at_points, dose_field, dose_rate, sample_points
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import Dwells, Structure
from hdrplan.live.sentences import state_of_optimum, text_by_hand, text_of
from hdrplan.live.shown import PlanState, Shown
from hdrplan.live.wishes import Wishes, fixed_times
from hdrplan.optimize import EveryPoint, Optimum, PlanProblem, Status, optimize_times
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Plan
from hdrplan.sources import Strength, TG43Source
from hdrplan.threads import over_rows, single_blas_thread
from hdrplan.workflow import (
    Score,
    Steps,
    best_times,
    candidate_dwells,
    delivery_rules,
    dose_grid,
    evaluate,
    points_asked_for,
    proven_minimum,
    require_points_memory,
    with_proven_d100,
)

__all__ = ["Engine"]

# Columns of so many sets of catheters are kept besides the newest: undo and redo are then as quick as a touch.
_KEPT_SETS = 3

# What tells the points of a structure apart from all others of this session: a place that was undone gives its name to
# the next one.
_Sampled = tuple[object, ...]
# A structure's points, and what makes a catheter's rates: its name and its points.
_Column = tuple[_Sampled, str, bytes]
# Structure by structure, catheter by catheter.
_Keys = tuple[tuple[_Column, ...], ...]


class Engine:
    """What a case needs to be planned again and again.

    The arguments are those of :func:`hdrplan.workflow.plan_case`.
    """

    def __init__(self, case: Case, source: TG43Source, strength: Strength, options: PlanOptions) -> None:
        self.case, self.source, self.strength, self.options = case, source, strength, options
        self._points: dict[tuple[object, ...], SamplePoints] = {}
        self._columns: dict[_Column, tuple[FloatArray, BoolArray]] = {}
        # A proof may run beside a touch.
        self._lock = threading.RLock()
        self._rates_of: dict[_Keys, tuple[Dwells, DoseRateBlocks]] = {}
        self._sets: list[_Keys] = []

    def draft(self, wishes: Wishes, before: Shown | None) -> Shown:
        """Return the plan that follows a touch: real times, optimal at the sample points; or the times set by hand.

        Parameters
        ----------
        wishes : Wishes
        before : Shown or None
            Stays on the screen where no plan holds the limits.
        """
        with single_blas_thread():
            return self._shown(wishes, before, self._optimum)

    def settled(self, wishes: Wishes, before: Shown | None) -> Shown:
        """Return the plan as ``hdrplan plan --proof 0`` makes it: times of the afterloader, proven at every point.

        Parameters
        ----------
        wishes, before
            As in :meth:`draft`.
        """
        with single_blas_thread():
            shown = self._shown(wishes, before, self._proven_optimum)
            return self._proven_by_hand(shown) if shown.state == PlanState.BY_HAND else shown

    def _shown(self, wishes: Wishes, before: Shown | None, solve: Callable[[PlanProblem, Dwells], Optimum]) -> Shown:
        step = Steps(gives_back=False)
        case, goals = wishes.case_of(self.case), wishes.active
        with self._lock, step("points"):
            points = self._sampled(case, wishes)
        with self._lock, step("rates"):
            dwells, rate = self._rates(case, points, [_sampled(s) for s in case.dosed_structures(goals)])
        problem = self._problem(case, goals, dwells, points, rate)
        with step("optimise"):
            try:
                optimum, free = self._optima(wishes, problem, dwells, solve)
            except InfeasibleError as error:
                if before is None:
                    raise
                return self._refused(before, case, goals, points, str(error))
        times_s = fixed_times(wishes.by_hand_s or {}, dwells, 0.0) if optimum is None else optimum.times_s
        plan = Plan(dwells=dwells, times_s=times_s, source=self.source, strength=self.strength)
        with step("dose"):
            dose_gy = rate.dose_gy(times_s)
            score = self._score(case, goals, plan, points, dose_gy)
        if optimum is not None:
            proofs = [note for note in optimum.notes if isinstance(note, EveryPoint)]
            score = with_proven_d100(score, proofs)
        above = _above(problem, goals, times_s, free, score)
        return Shown(
            plan=plan, goals=goals, points=points, dose_gy=dose_gy, score=score, above_frac=above,
            optimum=optimum, seconds=step.seconds,
            state=PlanState.BY_HAND if optimum is None else state_of_optimum(optimum),
            text=text_by_hand(score, above) if optimum is None else text_of(optimum, score, above, goals),
        )  # fmt: skip

    def _refused(self, before: Shown, case: Case, goals: Goals, points: SamplePoints, why: str) -> Shown:
        """Return the last plan, judged by what is asked now: no plan holds that."""
        plan = before.plan
        dose = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, plan.source, strength_u=plan.strength_u)
        return replace(
            before, goals=goals, points=points, dose_gy=dose.gy, above_frac=float("nan"), optimum=None,
            score=self._score(case, goals, plan, points, dose.gy), state=PlanState.REFUSED,
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
            return solve(replace(problem, locked_s=locked_s), dwells), self._optimum(problem, dwells)
        optimum = solve(problem, dwells)
        return optimum, optimum

    def _optimum(self, problem: PlanProblem, dwells: Dwells) -> Optimum:
        return optimize_times(replace(problem, delivery=None))

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
        anatomy = self._sampled_once([s for s in asked if s.name not in places], case.healthy)
        return anatomy.joined([self._sampled_once([s], None) for s in asked if s.name in places])

    def _sampled_once(self, structures: Sequence[Structure], healthy: str | None) -> SamplePoints:
        key = tuple(_sampled(s) for s in structures)
        if key not in self._points:
            self._points[key] = sample_points(structures, spacing_mm=self.options.sample_mm, healthy=healthy)
        return self._points[key]

    def _rates(self, case: Case, points: SamplePoints, sampled: Sequence[_Sampled]) -> tuple[Dwells, DoseRateBlocks]:
        """Return the dwells of a case and their rates, of which only what is new is computed."""
        keys = tuple(tuple((s, c.name, c.points_mm.tobytes()) for c in case.catheters) for s in sampled)
        if keys not in self._rates_of:
            dwells = candidate_dwells(case, self.options)
            require_points_memory(points, dwells)
            for k in range(len(case.catheters)):
                missing = [n for n, row in enumerate(keys) if row[k] not in self._columns]
                if missing:
                    self._compute(points, dwells.of_catheter(k), missing, [keys[n][k] for n in missing])
            blocks = [np.empty((0, 0))] * len(keys)

            def put_together(first: int, last: int) -> None:
                for n in range(first, last):
                    blocks[n] = np.hstack([self._columns[key][0] for key in keys[n]])

            over_rows(put_together, len(keys), smallest=1)
            far = np.concatenate([np.any([self._columns[key][1] for key in row], axis=0) for row in keys])
            self._keep(keys, dwells, DoseRateBlocks(tuple(map(GrowingRows, blocks)), far))
        return self._rates_of[keys]

    def _compute(self, points: SamplePoints, dwells: Dwells, structures: list[int], keys: list[_Column]) -> None:
        rows = [points.rows(points.names[n]) for n in structures]
        at_mm = np.concatenate([points.points_mm[r] for r in rows])
        rate = dose_rate(dwells, at_mm, self.source, strength_u=self.strength.value_u)
        first = 0
        for key, r in zip(keys, rows, strict=True):
            part = slice(first, first + r.stop - r.start)
            self._columns[key] = (rate.gy_per_s[part], rate.extrapolated[part])
            first = part.stop

    def _keep(self, keys: _Keys, dwells: Dwells, rate: DoseRateBlocks) -> None:
        """Keep the rates of the newest set of catheters, and of the last sets the columns that differ."""
        self._rates_of = {keys: (dwells, rate)}
        self._sets = [*self._sets[-_KEPT_SETS:], keys]
        kept = {key for keys in self._sets for row in keys for key in row}
        self._columns = {key: column for key, column in self._columns.items() if key in kept}

    def _problem(
        self, case: Case, goals: Goals, dwells: Dwells, points: SamplePoints, rate: DoseRateBlocks
    ) -> PlanProblem:
        asked = points_asked_for(points, goals, case.healthy)
        chosen = [points.names.index(name) for name in asked.names]
        far = np.concatenate([rate.extrapolated[points.rows(name)] for name in asked.names])
        return PlanProblem(
            rate=DoseRateBlocks(tuple(rate.blocks[n] for n in chosen), far),
            points=asked,
            goals=goals,
            healthy=case.healthy,
            max_time_s=self.options.max_dwell_s,
            delivery=delivery_rules(dwells, self.options),
        )

    def _score(self, case: Case, goals: Goals, plan: Plan, points: SamplePoints, dose_gy: FloatArray) -> Score:
        dose = None
        if any(goal.metric.kind == "conformity" for goal in goals.goals):
            grid = dose_grid(case, plan.dwells, margin_mm=self.options.dose_margin_mm)
            dose = dose_field(plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u)
        return evaluate(dose_gy, points, goals, dose=dose, total_time_s=plan.total_time_s)


def _sampled(structure: Structure) -> _Sampled:
    return structure.name, structure.volume_cc, *structure.grid.origin_mm


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
