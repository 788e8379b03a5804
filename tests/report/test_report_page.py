"""The report as text: what must stand in it, and what must not be able to."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import tracemalloc

import numpy as np
import pytest

from hdrplan.geometry import Volume
from hdrplan.io import read_case
from hdrplan.report import report_html
from hdrplan.report.pack import ct_pack, dose_pack
from hdrplan.report.page import css_text, fragment
from hdrplan.report.svg import nice_ticks
from report_view import centred_grid, small_view


@pytest.fixture(scope="module")
def html() -> str:
    return report_html(small_view())


def test_the_same_plan_gives_the_same_page(html):
    assert report_html(small_view()) == html


def test_the_policy_names_the_hash_of_exactly_the_script_and_style_there(html):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    text = policy[1].replace("&#39;", "'")
    assert text.startswith("default-src 'none'")
    for element in ("script", "style"):
        (body,) = re.findall(rf"<{element}>(.*?)</{element}>", html, flags=re.DOTALL)
        assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in text


def test_nothing_in_the_page_points_outside(html):
    assert not re.search(r'(?:src|href)\s*=\s*"(?!#|data:)', html)
    assert "@import" not in html
    assert "url(" not in html


def test_research_use_stands_on_screen_and_on_every_printed_page(html):
    assert html.count("Never for treatment") >= 2
    assert '@top-right { content: "Research use only. Never for treatment."' in html
    assert "counter(page)" in html


def test_goals_dwells_and_certificate_stand_in_the_tables(html):
    for text in (
        "D100 ≥ 20 Gy",
        "✕ missed",
        "✓ met",
        "Proven best: dual bound 19.00 Gy.",
        "stomach D1cc binds.",
        "105.0 s",
        "2 of 3",
    ):
        assert text in html


@pytest.mark.parametrize("text", ['"; } body { display: none', "a\\", "line\nbreak", "</style>", "ÄÖ 中"])
def test_no_title_can_leave_its_css_string(text):
    literal = css_text(text)
    assert literal[0] == literal[-1] == '"'
    assert re.fullmatch(r"(?:[A-Za-z0-9]|\\[0-9a-f]+ )*", literal[1:-1])


def test_ct_is_cropped_and_coarsened_until_it_fits_and_says_so():
    rng = np.random.default_rng(5)
    grid = centred_grid((40, 40, 40), (3.0, 3.0, 3.0), np.eye(3))
    ct = Volume(grid, rng.integers(-1000, 1000, grid.shape_zyx).astype(np.int16))
    middle = grid.world([[18, 18, 18], [22, 22, 22]])
    whole = ct_pack(ct, middle, middle)
    assert whole["shape"] == [40, 40, 40]
    assert whole["step"] == 1
    part = ct_pack(ct, middle, middle, budget_bytes=40_000)
    assert part["shape"][0] < 40
    assert len(part["data"]) <= 40_000
    tiny = ct_pack(ct, middle, middle, budget_bytes=8_000)
    assert tiny["step"] > 1
    assert f"in steps of {tiny['step']} HU" in tiny["note"]


def test_packing_a_ct_takes_no_more_memory_than_two_copies_of_it():
    """It took ten: a gigabyte of a CT of 512 x 512 x 400 voxels."""
    grid = centred_grid((40, 160, 160), (1.0, 1.0, 1.0), np.eye(3))
    hu = np.zeros(grid.shape_zyx, dtype=np.int16)
    ct = Volume(grid, hu)
    corners = grid.world([[0, 0, 0], [159, 159, 39]])
    tracemalloc.start()
    try:
        assert ct_pack(ct, corners, corners)["step"] == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Counted from zero, and split into bytes.
    assert peak < 3 * hu.nbytes


@pytest.mark.parametrize(
    ("top", "ticks"), [(50, [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50]), (1.1, [0, 0.2, 0.4, 0.6, 0.8, 1.0])]
)
def test_ticks_are_round(top, ticks):
    assert nice_ticks(top, 10) == pytest.approx(ticks)


def test_a_large_dose_grid_is_thinned_along_its_finest_axes_and_says_so(monkeypatch):
    monkeypatch.setattr("hdrplan.report.pack.DOSE_POINTS", 2_000)
    grid = centred_grid((10, 31, 30), (1.0, 1.0, 5.0), np.eye(3))
    gy = np.arange(grid.size, dtype=np.float32).reshape(grid.shape_zyx) / 100
    pack = dose_pack(Volume(grid, gy))
    # 30 x 31 x 10: halved along x, along y, then a third of x.
    assert pack["shape"] == [10, 16, 10]
    assert pack["spacing"] == [3.0, 2.0, 5.0]
    assert "point of the dose grid" in pack["note"]


def test_the_demo_stays_below_eight_megabytes(phantoms):
    case = read_case(phantoms / "liver-lesion-b").case
    assert case.ct is not None
    small = small_view()
    dose = Volume(case.ct.grid, np.full(case.ct.grid.shape_zyx, 3.0, dtype=np.float32))
    view = dataclasses.replace(small, ct=case.ct, structures=case.structures, catheters=case.catheters, dose=dose)
    assert len(report_html(view).encode()) < 8_000_000


def test_warnings_of_one_kind_are_counted_in_the_folded_line():
    doubts = [("dvh-partly-covered", f"organ {k}", "") for k in range(3)] + [("hub-unknown", "hub", "")]
    folded = re.search(r"<summary>(.*?)</summary>", fragment("doubts.html.j2", doubts=doubts))
    assert folded[1] == "4 warnings: dvh partly covered (3), hub unknown"
