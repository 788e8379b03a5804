"""``hdrplan dose`` from the outside."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hdrplan
from hdrplan.cli.dose import command
from hdrplan.dose import dose_at_points
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Dwells
from hdrplan.io import read_volume
from hdrplan.sources import load_source


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "dwells.csv").write_text("x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n0,0,0,0,0,1,10\n0,0,5,0,0,2,20\n")
    (tmp_path / "points.csv").write_text("name,x_mm,y_mm,z_mm\nnear,10,0,0\nfar,0,0,-150\n")
    return tmp_path


def flags(folder: Path) -> list[str]:
    return ["--source", "gammamed-plus", "--strength", "40700", "--dwells", str(folder / "dwells.csv")]


def test_points_get_the_library_dose(tables: Path) -> None:
    out = tables / "dose.csv"
    run = CliRunner().invoke(command, [*flags(tables), "--points", str(tables / "points.csv"), "-o", str(out)])
    assert run.exit_code == 0, run.output
    dwells = Dwells(
        positions_mm=[[0, 0, 0], [0, 0, 5]],
        axes=[[0, 0, 1], [0, 0, 1]],
        catheter=[0, 0],
        offset_mm=[0, 5],
        catheter_names=("1",),
    )
    points = [[10, 0, 0], [0, 0, -150]]
    dose = dose_at_points(dwells, [10.0, 20.0], points, load_source("gammamed-plus"), strength_u=40700.0)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["name"] for row in rows] == ["near", "far"]
    np.testing.assert_allclose([float(row["dose_gy"]) for row in rows], dose.gy, rtol=1e-9)
    assert [row["extrapolated"] for row in rows] == ["0", "1"]


def test_grid_round_trip(tables: Path) -> None:
    out, again = tables / "dose.nrrd", tables / "again.nii.gz"
    run = CliRunner().invoke(command, [*flags(tables), "--spacing", "4", "--margin", "30", "-o", str(out), "--json"])
    assert run.exit_code == 0, run.output
    summary, volume = json.loads(run.output), read_volume(out)
    assert tuple(summary["shape_zyx"]) == volume.grid.shape_zyx
    assert volume.grid.contains([[-30, -30, -30], [30, 30, 35]]).all()
    run = CliRunner().invoke(command, [*flags(tables), "--grid", str(out), "-o", str(again), "-q"])
    assert run.exit_code == 0, run.output
    np.testing.assert_array_equal(read_volume(again).values_zyx, volume.values_zyx)


def test_dry_run_writes_nothing(tables: Path) -> None:
    out = tables / "dose.csv"
    points = ["--points", str(tables / "points.csv")]
    run = CliRunner().invoke(command, [*flags(tables), *points, "-o", str(out), "--dry-run"])
    assert run.exit_code == 0
    assert "2 points" in run.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([], InputError, "exactly one of --points"),
        (["--points", "points.csv", "--spacing", "2"], InputError, "exactly one of --points"),
        (["--points", "points.csv"], InputError, "either a PLAN or --dwells"),
        (["--points", "points.csv", "--dwells", "dwells.csv"], InputError, "need --source and --strength"),
        (
            ["--points", "points.csv", "--dwells", "dwells.csv", "--source", "gammamed-plus", "--strength", "10"],
            InputError,
            "between 100 and 100,000 U",
        ),
        (
            ["--points", "dwells.csv", "--dwells", "points.csv", "--source", "gammamed-plus", "--strength", "40700"],
            FormatError,
            "none called tip_x",
        ),
        (
            ["--points", "points.csv", "--dwells", "dwells.csv", "--source", "gammamed-minus", "--strength", "40700"],
            InputError,
            "unknown source",
        ),
    ],
)
def test_bad_calls(
    arguments: list[str], error: type[InputError], message: str, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tables)
    run = CliRunner().invoke(command, [*arguments, "-o", "out.csv"])
    assert isinstance(run.exception, error)
    assert message in str(run.exception)
    assert sorted(path.name for path in tables.iterdir()) == ["dwells.csv", "points.csv"]


def test_one_line_and_exit_code_2(tables: Path) -> None:
    call = [sys.executable, "-m", "hdrplan", "dose", *flags(tables), "--points", "no.csv", "-o", "out.csv"]
    here = {**os.environ, "PYTHONPATH": str(Path(hdrplan.__file__).parents[1])}
    run = subprocess.run(call, capture_output=True, text=True, cwd=tables, env=here, check=False)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert "Traceback" not in run.stderr
