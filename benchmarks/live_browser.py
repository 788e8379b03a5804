"""How long a touch of a live session takes from the hand to the picture, in a browser.

python -m benchmarks.live_browser [CASE] [-n 30] [--write docs/measurements/live.md]
A headless Chromium on the same machine; playwright moves the mouse. Time runs from the event of the hand to the second
frame after the page has drawn what followed: dose, DVH, metrics, dwell times and the three pictures are new then. The
proof that follows after a rest is timed until its badge is drawn.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from playwright.sync_api import sync_playwright

from benchmarks.record import machine, put_table
from hdrplan import __version__
from hdrplan.live import Session, app_of

CASE = Path("phantoms/liver-lesion-b")
TOKEN = "of-this-benchmark"
VOLUME = "goal on a volume, V150, moved by its slider"
REST_S = 0.7  # REST_MS of live.js
WATCH = """() => {
    window.taken = [];
    let touched = 0;
    for (const kind of ["pointermove", "input", "click"]) {
        const note = (event) => { if (kind !== "pointermove" || event.buttons) touched = performance.now(); };
        addEventListener(kind, note, true);
    }
    new MutationObserver(() => {
        const began = touched;
        requestAnimationFrame(() => requestAnimationFrame(() => window.taken.push(performance.now() - began)));
    }).observe(document.documentElement, { attributeFilter: ["data-revision"] });
    window.proven = [];
    new MutationObserver(() => {
        if (document.getElementById("state").dataset.state !== "proven at every point") return;
        const began = touched;
        requestAnimationFrame(() => requestAnimationFrame(() => window.proven.push(performance.now() - began)));
    }).observe(document.getElementById("state"), { attributeFilter: ["data-state"] });
}"""

BAR = """() => {
    const bar = document.querySelectorAll(".live-bar")[4];
    bar.scrollIntoView({ block: "center" });
    const { x, y, width, height } = bar.getBoundingClientRect();
    return [x, y, width, height];
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("case", nargs="?", type=Path, default=CASE)
    parser.add_argument("-n", "--number", type=int, default=30, help="touches of each kind")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="Markdown file whose table is replaced")
    given = parser.parse_args()
    session = Session.open(given.case)
    ctv_cc = sum(ctv.volume_cc for ctv in session.case_file.case.ctvs)
    with served(session) as address, page_of(address) as page:
        lines = table(page, session, given.number)
    print("\n".join(lines))
    if given.write:
        here = machine()
        said = f"{ctv_cc:.0f} cc; {here['processors']} processors, load {here['load_at_start']}."
        put_table(given.write, "browser", "\n".join([*lines, "", said]))


@contextmanager
def served(session: Session) -> Iterator[str]:
    with socket.socket() as listener, tempfile.TemporaryDirectory() as folder:
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = app_of(session, token=TOKEN, origin=origin, saves=Path(folder), version=__version__)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"{origin}/?token={TOKEN}"
        server.should_exit = True
        thread.join()


@contextmanager
def page_of(address: str) -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(300_000)
        page.goto(address)
        page.wait_for_selector('#state[data-state="proven at every point"]')
        page.evaluate(WATCH)
        yield page
        browser.close()


