"""``hdrplan simulate procedure`` and ``hdrplan place --foresee`` as a person calls them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from hdrplan.io import read_catheters

FEW = ("--ctv", "lesion_B", "--prescription", "lesion_B=20", "--candidates", "6", "--count", "2")


@pytest.fixture
def phantoms(small_phantoms: Path) -> Path:
    """A patient of half the size: choosing and drawing take half the time."""
    return small_phantoms


@pytest.mark.slow
def test_a_study_is_a_page_a_table_and_a_row_for_each_procedure(run, phantoms: Path, tmp_path: Path):
    out = tmp_path / "procedures"
    flags = ("simulate", "procedure", phantoms / "liver-lesion-b-5mm", *FEW, "--sample", "6", "--workers", "1")
    done = run(*flags, "--runs", "2", "-o", out)
    assert done.code == 0, done.err
    assert "95 % interval" in done.out
    table = json.loads((out / "procedure.json").read_text())
    assert [arm["arm"] for arm in table["arms"]] == ["as planned", "re-planned"]
    assert all(arm["met_low"] <= arm["met"] / arm["runs"] <= arm["met_high"] for arm in table["arms"])
    with (out / "procedures.csv").open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert [(row["number"], row["arm"]) for row in rows] == [
        (k, arm) for k in "01" for arm in ("as planned", "re-planned")
    ]
    assert rows[0]["error_mm"] == rows[1]["error_mm"]
    page = (out / "procedure.html").read_text()
    assert "Simulated procedures" in page
    assert "nan" not in page.partition("<main")[2].partition("<script")[0].lower().replace("data:", "")[:2000]
    again = run(*flags, "--runs", "2", "-o", out, "--overwrite", "--json")
    assert json.loads(again.out) == table


@pytest.mark.slow
def test_the_next_catheter_stands_beside_the_nominal_choice(run, phantoms: Path, tmp_path: Path):
    out = tmp_path / "placed"
    flags = (*FEW, "--most", "2", "--time-limit", "3600", "--error", "5.5", "--scenarios", "2", "--foresee")
    done = run("place", phantoms / "liver-lesion-b-5mm", *flags, "-o", out)
    assert done.code == 0, done.err
    assert "Next for the best expected end, over 2 displacements of 5.5 mm" in done.out
    seen = json.loads((out / "place.json").read_text())["foreseen"]
    assert len(seen["tried"]) == seen["clear_paths"]
    exact = [one["rest_as_chosen"] for one in seen["tried"]]
    assert all(one["bound_priced"] <= one["expected_priced"] * (1 + 1e-9) for one in exact)
    assert seen["bound"] == min(one["bound_priced"] for one in exact)
    ranked = [one["expected_priced"] for one in seen["tried"]]
    assert ranked == sorted(ranked)
    page = (out / "place.html").read_text()
    others = "errors foreseen (not in this plan)" in page
    assert others == ("It is none of the catheters of this plan" in done.out)
    assert page.count('class="card"') == 2 + others
    nominal = next(one for one in seen["tried"] if one["path"] == seen["nominal_path"])
    planned = read_catheters(out / "catheters.mrk.json")
    assert planned[0].points_mm[0] == pytest.approx(nominal["entry_mm_lps"], abs=1e-3), "cath_1 is the nominal next"
    (first,) = read_catheters(out / "next.mrk.json")
    assert first.points_mm[0] == pytest.approx(seen["tried"][0]["entry_mm_lps"], abs=1e-3)


def test_foresight_without_an_error_is_refused(run, phantoms: Path, tmp_path: Path):
    done = run("place", phantoms / "liver-lesion-b-5mm", *FEW, "--foresee", "-o", tmp_path / "placed")
    assert done.code == 2
    assert "--error" in done.err
    assert not (tmp_path / "placed").exists()


@pytest.mark.parametrize(("flag", "value"), [("--runs", "0"), ("--count", "0"), ("--error", "31"), ("--sample", "0.1")])
def test_numbers_that_cannot_be_are_refused_before_work(run, phantoms: Path, tmp_path: Path, flag: str, value: str):
    done = run("simulate", "procedure", phantoms / "liver-lesion-b-5mm", *FEW, flag, value, "-o", tmp_path / "out")
    assert done.code == 2
    assert not (tmp_path / "out").exists()
