"""The four tables on the cohort worked out by hand, and their files."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cohort_by_hand import TABLES, raw_cohort, raw_table
from hdrplan.analysis import TextTable, describe, endpoint_curves, endpoint_tests, estimate_text, responses
from hdrplan.analysis.group_tests import category_p, number_p
from hdrplan.cli import cli
from hdrplan.cohort import Cohort, Derived, RawTable, Rules, checked_cohort, derive, flow, rules_from
from hdrplan.io import write_tables
from hdrplan.outcomes import follow_up, kaplan_meier
from hdrplan.report import html_table, latex_table, markdown_table, paper_figures
from synthetic_cohort import synthetic_cohort


def read(raw: dict[str, RawTable], rules: Rules | None = None) -> tuple[Cohort, Derived]:
    rules = rules or Rules()
    cohort, _ = checked_cohort(raw, rules, today=dt.date(2026, 1, 1))
    return cohort, derive(cohort, rules)


def cells(table: TextTable, row: str) -> tuple[str, ...]:
    return next(r[1:] for r in table.rows if r[0] == row)


def test_table_1_counts_by_hand() -> None:
    table = describe(*read(raw_cohort()), n_bootstrap=0)[0]
    assert table.columns == ("", "HCC", "CRLM", "all", "p")
    assert cells(table, "Patients") == ("4", "3", "7", "")
    assert cells(table, "Treatment cycles") == ("4", "4", "8", "")
    assert cells(table, "Treated lesions") == ("4", "5", "9", "")
    assert cells(table, "Multifocal") == ("0/4 (0.0 %)", "1/3 (33.3 %)", "1/7 (14.3 %)", "")
    # ages 70, 66, 72, 55: mean 65.75, squared deviations 18.0625 + 0.0625 + 39.0625 + 115.5625 = 172.75, / 3
    assert cells(table, "Age, years")[0] == "65.75 +- 7.59 (68.0, 55-72)"
    assert cells(table, "Male")[0] == "2/4 (50.0 %)"


def test_responses_by_hand() -> None:
    found = responses(*read(raw_cohort()))
    # P1 28 of 30 mm; P2 cycle 1: 60 of 65 mm on day 56, cycle 2: 14 of 15 on day 60; P3 48 of 50; P4 22 of 22 and
    # 21 on day 120; P5 10 of 11; P6 no scan; P7 complete.
    eight = [r["8 weeks"] for _, r in found]
    assert eight == ["SD", "SD", "SD", "SD", "SD", "SD", None, "CR"]
    assert [r["3 months"] for _, r in found] == ["SD", None, None, None, "SD", None, None, None]


@pytest.mark.parametrize(
    ("size", "expected"), [("21", "PR"), ("21.1", "SD"), ("36", "PD"), ("35.9", "SD"), ("0", "CR")]
)
def test_the_edges_of_recist(size: str, expected: str) -> None:
    # Baseline 30 mm: 30 % less is 21 mm, 20 % more is 36 mm (+6 mm).
    text = TABLES["measurements"].replace("P1,2018-02-26,L1,28", f"P1,2018-02-26,L1,{size}")
    raw = raw_cohort() | {"measurements": raw_table("measurements", text)}
    assert responses(*read(raw))[0][1]["8 weeks"] == expected


def test_a_new_lesion_is_progression_at_the_visit() -> None:
    raw = raw_cohort() | {"findings": raw_table("findings", TABLES["findings"] + "P1,2018-02-26,new_extrahepatic\n")}
    assert responses(*read(raw))[0][1]["8 weeks"] == "PD"


def test_table_3_medians_are_those_of_the_curves() -> None:
    made = synthetic_cohort(np.random.default_rng(4), {"HCC": 114, "CRLM": 50})
    cohort, derived = read(made.raw)
    table = describe(cohort, derived, n_bootstrap=0)[2]
    truth = [v for k, v in made.truth.items() if k[0] == "patient" and k[3] == "PFS" and int(k[1][1:]) <= 114]
    m = kaplan_meier(follow_up([d / 30.4375 for d, _ in truth], [e for _, e in truth])).median
    row = next(r for r in table.rows if r[0] == "PFS")
    assert row[1] == f"{m.estimate:.2f} ({m.lower:.2f}-{m.upper:.2f})"
    assert row[3] == f"{sum(e for _, e in truth)}/114"
    assert row[4] == str(m.at_risk)
    assert [r[0] for r in table.rows] == [
        "OS", "PFS", "PFS_local", "PFS_distant", "TTP", "TTP_local", "TTP_distant",
    ]  # fmt: skip


def test_table_4_names_reference_levels_and_selection() -> None:
    made = synthetic_cohort(np.random.default_rng(4), {"HCC": 114, "CRLM": 50})
    table = describe(*read(made.raw), n_bootstrap=20)[3]
    assert len(table.rows) == 15
    terms = {r[1] for r in table.rows}
    assert {"tumour type: CRLM vs HCC", "sex: M vs F"} <= terms
    for row in table.rows:
        entered = row[3].startswith("<") or float(row[3]) < 0.1
        assert bool(row[4]) == entered or not any(r[4] for r in table.rows if r[0] == row[0])
        assert row[6].endswith("%")
        assert row[7]


def test_forms_escape_their_signs() -> None:
    rows = ("a|b", "< 5 %"), ("1 +- 2", "<i>")
    table = TextTable(name="t", title="A_B & C", columns=("x", "y"), rows=rows, notes=("note_1",))
    assert "a\\|b" in markdown_table(table)
    assert "&lt;i&gt;" in html_table(table)
    tex = latex_table(table)
    assert r"A\_B \& C" in tex
    assert r"\textless{} 5 \%" in tex
    assert r"1 $\pm$ 2" in tex


@pytest.mark.usefixtures("every_form")
def test_describe_writes_every_form(tmp_path: Path) -> None:
    raw = synthetic_cohort(np.random.default_rng(6), {"HCC": 40, "CRLM": 20}).raw
    folder = tmp_path / "cohort"
    folder.mkdir()
    write_tables(folder, {n: (t.columns, t.rows) for n, t in raw.items()})
    out = tmp_path / "out"
    run = CliRunner().invoke(
        cli, ["cohort", "describe", str(folder), "-o", str(out), "--bootstrap", "5", "--quiet"], catch_exceptions=False
    )
    assert run.exit_code == 0
    names = ("table1-baseline", "table2-response", "table3-medians", "table4-cox")
    assert all((out / f"{n}.{f}").is_file() for n in names for f in ("csv", "md", "html", "tex"))
    rows = list(csv.reader((out / "table1-baseline.csv").read_text().splitlines()))
    assert rows[1] == ["Patients", "40", "20", "60", ""]
    page = (out / "report.html").read_text()
    assert page.count("<figure") == 4
    assert all(f"Table {k}. " in page for k in range(1, 5))
    assert {p.suffix for p in (out / "figures").iterdir()} == {".svg", ".png", ".pdf"}


def test_tests_between_groups_are_those_of_r() -> None:
    # R: kruskal.test of Hollander and Wolfe's mucociliary data, and fisher.test's tea and Job tables (help pages).
    lungs = [2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0]
    assert number_p(lungs) == pytest.approx(0.68, abs=5e-3)
    assert category_p(np.array([[3, 1], [1, 3]])) == pytest.approx(0.4857, abs=5e-5)
    job = np.array([[1, 2, 1, 0], [3, 3, 6, 1], [10, 10, 14, 9], [6, 7, 12, 11]])
    assert category_p(job) == pytest.approx(0.7827, abs=4 * np.sqrt(0.7827 * 0.2173 / 9999))
    assert np.isnan(number_p([[1.0, float("nan")], []]))
    assert np.isnan(category_p(np.array([[4, 3]])))


def test_table_1_says_yes_and_tests_patients() -> None:
    text = TABLES["patients"].strip().splitlines()
    marks = ["cirrhosis", "1", "0", "1", "0", "1", "0", "1"]
    patients = "\n".join(f"{line},{mark}" for line, mark in zip(text, marks, strict=True))
    table = describe(*read(raw_cohort() | {"patients": raw_table("patients", patients)}), n_bootstrap=0)[0]
    assert table.columns == ("", "HCC", "CRLM", "all", "p")
    assert cells(table, "Cirrhosis: yes") == ("4/4 (100.0 %)", "0/3 (0.0 %)", "4/7 (57.1 %)", "0.029")  # 1 / C(7, 3)
    assert cells(table, "Cirrhosis: no") == ("0/4 (0.0 %)", "3/3 (100.0 %)", "3/7 (42.9 %)", "")
    assert cells(table, "Follow-up scans per patient")[-1] == ""


def test_a_covariate_without_a_finite_ratio_leaves_the_others_standing() -> None:
    raw = synthetic_cohort(np.random.default_rng(4), {"HCC": 60, "CRLM": 30}).raw
    cohort, derived = read(raw)
    progressed = {e.id for e in derived.endpoints if (e.unit, e.endpoint) == ("patient", "PFS_distant") and e.event}
    sexes = [replace(p, sex="F" if p.patient_id in progressed else "M") for p in cohort.patients]
    table = describe(replace(cohort, patients=tuple(sexes)), derived, n_bootstrap=0)[3]
    rows = list(table.rows)
    distant = rows[next(i for i, r in enumerate(rows) if r[0] == "PFS_distant") :]
    sex = next(r for r in distant if r[1] == "sex: M vs F")
    assert sex[2].startswith("Firth: 0.0")
    assert sex[7] == ""
    others = [r for r in distant if r is not sex]
    assert len(others) == 4
    assert all(r[2] and r[7] for r in others)
    assert any(n.startswith("PFS_distant: sex: M vs F parts patients with an event") for n in table.notes)


def test_the_flow_chart_and_the_panels_say_their_numbers() -> None:
    rules = rules_from("paper", {})
    cohort, derived = read(raw_cohort(), rules)
    steps, curves = flow(cohort, derived), endpoint_curves(cohort, derived)
    figures = paper_figures(steps, curves, endpoint_tests(cohort, derived))
    chart = {t.get_text().strip() for t in figures["figure1-flow"].axes[0].texts}
    left_out = {
        s.step.removeprefix("excluded: "): s.patients for s in steps if s.group == "all" and "excluded" in s.step
    }
    assert {"7 patients, 9 lesions", f"Excluded: {sum(left_out.values())} patient"} <= chart
    assert all(f"{reason}:" in chart for reason in left_out)
    panels = [a for a in figures["figure3-progression"].axes if a.get_title(loc="left")]
    assert [a.get_title(loc="left").split(",")[0] for a in panels] == ["PFS", "PFS_local", "PFS_distant"]
    m = curves["PFS"]["HCC"].median
    labels = [t.get_text() for t in panels[0].get_legend().get_texts()]
    assert labels[0] == f"HCC: {estimate_text(m.estimate, m.lower, m.upper, 1)}"
    assert "log-rank p" in panels[0].get_title(loc="left")
