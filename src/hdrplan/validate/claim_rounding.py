"""What the steps of two afterloaders cost the plan of the demo, whole times against real and other whole times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.door import Entries
from hdrplan.io import read_case
from hdrplan.options import PlanOptions
from hdrplan.validate.own_plan import Delivered, PlannedCase
from hdrplan.validate.plan_program import named, plan_program
from hdrplan.validate.row import Row
from hdrplan.validate.search import coldest
from hdrplan.validate.whole_times import whole_time_rows
from hdrplan.workflow import PlanResult, plan_case

__all__ = ["rounding_rows", "rows_of"]

_SECTION = "Claims of a plan"
_CASE, _STEPS_S = "phantoms/liver-lesion-b", (0.1, 1.0)


def rounding_rows() -> list[Row]:
    """Plan the demo with each step, and look for real and for whole times that are better and hold as much."""
    file = read_case(_CASE)
    rows = []
    for step_s in _STEPS_S:
        options = PlanOptions(time_step_s=step_s)
        result = plan_case(file.case, file.goals, file.source, file.strength, options=options)
        rows += [_named(row) for row in rows_of(result, options)]
    return rows


def _named(row: Row) -> Row:
    return replace(row, question=replace(row.question, what=f"demo, {row.question.what}"))


def rows_of(result: PlanResult, options: PlanOptions) -> list[Row]:
    """Judge the times of a plan that is proven at every point.

    Parameters
    ----------
    result : PlanResult
    options : PlanOptions
        With the step of its times.
    """
    assert result.optimum is not None
    none, certificate = Entries({}, _CASE), result.optimum.certificate
    own = Delivered(plan=result.plan, stated=none, record=none, options=options, locked=np.zeros(0, dtype=np.int64))
    points = result.points
    planned = PlannedCase(case=result.case, goals=result.goals, points=points, dose_gy=own.dose_gy(points.points_mm))
    asked = plan_program(
        own,
        planned,
        objective=certificate.main.objective.text,
        every_point=True,
        held={named(held.goal.goal): held.limit for held in certificate.held},
    )
    lowest = [
        min(
            coldest(points.shape(p.structure), own.dose_gy, seed=71).minimum_gy,
            float(planned.of_structure(p.structure)[0].min()),
        )
        for p in result.goals.prescriptions
    ]
    missed = tuple(goal.label for goal in certificate.missed)
    return whole_time_rows(own, replace(asked, held_gy=np.array(lowest)), _SECTION, missed=missed)
