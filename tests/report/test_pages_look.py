"""Pages on screens of all sizes, light and dark: every text can be read, nothing makes a page scroll sideways."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdrplan.report import comparison_html, report_html, solid_html, validation_html
from report_view import compared_plans, small_view
from tool_scripts import tool

pytestmark = pytest.mark.browser
LOOK = tool("look_at_pages")

_ROW = {"section": "TG-43", "what": "F(r, theta)", "source": "a book", "method": "", "tolerance": "1 %", "note": ""}
PAGES = {
    "report": lambda: report_html(small_view()),
    "compare": lambda: comparison_html(compared_plans(), title="two plans"),
    "3D": lambda: solid_html(small_view()),
    "validation": lambda: validation_html(
        [_ROW | {"result": "0.2 %", "state": state} for state in ("pass", "explained", "fail", "skipped")],
        [("Machine", "x86_64")],
        version="0.1.0",
        title="Validation",
    ),
}


@pytest.mark.parametrize("page", PAGES)
def test_every_text_can_be_read_on_every_screen(chromium, tmp_path: Path, page: str):
    file = tmp_path / "page.html"
    file.write_text(PAGES[page](), encoding="utf-8")
    for screen, scheme in (("laptop", "light"), ("laptop", "dark"), ("phone", "light"), ("phone", "dark")):
        opened = LOOK.open_page(chromium, file, screen, scheme)
        assert opened.evaluate(LOOK.CONTRAST) == [], (screen, scheme)
        assert opened.evaluate(LOOK.TOO_WIDE) == [], (screen, scheme)
        opened.close()


def test_the_reading_of_contrast_finds_grey_on_grey(chromium):
    page = chromium.new_page()
    page.set_content(
        "<body style='background:#777'><p style='color:#888'>hardly</p><div style='width:3000px'>wide</div>"
    )
    assert any("hardly" in line for line in page.evaluate(LOOK.CONTRAST))
    assert page.evaluate(LOOK.TOO_WIDE)
    page.close()


def test_one_line_reads_all_curves_and_a_zoom_moves_the_axis(opened):
    page = opened(report_html(small_view())).page
    page.fill("#dvh-gy", "5")
    # The stomach's curve falls from 1 to 0 over 10 Gy; its volume is 3.1 cc.
    assert page.locator('[data-read-curve="0"]').inner_text() == "100.0 % 4.20 cc"
    assert page.locator('[data-read-curve="1"]').inner_text() == "50.0 % 1.55 cc"
    page.fill("#dvh-to", "10")
    page.locator("#dvh-to").dispatch_event("change")
    ticks = page.locator("#dvh .axes .tick").all_text_contents()
    assert ticks[:3] == ["0", "1", "2"]
    assert page.locator('#dvh .goal[data-gy="14"]').get_attribute("visibility") == "hidden"
    page.select_option("#dvh-cc", "cc")
    assert page.locator("#dvh-volume").text_content() == "Volume (cc)"


def test_escape_ends_an_enlarged_plane_and_presets_are_in_sight_on_a_tablet(opened):
    page = opened(report_html(small_view())).page
    page.set_viewport_size({"width": 768, "height": 1024})
    box = page.locator("#window-preset").bounding_box()
    assert 0 < box["y"] < 500
    assert box["x"] + box["width"] < 768
    page.locator('.plane[data-view="axial"]').focus()
    page.keyboard.press("f")
    assert page.locator("#planes").get_attribute("data-large") == "axial"
    page.keyboard.press("Escape")
    assert page.locator("#planes").get_attribute("data-large") == ""


def test_a_wide_table_keeps_its_caption_and_its_names_in_sight_on_a_phone(chromium, tmp_path: Path):
    file = tmp_path / "page.html"
    file.write_text(report_html(small_view()), encoding="utf-8")
    page = LOOK.open_page(chromium, file, "phone", "light")
    page.set_viewport_size({"width": 240, "height": 600})  # the small view has few columns
    box = page.locator("#dose-volume .scroll").first
    table = box.locator("table")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth + 30"), "the table is wider than the screen"
    box.evaluate("e => { e.scrollLeft = e.scrollWidth; }")
    edges = box.bounding_box()
    name = table.locator("tbody th").first.bounding_box()
    assert name["x"] >= edges["x"] - 1
    assert name["x"] + name["width"] < edges["x"] + edges["width"]
    for caption in page.locator(".scroll > table > caption").all():
        seen = caption.bounding_box()
        assert seen["x"] >= 0
        assert seen["x"] + seen["width"] <= 240
    page.close()


def test_planes_lie_below_each_other_on_a_phone_and_their_words_fit(chromium, tmp_path: Path):
    file = tmp_path / "page.html"
    file.write_text(report_html(small_view()), encoding="utf-8")
    page = LOOK.open_page(chromium, file, "phone", "dark")
    axial, coronal, sagittal = (page.locator(f'.plane[data-view="{v}"]') for v in ("axial", "coronal", "sagittal"))
    assert axial.bounding_box()["width"] > 1.9 * coronal.bounding_box()["width"]
    assert coronal.bounding_box()["y"] >= axial.bounding_box()["y"] + axial.bounding_box()["height"]
    for plane in (axial, coronal, sagittal):
        frame = plane.bounding_box()
        ends = frame["x"]
        for part in plane.locator("figcaption > :visible").all():
            seen = part.bounding_box()
            assert seen["x"] >= ends, "words and buttons do not overlap"
            ends = seen["x"] + seen["width"]
            assert frame["x"] <= seen["x"]
            assert seen["x"] + seen["width"] <= frame["x"] + frame["width"] + 0.5
    page.close()


def test_what_is_folded_is_open_on_paper(opened):
    page = opened(report_html(small_view())).page
    fold = page.locator("#proof details")
    assert fold.get_attribute("open") is None
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert fold.get_attribute("open") is not None
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert fold.get_attribute("open") is None
