"""Laws that hold for any input: what is written comes back."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hdrplan.geometry import Dwells, Grid, Structure
from hdrplan.geometry.contours import contours_of_structure, structure_of_contours
from hdrplan.io import (
    identity_of_case,
    json_text,
    plan_table,
    read_brachy_plan,
    read_plan,
    write_brachy_plan,
    write_rows,
)
from hdrplan.io.dicom.objects import ds, short_text
from hdrplan.io.dicom.whole_file import ends_whole
from hdrplan.plan import Plan, brachy_of_plan
from hdrplan.plan.brachy import as_plan
from hdrplan.sources import Strength, load_source

NOW = datetime(2024, 1, 2, 3, 4, 5)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    n = draw(st.integers(1, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(n, 3))
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    channels = np.sort(rng.integers(0, 3, n))
    times = draw(st.lists(st.floats(0, 3000, allow_subnormal=False), min_size=n, max_size=n))
    dwells = Dwells(
        positions_mm=rng.uniform(-500, 500, (n, 3)),
        axes=axes,
        catheter=channels,
        offset_mm=np.arange(n) * 2.5,
        catheter_names=("a", "b", "c"),
    )
    return Plan(dwells=dwells, times_s=times, source=load_source(), strength=Strength(draw(st.floats(100, 100_000))))


@QUICK
@given(plan=plans())
def test_plan_json_is_exact(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json_text(plan_table(plan, "x")))
    back = read_plan(tmp_path)
    np.testing.assert_array_equal(back.times_s, plan.times_s)
    np.testing.assert_array_equal(back.dwells.positions_mm, plan.dwells.positions_mm)
    np.testing.assert_array_equal(back.dwells.axes, plan.dwells.axes)
    assert back.strength_u == plan.strength_u


@QUICK
@given(plan=plans())
def test_rt_plan_comes_back_within_its_digits(plan: Plan, tmp_path: Path) -> None:
    brachy = brachy_of_plan(plan, (), label="x", treated=NOW)
    write_brachy_plan(tmp_path / "RP.dcm", brachy, identity_of_case("x", written=NOW))
    back = as_plan(read_brachy_plan(tmp_path / "RP.dcm"), plan.source)
    np.testing.assert_allclose(back.times_s, plan.times_s, atol=1e-3)
    np.testing.assert_allclose(back.dwells.positions_mm, plan.dwells.positions_mm, atol=1e-2)
    np.testing.assert_allclose(back.dwells.axes, plan.dwells.axes, atol=1e-6)


@QUICK
@given(plane=arrays(np.bool_, (9, 11)))
def test_any_mask_survives_its_contours(plane: np.ndarray) -> None:
    plane = plane.copy()
    plane[4, 5] = True
    grid = Grid(shape_zyx=(1, 9, 11), origin_mm=np.array([3.0, -7.0, 11.0]), spacing_mm=np.array([1.0, 1.5, 2.0]))
    contours = [
        points for _, points in contours_of_structure(Structure(name="s", role="OAR", grid=grid, mask_zyx=plane[None]))
    ]
    found, _ = structure_of_contours("s", "OAR", contours, grid)
    back = np.zeros((9, 11), dtype=bool)
    low = np.rint(grid.index(found.grid.origin_mm)).astype(int)
    ny, nx = found.grid.shape_zyx[1:]
    back[low[1] : low[1] + ny, low[0] : low[0] + nx] = found.mask_zyx[0]
    np.testing.assert_array_equal(back, plane)


@settings(deadline=None)
@given(value=st.floats(-1e15, 1e15))
def test_decimal_strings_fit_and_keep_eight_digits(value: float) -> None:
    text = ds(value)
    assert len(text) <= 16
    assert math.isclose(float(text), value, rel_tol=1e-8, abs_tol=1e-300)


@QUICK
@given(text=st.text(max_size=60), other=st.text(max_size=10))
@example(text="=1+1", other="-0")
def test_texts_are_made_safe(text: str, other: str, tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv", ("a", "b"), [(text, other)], for_spreadsheets=True)
    header, row, end = (tmp_path / "t.csv").read_text(encoding="utf-8").split("\n")
    assert (header, end) == ("a,b", "")
    (cells,) = csv.reader([row])
    assert len(cells) == 2
    risky = [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert all(math.isfinite(float(cell)) or "n" in cell for cell in risky), "a number with its sign is no formula"
    label = short_text(text, 16)
    assert len(label) <= 16
    assert "\\" not in label


@settings(deadline=None)
@given(data=st.binary(max_size=400))
def test_no_bytes_upset_the_length_check(data: bytes) -> None:
    assert ends_whole(memoryview(data)) in (True, False)
    assert ends_whole(memoryview(b"\0" * 128 + b"DICM" + data)) in (True, False)
