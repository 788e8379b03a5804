"""A user's plan as a linear program of its own: nothing that the plan holds may get worse, its objective may."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.door import Entries
from hdrplan.plan import AROUND, Goal
from hdrplan.validate.growing_program import Asked, Target
from hdrplan.validate.naive_tg43 import doses_gy, reached
from hdrplan.validate.own_plan import Delivered, PlannedCase

__all__ = ["held_of", "named", "objective_row", "plan_program"]

# A dose that is stated is that of a point: a hair more lets the point itself hold.
_HAIR = 1e-9


def named(goal: Goal) -> str:
    """Return a goal in words: "duodenum Dmax <= 12 Gy"."""
    return f"{goal.structure} {goal.text}"


def held_of(certificate: Entries) -> dict[str, float]:
    """Return what the plans of the bound hold in place of a prescription or goal: goal (:func:`named`) -> dose or time.

    Parameters
    ----------
    certificate : Entries
        Of ``metrics.json``.
    """
    listed = certificate.tables("held")
    return {f"{held.text('structure')} {held.text('goal')}": held.number("limit") for held in listed}


def objective_row(own: Delivered, planned: PlannedCase, objective: str) -> FloatArray | None:
    """Return the objective of one second at each dwell; None for an objective that is no mean dose and no time.

    Parameters
    ----------
    own : Delivered
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
    own: Delivered,
    planned: PlannedCase,
    *,
    objective: str,
    every_point: bool,
    held: dict[str, float],
    hard: bool = False,
    like_gy: FloatArray | None = None,
) -> Asked:
    """Return the program: prescriptions and goals met, or held as the certificate says of the plans of its bound.

    Goals on volumes are not convex. Here the points that are hottest (coldest) in some plan may be on the wrong side,
    as many as the goal allows, and no others, so that the program holds the goal wherever it has a solution.

    Parameters
    ----------
    own : Delivered
    planned : PlannedCase
    objective : str
    every_point : bool
        Whether the prescriptions are to hold in the whole shape of each CTV, or at the sample points.
    held : dict
        Of prescriptions that gave way and of goals that are missed: goal (:func:`named`) -> dose or time that the plans
        of the bound hold; of a goal on a volume, the dose to that volume.
    hard : bool
        Whether goals of priority levels are left out: prescriptions do not give way to them.
    like_gy : (n_points,) array, optional
        Doses of the plan that says which points are hottest; those of this plan without it.
    """
    plan, options = own.plan, own.options
    n = len(plan.dwells)
    cost = objective_row(own, planned, objective)
    assert cost is not None
    passing_s = own.passing_s
    like_gy = planned.dose_gy if like_gy is None else like_gy
    blocks = [_ratios(own)]
    blocks += [_rows(own, planned, goal, like_gy, held) for goal in planned.goals.goals if not (hard and goal.level)]
    before_gy = planned.earlier_gy(planned.points.points_mm)
    alone = replace(planned, dose_gy=planned.dose_gy - before_gy, earlier=None)
    blocks += [_rows(own, alone, goal, like_gy - before_gy, held) for goal in planned.budgets]
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
        earlier_gy=planned.earlier_gy,
        held_gy=np.array([held.get(named(p.goal), p.dose_gy) for p in planned.goals.prescriptions]),
    )


def _ratios(own: Delivered) -> tuple[FloatArray, FloatArray]:
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


