"""A plan's result in the words of its report."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Prescription, parse_goal
from hdrplan.report import plan_report, plan_scenery, report_data, score_lines
from hdrplan.report.data import GoalRow
from hdrplan.report.rows import longest_dwell
from hdrplan.sources import Calibration, Strength, load_source, strength_from_text
from hdrplan.workflow import PlanResult, plan_case, plan_result
from report_view import centred_grid

RUN = {
    "versions": {"hdrplan": "0.1.0", "numpy": "2.0"},
    "options": {"step_mm": 5.0},
    "inputs_sha256": {"ct.nii.gz": "abc123"},
    "written": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture(scope="module")
def result() -> PlanResult:
    """A ball of 12 mm radius round two needles, a box beside it whose limit binds, "liver" round all."""
    grid = centred_grid((32, 36, 40), (2.0, 2.0, 2.0), np.eye(3))
    points = grid.points_mm().reshape(*grid.shape_zyx, 3)
    centre = grid.world([19, 17, 15])
    from_centre = points - centre
    ball = np.linalg.norm(from_centre, axis=-1) <= 12.0
    box = (np.abs(from_centre - [20.0, 0.0, 0.0]) <= [4.0, 8.0, 8.0]).all(axis=-1)
    needle = np.array([[0.0, 0.0, -28.0], [0.0, 0.0, 14.0]])
    case = Case(
        name="phantom",
        ct=Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16)),
        structures=(
            Structure(name="lesion", role="CTV", grid=grid, mask_zyx=ball),
            Structure(name="stomach", role="OAR", grid=grid, mask_zyx=box),
            Structure(name="liver", role="OAR", grid=grid, mask_zyx=np.linalg.norm(from_centre, axis=-1) <= 26.0),
        ),
        catheters=tuple(
            Catheter(f"needle {k}", centre + needle + [x, 0.0, 0.0]) for k, x in enumerate((-5.0, 5.0), start=1)
        ),
        healthy="liver",
    )
    goals = Goals(
        (Prescription("lesion", 20.0),),
        (
            parse_goal("D1cc <= 14 Gy", structure="stomach", source="a protocol"),
            parse_goal("V10Gy <= 80 %", structure="liver", source="user", level=1),
            parse_goal("Dmean <= 30 Gy", structure="liver", source="user", level=2),
        ),
    )
    options = PlanOptions(sample_mm=2.0, dose_margin_mm=20.0)
    return plan_case(case, goals, load_source("gammamed-12i"), Strength(40700.0), options=options)


def test_the_report_holds_what_a_plan_review_asks_for(result):
    facts = dict(report_data(result, RUN).facts)
    asked = ("Site and target", "Prescription", "Prescription isodose", "Isotope and source", "Total time", "TRAK")
    asked += ("Air-kerma strength at treatment", "Calibration date and strength", "Decay factor", "Half-life")
    asked += ("Channels", "First position and step", "Dose calculation", "Dose grid", "Orientation")
    for name in asked:
        assert facts[name], name
    assert facts["Prescription"] == "20 Gy to all of lesion (D100); one fraction"
    assert facts["Total time"].startswith(f"{result.plan.total_time_s:.1f} s")
    assert facts["TRAK"].startswith(f"{40700e-6 * result.plan.total_time_s / 3600 * 100:.4f} cGy")


def test_a_calibration_takes_the_place_of_none_given(result):
    assert dict(report_data(result, RUN).facts)["Decay factor"] == "1 (none applied)"
    calibration = Calibration(40700.0, datetime(2024, 1, 1))
    strength = Strength.decayed(calibration, datetime(2024, 3, 14, 19, 55, 12))
    facts = dict(report_data(replace(result, plan=replace(result.plan, strength=strength)), RUN).facts)
    assert facts["Calibration date and strength"] == "2024-01-01 00:00, 40,700 U"
    assert facts["Treatment"] == "2024-03-14 19:55"
    assert facts["Decay factor"] == "0.5000"
    activity = replace(result.plan, strength=strength_from_text("10 Ci apparent"))
    facts = dict(report_data(replace(result, plan=activity), RUN).facts)
    assert facts["Apparent activity at treatment"] == "10 Ci"


def test_goals_lie_in_the_plot_where_they_are(result):
    rows = {(row.structure, row.goal): row for row in report_data(result, RUN).goals}
    d100 = rows["lesion", "D100 ≥ 20 Gy"]
    assert (d100.mark_gy, d100.mark_frac, d100.is_minimum, d100.level) == (20.0, 1.0, True, 0)
    stomach_cc = float(result.points.volume_cc[result.points.rows("stomach")].sum())
    d1cc = rows["stomach", "D1cc ≤ 14 Gy"]
    assert d1cc.mark_gy == 14.0
    assert d1cc.mark_frac == pytest.approx(1.0 / stomach_cc)
    v10 = rows["liver", "V10Gy ≤ 80 %"]
    assert (v10.mark_gy, v10.mark_frac, v10.is_minimum, v10.level) == (10.0, 0.8, False, 1)
    assert rows["liver", "Dmean ≤ 30 Gy"].mark_gy is None
    reached = {(g.goal.structure, g.goal.text): g for g in result.score.goals}
    assert d1cc.reached == f"{reached['stomach', 'D1cc <= 14 Gy'].reached:.2f} Gy"
    assert v10.reached == f"{100 * reached['liver', 'V10Gy <= 80 %'].reached:.2f} %"


def test_curves_fall_from_one_and_agree_with_the_metrics(result):
    view = report_data(result, RUN)
    for curve in view.curves:
        assert curve.volume_frac[0] == pytest.approx(1.0)
        assert (np.diff(curve.volume_frac) <= 1e-12).all()
        assert curve.volume_cc == pytest.approx(view.metrics[curve.name]["volume_cc"])


def test_certificate_and_prices_are_told(result):
    view = report_data(result, RUN)
    assert result.optimum is not None
    assert view.certificate[0].replace("≤", "<=").replace("≥", ">=") == result.optimum.certificate.text
    assert len(view.certificate) == 1 + bool(result.optimum.certificate.losses_text) + len(result.optimum.levels)
    assert len(view.binding) == len(result.optimum.shortfalls) + len(result.optimum.prices) + len(result.optimum.notes)


def test_given_times_claim_no_certificate(result):
    plan = replace(result.plan, times_s=np.full(len(result.plan.dwells), 5.0))
    given = plan_result(result.case, result.goals, plan, points=result.points)
    page = plan_report(given, RUN)
    assert "There is no certificate, because these times were not made by the optimiser." in page
    assert "Dwell times were given and not optimised." in page


def test_provenance_names_versions_inputs_and_options(result):
    rows = report_data(result, RUN).provenance
    assert rows["ct.nii.gz (SHA-256)"] == "abc123"
    assert "numpy 2.0" in rows["Software"]
    assert rows["Options"] == "step_mm = 5.0"


def test_the_same_result_gives_the_same_page(result):
    assert plan_report(result, RUN) == plan_report(result, RUN)


def test_a_long_name_stays_apart_from_its_role(result: PlanResult) -> None:
    score = result.score
    long = "portal_vein_and_splenic_vein"
    named = replace(score.structures[-1], name=long)
    header, *rows = score_lines(replace(score, structures=(*score.structures[:-1], named)))[: 1 + len(score.structures)]
    assert rows[-1].split()[0] == long
    assert {row[header.index("role") :][:3].strip() for row in rows} == {"CTV", "OAR"}


def test_the_longest_dwell_is_told_with_its_neighbours(result: PlanResult) -> None:
    view = report_data(result, RUN)
    times_s = np.zeros(len(view.dwells))
    own = np.flatnonzero(view.dwells.catheter == 1)
    own = own[np.argsort(view.dwells.offset_mm[own])]
    times_s[own[1]] = 40.0
    at = f"40.0 s, in channel 2, {view.dwells.offset_mm[own[1]]:.1f} mm from the tip"
    assert longest_dwell(replace(view, times_s=times_s)) == f"{at}; its neighbours have no time"
    times_s[own[0]], times_s[own[2]] = 10.0, 16.0
    assert longest_dwell(replace(view, times_s=times_s)) == f"{at}; 2.5 times the longer of its neighbours"


def test_the_ratio_of_neighbouring_times_is_a_row_of_the_goals(result: PlanResult) -> None:
    dwells = result.plan.dwells
    assert report_data(result, RUN).rules == ()
    times_s = np.full(len(dwells), 10.0)
    step_s = 0.0

    def asked() -> dict[str, object]:
        return RUN | {"options": {"time_ratio": 2.0, "time_step_s": step_s}}

    def row(at: float | None) -> GoalRow:
        own = np.flatnonzero(dwells.catheter == 1)
        own = own[np.argsort(dwells.offset_mm[own])]
        changed = times_s.copy()
        if at is not None:
            changed[own[0]] = at
        given = plan_result(result.case, result.goals, replace(result.plan, times_s=changed), points=result.points)
        (only,) = report_data(given, asked()).rules
        return only

    assert (row(None).reached, row(None).met) == ("held", True)
    assert (row(20.0).reached, row(20.0).met) == ("held", True)
    assert (row(4.0).reached, row(4.0).met) == ("2.50 : 1", False)
    assert (row(0.0).reached, row(0.0).met) == ("beside 0 s", False)
    step_s = 0.1
    assert (row(4.8).reached, row(4.8).met) == ("2.04 : 1", False)
    assert (row(4.9).reached, row(4.9).met) == ("to 0.1 s", True)
    assert (row(20.2).reached, row(20.2).met) == ("to 0.1 s", True)
    assert row(None).goal == "neighbouring times ≤ 2 : 1"


def test_a_page_names_the_level_of_a_wish_and_the_rules(result: PlanResult) -> None:
    page = plan_report(result, RUN | {"options": {"time_ratio": 3.0}})
    assert '<span class="soft">(wish, level 1)</span>' in page
    assert '<span class="soft">(rule)</span>' in page
    assert "Evener times" not in page
    assert "Evener times: time_ratio = 2 under [dwells]" in plan_report(result, RUN)


def test_gaps_are_told_in_percent(result: PlanResult) -> None:
    steps = [line for line in report_data(result, RUN).certificate if line.startswith("Objective")]
    assert steps
    for line in steps:
        assert re.search(r"\(gap [-0-9.e]+ %\)\.$", line)
        assert " ;" not in line


def test_the_page_is_the_same_with_its_case_packed_before(result: PlanResult) -> None:
    around = plan_scenery(result.case, result.points, result.dose.grid)
    assert plan_report(result, RUN, around=around) == plan_report(result, RUN)
    # It is what is packed before that is drawn.
    assert plan_report(result, RUN, around=replace(around, ct=None)) != plan_report(result, RUN)
