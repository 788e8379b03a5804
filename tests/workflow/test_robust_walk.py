"""Robustness: the plan studied is judged; the robust one is made on other scenarios and holds more often."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.plan import Case, Goals
from hdrplan.report import robust_lines, robust_table
from hdrplan.simulate import Scenarios, Uncertainty
from hdrplan.workflow import CoverageStudy, Replanning, plan_robustly, study_coverage
from small_implant import small_implant

SHAKEN = Scenarios(Uncertainty(catheter_mm=2.0, strength_frac=0.02), count=12, seed=5)


@pytest.fixture(scope="module")
def studied() -> tuple[Case, Goals, CoverageStudy]:
    case, goals, plan = small_implant()
    return case, goals, study_coverage(case, goals, plan, SHAKEN, base_scenarios=4)


def test_a_study_names_its_steps_and_keeps_what_was_drawn(studied) -> None:
    case, goals, study = studied
    steps: list[str] = []
    again = study_coverage(
        case, goals, study.plan, SHAKEN, base_scenarios=4, on_progress=lambda step, done, total: steps.append(step)
    )
    assert list(dict.fromkeys(steps)) == ["scenarios", "variance"]
    assert np.array_equal(again.coverage.values, study.coverage.values)
    assert again.coverage.scenarios == SHAKEN
    assert again.variance is not None
    assert again.variance.metric == "lesion d100_gy"
    assert again.variance.components == ("catheter_mm", "source_mm", "timer_s", "strength_frac")
    assert again.variance.scenarios == 4


def test_without_base_scenarios_there_is_no_decomposition(studied) -> None:
    case, goals, study = studied
    assert study_coverage(case, goals, study.plan, SHAKEN, base_scenarios=0).variance is None
    with pytest.raises(InputError, match="at least two scenarios"):
        study_coverage(case, goals, study.plan, Scenarios(Uncertainty(), count=1))


def test_a_robust_plan_holds_more_often_and_is_judged_on_scenarios_it_has_not_seen(studied) -> None:
    case, goals, study = studied
    robust = plan_robustly(case, goals, study, replanning=Replanning(reached_frac=0.9, scenarios=10))
    assert robust.optimum.scenario_count == 10
    assert len(robust.optimum.excused) <= 1
    assert robust.coverage.scenarios == study.coverage.scenarios
    assert robust.coverage.coverage("lesion").probability > study.coverage.coverage("lesion").probability
    table = robust_table("small", study, robust)
    assert table["robust_plan"]["training_scenarios"] == 10
    assert table["coverage"]["lesion"]["probability"] == study.coverage.coverage("lesion").probability
    lines = robust_lines(study, robust)
    assert lines[0].startswith("as planned: lesion reaches 20 Gy in ")
    assert lines[1].startswith("robust plan: lesion reaches 20 Gy in ")