def _rows(
    own: Delivered, planned: PlannedCase, goal: Goal, like_gy: FloatArray, held: dict[str, float]
) -> tuple[FloatArray, FloatArray]:
    """Return a goal as rows @ times <= limits.

    Parameters
    ----------
    own : Delivered
    planned : PlannedCase
    goal : Goal
    like_gy : (n_points,) array
        Doses that say which points may be on the wrong side.
    held : dict
        Goal -> what plans of the bound hold in its place.
    """
    plan, metric, sign = own.plan, goal.metric, 1.0 if goal.sense == "<=" else -1.0
    limit = held.get(named(goal))
    if metric.kind == "total_time":
        return sign * np.ones((1, len(plan.dwells))), np.array([sign * (goal.value if limit is None else limit)])
    rows = planned.points.rows(AROUND if metric.kind == "conformity" else goal.structure)
    volume, at_mm = planned.points.volume_cc[rows], planned.points.points_mm[rows]
    rates, before_gy = own.rates(at_mm), planned.earlier_gy(at_mm)
    on_volume = _on_volume(planned, goal, float(volume.sum()))
    if on_volume is not None:
        level_gy, hottest_cc = on_volume
        sign = 1.0 if metric.kind == "conformity" else sign
        strictly = sign > 0 and limit is None and metric.kind in ("volume_at_gy", "volume_at_frac")
        chosen = _beyond(sign, like_gy[rows], volume, hottest_cc, strictly=strictly)
    else:
        level_gy, chosen = goal.value, np.ones(len(volume), dtype=np.bool_)
        if metric.kind == "dose_mean":
            weight = volume / volume.sum()
            rates, before_gy, chosen = (weight @ rates)[None, :], np.array([weight @ before_gy]), chosen[:1]
    level_gy = level_gy if limit is None else limit
    level_gy += sign * _HAIR * abs(level_gy)
    kept = rates[chosen]
    return sign * kept, sign * (level_gy - before_gy[chosen] - kept @ own.passing_s)


def _on_volume(planned: PlannedCase, goal: Goal, total_cc: float) -> tuple[float, float] | None:
    """Return dose and volume of a goal on a volume: the hottest so many cc receive at most (or at least) so many Gy.

    An index of conformity limits the isodose in all tissue: of CTVs that lie inside it, COIN is their volume over its.

    Parameters
    ----------
    planned : PlannedCase
    goal : Goal
    total_cc : float
        Volume of the structure.
    """
    metric, prescribed_gy = goal.metric, planned.prescription_gy(goal.structure)
    if metric.kind == "conformity":
        assert prescribed_gy is not None
        ctvs_cc = sum(float(planned.of_structure(p.structure)[1].sum()) for p in planned.goals.doses)
        return prescribed_gy, ctvs_cc * (goal.value if metric.text == "PITV" else 1.0 / goal.value)
    if metric.kind in ("volume_at_gy", "volume_at_frac"):
        level_gy = metric.at * (prescribed_gy or np.nan) if metric.kind == "volume_at_frac" else metric.at
        return level_gy, goal.value * (1.0 if metric.unit == "cc" else total_cc)
    if metric.kind == "dose_at_cc":
        return goal.value, metric.at
    if metric.kind == "dose_at_frac" and metric.at < 1.0:
        return goal.value, metric.at * total_cc
    return None


def _beyond(sign: float, like_gy: FloatArray, volume_cc: FloatArray, hottest_cc: float, *, strictly: bool) -> BoolArray:
    """Return the points beyond the hottest volume (sign 1), or those in it (-1).

    Parameters
    ----------
    sign : float
    like_gy, volume_cc : (n,) arrays
        Points on the surface have no volume, and are in neither.
    hottest_cc : float
    strictly : bool
        Whether the point in which the volume is just full lies within it, or is bound too: a dose at a volume is that
        of this point.
    """
    order = np.argsort(-like_gy, kind="stable")
    order = order[volume_cc[order] > 0]
    reached_cc, hair_cc = np.cumsum(volume_cc[order]), _HAIR * float(volume_cc.sum())
    if strictly:
        first = int(np.searchsorted(reached_cc, hottest_cc + hair_cc, side="right"))
    else:
        first = int(np.searchsorted(reached_cc, hottest_cc - hair_cc))
    chosen = np.zeros(len(like_gy), dtype=np.bool_)
    chosen[order[first:] if sign > 0 else order[: first + 1]] = True
    return chosen
