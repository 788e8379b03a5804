"""What an optimum claims, proven again from the rate matrix and the goals: plain NumPy on dense rows.

Nothing of the optimiser is used but its results. Goals are read here in their own way; every row of a proof is made
anew from the rate matrix. Four things are looked at, each with a message of its own: **primal feasibility** (the times
hold every goal at every point), **dual signs** (multipliers push limits the right way), **complementarity** (the plan
stands at the limits and bounds that its multipliers pay for) and the **bound** (multipliers times limits, and what is
left for the box: weak duality).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.optimize import Bounded, GoalId, Optimum, PlanProblem
from hdrplan.optimize.notes import DwellsLeftOut, MissedAfterRounding, ProofWork, Rounded, StopsLengthened
from hdrplan.optimize.objectives import DoseLost, MeanDose, Objective, RelativeMiss, TotalTime
from hdrplan.optimize.proof import InScenario, Kept, NeighbourRatio, Proof
from hdrplan.plan import AROUND, Goal

__all__ = ["check_bounded", "check_certificate"]

# A limit counts as held to this fraction of it: rows are solved 2e-9 tighter, to a tolerance of 1e-9.
HELD = 1e-8
# The same sums in another order.
SAME = 1e-9
# A plan and its multipliers: what rows are solved tighter times their prices, and the solver's tolerance.
PAID = 1e-6
# What a later objective may give back: SLACK_FRAC and the 1e-4 of priority levels; D100_SLACK_FRAC.
KEPT, LEVEL, LOWERED = 3.1e-7, 1.01e-4, 5.1e-5


class Condition(NamedTuple):
    """A goal as this file reads it: dose at points or their mean, or the time, on one side of a limit."""

    kind: str  # "point", "volume", "mean" or "time"
    sense: int  # 1: at least, -1: at most
    limit: float  # Gy, or s
    rows: slice
    tail_cc: float = 0.0
    lowest: bool = False  # a lower limit on a CTV, which may give way
    prescription: bool = False


def conditions(problem: PlanProblem) -> dict[GoalId, Condition]:
    """All goals by their names: the prescriptions of the CTVs, then the others in their order."""
    points, seen = problem.points, Counter[tuple[str, str, int]]()
    listed: dict[GoalId, Condition] = {}
    ctvs = [name for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]

    def add(structure: str, metric: str, level: int, condition: Condition) -> None:
        repeat = seen[structure, metric, level]
        seen[structure, metric, level] += 1
        listed[GoalId(structure=structure, metric=metric, level=level, repeat=repeat)] = condition

    for name in ctvs:
        dose_gy = problem.goals.prescription_gy(name) * (1 + problem.reserve_frac)
        add(name, "D100", 0, Condition("point", 1, dose_gy, points.rows(name), lowest=True, prescription=True))
    for goal in problem.goals.goals:
        condition = _condition(problem, goal, ctvs)
        name = "plan" if condition.kind == "time" else goal.structure
        lowest = goal.level == 0 and condition.sense == 1 and name in ctvs
        add(name, goal.metric.text, goal.level, condition._replace(lowest=lowest))
    return listed


def _condition(problem: PlanProblem, goal: Goal, ctvs: Sequence[str]) -> Condition:
    points, kind = problem.points, goal.metric.kind
    sense = 1 if goal.sense == ">=" else -1
    prescribed = {p.structure: p.dose_gy for p in problem.goals.prescriptions}
    if kind == "total_time":
        return Condition("time", -1, goal.value, slice(0, 0))
    if kind == "conformity":
        share = goal.value if goal.sense == "<=" else 1.0 / goal.value
        own_cc = sum(points.volume_cc[points.rows(name)].sum() for name in ctvs)
        return Condition("volume", -1, prescribed[goal.structure], points.rows(AROUND), share * own_cc)
    rows = points.rows(goal.structure)
    if kind == "dose_mean":
        return Condition("mean", sense, goal.value, rows)
    if kind in ("dose_max", "dose_min"):
        return Condition("point", sense, goal.value, rows)
    total_cc = points.volume_cc[rows].sum()
    if kind in ("dose_at_frac", "dose_at_cc"):
        limit, cc = goal.value, goal.metric.at * (total_cc if kind == "dose_at_frac" else 1.0)
    else:
        limit = goal.metric.at * (1.0 if kind == "volume_at_gy" else prescribed[goal.structure])
        cc = goal.value * (1.0 if goal.metric.unit == "cc" else total_cc)
    tail_cc = total_cc - cc if sense == 1 else cc
    if tail_cc <= 1e-9 * total_cc:
        if kind.startswith("volume"):  # points on the surface have none, and come last
            rows = slice(rows.start, rows.stop - int((points.volume_cc[rows] == 0).sum()))
        return Condition("point", sense, limit, rows)
    return Condition("volume", sense, limit, rows, tail_cc)


# -- primal feasibility ----------------------------------------------------------------------------------


def missed_by(problem: PlanProblem, condition: Condition, times_s: FloatArray) -> float:
    """By how many Gy (or s) dwell times miss a condition; negative where there is room."""
    if condition.kind == "time":
        return float(times_s.sum() - condition.limit)
    rows, volume = condition.rows, problem.points.volume_cc[condition.rows]
    dose = problem.rate.gy_per_s[rows] @ times_s
    if problem.earlier_gy is not None:
        dose = dose + problem.earlier_gy[rows]
    short = condition.sense * (condition.limit - dose)
    if condition.kind == "mean":
        return float(np.average(short, weights=volume))
    if condition.kind == "point":
        return float(short.max())
    # The volume on the wrong side must be smaller than the goal's: the worst points, up to it, are free.
    order = np.argsort(-short, kind="stable")
    order = order[volume[order] > 0]
    bound = np.cumsum(volume[order]) >= condition.tail_cc * (1 - 1e-9)
    return float(short[order[bound]].max(initial=-np.inf))


def _check_primal(problem: PlanProblem, optimum: Optimum) -> None:
    times_s, listed = optimum.times_s, conditions(problem)
    shortest = np.zeros(len(times_s)) if problem.locked_s is None else np.nan_to_num(problem.locked_s, nan=0.0)
    longest = np.full(len(times_s), problem.max_time_s)
    if problem.locked_s is not None:
        longest = np.where(np.isnan(problem.locked_s), longest, problem.locked_s)
    step_s = 0.0 if problem.delivery is None else problem.delivery.resolution_s
    assert (times_s >= shortest - 1e-9).all(), "primal feasibility: a time below its bound"
    assert (times_s <= longest + step_s + 1e-9).all(), "primal feasibility: a time above its bound"
    allowed = {short.goal.id: short.prescription_gy - short.reached_gy for short in optimum.shortfalls}
    noted = {note.goal.id: note.by for note in optimum.notes if isinstance(note, MissedAfterRounding)}
    lowered = bool(optimum.shortfalls)
    for goal, condition in listed.items():
        if goal.level:
            continue
        room = HELD * max(condition.limit, 1.0) + noted.get(goal, 0.0) * (1 + SAME)
        if lowered and condition.lowest:
            room += allowed.get(goal, 0.0) * (1 + problem.reserve_frac) + LOWERED * condition.limit
        by = missed_by(problem, condition, times_s)
        assert by <= room, f"primal feasibility: {goal} is missed by {by:.3g}, {room:.3g} is allowed"
    delivered = any(isinstance(note, Rounded | MissedAfterRounding) for note in optimum.notes)
    for level in optimum.levels:
        if isinstance(level.objective, RelativeMiss) and not delivered:
            ids = [goal.id for goal in level.objective.goals]
            misses = {goal: max(0.0, missed_by(problem, listed[goal], times_s)) for goal in ids}
            relative = sum(miss / max(listed[goal].limit, 1e-9) for goal, miss in misses.items())
            most = level.value * (1 + LEVEL) + KEPT + len(ids) * HELD
            assert relative <= most, f"primal feasibility: {level.text} is {relative:.6g}, said to be {level.value:.6g}"
    main = optimum.certificate.main
    value = float(_times_cost(problem, main.objective) @ times_s)
    assert abs(value - main.value) <= SAME * max(abs(value), 1.0), f"primal feasibility: {main.text} is {value:.9g}"


# -- one proof -------------------------------------------------------------------------------------------


def _times_cost(problem: PlanProblem, objective: Objective) -> FloatArray:
    if isinstance(objective, TotalTime):
        return np.ones(problem.n_dwells)
    if isinstance(objective, MeanDose):
        rows = problem.points.rows(objective.structure)
        return np.average(problem.rate.gy_per_s[rows], axis=0, weights=problem.points.volume_cc[rows])
    return np.zeros(problem.n_dwells)


def _cost(problem: PlanProblem, objective: Objective, listed: Mapping[GoalId, Condition]) -> FloatArray:
    """An objective as weights of the dwell times and of the misses."""
    misses = np.zeros(len(listed))
    if isinstance(objective, DoseLost):
        misses[[condition.lowest for condition in listed.values()]] = 1.0
    if isinstance(objective, RelativeMiss):
        for goal in objective.goals:
            misses[list(listed).index(goal.id)] = 1.0 / max(listed[goal.id].limit, 1e-9)
    return np.concatenate((_times_cost(problem, objective), misses))


def _dense(
    problem: PlanProblem,
    proof: Proof,
    listed: Mapping[GoalId, Condition],
    scenarios: Sequence[Mapping[str, FloatArray]],
) -> Iterator[tuple[FloatArray, float, int, float]]:
    """Every row of a proof: coefficients, limit, sense, and by how much that limit may lie lower than the goal's."""
    n = problem.n_dwells
    earlier = np.zeros(len(problem.points)) if problem.earlier_gy is None else problem.earlier_gy
    for owner, point, held in zip(proof.owners, proof.points, proof.limits, strict=True):
        row = np.zeros(n + len(listed))
        if isinstance(owner, NeighbourRatio):
            assert problem.delivery is not None
            pairs = problem.delivery.neighbours
            i, j = np.concatenate((pairs, pairs[:, ::-1]))[point]
            row[i], row[j] = 1.0, -problem.delivery.ratio
            yield row, 0.0, -1, 0.0
        elif isinstance(owner, Kept):
            # What an objective was kept at is the plan's own claim; it is compared with the levels elsewhere.
            yield _cost(problem, owner.objective, listed), held, -1, 0.0
        elif isinstance(owner, InScenario):
            condition = listed[owner.goal]
            row[:n] = scenarios[owner.number][owner.goal.structure][point]
            row[n + list(listed).index(owner.goal)] = condition.sense
            yield row, condition.limit, condition.sense, 0.0
        else:
            condition = listed[owner]
            row[n + list(listed).index(owner)] = condition.sense
            limit, reserve = condition.limit, 0.0
            if condition.kind == "time":
                row[:n] = 1.0
            elif condition.kind == "mean":
                volume = problem.points.volume_cc[condition.rows]
                row[:n] = np.average(problem.rate.gy_per_s[condition.rows], axis=0, weights=volume)
                limit -= float(np.average(earlier[condition.rows], weights=volume))
            else:
                assert condition.kind == "point", "bound: a dose-volume goal is no row of a linear program"
                row[:n] = problem.rate.gy_per_s[condition.rows.start + point]
                limit -= float(earlier[condition.rows.start + point])
            if owner.metric == "D100":
                # The bound may be told for the prescription itself, the program asks for the reserve too.
                reserve = condition.limit * problem.reserve_frac / (1 + problem.reserve_frac)
            yield row, limit, condition.sense, reserve


