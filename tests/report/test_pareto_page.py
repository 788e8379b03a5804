"""The page of a trade-off: the DVHs and doses it shows are those of the plan chosen."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest

from hdrplan.dose import dose_rate
from hdrplan.io import plan_table, read_case, read_plan_file
from hdrplan.metrics import dvh
from hdrplan.optimize import Axis
from hdrplan.options import PlanOptions
from hdrplan.report import pareto_html
from hdrplan.workflow import plan_pareto, planning_problem, usual_axes
from small_case import write_small_case


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    loaded = read_case(write_small_case(tmp_path_factory.mktemp("case") / "small"))
    axes = [Axis("lesion", "D100", np.array([15.0, 20.0])), Axis("plan", "time", np.array([10.0, 4000.0]))]
    result = plan_pareto(
        loaded.case, loaded.goals, loaded.source, loaded.strength, axes=axes, options=PlanOptions(**loaded.options)
    )
    page = pareto_html(result, plan_table(result.plan, "small", None), case=loaded.case)
    return loaded, result, page


def data_of(page: str) -> dict:
    return json.loads(page.split('id="report-data">')[1].split("</script>")[0])


def test_the_volumes_of_a_plan_are_those_of_its_times(made):
    _, result, page = made
    data = data_of(page)
    k = max(i for i, times in enumerate(data["times_s"]) if times is not None)
    points = result.problem.points
    for curve, shown in zip(data["curves"], data["volumes"][k], strict=True):
        rows = points.rows(curve["name"])
        gy = result.problem.rate.gy_per_s[rows] @ result.front.combinations[k].times_s
        expected = dvh(gy, points.volume_cc[rows]).volume_frac_at_gy(curve["gy"])
        np.testing.assert_allclose(np.array(shown) / 1000, expected, atol=0.00051)
    assert None in data["volumes"]


def test_a_saved_plan_has_the_hash_that_the_page_shows(made, tmp_path):
    data = data_of(made[2])
    for times, shown in zip(data["times_s"], data["hash"], strict=True):
        assert (times is None) is (shown is None)
        if times is not None:
            # As the page's save() does it.
            dwells = [dwell | {"time_s": t} for dwell, t in zip(data["plan"]["dwells"], times, strict=True)]
            total_s = sum(times)
            trak_gy = data["plan"]["strength"]["value_u"] * 1e-6 * total_s / 3600
            table = data["plan"] | {"dwells": dwells, "total_time_s": total_s, "trak_gy": trak_gy}
            (tmp_path / "plan.json").write_text(json.dumps(table))
            assert read_plan_file(tmp_path).plan.digest == shown


def test_the_rates_on_a_plane_give_its_dose(made):
    _, result, page = made
    plane = data_of(page)["planes"]["axial"]
    whole = np.frombuffer(zlib.decompress(base64.b64decode(plane["rates"])), "<u2").reshape(len(result.plan.dwells), -1)
    rates = np.exp(plane["log_low"] + plane["log_step"] * whole)
    x = plane["across"][0] + plane["step_mm"] * np.arange(plane["across"][1])
    y = plane["down"][0] + plane["step_mm"] * np.arange(plane["down"][1])
    at = np.stack([*np.meshgrid(x, y), np.full((len(y), len(x)), plane["at"])], axis=-1).reshape(-1, 3)
    plan = result.plan
    exact = dose_rate(plan.dwells, at, plan.source, strength_u=plan.strength_u).gy_per_s
    # Half a step of the logarithm, which runs over some seven decades at most: 16 / 65535 / 2.
    np.testing.assert_allclose(plan.times_s @ rates, exact @ plan.times_s, rtol=1.3e-4)


def test_an_organ_far_below_its_limit_is_no_axis(made):
    loaded, result, _ = made
    _, problem = planning_problem(
        loaded.case,
        loaded.goals,
        loaded.source,
        strength_u=loaded.strength.value_u,
        options=PlanOptions(**loaded.options),
    )
    assert [axis.structure for axis in usual_axes(problem)] == ["lesion", "plan"]
    assert result.plan.strength_u == loaded.strength.value_u


@pytest.mark.browser
def test_chart_dvh_and_pictures_follow_the_sliders(made, opened):
    page = opened(made[2])
    assert page.said == []
    before = page.page.locator('#dvh .curve[data-curve="0"]').get_attribute("d")
    page.page.locator("#axis-0").evaluate("(s) => { s.value = 0; s.dispatchEvent(new Event('input')); }")
    assert page.page.locator('#dvh .curve[data-curve="0"]').get_attribute("d") != before
    assert page.page.locator("#chart circle.plan").count() == 1
    assert page.page.locator("#chart path.front").count() == 1
    shades = page.page.evaluate(
        """() => { const c = document.querySelector("#view-axial");
        return new Set(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).size; }"""
    )
    assert shades > 20
