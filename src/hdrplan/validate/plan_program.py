"""A user's plan as a linear program of its own: nothing that the plan holds may get worse, its objective may."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.plan import AROUND, Goal
from hdrplan.validate.naive_tg43 import doses_gy, reached
from hdrplan.validate.own_metrics import metric_of
from hdrplan.validate.own_plan import OwnPlan, PlannedCase
from hdrplan.validate.own_program import Asked, Target

__all__ = ["objective_row", "plan_program"]

# The value of a metric is that of a point: a hair more lets the point itself hold.
_HAIR = 1e-9


def objective_row(own: OwnPlan, planned: PlannedCase, objective: str) -> FloatArray | None:
    """Return the objective of one second at each dwell; None for an objective that is no mean dose and no time.

    Parameters
    ----------
    own : OwnPlan
    planned : PlannedCase
    objective : str
        As the certificate names it.
    """
    if objective == "total time":
        return np.ones(len(own.plan.dwells))
    if not objective.startswith("mean dose of "):
        return None
    rows = planned.points.rows(objective.removeprefix("mean dose of "))
    volume = planned.points.volume_cc[rows]
    return np.asarray(volume @ own.rates(planned.points.points_mm[rows]) / volume.sum())


def plan_program(
    own: OwnPlan, planned: PlannedCase, *, objective: str, every_point: bool, held_gy: dict[str, float]
) -> Asked:
    """Return the program: prescriptions held, goals that the plan meets met, the others missed by no more than it does.

    Goals on volumes are not convex. Here the points on their right side in the plan stay there, so that the program
    holds the goal wherever it has a solution, and the plan itself is one.

    Parameters
    ----------
    own : OwnPlan
    planned : PlannedCase
    objective : str
    every_point : bool
        Whether the prescriptions are to hold in the whole shape of each CTV, or at the sample points.
    held_gy : dict
        Where prescriptions gave way: CTV -> the D100 that the plans of the bound give.
    """
    plan, options = own.plan, own.options
    n = len(plan.dwells)
    cost = objective_row(own, planned, objective)
    assert cost is not None
    passing_s = own.passing_s
    blocks = [_ratios(own)] + [_rows(own, planned, goal) for goal in planned.goals.goals]
    longest_s = np.full(n, options.max_dwell_s)
    if plan.transit is not None:
        # The bound is that of plans whose source goes as deep: nothing beyond the deepest stop, no other catheter.
        longest_s[~reached(plan.dwells, plan.times_s)] = 0.0
    shortest_s = np.zeros(n)
    shortest_s[own.locked] = longest_s[own.locked] = plan.times_s[own.locked]
    targets = tuple(
        Target(
            wanted_gy=p.dose_gy,
            shape=planned.points.shape(p.structure) if every_point else None,
            points_mm=planned.points.points_mm[planned.points.rows(p.structure)],
        )
        for p in planned.goals.prescriptions
    )
    return Asked(
        cost=cost,
        base=0.0 if objective == "total time" else float(cost @ passing_s),
        shortest_s=shortest_s,
        longest_s=longest_s,
        rows=np.concatenate([rows for rows, _ in blocks]),
        limits=np.concatenate([limits for _, limits in blocks]),
        targets=targets,
        rates=own.rates,
        doses_gy=lambda exposure_s, at: doses_gy(plan.dwells, exposure_s, at, plan.source, plan.strength_u),
        passing_s=passing_s,
        held_gy=np.array([held_gy.get(p.structure, p.dose_gy) for p in planned.goals.prescriptions])
        if held_gy
        else None,
    )


def _ratios(own: OwnPlan) -> tuple[FloatArray, FloatArray]:
    """Neighbouring times that differ at most by a factor."""
    dwells, ratio = own.plan.dwells, own.options.time_ratio
    rows = []
    for k in range(len(dwells.catheter_names) if ratio else 0):
        in_catheter = np.flatnonzero(dwells.catheter == k)
        in_catheter = in_catheter[np.argsort(dwells.offset_mm[in_catheter])]
        for first, second in (*pairwise(in_catheter), *pairwise(in_catheter[::-1])):
            row = np.zeros(len(dwells))
            row[first], row[second] = 1.0, -ratio
            rows.append(row)
    return np.array(rows).reshape(len(rows), len(dwells)), np.zeros(len(rows))


def _rows(own: OwnPlan, planned: PlannedCase, goal: Goal) -> tuple[FloatArray, FloatArray]:
    """Return a goal as rows @ times <= limits."""
    plan, metric, sign = own.plan, goal.metric, 1.0 if goal.sense == "<=" else -1.0
    if metric.kind == "total_time":
        limit = max(goal.value, plan.total_time_s) if sign > 0 else min(goal.value, plan.total_time_s)
        return sign * np.ones((1, len(plan.dwells))), np.array([sign * limit])
    rows = planned.points.rows(AROUND if metric.kind == "conformity" else goal.structure)
    dose, volume = planned.dose_gy[rows], planned.points.volume_cc[rows]
    prescribed_gy = planned.prescription_gy(goal.structure)
    rates = own.rates(planned.points.points_mm[rows])
    if metric.kind == "conformity":
        # Outside the isodose stays outside: it only becomes smaller, while the CTVs' D100 stays.
        assert prescribed_gy is not None
        level_gy, chosen = prescribed_gy, dose < prescribed_gy
        sign = 1.0
    elif metric.kind in ("volume_at_gy", "volume_at_frac"):
        level_gy = metric.at * (prescribed_gy or np.nan) if metric.kind == "volume_at_frac" else metric.at
        chosen = dose < level_gy if sign > 0 else dose >= level_gy
    else:
        value = metric_of(metric, dose, volume, prescribed_gy)
        level_gy = max(goal.value, value * (1 + _HAIR)) if sign > 0 else min(goal.value, value * (1 - _HAIR))
        if metric.kind == "dose_mean":
            rates, dose = (volume @ rates / volume.sum())[None, :], np.array([value])
        chosen = sign * (dose - level_gy) <= 0
    kept = rates[chosen]
    return sign * kept, sign * (level_gy - kept @ own.passing_s)