def check_bounded(
    problem: PlanProblem,
    bounded: Bounded,
    *,
    listed: Mapping[GoalId, Condition] | None = None,
    scenarios: Sequence[Mapping[str, FloatArray]] = (),
    searched: bool = False,
) -> None:
    """Prove the bound of one value again.

    Parameters
    ----------
    problem : PlanProblem
    bounded : Bounded
        With its proof.
    listed : mapping, optional
        Goal -> condition, of a program whose goals are not the problem's alone.
    scenarios : sequence of mapping
        Rates of each scenario.
    searched : bool
        Whether a search may have lifted the bound above that of the linear program.
    """
    listed = conditions(problem) if listed is None else listed
    proof, name = bounded.proof, bounded.text
    assert proof is not None, f"bound: {name} has no proof"
    assert proof.goals == tuple(listed), "bound: other goals than the problem's"
    cost = _cost(problem, bounded.objective, listed)
    np.testing.assert_allclose(proof.cost, cost, rtol=SAME, atol=SAME * np.abs(cost).max(), err_msg=f"bound: {name}")
    dense = list(_dense(problem, proof, listed, scenarios))
    rows = np.array([row for row, *_ in dense]).reshape(len(dense), len(cost))
    limits, senses, reserves = (np.array([d[k] for d in dense]) for k in (1, 2, 3))
    for held, limit, reserve, owner in zip(proof.limits, limits, reserves, proof.owners, strict=True):
        off = min(abs(held - limit), abs(held - (limit - reserve)))
        assert off <= SAME * max(1.0, abs(limit)), f"bound: {name}: a row of {owner} is held at {held}, not at {limit}"
    y = proof.multipliers
    wrong = np.flatnonzero(y * senses < 0)
    assert len(wrong) == 0, f"dual signs: {name}: {[proof.owners[i] for i in wrong]} push the wrong way"
    reduced = cost - y @ rows
    np.testing.assert_allclose(
        proof.reduced, reduced, rtol=0, atol=SAME * max(1.0, np.abs(cost).max()), err_msg=f"bound: {name}"
    )
    box = np.minimum(reduced * proof.lower, reduced * proof.upper)
    scale = max(1.0, float(np.abs(y * proof.limits).sum() + np.abs(box).sum()))
    bound = float(y @ proof.limits + box.sum())
    assert abs(bound - proof.bound) <= SAME * scale, f"bound: {name}: {bound:.12g}, said to be {proof.bound:.12g}"
    claimed = max(0.0, bound) if isinstance(bounded.objective, RelativeMiss) else bound
    said = bounded.bound
    too_high = said - claimed > SAME * scale and not searched
    assert not too_high, f"bound: {name}: {said:.12g} is said, {claimed:.12g} is proven"
    assert said <= bounded.value + PAID * max(1.0, abs(bounded.value)), f"bound: {name} lies above the plan"
    # A proof told for lower limits than the plan was made for pays for the difference.
    _check_complementarity(name, proof, rows, reduced, room=PAID * scale + float(y @ (limits - proof.limits)))


