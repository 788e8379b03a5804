"""The page of a live session, used as a person uses it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from served import TOKEN, Served

from hdrplan.live import Session
from hdrplan.stopping import stop_if_asked

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 1366, "height": 768})
    page.set_default_timeout(300_000)  # that the machine is busy is no failure
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{served.origin}/?token={TOKEN}")
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.close()
    assert [text for text in said if not text.startswith("Failed to load resource")] == []


def shows(page: Any, revision: int) -> None:
    """Wait until a plan is on the screen, or its proof."""
    while int(page.get_attribute("html", "data-revision")) < revision:
        page.wait_for_timeout(50)


def after(page: Any, served: Served, do: Any) -> None:
    """Do something on the page and wait until what follows is on the screen."""
    before = served.session.at + 1
    do()
    # The page's policy forbids what wait_for_function needs.
    page.wait_for_selector(f"#history li:nth-child({before + 1})[aria-current]")


def test_a_plan_is_touched_as_a_person_does(page: Any, served: Served) -> None:
    session = served.session
    page.wait_for_selector('#state[data-state="proven at every point"]')
    assert "D100 proven at every point" in page.inner_text("#state")

    after(page, served, lambda: (page.fill("#goal-rows input[type=number] >> nth=0", "17"), page.keyboard.press("Tab")))
    assert session.wishes.prescriptions[0].dose_gy == 17.0
    reached = page.inner_text("#goal-rows tr >> nth=0 >> td.n")
    assert reached == f"{session.shown.score.targets[0].d100_gy:.2f}"

    bar = page.locator(".live-bar").first
    bar.focus()
    now = float(bar.get_attribute("aria-valuenow"))
    after(page, served, lambda: page.keyboard.press("PageUp"))
    assert session.shown.plan.times_s[0] == pytest.approx(now + 10.0)
    assert "Edited by hand" in page.inner_text("#state")
    assert page.locator(".live-bar.locked").count() == 1

    after(page, served, lambda: page.click("#rest"))
    assert session.wishes.by_hand_s is None

    tip = session.wishes.catheters[0].points_mm[-1].copy()
    page.check('input[value="catheter"]', force=True)
    x, y = place_of(page, tip)
    page.mouse.move(x, y)
    page.mouse.down()
    after(page, served, lambda: page.mouse.move(x + 6, y + 4))
    page.mouse.up()
    moved = session.wishes.catheters[0].points_mm[-1] - tip
    assert 0.5 < np.linalg.norm(moved) < 12.0
    assert abs(moved[2]) < 1e-6

    page.fill("#keep-name", "moved")
    page.click("#keep")
    page.wait_for_selector("#kept-list button")
    at = session.at
    page.click("#undo")
    page.wait_for_selector(f"#history li:nth-child({at})[aria-current]")
    assert session.at == at - 1
    page.click("#kept-list button >> nth=0")
    page.wait_for_selector("#differences tbody tr")

    page.select_option("#new-structure", "stomach")
    page.fill("#new-text", "D1cc < 3")
    page.click("#new-goal button")
    page.wait_for_selector("#refused:not([hidden])")
    assert "a goal uses >= or <=" in page.inner_text("#refused")
    page.fill("#new-text", "D1cc <= 3 Gy")
    after(page, served, lambda: page.click("#new-goal button"))
    assert session.wishes.goals[-1].goal.text == "D1cc <= 3 Gy"


def test_a_curve_and_a_slider_are_dragged_each_in_one_entry(page: Any, served: Served) -> None:
    session = served.session
    slider = page.locator("#goal-rows input[type=range]").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    at = session.at
    page.mouse.move(x, y)
    page.mouse.down()
    after(page, served, lambda: page.mouse.move(x + 4, y))
    revision = page.get_attribute("html", "data-revision")
    page.mouse.move(x + 8, y)
    page.wait_for_selector(f"html:not([data-revision='{revision}'])", state="attached")
    page.mouse.up()
    assert session.at == at + 1

    page.locator("#dvh").scroll_into_view_if_needed()
    ctv = session.wishes.prescriptions[0].structure
    x, y = page.evaluate(
        """() => {
            const line = document.querySelector('#dvh .curve[data-curve="0"]');
            const half = line.getPointAtLength(line.getTotalLength() / 2);
            const seen = new DOMPoint(half.x, half.y).matrixTransform(line.getScreenCTM());
            return [seen.x, seen.y];
        }"""
    )
    goals = len(session.wishes.goals)
    page.mouse.move(x, y)
    page.mouse.down()
    after(page, served, lambda: page.mouse.move(x + 30, y))
    page.mouse.up()
    page.wait_for_selector("#state[data-state]")
    assert len(session.wishes.goals) == goals + 1
    goal = session.wishes.goals[-1].goal
    assert goal.structure == ctv
    assert goal.sense == ">="


def test_what_takes_long_is_stopped_by_a_click_or_by_escape(
    page: Any, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study that would not end: it asks as all long work does, and the page says that it was stopped."""

    def endless(session: Session) -> None:
        with session._stops.stoppable():
            while True:
                time.sleep(0.01)
                stop_if_asked()

    before = served.session.history
    monkeypatch.setattr(Session, "ranges", endless)
    for end in (lambda: page.click("#stop"), lambda: page.keyboard.press("Escape")):
        page.click("#find-ranges")
        page.wait_for_selector("#stop:not([hidden])")
        end()
        page.wait_for_selector("#find-ranges:not([disabled])")
        assert "stopped on request" in page.inner_text("#ranges-said")
        page.wait_for_selector("#stop", state="hidden")
    assert served.session.history == before


