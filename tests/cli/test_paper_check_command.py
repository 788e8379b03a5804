"""``hdrplan paper-check``: the page in docs is what the code writes; any table can be checked."""

import json
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measurements" / "paper-check.md"


def test_the_page_is_up_to_date(run):
    ran = run("paper-check", "--markdown")
    assert ran.out == PAGE.read_text(encoding="utf-8"), "write it again: hdrplan paper-check --markdown"


def test_json_and_text_tell_the_same(run):
    got = json.loads(run("paper-check", "--json").out)
    assert len(got["inconsistencies"]) == 35
    text = run("paper-check").out
    assert all(row["computed"] in text for row in got["inconsistencies"])
    assert "NOT CONFIRMED" not in text


def test_a_table_of_ones_own(run, tmp_path: Path):
    (tmp_path / "t.csv").write_text(
        "row,ratio,lower,upper,p\nage,1.028,1.008,1.048,0.050\nsex,0.843,0.560,1.272,0.416\n"
    )
    found = json.loads(run("paper-check", "t.csv", "--json").out)["findings"]
    assert [(f["where"], f["rule"]) for f in found] == [("age", "p against interval")]
    (tmp_path / "good.csv").write_text("row,count,total,percent\nfemale,24,114,21.1\n")
    assert run("paper-check", "good.csv").out == "no contradiction found\n"


def test_a_table_that_cannot_be_read(run, tmp_path: Path):
    (tmp_path / "t.csv").write_text("row,hazard\nage,1.0\n")
    assert "hazard" in run("paper-check", "t.csv").err
    (tmp_path / "t.csv").write_text("row,ratio,lower,upper\nage,one,1,2\n")
    ran = run("paper-check", "t.csv")
    assert ran.code == 2
    assert "line 2" in ran.err


def test_swapped_bounds_under_other_names_are_no_clean_table(run, tmp_path: Path):
    (tmp_path / "t.csv").write_text("row,HR,CI low,CI high,p\nage,1.5,2.05,1.10,0.01\n")
    ran = run("paper-check", "t.csv")
    assert ran.code == 2
    assert "HR -> ratio, CI low -> lower, CI high -> upper" in ran.err


def test_what_blank_cells_leave_unchecked_is_said(run, tmp_path: Path):
    (tmp_path / "t.csv").write_text("row,ratio,lower,upper,p\nage,1.5,1.1,,0.01\nreference,1,,,\n")
    out = run("paper-check", "t.csv").out
    assert "age: not checked, as cells beside are blank: ratio, lower, p" in out
    assert "no contradiction found in the cells that could be checked" in out
    left = json.loads(run("paper-check", "t.csv", "--json").out)["unchecked"]
    assert left[1] == {"where": "reference", "columns": ["ratio"]}


def test_rows_are_held_against_the_rows_they_belong_to(run, tmp_path: Path):
    text = "row,median,minimum,maximum,component_of\nTTP,11,1.60,35,\nTTP_local,20,1.33,50,TTP\n"
    (tmp_path / "t.csv").write_text(text)
    assert "TTP_local and TTP: composite not later than its component" in run("paper-check", "t.csv").out
    (tmp_path / "t.csv").write_text(text.replace(",TTP\n", ",TPP\n"))
    assert "component_of must name a row" in run("paper-check", "t.csv").err