def _check_complementarity(name: str, proof: Proof, rows: FloatArray, reduced: FloatArray, *, room: float) -> None:
    """The plan of the proof stands where its multipliers pay; what is left adds up to its gap."""
    x = proof.x
    assert (x >= proof.lower - 1e-9).all(), f"complementarity: {name}: a column below its bound"
    assert (x <= proof.upper + 1e-9).all(), f"complementarity: {name}: a column above its bound"
    paid = proof.multipliers * (rows @ x - proof.limits)
    left = np.where(reduced > 0, reduced * (x - proof.lower), reduced * (x - proof.upper))
    worst = int(np.argmax(np.abs(paid))) if len(paid) else 0
    assert np.abs(paid).max(initial=0.0) <= room, f"complementarity: {name}: {proof.owners[worst]} has room and a price"
    assert np.abs(left).max(initial=0.0) <= room, f"complementarity: {name}: a column stands off the bound it pays for"
    gap = float(proof.cost @ x) - proof.bound
    assert abs(paid.sum() + left.sum() - gap) <= room, f"complementarity: {name}: what is left is not the gap"


# -- the whole -------------------------------------------------------------------------------------------


def check_certificate(problem: PlanProblem, optimum: Optimum) -> None:
    """Prove again everything that an optimum claims.

    Parameters
    ----------
    problem : PlanProblem
        That it solves.
    optimum : Optimum
    """
    _check_primal(problem, optimum)
    listed, certificate = conditions(problem), optimum.certificate
    main = certificate.main
    searched = any(isinstance(note, ProofWork) for note in optimum.notes)
    check_bounded(problem, main, searched=searched)
    assert main.proof is not None
    _check_box(problem, optimum, main.proof, listed)
    for level in optimum.levels:
        if level.proof is not None:
            check_bounded(problem, level, searched=searched)
        else:
            assert level.bound <= 0.0 or searched, f"bound: {level.text} has no proof"
    if optimum.status == "proven" and not any(isinstance(n, Rounded | StopsLengthened) for n in optimum.notes):
        given_back = sum(note.loss_frac for note in optimum.notes if isinstance(note, DwellsLeftOut))
        room = PAID + given_back + 1.1 * problem.reserve_frac
        gap = main.value - main.bound
        assert gap <= room * abs(main.value), f"bound: called proven at a gap of {gap:.3g}"
    losses = sum(loss.amount for loss in certificate.losses)
    apart = abs(losses - (main.value - main.bound))
    assert apart <= SAME * max(1.0, abs(main.value)), "bound: the losses do not add up to the gap"
    assert certificate.violation_frac <= HELD, "primal feasibility: the certificate admits a violation"
    # The best that is said to be possible of a lowered prescription is what its loss proves.
    lost_gy = sum(short.prescription_gy - short.reached_gy for short in optimum.shortfalls)
    for short in optimum.shortfalls:
        possible = short.reached_gy + max(0.0, lost_gy - optimum.levels[0].bound)
        # Without the reserves of the others.
        possible += sum(p.dose_gy * problem.reserve_frac for p in problem.goals.prescriptions)
        assert short.best_gy <= min(short.prescription_gy, possible) * (1 + 1.1e-3), (
            "bound: a dose above what is proven"
        )


