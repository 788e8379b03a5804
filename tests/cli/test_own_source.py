"""A plan made with a source file of the user goes wherever a plan goes: it carries its source."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path

import pytest

from hdrplan.io import read_plan

OWN = "our afterloader"
MADE: dict[str, Path] = {}


@pytest.fixture
def plan(run, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the plan of a case that names a source file, made once; case and source file are gone."""
    if not MADE:
        folder = tmp_path_factory.mktemp("own")
        case = Path(shutil.copytree(phantoms / "straight-catheter", folder / "case"))
        write_own_source(case / "ours.json")
        toml = (case / "case.toml").read_text()
        (case / "case.toml").write_text(toml.replace('name = "gammamed-12i"', 'file = "ours.json"'))
        made = run("plan", case, "--samples-only", "-o", folder / "plan")
        assert made.code == 0, made.err
        shutil.rmtree(case)
        MADE["plan"] = folder / "plan"
    return MADE["plan"]


def write_own_source(path: Path) -> None:
    """A source that no packaged one can stand for: a tenth stronger."""
    data = resources.files("hdrplan.sources") / "data" / "gammamed-12i.json"
    record = json.loads(data.read_text("utf-8")) | {"name": OWN, "model": "Ours"}
    record["dose_rate_constant_cgy_per_h_per_u"] *= 1.1
    path.write_text(json.dumps(record), encoding="utf-8")


def test_evaluate_gives_the_doses_that_were_planned(run, plan, phantoms):
    made = run("evaluate", phantoms / "straight-catheter", "--plan", plan, "--samples-only", "--json")
    assert made.code == 0, made.err
    planned = json.loads((plan / "metrics.json").read_text())["structures"]["cylinder"]["d100_gy"]
    assert json.loads(made.out)["structures"]["cylinder"]["d100_gy"] == pytest.approx(planned, rel=1e-12)
    assert json.loads(made.out)["plan"]["source_name"] == OWN


def test_robust_moves_its_own_source(run, plan, phantoms):
    case = phantoms / "straight-catheter"
    made = run("robust", case, "--plan", plan, "-n", 4, "--decompose", 0, "--json")
    assert made.code == 0, made.err
    row = json.loads(made.out)["metrics"]["cylinder d100_gy"]
    assert row["planned"] == pytest.approx(20.0, rel=0.02)


@pytest.mark.parametrize("what", ["dvh", "catheters"])
def test_plot_draws_it(run, plan, phantoms, what):
    made = run("plot", phantoms / "straight-catheter", "--plan", plan, "--what", what, "-o", "plan.svg")
    assert made.code == 0, made.err


def test_dose_takes_its_source_unless_another_is_given(run, plan):
    Path("points.csv").write_text("x_mm,y_mm,z_mm\n20,0,0\n")
    doses = []
    for more in ([], ["--source", "gammamed-12i"]):
        made = run("dose", plan, "--points", "points.csv", "-o", f"dose{len(more)}.csv", "--json", *more)
        assert made.code == 0, made.err
        doses.append(json.loads(made.out)["max_gy"])
    assert doses[0] / doses[1] == pytest.approx(1.1, rel=1e-9)


def test_compare_names_it(run, plan):
    shutil.copytree(plan, "again")
    made = run("compare", plan, "again", "-o", "compare.html")
    assert made.code == 0, made.err
    assert OWN in Path("compare.html").read_text(encoding="utf-8")


def test_plan_locks_its_times(run, plan, phantoms):
    write_own_source(Path("ours.json"))
    case = phantoms / "straight-catheter"
    made = run("plan", case, "--source", "ours.json", "--lock", plan, "--samples-only", "-o", "locked")
    assert made.code == 0, made.err
    assert read_plan(Path("locked")).source.name == OWN


def test_export_and_back(run, plan, phantoms):
    """DICOM has no place for TG-43 data: check and import are given the file, and say so where they are not."""
    made = run("export", plan, "--case", phantoms / "straight-catheter", "-o", "dicom")
    assert made.code == 0, made.err
    made = run("check", "dicom")
    assert made.code == 2
    assert "must name a known source model" in made.err
    assert "--source" in made.err
    write_own_source(Path("ours.json"))
    made = run("check", "dicom", "--source", "ours.json")
    assert made.code == 0, made.out + made.err
    made = run("import", "dicom", "-o", "imported", "--source", "ours.json", "--ctv", "cylinder")
    assert made.code == 0, made.err
    Path("ours.json").unlink()
    made = run("evaluate", "imported", "--plan", "imported", "--json")
    assert made.code == 0, made.err
    assert json.loads(made.out)["plan"]["source_name"] == OWN


def test_a_source_file_takes_the_place_of_a_name(run, phantoms):
    write_own_source(Path("ours.json"))
    made = run("plan", phantoms / "straight-catheter", "--source", "ours.json", "--dry-run")
    assert made.code == 0, made.err
    assert "Ours, 40700 U" in made.out


def test_a_plan_of_the_first_schema_is_refused_with_a_remedy(run, plan, phantoms):
    table = json.loads((plan / "plan.json").read_text())
    old = table | {"schema": "hdrplan.plan/1", "source": "gammamed-12i", "strength_u": 40700.0}
    Path("plan.json").write_text(json.dumps(old))
    made = run("evaluate", phantoms / "straight-catheter", "--plan", "plan.json")
    assert made.code == 2
    assert "plan the case again" in made.err
