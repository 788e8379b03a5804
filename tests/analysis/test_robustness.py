"""The effect of D100 with the error of D100, without each group, and against a confounder nobody measured."""

from __future__ import annotations

import csv
import datetime as dt
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.analysis import LesionTable, Settings, lesion_table
from hdrplan.analysis.dose_error import corrected_effects
from hdrplan.analysis.effects import D100, adjusters, d100_columns, d100_model, effects
from hdrplan.analysis.prediction_quality import prediction_quality
from hdrplan.analysis.robustness import unmeasured, without_each_group
from hdrplan.cli import cli
from hdrplan.cohort import RawTable, Rules, checked_cohort, derive
from hdrplan.errors import InputError
from hdrplan.io import write_tables
from hdrplan.outcomes import cox, e_value, follow_up, frailty
from synthetic_cohort import synthetic_cohort


@pytest.fixture(scope="module")
def raw() -> dict[str, RawTable]:
    """Tables with the centre of each patient, and the error and the expected D100 of each lesion."""
    tables = synthetic_cohort(np.random.default_rng(6), {"HCC": 90, "CRLM": 50}, log_hr_per_gy=math.log(0.85)).raw
    patients, lesions, doses = tables["patients"], tables["lesions"], tables["dose_metrics"]
    gy = {row[0]: float(row[1]) for row in doses.rows}
    centres = tuple((*row, "ABC"[k % 3]) for k, row in enumerate(patients.rows))
    tables["patients"] = RawTable("patients", (*patients.columns, "centre"), centres)
    known = tuple((*row, "2.0", f"{0.6 * gy[row[0]]:.4f}") for row in lesions.rows)
    tables["lesions"] = RawTable("lesions", (*lesions.columns, "error_gy", "expected_gy"), known)
    return tables


@pytest.fixture(scope="module")
def table(raw: dict[str, RawTable]) -> LesionTable:
    cohort, _ = checked_cohort(raw, Rules(), today=dt.date(2026, 1, 1))
    return lesion_table(cohort, derive(cohort, Rules()), columns=("error_gy", "expected_gy"))


def corrected(table: LesionTable, settings: Settings) -> dict[str, float]:
    found = corrected_effects(table, settings, np.random.default_rng(1))
    return {e.model: math.log(e.hazard_ratio) for e in found}


def test_regression_calibration_divides_by_the_reliability(table: LesionTable) -> None:
    """With one error for all the corrected coefficient is the naive one over 1 - error / residual variance."""
    got = corrected(table, Settings(dose_error=2.0))
    x = np.column_stack((np.ones(table.n), *adjusters(table).values()))
    left = table.d100_gy - x @ np.linalg.lstsq(x, table.d100_gy, rcond=None)[0]
    reliability = 1.0 - 4.0 / (left @ left / (table.n - x.shape[1]))
    assert got["regression calibration"] == pytest.approx(got["as recorded"] / reliability, rel=1e-6)
    assert got["SIMEX"] == pytest.approx(got["regression calibration"], rel=0.15)
    assert corrected(table, Settings(dose_error="error_gy")) == pytest.approx(got, rel=1e-9)


def test_a_frailty_stands_beside_each_correction_where_patients_have_several_lesions(table: LesionTable) -> None:
    """Within a patient: calibration divides by the same reliability, SIMEX with the variance held is near it."""
    got = corrected(table, Settings(dose_error=1.0))
    shared = [got[f"{name}, gamma frailty by patient"] for name in ("regression calibration", "SIMEX")]
    alone = frailty(table.follow_up, d100_columns(table)).coef[0]
    assert shared[0] == pytest.approx(alone * got["regression calibration"] / got["as recorded"], rel=0.01)
    assert shared[1] == pytest.approx(shared[0], rel=0.05)
    single = replace(
        table,
        patient_id=table.lesion_id,
        follow_up=follow_up(table.follow_up.time, table.follow_up.event, cluster=table.lesion_id),
    )
    assert not any("frailty" in name for name in corrected(single, Settings(dose_error=1.0)))


