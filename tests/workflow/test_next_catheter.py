"""One more catheter: what it is said to buy is what the plan with it reaches, by another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.io import CaseFile, read_case
from hdrplan.optimize import optimize_times
from hdrplan.options import PlanOptions
from hdrplan.plan import Case
from hdrplan.workflow import NextCatheter, PlaceOptions, default_obstacles, next_catheters, planning_problem

PHANTOM = Path(__file__).parents[2] / "phantoms" / "liver-lesion-b-5mm"
SAMPLE_MM = 3.0


@pytest.fixture(scope="module")
def case_file() -> CaseFile:
    return read_case(PHANTOM)


def found(case_file: CaseFile, case: Case, **options: object) -> tuple[NextCatheter, ...]:
    asked = PlaceOptions(
        margins_mm=default_obstacles(case), candidates=4, sample_mm=SAMPLE_MM, without=("vessels",), **options
    )
    return next_catheters(
        case, case_file.goals, case_file.source, case_file.strength,
        options=asked, plan_options=PlanOptions(**case_file.options),
    )  # fmt: skip


def optimum_gy(case_file: CaseFile, case: Case) -> float:
    """The mean dose of the liver of the best plan of a case, as ``hdrplan plan`` sets it up."""
    options = PlanOptions(**case_file.options, sample_mm=SAMPLE_MM)
    _, problem = planning_problem(
        case, case_file.goals, case_file.source, strength_u=case_file.strength.value_u, options=options
    )
    return optimize_times(replace(problem, delivery=None)).certificate.main.value


@pytest.mark.slow
def test_what_a_catheter_buys_is_what_the_plan_with_it_reaches(case_file: CaseFile) -> None:
    case = case_file.case
    gains = found(case_file, case)
    assert [one.value for one in gains] == sorted(one.value for one in gains)
    assert gains[0].before == pytest.approx(optimum_gy(case_file, case), rel=1e-6)
    for one in (gains[0], gains[-1]):
        with_it = replace(case, catheters=(*case.catheters, one.catheter))
        assert one.value == pytest.approx(optimum_gy(case_file, with_it), rel=1e-6)
        assert one.saved_frac >= -1e-6
        assert one.short_gy == 0.0
        margins_mm = default_obstacles(case)
        assert all(away_mm >= margins_mm[name] for name, away_mm in one.nearest_mm.items())


@pytest.mark.slow
def test_without_any_catheter_every_path_is_the_first(case_file: CaseFile) -> None:
    gains = found(case_file, replace(case_file.case, catheters=()))
    assert all(np.isnan(one.before) for one in gains)
    assert [round(one.short_gy, 2) for one in gains] == sorted(round(one.short_gy, 2) for one in gains)


def test_what_was_not_segmented_must_be_named(case_file: CaseFile) -> None:
    with pytest.raises(InputError, match="no structure is named as"):
        next_catheters(
            replace(case_file.case, structures=tuple(s for s in case_file.case.structures if s.name != "ribs")),
            case_file.goals, case_file.source, case_file.strength,
            options=PlaceOptions(), plan_options=PlanOptions(),
        )  # fmt: skip
