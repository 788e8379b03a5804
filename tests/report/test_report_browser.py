"""The report in a real browser: what it asks for, what it says, and whether it shows what the arrays hold."""

from __future__ import annotations

import dataclasses
import tomllib

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from hdrplan.io import read_case
from hdrplan.report import report_html
from report_view import CENTRE_MM, MARKER_MM, small_view, turned

pytestmark = pytest.mark.browser

# Half a step of the packed dose and half a unit of the last digit shown; the rest is float32.
DOSE_SHOWN_GY = 0.005 + 0.005 + 1e-3
DIRECTIONS = {
    "upright": np.eye(3),
    "feet first": np.diag([-1.0, 1.0, -1.0]),
    "left-handed": np.diag([1.0, -1.0, 1.0]),
    "sagittal slices": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "oblique": turned(12.0, -18.0, 31.0),
}


def test_a_report_is_quiet_and_asks_for_nothing_but_itself(opened):
    page = opened(report_html(small_view()))
    assert page.said == []
    assert len(page.asked) == 1
    assert page.asked[0].startswith("file://")


def test_the_policy_stops_what_was_not_written_by_the_package(opened):
    html = report_html(small_view())
    page = opened(html.replace("</body>", "<script>document.title = 'broken in'</script></body>"))
    assert page.page.title() != "broken in"
    assert any("Content Security Policy" in text for text in page.said)


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_the_marker_lies_where_the_data_say(opened, direction):
    """Go to the marker; it must shine at the crosshair in every plane, on the patient's own side of the picture."""
    page = opened(report_html(small_view(direction)))
    page.page.click('label:has-text("Pan")')
    x, y, z = MARKER_MM
    # Through the sliders a keyboard user has, in this order: x, y, z.
    for view, value in (("sagittal", x), ("coronal", y), ("axial", z)):
        page.page.locator(f'.plane[data-view="{view}"] input').evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
        )
    page.page.click("label:has(#show-crosshair)")
    page.page.click("label:has(#show-isodose)", position={"x": 20, "y": 8})
    page.settle()
    # Radiological convention: image x grows to the left (L) in axial and coronal, to posterior in sagittal pictures.
    sides = {"axial": (0, 1, 1), "coronal": (0, 2, -1), "sagittal": (1, 2, -1)}
    for view, (u, v, down) in sides.items():
        pixels = page.pixels(view)
        height, width = pixels.shape[:2]
        inner = pixels[40:-40, 30:-30, :3].min(axis=2) == 255
        # The scale's and the letters' white is at the rim; catheter and dwells lie at the centre, far from the marker.
        rows, columns = np.nonzero(inner)
        lps, _, _ = page.hover(view, width / 2, height / 2)
        right, _, _ = page.hover(view, width / 2 + 50, height / 2)
        per_mm = 50 / (right[u] - lps[u])
        assert per_mm > 0, "the picture's right is not the patient's left (or posterior)"
        expected = np.array(
            [width / 2 + (MARKER_MM[u] - lps[u]) * per_mm, height / 2 + down * (MARKER_MM[v] - lps[v]) * per_mm]
        )
        near = np.hypot(columns + 30 - expected[0], rows + 40 - expected[1]) < 12 * per_mm
        found = np.array([(columns[near] + 30.5).mean(), (rows[near] + 40.5).mean()])
        # Voxels of 1.25 to 2 mm: the centre of a ball of 4 mm is known to less than 1 mm.
        assert near.sum() > 20
        np.testing.assert_allclose(found, expected, atol=1.0 * per_mm)


@pytest.mark.parametrize("direction", [DIRECTIONS["upright"], DIRECTIONS["oblique"]], ids=["upright", "oblique"])
def test_values_under_the_pointer_are_the_arrays_values(opened, direction):
    view = small_view(direction)
    page = opened(report_html(view))
    assert view.ct is not None
    rng = np.random.default_rng(3)
    checked_hu = checked_gy = 0
    for name in ("axial", "coronal", "sagittal"):
        page.page.locator(f'.plane[data-view="{name}"] canvas').scroll_into_view_if_needed()
        box = page.page.locator(f'.plane[data-view="{name}"] canvas').bounding_box()
        for fx, fy in rng.uniform(0.2, 0.8, (12, 2)):
            lps, hu, gy = page.hover(name, fx * box["width"], fy * box["height"])
            index = np.floor(view.ct.grid.index(lps) + 0.5).astype(int)
            if view.ct.grid.contains(lps):
                assert hu == f"{view.ct.values_zyx[tuple(index[::-1])]} HU"
                checked_hu += 1
            if view.dose.grid.contains(lps):
                index = view.dose.grid.index(lps)[::-1, None]
                want = map_coordinates(view.dose.values_zyx.astype(float), index, order=1, mode="nearest")[0]
                assert float(gy.lstrip("> ").split()[0]) == pytest.approx(min(float(want), 655.35), abs=DOSE_SHOWN_GY)
                checked_gy += 1
            else:
                assert gy == "outside the dose grid"
    assert checked_hu >= 20
    assert checked_gy >= 10


