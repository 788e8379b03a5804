"""What finer dwell steps, and offsets chosen by catheter, buy: plans at several steps against what no step can beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hdrplan.errors import InputError
from hdrplan.geometry import Dwells
from hdrplan.optimize import StepResult, compare_steps
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.problem import planning_problem

__all__ = ["StepStudy", "study_steps"]


@dataclass(frozen=True, slots=True, eq=False)
class StepStudy:
    """Plans of a case at several dwell steps.

    Parameters
    ----------
    dwells : Dwells
        Candidates at the finest step.
    results : tuple of StepResult
        In the order asked.
    """

    dwells: Dwells
    results: tuple[StepResult, ...]

    def first_mm(self, result: StepResult) -> dict[str, float | None]:
        """Return catheter -> distance of its first position from the tip; None where it has none."""
        first: dict[str, float | None] = {}
        for k, name in enumerate(self.dwells.catheter_names):
            offset_mm = self.dwells.offset_mm[result.used & (self.dwells.catheter == k)]
            first[name] = round(float(offset_mm.min()), 6) if len(offset_mm) else None
        return first


def study_steps(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    steps_mm: Sequence[float],
    options: PlanOptions | None = None,
) -> StepStudy:
    """Plan a case at several dwell steps, the offset of each catheter chosen freely.

    Parameters
    ----------
    case : Case
    goals : Goals
    source : TG43Source
    strength : Strength
    steps_mm : sequence of float
        Multiples of the finest one.
    options : PlanOptions, optional
        ``step_mm`` and the afterloader's resolution are not used.

    Returns
    -------
    StepStudy

    Raises
    ------
    InputError
        A shortest dwell, a time ratio or a transit speed: times are real numbers here; steps that do not divide.
    """
    options = replace(options or PlanOptions(), step_mm=min(steps_mm))
    if options.min_dwell_s or options.time_ratio or options.source_speed_mm_per_s:
        raise InputError(
            "steps are compared at times that are real numbers, without transit dose",
            got="a shortest dwell, a time ratio or a transit speed",
            remedy="Add `min_dwell_s=0` `time_ratio=0` `source_speed_mm_per_s=0`.",
        )
    dwells, problem = planning_problem(case, goals, source, strength_u=strength.value_u, options=options)
    results = compare_steps(problem, dwells.catheter, dwells.offset_mm, steps_mm=steps_mm)
    return StepStudy(dwells, tuple(results))
