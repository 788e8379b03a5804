"""Cohort tables from files: CSV, Parquet and Excel give the same cohort; broken files name themselves."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cohort_by_hand import BY_HAND, TABLES, full_form, raw_cohort
from hdrplan.cli.cohort import command
from hdrplan.cohort import COMPACT, RawTable, Rules, validate
from hdrplan.cohort import TABLES as SCHEMAS
from hdrplan.errors import FormatError, InputError
from hdrplan.io import read_cohort, write_tables


def written(folder: Path, raw: dict[str, RawTable], form: str = "csv") -> Path:
    folder.mkdir(exist_ok=True)
    write_tables(folder, {n: (t.columns, t.rows) for n, t in raw.items()}, form)
    return folder


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_every_form_of_file_reads_back_the_same(tmp_path: Path, form: str) -> None:
    raw = full_form()
    tables, problems = read_cohort(written(tmp_path / form, raw, form))
    assert tables == raw
    assert problems == []


def test_typed_cells_of_excel_become_iso_text(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "patients"
    book.active.append(["patient_id", "tumour_type", "sex", "age_years", "last_contact_date", "death_date"])
    book.active.append([1, "HCC", "M", 70.0, dt.datetime(2018, 1, 1), dt.datetime(2018, 1, 1, 13, 5)])
    book.active.append([None] * 6)
    book.save(tmp_path / "cohort.xlsx")
    tables, _ = read_cohort(tmp_path / "cohort.xlsx")
    assert tables["patients"].rows == (("1", "HCC", "M", "70", "2018-01-01", "2018-01-01T13:05:00"),)


def test_files_that_are_no_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing of that name"):
        read_cohort(tmp_path / "none")
    with pytest.raises(InputError, match=r"patients\.csv"):
        read_cohort(tmp_path)
    (tmp_path / "patients.csv").write_text("a;b\n1;2\n")
    assert read_cohort(tmp_path)[0]["patients"].rows == (("1", "2"),)
    (tmp_path / "patients.csv").write_bytes(b"patient_id\nM\xfcller\n")
    with pytest.raises(FormatError, match="UTF-8"):
        read_cohort(tmp_path)
    (tmp_path / "patients.csv").unlink()
    (tmp_path / "patients.parquet").write_text("no parquet")
    with pytest.raises(FormatError, match="Parquet"):
        read_cohort(tmp_path)
    (tmp_path / "x.xlsx").write_text("no workbook")
    with pytest.raises(FormatError, match="Excel"):
        read_cohort(tmp_path / "x.xlsx")


def test_two_files_of_one_table_are_a_problem(tmp_path: Path) -> None:
    written(tmp_path, raw_cohort())
    written(tmp_path, {"patients": raw_cohort()["patients"]}, "parquet")
    _, found = read_cohort(tmp_path)
    assert [(p.table, p.rule) for p in found] == [("patients", "duplicate_key")]


@pytest.mark.parametrize("compact", [False, True])
def test_the_template_has_all_columns_and_schemas(tmp_path: Path, compact: bool) -> None:
    args = ["template", "-o", str(tmp_path / "t"), *(["--compact"] if compact else [])]
    assert CliRunner().invoke(command, args, catch_exceptions=False).exit_code == 0
    tables, _ = read_cohort(tmp_path / "t")
    for name, table in tables.items():
        form = COMPACT.get(name, SCHEMAS[name]) if compact else SCHEMAS[name]
        assert table.columns == tuple(c.name for c in form.columns)
        schema = json.loads((tmp_path / "t" / "schema" / f"{name}.schema.json").read_text())
        assert set(schema["required"]) == {c.name for c in form.columns if c.required}
    _, problems = validate(tables, Rules(), today=dt.date(2026, 1, 1))
    assert {p.rule for p in problems} == {"empty_table"}


def printed(stdout: str) -> dict[str, Any]:
    """JSON of a command; before Click 8.2 its runner puts the warnings of stderr in front."""
    table: dict[str, Any] = json.loads(stdout[stdout.index("{") :])
    return table


def test_derive_from_the_command_line_writes_the_endpoints_by_hand(tmp_path: Path) -> None:
    cohort = written(tmp_path / "cohort", raw_cohort())
    out = tmp_path / "out"
    run = CliRunner().invoke(command, ["derive", str(cohort), "-o", str(out), "--json"], catch_exceptions=False)
    assert run.exit_code == 0
    lines = (out / "endpoints.csv").read_text().splitlines()
    assert lines[0] == "unit,id,cycle,endpoint,days,event,reason,scan_date"
    rows = [line.split(",") for line in lines[1:]]
    assert {(r[0], r[1], int(r[2]), r[3]): (int(r[4]), int(r[5])) for r in rows} == BY_HAND
    assert printed(run.stdout)["endpoints"]["lesion local_recurrence"] == {"n": 9, "events": 2, "competing": 1}
    assert json.loads((out / "rules.json").read_text())["recurrence"] == "recist11"


def test_validate_lists_all_errors_and_fails(tmp_path: Path) -> None:
    raw = raw_cohort()
    cohort = written(tmp_path / "cohort", raw)
    (cohort / "sessions.csv").write_text(TABLES["sessions"].strip().replace("2018-01-01,L1", "1.1.18,L1"))
    run = CliRunner().invoke(command, ["validate", str(cohort), "--json"])
    assert isinstance(run.exception, InputError)
    table = json.loads(run.stdout)
    assert table["errors"] == 1
    first = table["problems"][0]
    assert (first["table"], first["row"], first["rule"]) == ("sessions", 2, "date_not_iso")
    assert first["remedy"]


def test_rules_come_from_study_and_from_set(tmp_path: Path) -> None:
    raw = raw_cohort() | {"study": RawTable("study", ("data_lock_date", "rules"), (("2020-06-30", "paper"),))}
    cohort = written(tmp_path / "cohort", raw)
    runner = CliRunner()
    run = runner.invoke(command, ["derive", str(cohort), "-o", str(tmp_path / "a"), "--json"], catch_exceptions=False)
    assert printed(run.stdout)["rules"]["recurrence"] == "seed_literal"
    more = ["--rules", "recommended", "--set", "unit=sum", "--json"]
    run = runner.invoke(command, ["derive", str(cohort), "-o", str(tmp_path / "b"), *more], catch_exceptions=False)
    assert printed(run.stdout)["rules"]["unit"] == "sum"
    for bad, words in (("unit=both", "lesion, sum"), ("units=sum", "expected a rule"), ("cycle_min_days=x", "number")):
        with pytest.raises(InputError, match=words):
            runner.invoke(
                command, ["derive", str(cohort), "-o", str(tmp_path / "c"), "--set", bad], catch_exceptions=False
            )
    assert not (tmp_path / "c").exists()


def test_a_table_that_no_sheet_can_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # openpyxl writes rows beyond Excel's last one, and Excel reads the others.
    monkeypatch.setattr("hdrplan.io.cohort._SHEET_ROWS", 3)
    tables = {"patients": (["patient_id"], [["a"], ["b"]])}
    write_tables(tmp_path, tables, "xlsx")
    tables["patients"][1].append(["c"])
    with pytest.raises(InputError, match="a sheet of a workbook holds 3 rows, got 3 and a header"):
        write_tables(tmp_path, tables, "xlsx")
    write_tables(tmp_path, tables, "csv")