def test_scrolling_changes_the_slice_by_one_and_back(opened):
    page = opened(report_html(small_view()))
    axial = page.page.locator('.plane[data-view="axial"]')
    axial.focus()
    first, at = page.pixels("axial"), axial.locator(".at").inner_text()
    page.page.keyboard.press("PageUp")
    page.settle()
    assert not np.array_equal(page.pixels("axial"), first)
    z = [float(t.split()[1]) for t in (at, axial.locator(".at").inner_text())]
    assert z[1] - z[0] == pytest.approx(2.0, abs=0.1)
    page.page.keyboard.press("PageDown")
    page.settle()
    np.testing.assert_array_equal(page.pixels("axial"), first)
    axial.locator("canvas").scroll_into_view_if_needed()
    box = axial.locator("canvas").bounding_box()
    page.page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.page.mouse.wheel(0, 120)
    page.settle()
    assert not np.array_equal(page.pixels("axial"), first)


@pytest.mark.parametrize(
    ("key", "box"),
    [
        ("i", "show-isodose"),
        ("s", "show-structures"),
        ("c", "show-catheters"),
        ("x", "show-crosshair"),
        ("w", "show-wash"),
    ],
)
def test_every_layer_can_be_switched_by_key_and_box(opened, key, box):
    page = opened(report_html(small_view()))
    page.page.locator('.plane[data-view="axial"]').focus()
    first = page.pixels("axial")
    was = page.page.locator(f"#{box}").is_checked()
    page.page.keyboard.press(key)
    page.settle()
    assert page.page.locator(f"#{box}").is_checked() is not was
    assert not np.array_equal(page.pixels("axial"), first)
    page.page.keyboard.press(key)
    page.settle()
    np.testing.assert_array_equal(page.pixels("axial"), first)


def test_an_edited_isodose_moves_and_a_new_one_appears(opened):
    page = opened(report_html(small_view()))
    first = page.pixels("axial")
    level = page.page.locator("#levels li").nth(3).locator('input[type="number"]')
    assert level.input_value() == "20"
    level.fill("12")
    page.settle()
    assert page.page.locator("#levels li").nth(3).locator(".share").inner_text() == "60 %"
    assert not np.array_equal(page.pixels("axial"), first)
    rows = page.page.locator("#levels li").count()
    page.page.click("#add-level")
    assert page.page.locator("#levels li").count() == rows + 1


def test_dragging_with_the_right_button_changes_the_window(opened):
    page = opened(report_html(small_view()))
    page.page.locator('.plane[data-view="axial"] canvas').scroll_into_view_if_needed()
    box = page.page.locator('.plane[data-view="axial"] canvas').bounding_box()
    page.page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.page.mouse.down(button="right")
    page.page.mouse.move(box["x"] + 260, box["y"] + 240)
    page.page.mouse.up(button="right")
    assert float(page.page.locator("#window-width").input_value()) > 400
    assert float(page.page.locator("#window-level").input_value()) < 40
    assert page.said == []


HOSTILE = "<img src=x onerror=alert(1)>\"'\\ </script><script>alert(2)</script>{{ 7*7 }}"


def test_hostile_names_are_shown_as_text(opened):
    page = opened(report_html(small_view(title=HOSTILE, names=(HOSTILE + "A", HOSTILE + "B"))))
    assert page.said == []
    assert len(page.asked) == 1
    assert page.page.locator("h1").inner_text() == HOSTILE
    assert page.page.locator("#structures .name").all_inner_texts() == [HOSTILE + "A", HOSTILE + "B"]
    assert page.page.locator("img").count() == 0


def test_the_dvh_reads_under_the_pointer(opened):
    page = opened(report_html(small_view()))
    svg = page.page.locator("#dvh")
    svg.scroll_into_view_if_needed()
    box, ratio = svg.bounding_box(), svg.evaluate("(s) => s.getBoundingClientRect().width / s.viewBox.baseVal.width")
    left, top, width, height, gy_max = (
        float(svg.get_attribute(f"data-{k}")) for k in ("left", "top", "width", "height", "gy-max")
    )
    # 5 Gy, 50 %: on the curve of the second structure, which falls from 1 to 0 over 10 Gy.
    page.page.mouse.move(box["x"] + (left + width * 5 / gy_max) * ratio, box["y"] + (top + height * 0.5) * ratio)
    text = page.page.locator("#dvh-read").inner_text()
    assert text.startswith("stomach: ")
    gy, percent = float(text.split()[1]), float(text.split(" in ")[1].split()[0])
    assert gy == pytest.approx(5.0, abs=0.1)
    assert percent == pytest.approx(100 * (1 - gy / 10), abs=0.15)