def test_studies_of_the_plan_on_the_screen(page: Any, served: Served) -> None:
    page.click("#find-robustness")
    page.wait_for_selector("#robustness-said[data-revision]", state="attached")
    # The proof that came meanwhile is no touch: it was said to be one.
    assert page.inner_text("#robustness-said") == ""
    cells = page.locator("#robustness-table tbody tr").first.inner_text().split("\t")
    assert cells[0] == served.session.wishes.prescriptions[0].structure
    assert cells[1].endswith("%")
    page.click("#find-next")
    page.wait_for_selector("#next-said:not(:empty)")
    page.wait_for_selector("#find-next:not([disabled])")
    # The small case has neither skin nor ribs: it is said, and nothing is proposed.
    assert "no structure is named as" in page.inner_text("#next-said")
    assert page.locator("#next-table").is_hidden()


def place_of(page: Any, point_mm: np.ndarray) -> tuple[float, float]:
    """Put the crosshair on a point, and return where the axial picture shows it."""
    canvas = page.locator('.plane[data-view="axial"] canvas')
    canvas.evaluate("c => c.scrollIntoView({ block: 'center' })")  # not under the bar at the top
    box = canvas.bounding_box()
    across, down = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    read = []
    for x in (across - 40.0, across + 40.0):
        page.mouse.move(x, down)
        read.append([float(v) for v in page.get_attribute("#read-at", "data-lps").split()])
    mm_per_px = (read[1][0] - read[0][0]) / 80.0
    return across - 40.0 + (point_mm[0] - read[0][0]) / mm_per_px, down + (point_mm[1] - read[0][1]) / mm_per_px


def test_what_was_refused_is_said_at_the_top_and_does_not_stay_in_its_field(page: Any, served: Served) -> None:
    """The field kept -3 Gy beside "met"; the sentence stood below the goals, where nobody saw it."""
    number = "#goal-rows tr:nth-child(1) input[type=number]"
    asked = served.session.wishes.prescriptions[0].dose_gy
    page.fill(number, "-3")
    page.keyboard.press("Tab")
    page.wait_for_selector("#live #refused:not([hidden])")
    assert "must lie between" in page.inner_text("#refused")
    assert float(page.input_value(number)) == asked


