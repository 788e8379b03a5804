"""A prescription that is a reference only: goals drive the plan, and nothing claims that its dose was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from hdrplan.cli.plan import command as plan
from hdrplan.errors import InputError
from hdrplan.io import CaseFile, read_case
from hdrplan.optimize import Scope
from hdrplan.options import PlanOptions
from hdrplan.plan import Goals, parse_goal
from hdrplan.report import case_lines, report_data, report_html
from hdrplan.validate import plan_dossier
from hdrplan.workflow import PlaceOptions, insertion_setting, next_catheters, place_case, plan_case, plan_sessions
from small_case import write_small_case

D90 = """[[goals]]
structure = "lesion"
goal = "D100 >= 15 Gy"
level = 1
source = "test"
[[goals]]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_small_case(tmp_path_factory.mktemp("reference") / "case")
    text = (folder / "case.toml").read_text().replace("[[goals]]\n", D90)
    (folder / "case.toml").write_text(
        text.replace('healthy = "liver"', 'healthy = "liver"\nreference_only = ["lesion"]')
    )
    return folder


@pytest.fixture(scope="module")
def case_file(folder: Path) -> CaseFile:
    return read_case(folder)


def test_the_plan_gives_what_goals_ask_and_percent_are_of_the_reference(case_file: CaseFile) -> None:
    file = case_file
    planned = plan_case(file.case, file.goals, file.source, file.strength, options=PlanOptions(**file.options))
    target = planned.score.target("lesion")
    assert target.prescription_gy == 20.0
    assert target.d100_gy == pytest.approx(15.0, rel=2e-3)
    assert target.v100_frac < 1.0
    assert target.v150_frac > 0.0
    assert [result.goal.source for result in planned.score.goals] == ["test", "test"]
    assert planned.optimum is not None
    assert planned.optimum.certificate.scope != Scope.EVERY_POINT
    view = report_data(planned, {})
    assert "D100" not in view.claim
    assert ("Prescription", "20 Gy of lesion is a reference only; one fraction") in view.facts
    assert view.tiles[0] == ("lesion D100", f"{target.d100_gy:.2f} Gy", "not asked for: 20 Gy")
    assert "not asked for: 20 Gy" in report_html(view)
    lines = case_lines(file.case, file.goals, file.source, file.strength)
    assert any(line.endswith("cc; 20 Gy is its reference and is not asked for") for line in lines)


def test_what_is_made_for_prescriptions_is_refused_without_one(case_file: CaseFile) -> None:
    file = case_file
    asked = (file.case, file.goals, file.source, file.strength)
    says = "needs a prescription that counts, got that of lesion as a reference only"
    place = PlaceOptions(margins_mm={}, without=("ribs", "lungs", "bowel", "vessels"))
    with pytest.raises(InputError, match=f"placement {says}"):
        place_case(*asked, options=place)
    with pytest.raises(InputError, match=f"next catheter {says}"):
        next_catheters(*asked, options=place, plan_options=PlanOptions())
    with pytest.raises(InputError, match=f"choice between insertions {says}"):
        insertion_setting(*asked, options=place, planning=PlanOptions())
    with pytest.raises(InputError, match=f"sessions {says}"):
        plan_sessions(*asked)


def test_nothing_that_asks_for_a_dose_is_refused(case_file: CaseFile) -> None:
    file = case_file
    goals = replace(file.goals, goals=(parse_goal("D1cc <= 14 Gy", structure="stomach", source="test"),))
    with pytest.raises(InputError, match="a plan must be asked for a dose"):
        plan_case(file.case, goals, file.source, file.strength)


def test_doses_are_of_all_ctvs() -> None:
    goals = Goals((), (), ())
    assert goals.doses_gy == {}
    with pytest.raises(InputError, match="placement needs a prescription that counts, got none"):
        goals.require_prescription("placement")


@pytest.mark.slow
def test_its_plan_passes_the_second_check(folder: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(plan, [str(folder), "-o", str(tmp_path / "plan")])
    assert ran.exit_code == 0, ran.output
    rows = plan_dossier(tmp_path / "plan", read_case(folder))
    assert "pass" in {row.state for row in rows}
    assert [row for row in rows if row.state == "fail"] == []