def test_the_page_works_without_ct(opened):
    page = opened(report_html(dataclasses.replace(small_view(), ct=None)))
    assert page.said == []
    lps, hu, gy = page.hover("axial", 250, 250)
    assert hu == "outside the CT"
    assert np.linalg.norm(lps - CENTRE_MM) < 40
    assert gy.endswith("%)")


def test_paper_shows_pictures_and_no_controls(opened):
    page = opened(report_html(small_view()))
    page.page.wait_for_timeout(1200)
    page.page.emulate_media(media="print")
    assert not page.page.locator(".viewer").is_visible()
    assert not page.page.locator("#print").is_visible()
    figures = page.page.locator(".paper")
    assert figures.count() == 9
    captions = figures.locator("figcaption").all_inner_texts()
    assert [text.split(" = ")[0] for text in captions[:3]] == ["Axial, z", "Coronal, y", "Sagittal, x"]
    middle, *z = (float(text.split(" = ")[1].split()[0]) for text in (captions[0], *captions[3:]))
    assert middle == pytest.approx(CENTRE_MM[2], abs=1.0)
    # Six slices from the lowest to the highest of a ball of 10 mm radius.
    assert z == sorted(z)
    assert z[0] == pytest.approx(CENTRE_MM[2] - 10.0, abs=2.0)
    assert z[-1] == pytest.approx(CENTRE_MM[2] + 10.0, abs=2.0)
    colours = page.page.evaluate(
        """() => [...document.querySelectorAll(".paper canvas")].map((canvas) => {
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return new Set(new Uint32Array(data.buffer)).size;
        })"""
    )
    assert min(colours) > 50
    for element in ("#summary", "#goals", "#dvh", "#delivery .dwells", "#methods"):
        assert page.page.locator(element).is_visible()


def test_the_print_button_prints(opened):
    page = opened(report_html(small_view()))
    page.page.evaluate("() => { window.print = () => { document.title = 'printing'; }; }")
    page.page.click("#print")
    assert page.page.title() == "printing"


def test_a_marker_read_from_files_on_an_oblique_grid_shines_where_its_facts_say(opened, phantoms):
    folder = phantoms / "asymmetric-marker"
    case = read_case(folder).case
    x, y, z = tomllib.loads((folder / "facts.toml").read_text(encoding="utf-8"))["centre_mm"]
    page = opened(report_html(dataclasses.replace(small_view(), ct=case.ct, structures=case.structures)))
    for view, value in (("sagittal", x), ("coronal", y), ("axial", z)):
        page.page.locator(f'.plane[data-view="{view}"] input').evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
        )
    page.settle()
    crosshair = [float(v) for v in page.page.locator("#read-at").get_attribute("data-lps").split()]
    # Slices are a voxel apart: 1 to 3 mm.
    np.testing.assert_allclose(crosshair, [x, y, z], atol=1.5)
    assert page.page.locator("#read-hu").inner_text() == "3000 HU"
    assert page.page.locator("#read-at").inner_text().split()[0::2] == ["R", "P", "I"]
    for view, u, v in (("axial", 0, 1), ("coronal", 0, 2), ("sagittal", 1, 2)):
        # Only the marker is white in this CT; its middle is found by the picture alone.
        pixels = page.pixels(view)[40:-40, 30:-30, :3]
        rows, columns = np.nonzero(pixels.min(axis=2) >= 250)
        lps, hu, _ = page.hover(view, float(np.median(columns)) + 30, float(np.median(rows)) + 40)
        assert hu == "3000 HU"
        assert np.abs(lps[[u, v]] - np.array([x, y, z])[[u, v]]).max() < 4.0


def test_a_structure_that_is_off_at_first_can_be_switched_on(opened):
    view = small_view()
    ctv, organ = view.structures
    page = opened(report_html(dataclasses.replace(view, structures=(ctv, dataclasses.replace(organ, role="other")))))
    first = page.pixels("axial")
    box = page.page.locator("#structures input").nth(1)
    assert not box.is_checked()
    box.check()
    page.settle()
    page.page.wait_for_timeout(200)
    assert not np.array_equal(page.pixels("axial"), first)
    # The test itself reads pixels back, which Chromium remarks on.
    assert [text for text in page.said if "Canvas2D" not in text] == []
