"""From raw tables to the result: right numbers where they are known, the effect found where it was put."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cohort_by_hand import TABLES, raw_cohort, raw_table
from hdrplan.analysis import (
    Correlation,
    LesionTable,
    Settings,
    correlate,
    correlation_tables,
    lanes,
    lesion_table,
    plain_words,
)
from hdrplan.analysis.dose_shape import robust_score_test
from hdrplan.cli import cli
from hdrplan.cohort import Cohort, Derived, RawTable, Rules, checked_cohort, derive
from hdrplan.errors import InputError
from hdrplan.io import joint_sha256, sha256, write_tables
from hdrplan.outcomes import log_rank
from synthetic_cohort import synthetic_cohort

TODAY = dt.date(2026, 1, 1)


def tables(raw: dict[str, RawTable]) -> tuple[Cohort, Derived, LesionTable]:
    cohort, _ = checked_cohort(raw, Rules(), today=TODAY, accept=("treated_without_plan",))
    derived = derive(cohort, Rules())
    return cohort, derived, lesion_table(cohort, derived)


@pytest.fixture(scope="module")
def strong() -> Correlation:
    """A cohort four times the paper's with a true hazard ratio of 0.8 per Gy."""
    made = synthetic_cohort(
        np.random.default_rng(5), {"HCC": 180, "CRLM": 90}, log_hr_per_gy=math.log(0.8), frailty_variance=0.0
    )
    return correlate(tables(made.raw)[2], Settings(mode="paper", n_resamples=199, n_bootstrap=30))


def test_the_lesion_table_holds_dose_size_and_interval_of_each_lesion() -> None:
    _, _, table = tables(raw_cohort())
    row = table.lesion_id.index("L1")
    assert table.d100_gy[row] == 15.0
    assert table.diameter_mm[row] == 30.0
    assert (table.intervals.left[row] * 30.4375, table.intervals.right[row] * 30.4375) == (pytest.approx(90), 181)
    assert table.status[row] == 1
    assert table.n_events == 2
    assert table.left_out == ()


def test_lesions_without_dose_or_size_are_named_not_dropped() -> None:
    raw = raw_cohort()
    raw["dose_metrics"] = raw_table(
        "dose_metrics", TABLES["dose_metrics"].replace("L2,21", "L4,21", 1).replace("L4,22", "L1x,22")
    )
    raw["dose_metrics"] = RawTable(
        "dose_metrics", raw["dose_metrics"].columns, tuple(r for r in raw["dose_metrics"].rows if r[0] != "L1x")
    )
    raw["measurements"] = raw_table("measurements", TABLES["measurements"].replace("P4,2017-12-20,L6,22\n", ""))
    _, _, table = tables(raw)
    assert dict(table.left_out) == {"L2": "no dose", "L6": "no diameter before treatment"}
    assert table.n == 7


def test_sequential_sessions_of_a_lesion_add_up_to_a_bound() -> None:
    raw = raw_cohort()
    raw["sessions"] = raw_table("sessions", TABLES["sessions"] + "S1b,P1,2018-02-05,L1\n")
    raw["dose_metrics"] = raw_table("dose_metrics", "lesion_id,session_id,d100_gy\nL1,S1,12\nL1,S1b,12\n")
    _, _, table = tables(raw)
    # 22 + 22 = 44 Gy EQD2, the single dose d of d (1 + d / 10) = 52.8 Gy.
    assert table.d100_gy[0] == pytest.approx(5 * (math.sqrt(1 + 4 * 5.28) - 1))
    assert table.n_sessions[0] == 2
    assert table.d100_eqd2_bounds_gy[0, 0] == pytest.approx(44.0)


def test_a_cohort_without_doses_cannot_be_correlated() -> None:
    raw = raw_cohort()
    del raw["dose_metrics"]
    with pytest.raises(InputError, match="dose_metrics"):
        tables(raw)


