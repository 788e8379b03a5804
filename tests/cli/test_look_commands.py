"""``hdrplan plot`` and ``hdrplan compare``: pages and figures of plans on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PLANS: dict[str, Path] = {}


@pytest.fixture
def plans(run, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two plans of the straight catheter, 20 and 15 Gy, made once."""
    if not PLANS:
        folder = tmp_path_factory.mktemp("plans")
        for name, dose_gy in (("twenty", 20), ("fifteen", 15)):
            path = folder / name
            made = run("plan", phantoms / "straight-catheter", "--prescription", f"cylinder={dose_gy}", "-o", path)
            assert made.code == 0, made.err
            PLANS[name] = path
    return PLANS


@pytest.mark.parametrize(("what", "name"), [("dvh", "dvh.svg"), ("isodose", "isodoses.png"), ("3d", "plan.html")])
def test_plot_writes_the_figure_named(run, plans, phantoms, what, name):
    case = phantoms / "straight-catheter"
    made = run("plot", case, "--plan", plans["twenty"], "--what", what, "-o", name, "--dpi", 50)
    assert made.code == 0, made.err
    start = {"dvh.svg": b"<?xml", "isodoses.png": b"\x89PNG", "plan.html": b"<!doctype html>"}[name]
    assert Path(name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("what", "name"), [("dvh", "dvh.bmp"), ("dvh", "dvh"), ("3d", "plan.png"), ("dvh", "dvh.html")]
)
def test_plot_refuses_a_name_that_does_not_fit(run, phantoms, what, name):
    Path("plan.json").write_text("{}")
    made = run("plot", phantoms / "straight-catheter", "--plan", "plan.json", "--what", what, "-o", name)
    assert made.code == 2
    assert made.err.count("\n") == 1
    assert "must end in" in made.err
    assert not Path(name).exists()


def test_compare_writes_one_page(run, plans, phantoms):
    made = run("compare", plans["twenty"], plans["fifteen"], "--case", phantoms / "straight-catheter", "-o", "c.html")
    assert made.code == 0, made.err
    text = Path("c.html").read_text(encoding="utf-8")
    assert "twenty" in text
    assert "fifteen" in text
    assert "D100 ≥ 15 Gy" in text


def test_compare_works_without_a_case(run, plans):
    made = run("compare", plans["twenty"], plans["fifteen"], "-o", "c.html", "-q")
    assert (made.code, made.out) == (0, "")
    assert Path("c.html").is_file()


def test_compare_names_the_folder_that_is_none(run, plans):
    made = run("compare", plans["twenty"], "nowhere", "-o", "c.html")
    assert made.code == 2
    assert "nowhere: expected a file or folder, got none of that name" in made.err
    assert not Path("c.html").exists()


@pytest.mark.parametrize(
    ("file", "text"), [("metrics.json", "{}"), ("metrics.json", "[1]"), ("dvh.csv", "structure\nx")]
)
def test_compare_refuses_broken_results(run, plans, tmp_path, file, text):
    shutil.copytree(plans["fifteen"], tmp_path / "broken")
    (tmp_path / "broken" / file).write_text(text, encoding="utf-8")
    made = run("compare", plans["twenty"], "broken", "-o", "c.html")
    assert made.code == 2
    assert file in made.err
    assert "Traceback" not in made.err
    assert not Path("c.html").exists()


def test_compare_refuses_one_plan(run, plans):
    made = run("compare", plans["twenty"], "-o", "c.html")
    assert made.code == 2
    assert "2 to 4 plans" in made.err
