"""The four tables on the cohort worked out by hand, and their files."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cohort_by_hand import TABLES, raw_cohort, raw_table
from hdrplan.analysis import TextTable, describe, responses
from hdrplan.cli import cli
from hdrplan.cohort import Cohort, Derived, RawTable, Rules, checked_cohort, derive
from hdrplan.io import write_tables
from hdrplan.outcomes import follow_up, kaplan_meier
from hdrplan.report import html_table, latex_table, markdown_table
from synthetic_cohort import synthetic_cohort


def read(raw: dict[str, RawTable], rules: Rules | None = None) -> tuple[Cohort, Derived]:
    rules = rules or Rules()
    cohort, _ = checked_cohort(raw, rules, today=dt.date(2026, 1, 1))
    return cohort, derive(cohort, rules)


def cells(table: TextTable, row: str) -> tuple[str, ...]:
    return next(r[1:] for r in table.rows if r[0] == row)


def test_table_1_counts_by_hand() -> None:
    table = describe(*read(raw_cohort()), n_bootstrap=0)[0]
    assert table.columns == ("", "HCC", "CRLM", "all")
    assert cells(table, "Patients") == ("4", "3", "7")
    assert cells(table, "Treatment cycles") == ("4", "4", "8")
    assert cells(table, "Treated lesions") == ("4", "5", "9")
    assert cells(table, "Multifocal") == ("0/4 (0.0 %)", "1/3 (33.3 %)", "1/7 (14.3 %)")
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
    assert row[2] == f"{m.estimate:.2f} ({m.lower:.2f}-{m.upper:.2f})"
    assert row[3] == str(m.at_risk)
    assert row[5] == f"{sum(e for _, e in truth)}/114"
    assert [r[0] for r in table.rows if r[0]] == [
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
    assert rows[1] == ["Patients", "40", "20", "60"]
    assert {p.suffix for p in (out / "figures").iterdir()} == {".svg", ".png", ".pdf"}