def test_the_true_effect_lies_in_the_interval_and_is_found(strong: Correlation) -> None:
    assert strong.failed == {}
    e = strong.models.headline
    assert e is not None
    assert e.p < 1e-4
    assert e.lower < 0.8 < e.upper
    spline, cutoff = strong.models.spline, strong.cuts.adjusted
    assert spline is not None
    assert spline.overall.p < 1e-3
    middle = spline.log_hr[np.abs(spline.d100_gy - 20.0).argmin()]
    assert abs(middle) < 0.05
    assert cutoff is not None
    assert cutoff.p.resampled <= 0.01
    # The subdistribution hazard ratio of Fine and Gray is another quantity, nearer to 1 where death competes.
    for name, other in strong.sensitivity.items():
        assert other.lower < 0.8 < other.upper or (name.startswith("Fine-Gray") and 0.8 < other.hazard_ratio < 1.0)
    assert set(strong.sensitivity) == {
        "gamma frailty by patient",
        "Fine-Gray (death competing)",
        "Weibull, interval-censored",
        "landmark after the 8-week scan",
    }


def test_side_by_side_metrics_carry_every_correction(strong: Correlation) -> None:
    by_name = {m.name: m for m in strong.metrics}
    assert {"d100_gy", "d98_gy", "v200_pct", "eqd2_d100_gy (alpha/beta 10)"} <= set(by_name)
    for m in (m for m in strong.metrics if not m.same_as):
        assert m.p <= m.p_holm
        assert m.p <= m.p_bh <= m.p_holm + 1e-12
    assert by_name["eqd2_d100_gy (alpha/beta 10)"].correlation_with_d100 == pytest.approx(1.0)


def test_the_paper_rule_shows_selection_and_bootstrap(strong: Correlation) -> None:
    assert strong.paper is not None
    chosen = {e.term for e in strong.paper.univariate if e.p < 0.1}
    assert {e.term for e in strong.paper.multivariate} == chosen
    assert strong.paper.selected["D100, per Gy"] == 1.0
    assert all(0.0 <= share <= 1.0 for share in strong.paper.selected.values())


def test_optimism_correction_lowers_c(strong: Correlation) -> None:
    assert strong.quality is not None
    groups = strong.quality.groups
    assert sum(g.n for g in groups) == strong.table.n
    predicted = [g.predicted for g in groups]
    assert predicted == sorted(predicted)
    assert all(g.lower - 0.1 < g.predicted < g.upper + 0.1 for g in groups)
    p = strong.performance
    assert p is not None
    assert p.without_d100.apparent < p.with_d100.apparent
    assert 0.5 < p.with_d100.corrected <= p.with_d100.apparent + 0.005
    assert 0.7 < p.slope_corrected < 1.1


def test_the_sentences_say_whose_analysis_it_is_and_what_is_missing(strong: Correlation) -> None:
    text = " ".join(plain_words(strong))
    assert "The analysis of dose and recurrence is hdrplan's own" in text
    assert "This cohort cannot show whether dose is the cause where physicians chose it" in text
    few = synthetic_cohort(np.random.default_rng(1), {"HCC": 25})
    result = correlate(tables(few.raw)[2], Settings(n_resamples=99, n_bootstrap=5))
    words = " ".join(plain_words(result))
    assert "for each (10 are the usual minimum). No statement about dose can rest on so few" in words
    assert result.models.interaction is None
    for t in correlation_tables(result):
        assert all(len(row) == len(t.columns) for row in t.rows), t.name


def test_same_seed_same_result() -> None:
    table = tables(synthetic_cohort(np.random.default_rng(8), {"HCC": 50, "CRLM": 20}).raw)[2]
    first, again = (correlate(table, Settings(n_resamples=99, n_bootstrap=3)) for _ in range(2))
    assert first.cuts.adjusted is not None
    assert again.cuts.adjusted is not None
    assert again.cuts.adjusted.p.resampled == first.cuts.adjusted.p.resampled
    assert again.metrics == first.metrics
    assert again.performance == first.performance


