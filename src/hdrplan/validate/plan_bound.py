"""The bounds that the folder of a plan states, each against linear programs and searches that are not hdrplan's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.door import Entries
from hdrplan.validate.growing_program import Asked
from hdrplan.validate.own_plan import Delivered, PlannedCase
from hdrplan.validate.own_program import Judgement, judgement, nearest
from hdrplan.validate.plan_program import held_of, objective_row, plan_program
from hdrplan.validate.plan_rows import PLAIN, SECTION
from hdrplan.validate.row import Aim, Question, Row, judged, skipped

__all__ = ["bound_rows", "objective_rows"]

_PROGRAM = "linear program of plainly written TG-43, SciPy linprog, with cold points by search"
# Rounding of doses that two codes compute.
_SAME_PCT = 1e-4
# How often the points that goals on volumes leave out are chosen anew: those that are hottest in the last solution.
_CHOICES = 4
_SAME_CHOICE = 1e-9
_ON_VOLUMES = ("conformity", "dose_at_cc", "dose_at_frac", "volume_at_gy", "volume_at_frac")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judged:
    """The judgement that says most against a bound, and the doses of its solution."""

    found: Judgement
    like_gy: FloatArray


def objective_rows(own: Delivered, planned: PlannedCase, certificate: Entries) -> list[Row]:
    """Hold the certificate against the times that are delivered: objective, gap, losses.

    Parameters
    ----------
    own : Delivered
    planned : PlannedCase
    certificate : Entries
        Of ``metrics.json``.
    """
    objective = certificate.text("objective", "none")
    cost = objective_row(own, planned, objective)
    if cost is None:
        return []
    exposure_s = own.plan.times_s if objective == "total time" else own.plan.times_s + own.passing_s
    value = float(cost @ exposure_s)
    primal, dual, gap = (certificate.number(key) for key in ("primal", "dual", "gap_frac"))
    lost = sum(loss.number("amount") for loss in certificate.tables("losses"))
    gap_off = abs(gap - max(0.0, primal - dual) / max(abs(primal), 1e-6))
    scale = max(abs(primal), 1e-6)
    compared = [
        (f"{objective} of the delivered times: {value:.6g}", PLAIN, "relative difference to the certificate's value",
         abs(primal - value) / scale),
        ("gap and losses of the certificate", "its value and its bound", "difference of gap and losses' sum",
         max(gap_off, abs(lost - (primal - dual)) / scale)),
    ]  # fmt: skip
    return [
        judged(Question(section=SECTION, what=subject, source=truth, method=method), 100 * off, Aim(value=_SAME_PCT))
        for subject, truth, method, off in compared
    ]


def bound_rows(
    own: Delivered, planned: PlannedCase, certificate: Entries, on_progress: Callable[[float], None]
) -> list[Row]:
    """No plan lies below the bound that is stated, none above the best D100 that is said to be possible.

    Parameters
    ----------
    own : Delivered
    planned : PlannedCase
    certificate : Entries
        Of ``metrics.json``.
    on_progress : callable
        Called with the share of the work that is done.
    """
    objective = certificate.text("objective", "none")
    if "dual" not in certificate.values or objective_row(own, planned, objective) is None:
        asked = Question(section=SECTION, what="bound", source=_PROGRAM)
        return [skipped(asked, why="The folder states no bound: its times were given.")]
    program = partial(
        plan_program,
        own,
        planned,
        objective=objective,
        # Points that a search found are points of the shape, and so are all that this program looks for.
        every_point=certificate.text("scope", "") != "sample points",
        held=held_of(certificate),
    )
    rows, like_gy = [], planned.dose_gy
    shortfalls = certificate.tables("shortfalls", [])
    if shortfalls:
        lost_gy = sum(short.number("prescription_gy") - short.number("best_gy") for short in shortfalls)
        lost = _judged(own, planned, program, lost_gy, like_gy, of_misses=True)
        # The plans of the main bound lie near this one.
        like_gy = lost.like_gy
        rows.append(_lost_row(planned, lost.found, lost_gy))
    on_progress(0.5)
    dual = certificate.number("dual")
    main = _judged(own, planned, program, dual, like_gy, of_misses=False)
    on_progress(1.0)
    return [_main_row(objective, dual, main.found), *rows]


def _judged(
    own: Delivered,
    planned: PlannedCase,
    program: Callable[..., Asked],
    bound: float,
    like_gy: FloatArray,
    *,
    of_misses: bool,
) -> _Judged:
    """Judge a bound; where goals on volumes leave points out, again and again, as long as that leads on.

    Parameters
    ----------
    own : Delivered
    planned : PlannedCase
    program : callable
        Doses that say which points are left out -> Asked.
    bound : float
    like_gy : (n_points,) array
        The first of them.
    of_misses : bool
        Whether the bound is that of what the prescriptions are missed by.
    """
    on_volumes = any(goal.metric.kind in _ON_VOLUMES for goal in planned.goals.goals)
    best: Judgement | None = None
    for _ in range(_CHOICES if on_volumes else 1):
        asked = program(like_gy=like_gy, hard=of_misses)
        found = judgement(asked, bound, of_misses=of_misses)
        # Another choice of points that changes nothing is the last.
        same = best is not None and abs(found.at_least - best.at_least) <= _SAME_CHOICE * abs(best.at_least)
        if best is None or (found.below(bound), -found.at_least) > (best.below(bound), -best.at_least):
            best = found
        # Where the points left out leave no plan, others may: those that are hottest where D100 comes nearest.
        times_s = found.times_s if found.times_s is not None or of_misses else nearest(asked)
        if same or times_s is None or found.below(bound) > 0.0:
            break
        at_mm = planned.points.points_mm
        like_gy = own.doses_of(times_s, at_mm) + planned.earlier_gy(at_mm)
    assert best is not None
    return _Judged(found=best, like_gy=like_gy)


def _main_row(objective: str, dual: float, found: Judgement) -> Row:
    what = f"no plan below {dual:.6g} of {objective}"
    if math.isinf(found.value) or np.isnan(found.below(dual)):
        asked = Question(section=SECTION, what=what, source=_PROGRAM)
        return skipped(asked, why="No plan that meets everything was found, so the bound is not judged.")
    asked = Question(
        section=SECTION,
        what=f"{what}; those of this program have at least {found.value:.6g}",
        source=_PROGRAM,
        method="by how much a plan that holds all that this one holds lies below the bound",
    )
    return judged(asked, 100 * found.below(dual) / max(abs(dual), 1e-6), Aim(value=_SAME_PCT))


def _lost_row(planned: PlannedCase, found: Judgement, lost_gy: float) -> Row:
    what = f"prescriptions must give way by {lost_gy:.3f} Gy at least"
    if np.isnan(found.below(lost_gy)):
        asked = Question(section=SECTION, what=what, source=_PROGRAM)
        return skipped(asked, why="No plan that holds every limit was found, so the bound is not judged.")
    asked = Question(
        section=SECTION,
        what=f"{what}; by {found.value:.3f} Gy in this program",
        source=_PROGRAM,
        method="by how much a plan that holds every limit misses less than is said to be possible",
    )
    total_gy = sum(p.dose_gy for p in planned.goals.prescriptions)
    return judged(asked, 100 * found.below(lost_gy) / total_gy, Aim(value=_SAME_PCT))
