"""What a plan in media asks for beyond its goals, so that they hold in the dose of its own times.

A plan is made with the factor of the plan before, and its own factor takes a little from the coldest point or adds a
little to an organ. Times that are all longer or shorter by the same part keep their factor, so that is tried first;
where it cannot help, the next plan is asked for as much more as was missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hdrplan.options import PlanOptions
from hdrplan.plan import Goal, Goals, Plan
from hdrplan.workflow.score import Score, TargetScore

__all__ = ["Reserve", "missed_fracs", "one_sided", "scaled_plan"]

# A proof at every point closes where the lowest dose found lies a quarter of a thousandth above the prescription
# (workflow/reevaluate); it is asked for a little more.
_PROVABLE_FRAC = 3e-4
# The least more that is asked for: a limit that is missed by rounding alone would be missed again.
_LEAST_FRAC = 2e-5
# Goals that no factor changes.
_OF_TIMES = ("total_time",)


@dataclass(frozen=True, slots=True)
class Reserve:
    """By how much more each goal is asked for.

    Parameters
    ----------
    fracs : mapping
        Number of a goal, prescriptions first, -> part of its value.
    """

    fracs: Mapping[int, float] = field(default_factory=dict)

    def more(self, missed: Mapping[int, float]) -> Reserve:
        """Return the reserve with what was missed on top."""
        both = {*self.fracs, *missed}
        return Reserve({k: self.fracs.get(k, 0.0) + missed.get(k, 0.0) for k in both})

    def on(self, goals: Goals) -> Goals:
        """Return goals that ask for the reserve as well."""
        n = len(goals.prescriptions)
        return replace(
            goals,
            prescriptions=tuple(
                replace(p, dose_gy=min(100.0, p.dose_gy * (1.0 + self.fracs.get(k, 0.0))))
                for k, p in enumerate(goals.prescriptions)
            ),
            goals=tuple(_stricter(goal, self.fracs.get(n + k, 0.0)) for k, goal in enumerate(goals.goals)),
        )


def _stricter(goal: Goal, frac: float) -> Goal:
    return replace(goal, value=goal.value * (1.0 + frac if goal.sense == ">=" else 1.0 - frac))


def missed_fracs(planned: Score, own: Score) -> dict[int, float]:
    """Return by how much goals are missed that the plan held when it was made, as parts of their values.

    Parameters
    ----------
    planned : Score
        With the factor that the plan was made with.
    own : Score
        With the factor of its own times.
    """
    missed = {}
    for k, (before, now) in enumerate(zip(planned.goals, own.goals, strict=True)):
        goal = now.goal
        if now.met or not before.met or goal.metric.kind in _OF_TIMES:
            continue
        reached, value = now.reached, goal.value
        if goal.metric.text == "D100" and goal.sense == ">=":
            target = own.structure(goal.structure)
            if isinstance(target, TargetScore) and target.d100_upper_gy is not None:
                reached, value = target.d100_upper_gy, value * (1.0 + _PROVABLE_FRAC)
        off = value - reached if goal.sense == ">=" else reached - value
        missed[k] = max(off, 0.0) / max(abs(goal.value), 1e-9) + _LEAST_FRAC
    return missed


def one_sided(missed: Mapping[int, float], goals: Goals) -> bool:
    """Whether all that is missed is too little, or all of it too much: then longer or shorter times serve it."""
    return len({_asked(goals)[k].sense for k in missed}) == 1


def _asked(goals: Goals) -> tuple[Goal, ...]:
    return (*(prescription.goal for prescription in goals.prescriptions), *goals.goals)


def scaled_plan(plan: Plan, missed: Mapping[int, float], goals: Goals, options: PlanOptions) -> Plan | None:
    """Return the plan with all times longer, or all shorter, by what its goals miss; None where that does not serve.

    Parameters
    ----------
    plan : Plan
    missed : mapping
        Of :func:`missed_fracs`.
    goals : Goals
    options : PlanOptions
        Times stay whole; rules beyond that need a plan of their own.
    """
    if not one_sided(missed, goals) or options.min_dwell_s or options.time_ratio or options.source_speed_mm_per_s:
        return None
    more, up = 1.0 + max(missed.values()), _asked(goals)[next(iter(missed))].sense == ">="
    times_s = plan.times_s * (more if up else 1.0 / more)
    if options.time_step_s:
        # Rounded to the side on which nothing is missed; a time that is whole but for the last digits stays.
        steps = times_s / options.time_step_s
        whole = np.ceil(steps - 1e-6) if up else np.floor(steps + 1e-6)
        times_s = np.round(whole * options.time_step_s, 9) + 0.0
    if times_s.max() > options.max_dwell_s or not times_s.any():
        return None
    return replace(plan, times_s=times_s)
