"""Result folders: whole or absent, the same bytes twice, plans that come back exactly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from demo_case import small_plan
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.io import Output, ResultFolder, RunRecord, dose_file, read_plan, read_plan_file, read_volume, write_results


def write(folder: Path, *, overwrite: bool = False, packed: bool = False, **metrics: object) -> Path:
    grid = Grid(shape_zyx=(3, 4, 5), origin_mm=np.array([1.0, 2.0, 3.0]), spacing_mm=np.array([1.0, 1.5, 2.0]))
    results = ResultFolder(
        name="case",
        plan=small_plan(),
        dose=Volume(grid, np.random.default_rng(0).random((3, 4, 5))),
        dvh={"lesion, B": (np.array([0.0, 1.0]), np.array([4.0, 2.0]))},
        metrics={"structures": {"lesion": {"d100_gy": np.float64(20.0), "d2_gy": np.nan}}} | metrics,
    )
    run = RunRecord(inputs={"ct": "0" * 64}, options={"step_mm": 5.0}, seed=None)
    write_results(
        Output(path=folder, overwrite=overwrite),
        results,
        report_html="<html></html>",
        run=run,
        dose=dose_file(results.dose) if packed else None,
    )
    return folder


def test_plan_comes_back_bit_for_bit(tmp_path: Path) -> None:
    folder = write(tmp_path / "out")
    plan = read_plan(folder)
    want = small_plan()
    assert read_plan_file(folder).name == "case"
    for field in ("positions_mm", "axes", "catheter", "offset_mm"):
        np.testing.assert_array_equal(getattr(plan.dwells, field), getattr(want.dwells, field))
    np.testing.assert_array_equal(plan.times_s, want.times_s)
    assert plan.source is want.source
    assert plan.strength == want.strength


def test_dose_dvh_metrics_are_as_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "out")
    dose = read_volume(folder / "dose.nrrd")
    np.testing.assert_array_equal(dose.values_zyx, np.random.default_rng(0).random((3, 4, 5)).astype(np.float32))
    np.testing.assert_allclose(dose.grid.spacing_mm, [1.0, 1.5, 2.0])
    assert (folder / "dvh.csv").read_text().splitlines()[1:] == ['"lesion, B",0,4,1', '"lesion, B",1,2,0.5']
    assert json.loads((folder / "metrics.json").read_text())["structures"]["lesion"]["d2_gy"] is None
    plan = small_plan()
    table = [line.split(",") for line in (folder / "dwells.csv").read_text().splitlines()]
    assert table[0] == ["channel", "catheter", "from_tip_mm", "time_s", "x_mm", "y_mm", "z_mm"]
    assert sum(float(row[3]) for row in table[1:]) == pytest.approx(plan.total_time_s, abs=1e-2)
    assert len(table) - 1 == int((plan.times_s > 0).sum())
    places = [(int(row[0]), float(row[2])) for row in table[1:]]
    assert places == sorted(places)
    assert json.loads((folder / "run.json").read_text())["inputs_sha256"] == {"ct": "0" * 64}


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a"), write(tmp_path / "b")
    for name in ("plan.json", "dose.nrrd", "dvh.csv", "dwells.csv", "metrics.json", "report.html"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="numbers, text, lists"):
        write(tmp_path / "out", a=object())
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_stays(tmp_path: Path) -> None:
    folder = write(tmp_path / "out")
    with pytest.raises(InputError, match="`overwrite=True`"):
        write(folder)
    write(folder, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("work")
    with pytest.raises(InputError, match="only a folder written by hdrplan"):
        write(other, overwrite=True)
    assert (other / "thesis.txt").read_text() == "work"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "hdrplan.plan/9"}, "schema"),
        ({"dwells": []}, "at least one dwell"),
        ({"schema": "hdrplan.plan/1"}, "before plans carried their source: plan the case again"),
        ({"dwells": [{"catheter": 0}]}, "dwells 1: position_mm must be a list"),
        ({"dwells": 7}, "dwells must be a list"),
        ({"catheters": ["a"]}, "named catheter"),
        ({"strength": {"value_u": "strong"}}, "value_u must be a finite number"),
        ({"strength": {"value_u": -5.0}}, "between 100 and 100,000 U"),
        (
            {"strength": {"value_u": 4e4, "apparent_activity": {"activity_mci": 1e4, "u_per_mci": 4.07}}},
            "the 40700 U of",
        ),
        ({"source": "gammamed-12i"}, "source must be a table"),
        ({"source": {"name": "gammamed-12", "sha256": ""}}, "Did you mean gammamed-12i"),
        ({"source": {"name": "gammamed-12i", "sha256": "0" * 64}}, "version of hdrplan that wrote the plan"),
        ({"source": {"schema": "hdrplan.source-values/1", "name": "mine"}}, "must be a table"),
    ],
)
def test_broken_plan_json(tmp_path: Path, change: dict[str, object], says: str) -> None:
    folder = write(tmp_path / "out")
    table = json.loads((folder / "plan.json").read_text()) | change
    (folder / "plan.json").write_text(json.dumps(table))
    with pytest.raises(FormatError, match=says):
        read_plan(folder)


@pytest.mark.parametrize("name", ["schema", "warnings", "files"])
def test_a_fact_does_not_take_the_place_of_an_entry_of_every_record(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        RunRecord(inputs={}, options={}, facts={name: "hdrplan.other/1"}).table()


def test_a_dose_packed_before_is_the_same_file(tmp_path: Path) -> None:
    first, second = write(tmp_path / "first"), write(tmp_path / "second", packed=True)
    assert (first / "dose.nrrd").read_bytes() == (second / "dose.nrrd").read_bytes()