def test_fields_and_isodoses_follow_undo_also_where_one_of_them_has_the_focus(page: Any, served: Served) -> None:
    """The slider under the keys kept the value that was undone."""
    session, row = served.session, "#goal-rows tr:nth-child(1)"
    asked = session.wishes.prescriptions[0].dose_gy
    after(page, served, lambda: (page.fill(f"{row} input[type=number]", "23"), page.keyboard.press("Tab")))
    levels = "() => [...document.querySelectorAll('#levels input[type=number]')].map((one) => +one.value)"
    assert 23.0 in page.evaluate(levels)
    at = session.at
    page.focus(f"{row} input[type=range]")
    page.keyboard.press("Control+z")
    page.wait_for_selector(f"#history li:nth-child({at})[aria-current]")
    assert [float(page.input_value(f"{row} input[type={kind}]")) for kind in ("number", "range")] == [asked, asked]
    assert 23.0 not in page.evaluate(levels)
    assert "100 %" in page.inner_text("#levels")


def test_under_a_difference_of_doses_the_ct_stays_where_no_dose_is_known(page: Any, served: Served) -> None:
    """It was black there: nothing is known outside the dose grid."""
    corner = """() => {
        const canvas = document.querySelector('.plane[data-view="coronal"] canvas');
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        let dark = 0;
        for (let i = 0; i < data.length; i += 4) dark += data[i] + data[i + 1] + data[i + 2] === 0;
        return dark / (data.length / 4);
    }"""
    page.fill("#keep-name", "before")
    page.click("#keep")
    page.wait_for_selector("#kept-list li:has-text('before') button")
    page.locator(".plane[data-view='coronal']").press("0")  # the whole frame
    page.wait_for_timeout(300)
    before = page.evaluate(corner)
    page.click("#kept-list li:has-text('before') button >> nth=0")
    page.wait_for_selector("#compared:not([hidden])")
    page.wait_for_timeout(300)
    assert page.evaluate(corner) == pytest.approx(before, abs=0.01)
    page.click("#compare-end")


def test_of_two_pages_each_shows_what_the_other_does(chromium: Any, page: Any, served: Served) -> None:
    """Without a click into it: a notebook and its page stand side by side as well."""
    served.session.do("prescribe", ctv="lesion", dose_gy=19.0)
    number = "#goal-rows tr:nth-child(1) input[type=number]"
    shows(page, served.session.revision)
    assert float(page.input_value(number)) == 19.0


def test_what_a_study_found_is_said_to_be_of_an_earlier_plan_after_a_touch(page: Any, served: Served) -> None:
    """The table of 200 deliveries stood beside another plan and said nothing."""
    page.click("#find-robustness")
    page.wait_for_selector("#robustness-said[data-revision]", state="attached")
    assert page.inner_text("#robustness-said") == ""
    after(page, served, lambda: page.click("#rest"))
    assert "Of an earlier plan" in page.inner_text("#robustness-said")


def test_a_server_that_ended_is_said(chromium: Any, untouched: Served) -> None:
    page = chromium.new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{untouched.origin}/?token={TOKEN}")
    page.wait_for_selector("html[data-ready]", state="attached")
    page.route("**/api/**", lambda route: route.abort())
    page.wait_for_selector("#refused:has-text('goes on where it was')")
    page.close()


def test_a_number_that_is_being_typed_stays_when_something_arrives(page: Any, served: Served) -> None:
    """The proof of the last touch came while the next one was typed, and took its digits."""
    number = "#goal-rows tr:nth-child(1) input[type=number]"
    page.focus(number)
    page.keyboard.press("Control+a")
    page.keyboard.type("1")
    served.session.do("prescribe", ctv="lesion", dose_gy=21.0)
    shows(page, served.session.revision)
    assert page.input_value(number) == "1"
    page.keyboard.type("6")
    after(page, served, lambda: page.keyboard.press("Enter"))
    assert served.session.wishes.prescriptions[0].dose_gy == 16.0
