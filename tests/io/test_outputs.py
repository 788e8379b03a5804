"""Tables and records that are written: cell by cell, and what reads them back."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from hdrplan.cautions import caution
from hdrplan.errors import InputError
from hdrplan.io import (
    RunRecord,
    json_text,
    new_file,
    new_folder,
    read_cohort,
    read_table,
    write_json,
    write_rows,
    write_run,
    write_tables,
    write_values,
)


def test_cells_for_spreadsheets_are_never_formulas(tmp_path: Path) -> None:
    row = ('=HYPERLINK("x")', "a\nb", float("nan"), None, 1 / 3, -2, True)
    write_rows(tmp_path / "t.csv", tuple("abcdefg"), [row], for_spreadsheets=True)
    assert (tmp_path / "t.csv").read_text() == 'a,b,c,d,e,f,g\n"\'=HYPERLINK(""x"")",a b,,,0.333333,-2,True\n'


FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "=", "-", "'=1", "-P1")
NO_FORMULAS = ("-1.5", "+2", "-1e-3", "-inf", "a=b", "", "1-2", "'", "'a")


def test_no_table_of_any_kind_holds_a_formula_and_all_read_back(tmp_path: Path) -> None:
    texts = (*FORMULAS, *NO_FORMULAS)
    write_rows(tmp_path / "rows.csv", ("id", "=note"), [(f"P{k}", text) for k, text in enumerate(texts)])
    write_values(tmp_path / "values.csv", [Value(text, None, True) for text in texts], Value)
    rows = [(f"P{k}", text) for k, text in enumerate(texts)]
    for form in ("csv", "xlsx"):
        (tmp_path / form).mkdir()
        write_tables(tmp_path / form, {"patients": (("patient_id", "note"), rows)}, form)
    book = openpyxl.load_workbook(tmp_path / "xlsx" / "cohort.xlsx")
    cells = [str(cell.value or "") for row in book["patients"].iter_rows() for cell in row]
    for name in ("rows.csv", "values.csv", "csv/patients.csv"):
        with (tmp_path / name).open(newline="") as stream:
            cells += [cell for row in csv.reader(stream) for cell in row]
    assert not any(cell.data_type == "f" for row in book["patients"].iter_rows() for cell in row)
    assert {cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))} == {"-1.5", "+2", "-1e-3", "-inf"}
    assert read_table(tmp_path / "rows.csv").cells("=note") == texts
    for form in ("csv", "xlsx"):
        back = [row[1] for row in read_cohort(tmp_path / form)[0]["patients"].rows]
        assert back == list(texts), form


def test_cells_keep_every_digit_and_every_character(tmp_path: Path) -> None:
    rows = [(1 / 3, np.float64(0.1), None, True), ("a,b", 'say "x"', "a\nb", "a\rb")]
    write_rows(tmp_path / "t.csv", ("p", "q", "r", "s"), rows)
    with (tmp_path / "t.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["p", "q", "r", "s"],
            ["0.3333333333333333", "0.1", "", "True"],
            ["a,b", 'say "x"', "a\nb", "a\rb"],
        ]


def test_a_row_of_one_empty_cell_is_a_row(tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv", ("only",), [(None,), ("x",)])
    with (tmp_path / "t.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["only"], [""], ["x"]]


@dataclass(frozen=True)
class Value:
    name: str
    days: float | None
    seen: bool


def test_values_are_rows_and_their_fields_the_header(tmp_path: Path) -> None:
    write_values(tmp_path / "t.csv", [Value("a", 1.5, True), Value("b", float("inf"), False)], Value)
    assert (tmp_path / "t.csv").read_text() == "name,days,seen\na,1.5,1\nb,,0\n"
    write_values(tmp_path / "t.csv", [], Value)
    assert (tmp_path / "t.csv").read_text() == "name,days,seen\n"


def test_json_holds_plain_values_only() -> None:
    assert json.loads(json_text({"x": np.array([1.0, np.nan]), "p": Path("a/b"), "t": (1, None)})) == {
        "x": [1.0, None],
        "p": "a/b",
        "t": [1, None],
    }
    with pytest.raises(InputError, match="results hold numbers, text, lists and tables, got object"):
        json_text({"x": object()})


def test_the_record_of_a_run_names_versions_inputs_and_choices(tmp_path: Path) -> None:
    run = RunRecord(inputs={"case.toml": "ab"}, options={"step_mm": 5.0}, seed=3, warnings=[caution("ct-one-slice")])
    write_run(tmp_path, run)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["schema"] == "hdrplan.run/1"
    assert {"hdrplan", "python", "numpy"} <= set(record["versions"])
    assert record["inputs_sha256"] == {"case.toml": "ab"}
    assert (record["options"], record["seconds"], record["seed"]) == ({"step_mm": 5.0}, {}, 3)
    assert [w["id"] for w in record["warnings"]] == ["ct-one-slice"]
    assert not {"user", "host", "node"} & set(record)
    write_json(tmp_path / "x.json", record)
    assert json.loads((tmp_path / "x.json").read_text()) == record


def test_new_folder_and_new_file_leave_nothing_on_failure(tmp_path: Path) -> None:
    def fail_in_folder() -> None:
        with new_folder(tmp_path / "out") as draft:
            (draft / "half").write_text("x")
            raise RuntimeError

    def fail_in_file() -> None:
        with new_file(tmp_path / "table.csv") as draft:
            draft.write_text("half")
            raise RuntimeError

    for fail in (fail_in_folder, fail_in_file):
        with pytest.raises(RuntimeError):
            fail()
    assert list(tmp_path.iterdir()) == []