def _check_box(problem: PlanProblem, optimum: Optimum, proof: Proof, listed: Mapping[GoalId, Condition]) -> None:
    """The bound speaks of all plans: no time is bounded but by the problem, no miss forbidden that is allowed."""
    n = problem.n_dwells
    shortest_s, longest_s = problem.time_bounds_s
    assert (proof.lower[:n] <= shortest_s).all(), "bound: a time is not free below"
    assert (proof.upper[:n] >= longest_s).all(), "bound: a time is not free above"
    assert (proof.lower[n:] <= 0.0).all(), "bound: a goal must be missed"
    # Whole times may miss more of a lowered prescription than the real ones that the bound speaks of; a note says it.
    noted = {note.goal.id: note.by for note in optimum.notes if isinstance(note, MissedAfterRounding)}
    lost = {
        short.goal.id: short.prescription_gy - short.reached_gy - noted.get(short.goal.id, 0.0)
        for short in optimum.shortfalls
    }
    for k, (goal, condition) in enumerate(listed.items()):
        allowed = lost.get(goal, 0.0)
        assert proof.upper[n + k] >= min(allowed, condition.limit) - 2e-3 * problem.reserve_frac - 1e-3 * (
            allowed > 0
        ), f"bound: {goal} may be missed by {allowed:.3g}, the proof allows {proof.upper[n + k]:.3g}"
