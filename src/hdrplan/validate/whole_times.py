"""What whole dwell times lose: against real times, and against an integer program, neither of them hdrplan's.

Both hold what the delivered times hold: every limit, and in every CTV the lowest dose that a search finds of them. The
real times are those of the growing linear program (:mod:`hdrplan.validate.growing_program`): it knows some points only,
so no real times cost less, and the loss that is found is not too small. The integer program looks for better whole
times near these real ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.door import Entries
from hdrplan.validate.growing_program import Asked, GrowingProgram
from hdrplan.validate.own_plan import Delivered, PlannedCase
from hdrplan.validate.own_program import risen
from hdrplan.validate.plan_program import held_of, objective_row, plan_program
from hdrplan.validate.plan_rows import SECTION
from hdrplan.validate.row import Aim, Question, Row, judged, skipped
from hdrplan.validate.search import QUICK

__all__ = ["WholeTimes", "compared", "of_plan", "whole_time_rows"]

# Times in finer steps are real numbers.
_REAL_S = 1e-6
# What whole times may lose, in percent of the objective for each second of the step: 0.05 % with 0.1 s, 0.5 % with 1 s.
_LOSS_PCT_PER_S = 0.5
# With finer steps, as little as with 0.1 s is enough.
_CONTENT_PCT = 0.05
# How many steps the integer program may go from the real times, its branches, and how often points that its times leave
# too cold join it.
_NEAR_STEPS, _NODES, _ROUNDS = 2, 400, 6
# Of the points known, the program begins with those that its real times leave within this of the lowest dose.
_COLD_FRAC = 0.02
# Solvers hold rows to a millionth of a Gy, and rounding has nothing to spare in the last digits.
_SAME_FRAC = 1e-6
_REAL = "linear program of plainly written TG-43, SciPy linprog, with cold points by search"
_WHOLE = "integer program of plainly written TG-43, SciPy milp (HiGHS)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTimes:
    """Objectives of times that all hold the same.

    Parameters
    ----------
    delivered : float
        Of the times that are checked.
    rounded_up : float
        Of real times with a step more at every stop, which is what rounding up costs at most.
    real : float
        No real times have less.
    whole : float
        Of the best whole times that the integer program found; infinite where it found none.
    """

    delivered: float
    rounded_up: float
    real: float
    whole: float


def of_plan(own: Delivered, planned: PlannedCase, certificate: Entries, lowest_gy: Mapping[str, float]) -> list[Row]:
    """Judge what the steps of the afterloader cost the plan of a folder.

    Parameters
    ----------
    own : Delivered
    planned : PlannedCase
    certificate : Entries
        Of ``metrics.json``.
    lowest_gy : mapping
        Lowest dose in each CTV that a search finds of the delivered times.
    """
    objective = certificate.text("objective", "none")
    if "dual" not in certificate.values or objective_row(own, planned, objective) is None:
        return []
    asked = plan_program(
        own,
        planned,
        objective=objective,
        every_point=certificate.text("scope", "") != "sample points",
        held=held_of(certificate),
    )
    lowest = np.array([lowest_gy[p.structure] for p in planned.goals.prescriptions])
    listed = certificate.values.get("missed")
    missed = tuple(map(str, listed)) if isinstance(listed, list) else ()
    stated_pct = 100.0 * certificate.number("gap_frac")
    return whole_time_rows(own, replace(asked, held_gy=lowest), SECTION, stated_pct=stated_pct, missed=missed)


def whole_time_rows(
    own: Delivered, asked: Asked, section: str, *, stated_pct: float = 0.0, missed: tuple[str, ...] = ()
) -> list[Row]:
    """Judge what the steps of an afterloader cost a plan.

    Parameters
    ----------
    own : Delivered
    asked : Asked
        What the delivered times hold; ``held_gy`` is their lowest dose in each CTV.
    section : str
    stated_pct : float
        Gap that the plan states: a loss within it contradicts nothing, and is explained.
    missed : tuple of str
        Goals that the plan says its whole times miss: they lose there, and their objective is no measure of it.
    """
    step_s = own.options.time_step_s
    if step_s <= _REAL_S or not (own.plan.times_s > 0).any():
        return []
    what = f"whole times in steps of {step_s:g} s"
    if missed:
        asked_of = Question(section=section, what=what, source=_REAL)
        return [skipped(asked_of, why=f"The plan says that they miss what real times hold: {'; '.join(missed)}.")]
    found = compared(own, asked)
    if math.isinf(found.real):
        asked_of = Question(section=section, what=what, source=_REAL)
        return [skipped(asked_of, why="No real times that hold what these hold were found.")]

    def above_pct(value: float, other: float) -> float:
        return 100.0 * max(0.0, value - other) / max(abs(found.real), 1e-12)

    aim_pct, up_pct = max(_CONTENT_PCT, _LOSS_PCT_PER_S * step_s), above_pct(found.rounded_up, found.real)
    by_gap = f"The certificate states a gap of {stated_pct:.2g} %."
    few_stops = f"Few or short stops: rounded up, they would lose up to {up_pct:.2g} %."
    none = math.isinf(found.whole)
    compared_with = [
        (f"of real times that hold as much {found.real:.6g}", _REAL, "what the steps cost, of the objective",
         above_pct(found.delivered, found.real), max(up_pct, stated_pct), few_stops if up_pct > stated_pct else by_gap),
        (f"best of an integer program {'not found' if none else f'{found.whole:.6g}'}", _WHOLE,
         f"by how much better whole times were found, of the objective, in {_NODES} branches",
         0.0 if none else above_pct(found.delivered, found.whole), stated_pct, by_gap),
    ]  # fmt: skip
    return [
        judged(
            Question(
                section=section, what=f"{what}: objective {found.delivered:.6g}, {other}", source=source, method=method
            ),
            off_pct,
            Aim(value=aim_pct, limit=limit_pct, why=why) if off_pct > aim_pct else Aim(value=aim_pct),
        )
        for other, source, method, off_pct, limit_pct, why in compared_with
    ]


def compared(own: Delivered, asked: Asked) -> WholeTimes:
    """Return the objectives of delivered, real and whole times that hold the same.

    Parameters
    ----------
    own : Delivered
    asked : Asked
    """
    times_s, step_s = own.plan.times_s, own.options.time_step_s
    asked = _same_stops(own, asked)
    assert asked.held_gy is not None
    held_gy = asked.held_gy
    program, k = GrowingProgram(asked), len(asked.targets)
    cost = np.concatenate((asked.cost, np.zeros(k)))
    real, real_s, _ = risen(program, cost, held_gy, may_miss=False, enough=math.inf)
    used = times_s > 0
    whole = math.inf if real_s is None else _whole(program, held_gy, real_s, step_s, own.locked)
    return WholeTimes(
        delivered=float(asked.cost @ times_s) + asked.base,
        rounded_up=real + asked.base + step_s * float(np.maximum(asked.cost[used], 0.0).sum()),
        real=real + asked.base,
        whole=whole + asked.base,
    )


def _same_stops(own: Delivered, asked: Asked) -> Asked:
    """Keep to the stops of the plan where their number or their shortest time had a say: not whole times lost that."""
    shortest = own.options.min_dwell_s
    if not shortest and not own.options.fewest_dwells:
        return asked
    used = own.plan.times_s > 0
    free = np.ones(len(used), dtype=np.bool_)
    free[own.locked] = False
    return replace(
        asked,
        shortest_s=np.where(free & used, np.maximum(asked.shortest_s, shortest), asked.shortest_s),
        longest_s=np.where(free & ~used, 0.0, asked.longest_s),
    )


def _whole(program: GrowingProgram, held_gy: FloatArray, real_s: FloatArray, step_s: float, locked: IntArray) -> float:
    """Return the objective of the best whole times found; infinite without any."""
    asked = program.asked
    n = len(asked.cost)
    fixed = np.zeros(n, dtype=np.bool_)
    fixed[locked] = True
    unit = np.where(fixed, 1.0, step_s)
    steps = real_s / unit
    low = np.maximum(np.ceil(asked.shortest_s / unit - 1e-6), np.floor(steps) - _NEAR_STEPS)
    high = np.minimum(np.floor(asked.longest_s / unit + 1e-6), np.ceil(steps) + _NEAR_STEPS)
    low, high = np.where(fixed, real_s, low), np.where(fixed, real_s, np.maximum(low, high))
    known = _cold(program, held_gy, real_s)
    best, enough_gy = math.inf, held_gy * (1 - _SAME_FRAC)
    for seed in range(_ROUNDS):
        rows = [-program.known_gy_per_s[j][at] for j, at in enumerate(known)]
        limits = [program.fixed_gy[j][at] - held_gy[j] for j, at in enumerate(known)]
        solved = milp(
            asked.cost * unit,
            integrality=np.where(fixed, 0, 1),
            bounds=Bounds(low, high),
            constraints=LinearConstraint(
                np.concatenate((*rows, asked.rows[program.used])) * unit,
                ub=np.concatenate((*limits, asked.limits[program.used])),
            ),
            options={"node_limit": _NODES, "mip_rel_gap": 1e-6},
        )
        if solved.x is None:
            break
        times_s = np.where(fixed, solved.x, np.round(solved.x)) * unit
        # Limits that these times break, and points that they leave too cold: of those known, else by search.
        broke, cold = program.limit(times_s), _cold(program, held_gy, times_s, -_SAME_FRAC)
        before, known = sum(map(len, known)), [np.union1d(at, new) for at, new in zip(known, cold, strict=True)]
        if broke or sum(map(len, known)) > before:
            continue
        count = [len(rates) for rates in program.known_gy_per_s]
        times_and_misses = np.concatenate((times_s, np.zeros(len(known))))
        if not program.grow(times_and_misses, enough_gy, seed=seed, efforts=(QUICK,)):
            best = float(asked.cost @ times_s)
            break
        found = [np.arange(n_before, len(now)) for n_before, now in zip(count, program.known_gy_per_s, strict=True)]
        known = [np.union1d(at, new) for at, new in zip(known, found, strict=True)]
    return best


def _cold(
    program: GrowingProgram, held_gy: FloatArray, times_s: FloatArray, more_frac: float = _COLD_FRAC
) -> list[IntArray]:
    """Return which of the known points of each CTV receive less than its dose and this fraction more."""
    return [
        np.flatnonzero(rates @ times_s + fixed_gy < gy * (1 + more_frac))
        for rates, fixed_gy, gy in zip(program.known_gy_per_s, program.fixed_gy, held_gy, strict=True)
    ]
