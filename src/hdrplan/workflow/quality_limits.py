"""What a better plan may not exceed: the doses that a given plan gives to the organs, or limits of the clinic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.dose import SamplePoints
from hdrplan.errors import InputError
from hdrplan.geometry import Structure, inside
from hdrplan.metrics import DVH, dvh, metric_value
from hdrplan.plan import Case, Goal, Plan, parse_metric

__all__ = ["AS_IN_PLAN", "Doses", "limits_as_in", "limits_of_clinic"]

AS_IN_PLAN = "as in the plan"
# What makes up "the organ gets no more": its mean, its hottest 1 cc and its maximum. Where a catheter runs through the
# organ, the maximum lies beside the source and says nothing; the hottest 0.1 cc does.
_METRICS, _METRICS_PIERCED = ("Dmean", "D1cc", "Dmax"), ("Dmean", "D1cc", "D0.1cc")
# A limit is held where it is exceeded by less than this fraction, as in the certificate of a plan.
_HELD_FRAC = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Doses:
    """The doses of some dwell times, as far as goals ask for them.

    Parameters
    ----------
    curves : mapping
        Structure -> its DVH.
    total_time_s : float
    """

    curves: Mapping[str, DVH]
    total_time_s: float

    @classmethod
    def at(cls, points: SamplePoints, dose_gy: np.ndarray[tuple[int], np.dtype[np.float64]], time_s: float) -> Doses:
        """Return them from the doses at all sample points."""
        rows = {name: points.rows(name) for name in points.names}
        return cls({name: dvh(dose_gy[at], points.volume_cc[at]) for name, at in rows.items()}, time_s)

    def reached(self, goal: Goal) -> float:
        """Return the value of a goal's metric, in its unit."""
        metric = goal.metric
        if metric.kind == "total_time":
            return self.total_time_s
        return metric_value(self.curves[goal.structure], metric.kind, metric.at, unit=metric.unit)

    def broken(self, goals: Iterable[Goal]) -> tuple[Goal, ...]:
        """Return the goals that are not held."""
        return tuple(goal for goal in goals if not self._holds(goal))

    def _holds(self, goal: Goal) -> bool:
        slack = _HELD_FRAC * abs(goal.value)
        value = self.reached(goal)
        return value >= goal.value - slack if goal.sense == ">=" else value <= goal.value + slack


def limits_as_in(doses: Doses, case: Case, plan: Plan) -> tuple[Goal, ...]:
    """Return what each organ got: mean dose, D1cc and maximum may not be exceeded.

    Parameters
    ----------
    doses : Doses
        Of the plan.
    case : Case
        Its healthy organ has no limit here.
    plan : Plan
        Its catheters decide whether an organ's limit is its maximum or its D0.1cc.
    """
    limits: list[Goal] = []
    for organ in case.structures:
        if organ.role != "OAR" or organ.name == case.healthy:
            continue
        for text in _METRICS_PIERCED if _pierced(organ, plan) else _METRICS:
            metric = parse_metric(text)
            if metric.kind == "dose_at_cc" and doses.curves[organ.name].volume_cc <= metric.at:
                continue
            goal = Goal(structure=organ.name, metric=metric, sense="<=", value=0.0, level=0, source=AS_IN_PLAN)
            limits.append(replace(goal, value=doses.reached(goal)))
    return tuple(limits)


def _pierced(organ: Structure, plan: Plan) -> bool:
    return bool(inside(organ, plan.dwells.positions_mm).any())


def limits_of_clinic(goals: Iterable[Goal], prescriptions_gy: Mapping[str, float]) -> tuple[Goal, ...]:
    """Return the hard limits among goals, with volumes at a dose in Gy: what is compared has no prescription.

    Parameters
    ----------
    goals : iterable of Goal
        Of level 0; wishes are no limits and are left out.
    prescriptions_gy : mapping
        CTV -> the dose that its V150 refers to; may lack CTVs of which no goal needs it.

    Raises
    ------
    InputError
        A goal on the conformity, which is about an isodose that every plan has elsewhere; V150 without a prescription.
    """
    limits = []
    for goal in goals:
        if goal.level:
            continue
        metric = goal.metric
        if metric.kind == "conformity":
            raise InputError(
                "plans of different D100 are compared, which a conformity index does not allow",
                got=goal.text,
                where=goal.structure,
                remedy="Limit V100 of an organ, or leave this goal out.",
            )
        if metric.kind == "volume_at_frac":
            if goal.structure not in prescriptions_gy:
                raise InputError("a volume at percent of the prescription needs a prescription", got=goal.text)
            dose_gy = metric.at * prescriptions_gy[goal.structure]
            absolute = replace(metric, kind="volume_at_gy", at=dose_gy, text=f"V{dose_gy:g}Gy")
            goal = replace(goal, metric=absolute)
        limits.append(goal)
    return tuple(limits)
