"""What one more catheter would buy: clear paths to the lesions, each with the best plan that it allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hdrplan.dose import DoseRate, dose_rate, sample_points
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import Catheter, Dwells
from hdrplan.optimize import Optimum, PlanProblem, optimize_times
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.candidates import named_apart, nearest_mm, ways
from hdrplan.workflow.obstacles import refuse_missing_groups
from hdrplan.workflow.place_options import PlaceOptions
from hdrplan.workflow.problem import candidate_dwells

__all__ = ["NextCatheter", "next_catheters"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NextCatheter:
    """One more catheter, and the best plan with it and all that are in, at points some millimetres apart.

    Parameters
    ----------
    catheter : Catheter
        From the skin to its tip.
    objective : str
        What is minimised: "mean dose of liver".
    value, before : float
        Of the objective with it and without it; ``before`` is NaN where no plan holds the limits without it.
    short_gy, short_before_gy : float
        What all prescriptions together fall short of, with it and without it.
    nearest_mm : mapping
        The nearest three obstacles -> distance to their voxels.
    """

    catheter: Catheter
    objective: str
    value: float
    before: float
    short_gy: float
    short_before_gy: float
    nearest_mm: Mapping[str, float]

    @property
    def saved_frac(self) -> float:
        """What it saves of the objective, as a fraction."""
        return 1.0 - self.value / self.before


def next_catheters(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    options: PlaceOptions,
    plan_options: PlanOptions,
) -> tuple[NextCatheter, ...]:
    """Return paths for one more catheter, the most useful first.

    Paths keep the margins of ``hdrplan place`` and clear of the catheters that are in. Each is planned with these at
    times that are real numbers under the hard goals: its gain is that of the two optima, at the sample points of
    ``options``.

    Parameters
    ----------
    case : Case
        Its catheters are in.
    goals : Goals
    source : TG43Source
    strength : Strength
    options : PlaceOptions
    plan_options : PlanOptions

    Raises
    ------
    InfeasibleError
        No path is left.
    InputError
        An obstacle that is no structure, no skin; no ribs, lungs, bowel or vessels segmented and not asked for so.
    """
    goals.require_prescription("a search for the next catheter")
    refuse_missing_groups(case, without=options.without, body=options.body)
    given, count = case.catheters, len(case.catheters)
    found = ways(case, options)
    new = named_apart(found.paths.catheters(), given)
    dwells = candidate_dwells(replace(case, catheters=(*given, *new)), plan_options)
    # As in the choice of a placement: goals that may be missed, and the shape of isodoses, wait for the plan.
    hard = tuple(goal for goal in goals.goals if goal.level == 0 and goal.metric.kind != "conformity")
    goals = replace(goals, goals=hard)
    points = sample_points(
        case.dosed_structures(goals, "with limits"), spacing_mm=options.sample_mm, healthy=case.healthy
    )
    rate = dose_rate(dwells, points.points_mm, source, strength_u=strength.value_u)
    problem = PlanProblem(
        rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=plan_options.max_dwell_s
    )
    without = _optimum(problem, dwells, range(count)) if count else None
    gains = []
    for k, catheter in enumerate(new):
        with_it = _optimum(problem, dwells, (*range(count), count + k))
        if with_it is not None:
            gains.append(
                NextCatheter(
                    catheter=catheter,
                    objective=with_it.certificate.main.objective.text,
                    value=with_it.certificate.main.value,
                    before=float("nan") if without is None else without.certificate.main.value,
                    short_gy=_short_gy(with_it),
                    short_before_gy=float("nan") if without is None else _short_gy(without),
                    nearest_mm=nearest_mm(found.solid, catheter, found.margins_mm),
                )
            )
    # A hundredth of a Gy less that a prescription falls short of counts before any dose that is saved.
    return tuple(sorted(gains, key=lambda one: (round(one.short_gy, 2), one.value)))


def _optimum(problem: PlanProblem, dwells: Dwells, catheters: range | tuple[int, ...]) -> Optimum | None:
    """Return the best plan with some catheters; None where none holds the limits."""
    used = [n for n, k in enumerate(dwells.catheter.tolist()) if k in catheters]
    if not used:
        return None
    try:
        rate = DoseRate(problem.rate.gy_per_s[:, used].copy(), problem.rate.extrapolated)
        return optimize_times(replace(problem, rate=rate))
    except InfeasibleError:
        return None


def _short_gy(optimum: Optimum) -> float:
    return float(sum(short.prescription_gy - short.reached_gy for short in optimum.shortfalls))
