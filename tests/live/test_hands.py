"""Everything that a person can do on the page of a live session, done by mouse and keys in Chromium and in Firefox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hands import Hands, OfPlaywright, drawn, firefox, until
from served import TOKEN, Served

from hdrplan.live import ACTIONS

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def in_chromium(request: pytest.FixtureRequest) -> Iterator[Hands]:
    page = request.getfixturevalue("chromium").new_page(viewport={"width": 1366, "height": 768})
    page.set_default_timeout(300_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))  # a refusal is an answer of the server
    page.on("pageerror", lambda error: said.append(str(error)))
    yield OfPlaywright(page)
    page.close()
    assert [text for text in said if not text.startswith("Failed to load resource")] == []


@pytest.fixture
def in_firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    folder = tmp_path_factory.mktemp("firefox")
    with firefox(folder) as hands:
        yield hands
    said = (folder / "log").read_text(errors="replace").splitlines()
    assert [line for line in said if "127.0.0.1" in line and "rror" in line] == []


class Walk:
    """A person at the page, who waits after each touch for what follows."""

    def __init__(self, hands: Hands, served: Served) -> None:
        self.hands, self.session = hands, served.session

    def shows(self) -> None:
        """Wait until the page shows the newest plan, and no refusal."""
        until(
            self.hands,
            f"document.querySelector('#history li:nth-child({self.session.at + 1})[aria-current]') "
            f"&& document.querySelectorAll('#history li').length === {len(self.session.history)}",
        )
        assert self.hands.run("return document.getElementById('refused').hidden")

    def done(self, action: str, do: Callable[[], object]) -> None:
        """Do something that is one entry of the history."""
        at = self.session.at
        do()
        until(self.hands, f"document.querySelector('#history li:nth-child({at + 2})[aria-current]')")
        assert self.session.history[-1].startswith(action), self.session.history
        self.shows()

    def middle(self, css: str, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
        """Bring an element into view, and return a place in it."""
        across, down = self.hands.run(
            "const e = document.querySelector(arguments[0]); e.scrollIntoView({ block: 'center' });"
            "const b = e.getBoundingClientRect();"
            "return [b.x + arguments[1] * b.width, b.y + arguments[2] * b.height]",
            css, x, y,
        )  # fmt: skip
        return across, down


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_every_action_is_done_by_hand_and_undone(
    browser: str, request: pytest.FixtureRequest, untouched: Served, tmp_path: Path
) -> None:
    hands: Hands = request.getfixturevalue(f"in_{browser}")
    session, walk = untouched.session, Walk(hands, untouched)
    hands.open(f"{untouched.origin}/?token={TOKEN}")
    until(hands, "document.querySelector('#state[data-state=\"proven at every point\"]')")

    _goals(walk)
    _places(walk)
    _times(walk)
    _catheters(walk)
    _measured_by_keys(walk)

    hands.write("#keep-name", "first")
    hands.click("#keep")
    until(hands, "document.querySelector('#kept-list button')")
    walk.done("prescribe", lambda: hands.write("#goal-rows tr:nth-child(1) input[type=number]", "15"))
    hands.click("#kept-list button")
    until(hands, "!document.getElementById('compared').hidden")
    assert hands.run("return document.querySelectorAll('#dvh .beside').length") >= 2
    before, now = untouched.session.kept["first"].score, session.shown.score
    row = hands.run("return [...document.querySelector('#differences tbody tr').cells].map((c) => c.textContent)")
    assert row[:2] == ["lesion", "D100 (Gy)"]
    assert [float(v) for v in row[2:4]] == pytest.approx([now.targets[0].d100_gy, before.targets[0].d100_gy], abs=0.006)
    (tmp_path / f"{browser}.png").write_bytes(hands.picture())
    hands.click("#compare-end")
    until(hands, "document.getElementById('compared').hidden")
    assert hands.run("return document.querySelectorAll('#dvh .beside').length") == 0
    walk.done("take first", lambda: hands.click("#kept-list button:nth-of-type(2)"))

    at, wishes = session.at, session.wishes
    for keys, place in ((("Control", "z"), at - 1), (("Control", "y"), at)):
        hands.press(".plane", *keys)
        until(hands, f"document.querySelector('#history li:nth-child({place + 1})[aria-current]')")
    assert session.wishes is wishes
    # Saved as it was opened: the proof of the goals that were asked above, which contradict each other, takes a minute.
    for place in (0, at, 0):
        hands.click(f"#history li:nth-child({place + 1}) button")
        until(hands, f"document.querySelector('#history li:nth-child({place + 1})[aria-current]')")
        assert session.at == place

    assert {touch.name for touch in untouched.touches if touch.what == "do"} == set(ACTIONS)
    hands.click("#save")
    until(hands, "document.getElementById('saved').textContent.startsWith('Saved in')")
    assert (untouched.saves / "case" / "case.toml").is_file()
    assert {touch.what for touch in untouched.touches} == {"do", "go", "keep", "take", "save"}


def _goals(walk: Walk) -> None:
    hands, session = walk.hands, walk.session
    walk.done("prescribe", lambda: hands.write("#goal-rows tr:nth-child(1) input[type=number]", "18"))
    assert session.wishes.prescriptions[0].dose_gy == 18.0
    goal = "#goal-rows tr:nth-child(2) td"
    walk.done("set goal", lambda: hands.write(f"{goal}:nth-child(3) input[type=number]", "12"))
    walk.done("set level", lambda: hands.write(f"{goal}:nth-child(6) input", "1"))
    walk.done("switch goal", lambda: hands.click(f"{goal}:nth-child(1) input"))
    assert not session.wishes.goals[0].on
    walk.done("switch goal", lambda: hands.click(f"{goal}:nth-child(1) input"))
    hands.write("#new-text", "D0.1cc <= 15 Gy")
    walk.done("add goal", lambda: hands.click("#new-goal button"))
    assert session.wishes.goals[-1].goal.value == 15.0
    _prescription(walk)


def _prescription(walk: Walk) -> None:
    """The only prescription is off where a goal asks for dose, and a goal of a level where it is on."""
    hands, session = walk.hands, walk.session
    row = "#goal-rows tr:nth-child(1) td"
    hands.click(f"{row}:nth-child(1) input")
    until(hands, "!document.getElementById('refused').hidden")
    assert "A plan must be asked for a dose" in hands.run("return document.getElementById('refused').textContent")
    assert hands.run("return document.querySelector('#goal-rows input[type=checkbox]').checked")
    walk.done("set prescription level", lambda: hands.write(f"{row}:nth-child(6) input", "2"))
    text = "return document.getElementById('state').textContent"
    assert "What asks for dose now: lesion D100 >= 18 Gy (level 2)." in hands.run(text)
    # A point of the DVH by the keyboard alone.
    hands.write("#point-percent", "90")
    hands.write("#point-gy", "21")
    walk.done("ask dvh point", lambda: hands.press("#new-point button", " "))
    assert session.wishes.goals[-1].goal.text == "D90 >= 21 Gy"
    walk.done("switch prescription", lambda: hands.press(f"{row}:nth-child(1) input", " "))
    assert not session.wishes.prescriptions[0].on
    assert "What asks for dose now: lesion D90 >= 21 Gy (level 1)." in hands.run(text)
    reached = hands.run(f"return document.querySelector('{row}:nth-child(4)').textContent")
    assert float(reached) == pytest.approx(session.shown.score.target("lesion").d100_gy, abs=0.006)
    assert "off" in hands.run(f"return document.querySelector('{row}:nth-child(5)').textContent")
    walk.done("switch prescription", lambda: hands.click(f"{row}:nth-child(1) input"))
    walk.done("set prescription level", lambda: hands.write(f"{row}:nth-child(6) input", "0"))
    assert session.wishes.prescriptions[0].is_hard


def _measured_by_keys(walk: Walk) -> None:
    """From the crosshair on, along two rows and two slices, and then no further."""
    hands, plane = walk.hands, '.plane[data-view="axial"]'
    at = "return document.getElementById('read-at').dataset.lps"
    said = "const e = document.getElementById('read-mm'); return e.parentElement.hidden ? '' : e.textContent"
    hands.run(f"document.querySelector('{plane}').scrollIntoView({{ block: 'center' }})")
    hands.hover(2.0, 2.0)
    drawn(hands)
    assert hands.run(said) == ""
    begins = hands.run(at)
    for key in ("m", "ArrowUp", "ArrowUp", "PageUp", "m"):
        hands.press(plane, key)
    drawn(hands)
    start, end = (np.array(text.split(), dtype=float) for text in (begins, hands.run(at)))
    way = float(np.linalg.norm(end - start))
    assert way > 5.0
    assert hands.run(said) == f"{way:.1f} mm"
    hands.press(plane, "ArrowUp")
    hands.press(plane, "PageDown")
    drawn(hands)
    assert hands.run(said) == f"{way:.1f} mm"
    hands.click("#reset-views")
    until(hands, "document.getElementById('read-mm').parentElement.hidden")


def _places(walk: Walk) -> None:
    hands, session = walk.hands, walk.session
    hands.write("#place-gy", "25")
    walk.done("ask dose at", lambda: hands.click("#new-place button"))
    walk.middle("#dvh")
    x, y = hands.run(
        "const line = document.querySelector('#dvh .curve[data-curve=\"0\"]');"
        "const half = line.getPointAtLength(line.getTotalLength() / 2);"
        "const seen = new DOMPoint(half.x, half.y).matrixTransform(line.getScreenCTM());"
        "return [seen.x, seen.y]"
    )
    walk.done("ask dvh point", lambda: hands.drag((x, y), (x + 30, y)))
    hands.run("document.querySelector('input[value=\"isodose\"]').click()")
    axial = '.plane[data-view="axial"] canvas'
    x, y = walk.middle(axial)
    lesion = session.shown.plan.dwells.positions_mm.mean(axis=0)
    x = place_of(walk, lesion)[0]
    while _dose_at(hands, x, y) > 10.0:  # from the dwells to the line of 10 Gy
        x += 4.0
    walk.done("ask dose at", lambda: hands.drag((x, y), (x + 5, y)))


def _dose_at(hands: Hands, x: float, y: float) -> float:
    hands.hover(x, y)
    return float(hands.run("return document.getElementById('read-gy').textContent").split()[0].strip(">"))


def _times(walk: Walk) -> None:
    hands, session = walk.hands, walk.session
    walk.middle(".live-bar")
    walk.done("set time", lambda: hands.press(".live-bar", "PageUp"))
    walk.done("set time", lambda: hands.press(".live-bar:nth-child(2)", "Delete"))
    assert session.shown.plan.times_s[1] == 0.0
    walk.done("lock", lambda: hands.press(".live-bar:nth-child(3)", "l"))
    walk.done("unlock", lambda: hands.press(".live-bar:nth-child(3)", "l"))
    walk.done("optimise rest", lambda: hands.click("#rest"))
    walk.done("unlock", lambda: hands.click("#unlock"))
    walk.done("set time", lambda: hands.drag(walk.middle(".live-bar", 0.5, 0.7), walk.middle(".live-bar", 0.5, 0.5)))
    walk.done("optimise rest", lambda: hands.click("#rest"))


def _catheters(walk: Walk) -> None:
    hands, session = walk.hands, walk.session

    def points() -> Any:
        return session.wishes.catheters[0].points_mm.copy()

    before = points()
    walk.done("move catheter", lambda: hands.click("#move-catheter button"))
    moved = points()
    assert np.array_equal(moved[0], before[0])
    assert not np.array_equal(moved[-1], before[-1])

    hands.run("document.querySelector('input[value=\"catheter\"]').click()")
    x, y = place_of(walk, moved.mean(axis=0))
    walk.done("move catheter", lambda: hands.drag((x, y), (x + 6, y + 4)))
    by = points() - moved
    assert np.allclose(by, by[0], atol=1e-9)
    assert 0.5 < np.linalg.norm(by[0]) < 12.0

    hands.click("#tip-here")
    for _ in range(6):
        hands.press('.plane[data-view="axial"]', "ArrowUp")
    walk.done("add catheter", lambda: hands.click("#entry-here"))
    walk.done("switch catheter", lambda: hands.click(".live-channels figure:nth-child(2) input[type=checkbox]"))
    walk.done("switch catheter", lambda: hands.click(".live-channels figure:nth-child(2) input[type=checkbox]"))
    walk.done("delete catheter", lambda: hands.click(".live-channels figure:nth-child(2) .quiet"))


def place_of(walk: Walk, point_mm: np.ndarray) -> tuple[float, float]:
    """Return where the axial picture shows a point: two places of the pointer are read."""
    across, down = walk.middle('.plane[data-view="axial"] canvas')
    read = []
    for x in (across - 40.0, across + 40.0):
        walk.hands.hover(x, down)
        read.append([float(v) for v in walk.hands.run("return document.getElementById('read-at').dataset.lps").split()])
    mm_per_px = (read[1][0] - read[0][0]) / 80.0
    return across - 40.0 + (point_mm[0] - read[0][0]) / mm_per_px, down + (point_mm[1] - read[0][1]) / mm_per_px
