"""``import hdrplan`` as a notebook uses it: names, short values, tables, pictures, what a changed time does."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hdrplan
from hdrplan.brief import brief_repr, html_table
from hdrplan.errors import InputError
from hdrplan.metrics import dvh
from hdrplan.validate.walk import planned
from hdrplan.workflow import PlanResult, plan_result

PHANTOM = Path(__file__).resolve().parents[2] / "phantoms" / "liver-lesion-b-5mm"


@pytest.fixture(scope="module")
def result() -> PlanResult:
    return planned(30.0)


def test_every_name_of_the_front_door_is_that_of_its_room() -> None:
    for name, room in hdrplan._FRONT.items():
        assert getattr(hdrplan, name) is getattr(importlib.import_module(room), name)
        assert name in dir(hdrplan)
    with pytest.raises(AttributeError, match="no attribute 'plan_cases'"):
        _ = hdrplan.plan_cases


def test_the_front_door_lists_names_for_users_alone() -> None:
    shown = dir(hdrplan)
    assert "importlib" not in shown
    assert not any(name.startswith("_") for name in shown if name != "__version__")
    for room in hdrplan._ROOMS:
        if room != "live":
            assert getattr(hdrplan, room) is importlib.import_module(f"hdrplan.{room}")


def test_arrays_are_told_where_they_belong() -> None:
    with pytest.raises(InputError, match=r"hdrplan\.metrics\.dvh"):
        hdrplan.dvh(np.ones(5), np.ones(5))


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, hdrplan; print([m for m in ('numpy', 'numba', 'scipy', 'SimpleITK') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_values_are_short_in_a_console_and_in_a_notebook(result: PlanResult) -> None:
    """A case printed thousands of lines."""
    case_file = hdrplan.read_case(str(PHANTOM))
    case = case_file.case
    values = (
        case_file, case, case.ct, case.ct.grid, case.structures[0], case.catheters[0], result, result.plan,
        result.plan.dwells, result.points, result.score, result.optimum, result.plan.source, result.dvh("lesion"),
    )  # fmt: skip
    for value in values:
        text = repr(value)
        assert text.startswith(type(value).__name__ + "(")
        assert "\n" not in text
        assert len(text) < 1500, text
    for value in (case_file, case, result, result.plan, result.dvh("lesion")):
        assert len(value._repr_html_()) < 5000
    assert "lesion" in result._repr_html_()
    assert "D100 &gt;= 20 Gy" in result._repr_html_()


def test_names_in_notebook_tables_are_text() -> None:
    assert "<script>" not in html_table("<script>", ("<b>",), [("<script>alert(1)</script>",)])


def test_a_subclass_and_a_small_array_are_named(result: PlanResult) -> None:
    assert "spacing_mm=[" in brief_repr(result.dose.grid)
    assert "array (" in brief_repr(result.plan)


def test_the_dvh_of_a_result_and_of_changed_times(result: PlanResult) -> None:
    curve = result.dvh("lesion")
    assert curve.volume_cc == pytest.approx(result.score.target("lesion").volume_cc)
    plan, points = result.plan, result.points
    rate = hdrplan.dose_rate(plan.dwells, points.points_mm, plan.source, strength_u=plan.strength_u)
    times_s = plan.times_s.copy()
    times_s[np.argmax(times_s)] += 5.0
    rows = points.rows("lesion")
    longer = replace(plan, times_s=times_s)
    changed = dvh(rate.gy_per_s[rows] @ longer.exposure_s, points.volume_cc[rows])
    whole = plan_result(result.case, result.goals, longer, points=points)
    assert changed.mean_gy > curve.mean_gy
    assert np.allclose(changed.dose_gy, whole.dvh("lesion").dose_gy, rtol=1e-9)
    with pytest.raises(InputError, match="There are: lesion"):
        result.dvh("spleen")


def test_frames_hold_the_numbers_of_the_result(result: PlanResult) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed with hdrplan")
    table = hdrplan.to_frame(result)
    assert table.loc["lesion", "d100_gy"] == result.score.target("lesion").d100_gy
    dwells = hdrplan.to_frame(result.plan)
    assert dwells["time_s"].sum() == pytest.approx(result.plan.total_time_s)
    assert list(hdrplan.to_frame(result.dvh("lesion"))["cumulative_cc"])[-1] == result.dvh("lesion").volume_cc


def test_images_keep_place_and_values(result: PlanResult) -> None:
    import SimpleITK as sitk  # noqa: N813

    image = hdrplan.to_sitk(result.dose)
    assert np.array_equal(sitk.GetArrayFromImage(image), result.dose.values_zyx)
    assert np.allclose(image.TransformIndexToPhysicalPoint((1, 2, 3)), result.dose.grid.world([1, 2, 3]))
    mask = hdrplan.to_sitk(result.case.structure("lesion"))
    assert int(sitk.GetArrayFromImage(mask).sum()) == int(result.case.structure("lesion").mask_zyx.sum())


def test_a_result_draws_itself(result: PlanResult) -> None:
    figure = result.plot("dvh")
    assert figure.axes
    with pytest.raises(InputError, match="kind must be one of isodose, dvh"):
        result.plot("pie")