def table(page: Any, session: Session, number: int) -> list[str]:
    rows = ["| touch | median | 95 % |", "|---|---|---|"]
    for name, touch in touches(page, session).items():
        taken = np.array([seconds(page, touch, k) for k in range(number)])
        middle, late = np.percentile(taken, [50, 95])
        rows.append(f"| {name} | {middle:.2f} s | {late:.2f} s |")
        if name == VOLUME:
            searched = searches(page, touch, max(3, number // 3))
            page.locator("#goal-rows input[type=checkbox]").last.uncheck(force=True)
    return [*rows, proofs(page, session, max(3, number // 3)), searched]


def touches(page: Any, session: Session) -> dict[str, Callable[[int], None]]:
    """Return what a hand does, by name; the number tells one touch from the next."""
    ctv, wanted = session.wishes.prescriptions[0].structure, session.wishes.prescriptions[0].dose_gy

    def slide(k: int) -> None:
        slider = page.locator("#goal-rows input[type=range]").first
        slider.evaluate(
            "(s, gy) => { s.value = gy; s.dispatchEvent(new Event('input', { bubbles: true })); }",
            wanted + 0.1 * (k % 9),
        )

    def bar(k: int) -> None:
        # In one go: bars are drawn anew with every plan.
        left, top, width, height = page.evaluate(BAR)
        across, y = left + width / 2, top + height * (0.5 + 0.03 * (k % 9))
        page.mouse.move(across, y - 2)
        page.evaluate("() => { window.taken.length = 0; }")
        page.mouse.down()
        page.mouse.move(across, y)
        page.mouse.up()

    def catheter(k: int) -> None:
        if k == 0:
            page.check('input[value="catheter"]', force=True)
            page.locator('.plane[data-view="axial"] canvas').evaluate("c => c.scrollIntoView({ block: 'center' })")
        tip = session.wishes.catheters[0].points_mm[-1]
        x, y = place_of(page, tip)
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate("() => { window.taken.length = 0; }")
        page.mouse.move(x + 3 - 6 * (k % 2), y + 2 - 4 * (k % 2))
        page.mouse.up()

    def rest(k: int) -> None:
        page.click("#rest")

    def volume(k: int) -> None:
        if k == 0:
            v150 = 100 * session.shown.score.structure(ctv).v150_frac
            page.select_option("#new-structure", ctv)
            page.fill("#new-text", f"V150 <= {v150:.0f} %")
            page.fill("#new-level", "0")
            page.click("#new-goal button")
            page.wait_for_function("() => window.taken.length > 0")
            page.wait_for_timeout(100)
            page.evaluate("() => { window.taken.length = 0; }")
        slider = page.locator("#goal-rows input[type=range]").last
        percent = float(slider.input_value())
        slider.evaluate(
            "(s, percent) => { s.value = percent; s.dispatchEvent(new Event('input', { bubbles: true })); }",
            percent - 1.0 if k % 10 < 5 else percent + 1.0,
        )

    return {
        "prescription moved by its slider": slide,
        VOLUME: volume,
        "dwell time dragged": bar,
        "the rest optimised": rest,
        "catheter moved by its tip": catheter,
    }


def proofs(page: Any, session: Session, number: int) -> str:
    """Return the row of the proof after rest: from the hand to the picture of the badge, the wait for rest included."""
    slide = touches(page, session)["prescription moved by its slider"]
    taken, worked = [], []
    for k in range(number):
        page.evaluate("() => { window.proven.length = 0; }")
        began = time.process_time()
        slide(k)
        page.wait_for_selector('#state[data-state="optimal on samples"]')
        while not (seen := page.evaluate("() => window.proven")):
            page.wait_for_timeout(50)
        taken.append(float(seen[0]) / 1000.0)
        worked.append(time.process_time() - began)
    middle, late = np.percentile(taken, [50, 95])
    said = f"proof, from the slider to the badge ({REST_S} s of rest included; server {np.median(worked):.1f} CPU s)"
    return f"| {said} | {middle:.2f} s | {late:.2f} s |"


def searches(page: Any, touch: Callable[[int], None], number: int) -> str:
    """Return the row of the search after rest, under a goal on a volume: until no better plan is promised."""
    promised = "document.getElementById('state').textContent.includes('A better plan is looked for')"
    taken, worked = [], []
    for _ in range(number):
        page.wait_for_function(f"() => !{promised}")
        cpu, began = time.process_time(), time.perf_counter()
        touch(1)  # a hundredth less each time
        page.wait_for_function(f"() => {promised}")
        page.wait_for_function(f"() => !{promised}")
        taken.append(time.perf_counter() - began)
        worked.append(time.process_time() - cpu)
    middle, late = np.percentile(taken, [50, 95])
    server = f"server {np.median(worked):.1f} CPU s"
    said = f"search under V150 and proof, from the slider ({REST_S} s of rest included; {server})"
    return f"| {said} | {middle:.2f} s | {late:.2f} s |"


def seconds(page: Any, touch: Callable[[int], None], k: int) -> float:
    """Return the time from a touch to the picture."""
    page.wait_for_timeout(100)
    page.evaluate("() => { window.taken.length = 0; }")
    touch(k)
    while not (taken := page.evaluate("() => window.taken")):
        page.wait_for_timeout(20)
    return float(taken[0]) / 1000.0


def place_of(page: Any, point_mm: Any) -> tuple[float, float]:
    """Return where the axial picture shows a point."""
    box = page.locator('.plane[data-view="axial"] canvas').bounding_box()
    across, down = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    read = []
    for x in (across - 40.0, across + 40.0):
        page.mouse.move(x, down)
        read.append([float(v) for v in page.get_attribute("#read-at", "data-lps").split()])
    mm_per_px = (read[1][0] - read[0][0]) / 80.0
    return across - 40.0 + (point_mm[0] - read[0][0]) / mm_per_px, down + (point_mm[1] - read[0][1]) / mm_per_px


if __name__ == "__main__":
    main()