def test_the_robust_score_test_equals_the_log_rank_for_one_group_without_clusters() -> None:
    _, _, table = tables(synthetic_cohort(np.random.default_rng(8), {"HCC": 200, "CRLM": 1}, frailty_variance=0.0).raw)
    above = (table.d100_gy >= 20.0).astype(np.float64)
    score = robust_score_test(table, {}, {"above": above})
    # The spread of scores replaces the hypergeometric variance: equal only for large samples.
    assert score.statistic == pytest.approx(log_rank(table.follow_up, above).test.statistic, rel=0.15)


def test_lanes_stop_at_the_recurrence_and_know_the_death() -> None:
    cohort, derived, _ = tables(raw_cohort())
    found = {
        (lane.sessions, lane.recurrence, lane.death, lane.other_treatment): lane for lane in lanes(cohort, derived)
    }
    assert found[(0,), 181, None, None].clean_scans == (56, 90)
    assert found[(0,), None, 200, None].end == 200
    assert found[(0,), None, None, 100].clean_scans == (56,)
    assert (-35,) in {lane.sessions for lane in found.values()}


@pytest.mark.usefixtures("every_form")
def test_one_command_from_raw_tables_to_report(tmp_path: Path) -> None:
    made = synthetic_cohort(np.random.default_rng(2), {"HCC": 60, "CRLM": 40}, log_hr_per_gy=-0.1)
    folder = tmp_path / "cohort"
    folder.mkdir()
    write_tables(folder, {n: (t.columns, t.rows) for n, t in made.raw.items()})
    args = [
        "correlate",
        str(folder),
        "-o",
        str(tmp_path / "out"),
        "--resamples",
        "99",
        "--bootstrap",
        "5",
        "--mode",
        "paper",
        "--json",
    ]
    run = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert run.exit_code == 0
    out = json.loads(run.stdout)
    assert out["recurrences"] > 20
    # The dose of these lesions works through its minimum: the whole DVH may carry no information, and says so.
    assert set(out["could_not_compute"]) <= {"TCP poisson, whole DVH"}
    page = (tmp_path / "out" / "report.html").read_text()
    pictures = [base64.b64decode(text).decode() for text in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)]
    assert len(pictures) == 11
    for picture in pictures:
        # On a dark screen the ink is light, and no ground and no black is left.
        assert "prefers-color-scheme: dark" in picture
        assert not {"#ffffff", "#000000"} & set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", picture))
    tables = {path.name: sha256(path) for path in folder.iterdir()}
    assert f"<dt>Tables</dt><dd>{joint_sha256(tables)[:12]}</dd>" in page
    assert "paper&#39;s rule" in page
    assert "http" not in page.replace("http-equiv", "")
    assert not any(p in page for p in ("P0001", "P0050")), "ids have no place in a report"
    names = {p.name for p in (tmp_path / "out" / "figures").iterdir()}
    assert {f"{n}.{f}" for n in ("spline", "cutoff", "swimmer", "tcp") for f in ("svg", "png", "pdf")} <= names


def test_without_bootstrap_samples_nothing_is_called_corrected(strong: Correlation) -> None:
    made = synthetic_cohort(np.random.default_rng(5), {"HCC": 60, "CRLM": 30}, log_hr_per_gy=math.log(0.8))
    result = correlate(tables(made.raw)[2], Settings(n_resamples=19, n_bootstrap=0))
    assert result.performance is not None
    assert math.isnan(result.performance.with_d100.corrected)
    texts = [*plain_words(result), *(cell for t in correlation_tables(result) for row in t.rows for cell in row)]
    assert not [text for text in texts if "nan" in str(text).lower().split()]
    assert any("not corrected for optimism" in str(text) for text in texts)
    assert not any("not corrected for optimism" in text for text in plain_words(strong))