def test_the_expected_dose_takes_the_place_of_d100(table: LesionTable) -> None:
    got = corrected(table, Settings(expected_dose="expected_gy"))
    assert got["expected dose"] == pytest.approx(got["as recorded"] / 0.6, rel=1e-3)
    assert got["expected dose, gamma frailty by patient"] < 0
    assert corrected(table, Settings()) == {}


def test_an_error_that_is_no_number_is_refused(table: LesionTable) -> None:
    with pytest.raises(InputError, match="must hold numbers in Gy"):
        corrected(table, Settings(dose_error="centre"))


def test_each_centre_is_left_out_once(table: LesionTable) -> None:
    got = without_each_group(table)
    assert set(got) == {"A", "B", "C"}
    keep = np.array(table.columns["centre"]) != "B"
    rows = table.follow_up.chosen(keep)
    (own,) = effects("x", cox(rows, {k: v[keep] for k, v in d100_columns(table).items()}), rows, (D100,))
    assert got["B"].hazard_ratio == pytest.approx(own.hazard_ratio, rel=1e-9)
    assert got["B"].n == int(keep.sum())


def test_the_e_value_is_that_of_the_quartiles(table: LesionTable) -> None:
    headline = effects("x", d100_model(table), table.follow_up, (D100,))[0]
    u = unmeasured(table, headline)
    assert u.gy == pytest.approx(np.diff(np.quantile(table.d100_gy, (0.25, 0.75)))[0])
    assert u.hazard_ratio == pytest.approx(headline.hazard_ratio**u.gy)
    assert u.estimate == e_value(u.hazard_ratio, common=table.n_events > 0.15 * table.n)
    assert 1.0 <= u.limit <= u.estimate


def test_predictions_are_scored_with_and_without_d100(table: LesionTable) -> None:
    quality = prediction_quality(table, horizon_months=12.0, rng=np.random.default_rng(2), n_bootstrap=12)
    null, without, full = quality.scores
    assert quality.n_bootstrap >= 10
    assert full.brier[0] < without.brier[0] < null.brier[0], "more covariates fit their own data better"
    assert full.brier[1] > full.brier[0], "corrected for optimism is worse"
    assert full.auc[1] < full.auc[0]
    assert null.auc[0] == pytest.approx(0.5)
    assert quality.calibration.slope == pytest.approx(1.0, abs=0.25)
    assert quality.slope_corrected < quality.calibration.slope
    bare = prediction_quality(table, horizon_months=12.0, rng=np.random.default_rng(2), n_bootstrap=0)
    assert math.isnan(bare.scores[2].brier[1])
    assert bare.decision.with_d100[0] >= bare.decision.everybody[0] - 1e-9


def test_one_command_takes_the_errors_by_column(raw: dict[str, RawTable], tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    write_tables(tmp_path / "cohort", {name: (t.columns, t.rows) for name, t in raw.items()})
    arguments = ["correlate", str(tmp_path / "cohort"), "-o", str(tmp_path / "out"), "--quiet", "--resamples", "19",
                 "--bootstrap", "0", "--adjust", "diameter_mm,strata(centre)", "--dose-error", "error_gy",
                 "--expected-dose", "expected_gy"]  # fmt: skip
    ran = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    with (tmp_path / "out" / "sensitivity.csv").open(encoding="utf-8", newline="") as stream:
        models = [row["Model"] for row in csv.DictReader(stream)]
    assert {"without centre A", "as recorded", "regression calibration", "SIMEX", "expected dose"} <= set(models)
    assert "Fine-Gray (death competing)" in models
    with (tmp_path / "out" / "lesions.csv").open(encoding="utf-8", newline="") as stream:
        assert {"centre", "stratum", "error_gy", "expected_gy"} <= set(next(csv.reader(stream)))
    assert "strata(stratum)" in (tmp_path / "out" / "headline.R").read_text(encoding="utf-8")
    other = [str(tmp_path / "new") if a == str(tmp_path / "out") else a for a in arguments[:-4]]
    wrong = CliRunner().invoke(cli, [*other, "--dose-error", "-1"])
    assert "--dose-error must be a positive number of Gy, or a column of the lesions" in str(wrong.exception)
