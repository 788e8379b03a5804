"""CSV tables of dwells and points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import FormatError
from hdrplan.io import read_dwells_csv, read_points_csv, write_point_doses

DWELLS = "x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_in_any_order_and_catheters(tmp_path: Path) -> None:
    text = "catheter,time_s,tip_x,tip_y,tip_z,x_mm,y_mm,z_mm\nB,3,0,0,2,1,2,3\nA,4,0,-1,0,4,5,6\nB,0,0,0,1,1,2,8\n"
    dwells, times_s = read_dwells_csv(written(tmp_path, text))
    assert dwells.catheter_names == ("B", "A")
    assert dwells.catheter.tolist() == [0, 1, 0]
    assert dwells.offset_mm.tolist() == [0.0, 0.0, 5.0]
    np.testing.assert_array_equal(dwells.axes, [[0, 0, 1], [0, -1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(dwells.positions_mm, [[1, 2, 3], [4, 5, 6], [1, 2, 8]])
    assert times_s.tolist() == [3.0, 4.0, 0.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x_mm,y_mm\n1,2\n", "none called z_mm"),
        (DWELLS, "a table needs rows"),
        (DWELLS + "0,0,0,0,0,1\n", "line 2: 7 cells, got 6"),
        (DWELLS + "0,0,0,0,0,1,5\n0,nan,0,0,0,1,5\n", "line 3: y_mm must be a finite number, got 'nan'"),
        (DWELLS + "0,0,0,0,0,1,five\n", "time_s must be a finite number"),
        (DWELLS + "0,0,0,0,0,0,5\n", "must be a direction"),
        (DWELLS + "0,0,0,0,0,1,-5\n", "time_s >= 0"),
        ("x_mm," + DWELLS + "0,0,0,0,0,0,1,5\n", "each column needs a name of its own"),
    ],
)
def test_bad_dwells_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message):
        read_dwells_csv(written(tmp_path, text))


def test_points_keep_their_other_columns(tmp_path: Path) -> None:
    table = read_points_csv(written(tmp_path, 'name,z_mm,y_mm,x_mm\n"a, b",3,2,1\n'))
    assert table.points_mm.tolist() == [[1.0, 2.0, 3.0]]
    out = tmp_path / "out.csv"
    write_point_doses(out, table, np.array([1.25]), np.array([True]))
    assert out.read_text() == 'name,z_mm,y_mm,x_mm,dose_gy,extrapolated\n"a, b",3,2,1,1.25,1\n'


def test_a_dose_column_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="already called dose_gy"):
        read_points_csv(written(tmp_path, "x_mm,y_mm,z_mm,dose_gy\n0,0,0,1\n"))
