"""Plans side by side."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from hdrplan.errors import InputError
from hdrplan.report import comparison_html
from report_view import CENTRE_MM, compared_plans, small_view


@pytest.fixture(scope="module")
def html() -> str:
    view = small_view()
    return comparison_html(
        compared_plans(), title="two plans", ct=view.ct, structures=view.structures, catheters=view.catheters
    )


def text_of(html: str) -> str:
    """Return the page's words without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html[html.index("<main") : html.index("</main>")]))


def test_changes_goals_and_metrics_stand_side_by_side(html):
    text = text_of(html)
    assert "Total time 105.0 s 136.5 s" in text
    first, second = (plan.plan.digest for plan in compared_plans())
    assert f"Hash of the plan {first} {second}" in text
    assert first in html[: html.index("</header>")]
    assert second in html[: html.index("</header>")]
    assert "Positions the same the same" in text
    assert "lesion D100 ≥ 20 Gy ✕ 19.00 Gy ✓ 24.70 Gy" in text
    assert "D100 Gy 19.00 24.70 +5.70" in text
    assert "D1cc Gy 6.80 8.84 +2.04" in text
    assert "needle 1 105.0 136.5" in text


def test_moved_positions_are_told_in_millimetres():
    first, second = compared_plans()
    dwells = dataclasses.replace(
        second.plan.dwells, positions_mm=second.plan.dwells.positions_mm + np.array([3.0, 0.0, 4.0])
    )
    moved = dataclasses.replace(second, plan=dataclasses.replace(second.plan, dwells=dwells))
    text = text_of(comparison_html([first, moved], title="t"))
    assert "moved by 5.00 mm, at most 5.00 mm" in text


@pytest.mark.parametrize("count", [1, 5])
def test_two_to_four_plans_are_compared(count):
    plan = compared_plans()[0]
    plans = [dataclasses.replace(plan, label=str(k)) for k in range(count)]
    with pytest.raises(InputError, match="2 to 4 plans"):
        comparison_html(plans, title="t")


def test_plans_of_one_name_are_refused():
    plan = compared_plans()[0]
    with pytest.raises(InputError, match="different names"):
        comparison_html([plan, plan], title="t")


@pytest.mark.browser
def test_the_difference_under_the_pointer_is_second_minus_first(opened, html):
    page = opened(html)
    assert page.said == []
    assert len(page.asked) == 1
    plans = compared_plans()
    canvas = page.page.locator("#difference")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    checked = 0
    for fx, fy in np.random.default_rng(5).uniform(0.35, 0.65, (12, 2)):
        page.page.mouse.move(box["x"] + fx * box["width"], box["y"] + fy * box["height"])
        lps = np.array([float(v) for v in page.page.locator("#read-at").get_attribute("data-lps").split()])
        text = page.page.locator("#read-difference").inner_text()
        if not all(p.dose.grid.contains(lps) for p in plans):
            assert text == "–"
            continue
        first, second = (
            map_coordinates(
                p.dose.values_zyx.astype(float), p.dose.grid.index(lps)[::-1, None], order=1, mode="nearest"
            )[0]
            for p in plans
        )
        # Two doses in steps of 0.01 Gy, and the digits shown.
        assert float(text.split()[0]) == pytest.approx(second - first, abs=0.005 + 0.005 + 0.005 + 2e-3)
        checked += 1
    assert checked >= 5
    assert np.linalg.norm(lps - CENTRE_MM) < 60


@pytest.mark.browser
def test_the_plane_and_the_plans_can_be_chosen(opened, html):
    page = opened(html)
    before = page.page.locator("#slice-at").inner_text()
    page.page.click('label:has-text("Coronal")')
    page.settle()
    assert before.startswith("z")
    assert page.page.locator("#slice-at").inner_text().startswith("y")
    page.page.locator("#choose-second").select_option("0")
    page.settle()
    assert page.page.locator("#read-difference").inner_text() == "0.00 Gy"
    assert page.said == []
