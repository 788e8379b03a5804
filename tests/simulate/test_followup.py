"""Virtual patients: what the study derives from their scans is what was simulated."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest

from hdrplan.analysis import responses
from hdrplan.cohort import RULE_SETS, derive, validate
from hdrplan.errors import InputError
from hdrplan.io import read_cohort, write_tables
from hdrplan.simulate import CRLM, HCC, DoseModel, cohort_tables, power, simulate_cohort


def test_tables_read_back_without_errors_and_give_the_same_endpoints(tmp_path: Path) -> None:
    cohort, _ = simulate_cohort(60, 40, seed=3)
    write_tables(tmp_path, cohort_tables(cohort))
    raw, found = read_cohort(tmp_path)
    rules = RULE_SETS["recommended"]
    again, problems = validate(raw, rules, today=dt.date(2026, 1, 1), of_files=found)
    assert [p for p in problems if p.is_error] == []
    assert derive(again, rules).endpoints == derive(cohort, rules).endpoints
    assert derive(again, rules).lesions == derive(cohort, rules).lesions


def test_derived_recurrences_bracket_the_true_ones() -> None:
    """(last clean scan, first bad scan] holds the latent day of every recurrence that was seen, and of no other."""
    cohort, truth = simulate_cohort(150, 80, seed=11)
    derived = derive(cohort, RULE_SETS["recommended"])
    latent = {x.lesion_id: x.recurrence_day for x in truth}
    seen = 0
    for record in derived.lesions:
        if record.status == 1:
            seen += 1
            assert record.left_days < latent[record.lesion_id] <= record.right_days
        else:
            assert latent[record.lesion_id] > record.left_days
    assert seen > 50


def test_patients_do_not_depend_on_the_others_drawn() -> None:
    few, _ = simulate_cohort(5, 0, seed=4)
    many, _ = simulate_cohort(50, 0, seed=4)
    assert few.patients == many.patients[:5]
    other, _ = simulate_cohort(5, 0, seed=5)
    assert other.patients != few.patients


def test_latent_times_follow_their_weibull_law() -> None:
    """With frailty the marginal survival is (1 + v H(t))^(-1/v) (Vaupel 1979); young mean patients, one lesion each."""
    from dataclasses import replace

    from hdrplan.simulate import HCC
    from hdrplan.simulate.entities import FRAILTY_VARIANCE

    plain = replace(HCC, age_years=(69.0, 1e-6), diameter_mm=(38.0, 1e-3), lesions_frac=(1.0,))
    flat = DoseModel(hazard_ratio_per_gy=1.0)
    _, truth = simulate_cohort(4000, 0, seed=2, dose=flat, entities=(plain, plain))
    days = np.array([x.recurrence_day for x in truth if x.lesion_id.endswith("L1")])
    for months in (6.0, 12.0, 24.0):
        scale, shape = plain.local
        cumulative = 12 * scale / shape * (months / 12) ** shape
        expected = (1 + FRAILTY_VARIANCE * cumulative) ** (-1 / FRAILTY_VARIANCE)
        # 4,000 draws: a standard error of at most 0.8 %; three of them.
        assert np.mean(days > months * 30.4375) == pytest.approx(expected, abs=0.024)


def test_diameters_cross_the_recist_limits_exactly_at_the_detecting_scan() -> None:
    cohort, _ = simulate_cohort(60, 40, seed=8)
    rules = (RULE_SETS["recommended"], RULE_SETS["paper"])
    first, second = ({r.lesion_id: r.right_days for r in derive(cohort, r).lesions} for r in rules)
    assert {k: v for k, v in first.items() if k in second} == second


def test_power_of_no_effect_is_the_level_and_of_a_large_effect_near_one() -> None:
    """Twenty small cohorts; the bounds are the 99.9 % limits of a binomial at 5 % (0 to 5 of 20) and a gross miss."""
    null, strong = power([(120, 60)], [1.0, 0.75], replicates=20, seed=3)
    assert null.replicates == strong.replicates == 20
    assert null.rejected_frac["adjusted"] <= 5 / 20
    assert strong.rejected_frac["adjusted"] >= 0.8
    assert null.rejected_frac["cut_off"] > null.rejected_frac["cut_off_corrected"]


def test_impossible_cohorts_are_refused() -> None:
    with pytest.raises(InputError, match="at least one patient"):
        simulate_cohort(0, 0, seed=1)
    with pytest.raises(InputError, match="hazard ratios"):
        power([(10, 10)], [0.0])


def test_a_point_of_a_power_study_is_about_the_cohorts_it_names() -> None:
    """Few CRLM among many HCC: the types have lesions and events of their own."""
    (point,) = power([(40, 4)], [0.8], replicates=2, seed=3)
    assert (point.n_hcc, point.n_crlm, point.hazard_ratio_per_gy) == (40, 4, 0.8)
    model = DoseModel(hazard_ratio_per_gy=0.8)
    cohorts = [simulate_cohort(40, 4, seed=3 * 1_000_003 + k, dose=model) for k in range(2)]
    followed = [[r for r in derive(cohort, RULE_SETS["recommended"]).lesions if r.days > 0] for cohort, _ in cohorts]
    assert point.lesions == np.mean([len(records) for records in followed])
    assert point.events == np.mean([sum(r.status == 1 for r in records) for records in followed])


def test_the_study_prescribes_the_dose_at_which_the_hazard_is_as_fitted() -> None:
    cohort, _ = simulate_cohort(2, 2, seed=1)
    assert cohort.study["prescription_gy"] == 20.0
    assert DoseModel().ratio(cohort.study["prescription_gy"]) == 1.0
    columns, rows = cohort_tables(cohort)["study"]
    assert dict(zip(columns, rows[0], strict=True))["prescription_gy"] == 20.0


def test_hazards_are_those_that_the_calibration_prints() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/measurements/calibration.md"
    for entity in (HCC, CRLM):
        (row,) = re.findall(rf"^\| {entity.tumour_type} \| (\d.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
        printed = [float(number) for number in re.split(r" \| |, ", row)]
        hazards = [*entity.local, *entity.distant, entity.extrahepatic, entity.death, *entity.loss]
        assert printed == [*hazards, *entity.missed_frac]


def test_responses_and_scans_are_as_many_as_the_paper_prints() -> None:
    """Table 2 and the text of Xu 2021: 10 and 21 partial responses of 131 and 105, 21 progressions by 8 weeks.

    Six cohorts; three standard errors of a mean of six counts (Poisson) or of scans with the printed spread.
    """
    counts = []
    for seed in range(6):
        cohort, _ = simulate_cohort(114, 0, seed=100 + seed)
        judged = responses(cohort, derive(cohort, RULE_SETS["paper"]))
        at = {visit: [visits[visit] for _, visits in judged] for visit in ("8 weeks", "3 months")}
        scans = np.mean([len(p.scans) - 1 for p in cohort.patients])
        counts.append((at["8 weeks"].count("PR"), at["3 months"].count("PR"), at["8 weeks"].count("PD"), scans))
    early, later, progressed, scans = np.mean(counts, axis=0)
    assert early == pytest.approx(10, abs=3 * np.sqrt(10 / 6))
    assert later == pytest.approx(21, abs=3 * np.sqrt(21 / 6))
    assert progressed == pytest.approx(21, abs=3 * np.sqrt(21 / 6))
    assert scans == pytest.approx(3.11, abs=3 * 1.80 / np.sqrt(6 * 114))
