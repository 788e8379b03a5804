"""Make the pictures of live planning in docs/images anew: the walk of the README, in a headless Chromium.

PYTHONPATH=. python tools/make_live_images.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.live_browser import CASE, page_of, place_of, served

from hdrplan.live import Session

IMAGES = Path("docs/images")
PROVEN = '#state[data-state="proven at every point"]'


def main() -> None:
    """Make all of them."""
    session = Session.open(CASE)
    with served(session) as address, page_of(address) as page:
        page.set_viewport_size({"width": 1366, "height": 900})
        taken(page, "live")
        compared(page)
        taken(page, "live-compare")
        page.click("#compare-end")
        page.click("#undo")
        dragged_isodose(page, session)
        taken(page, "live-isodose")
        page.click("#undo")
        page.click("#find-next")
        page.wait_for_selector("#next-table:not([hidden])")
        taken(page, "live-next", at="#find-next")


def taken(page: Any, name: str, *, at: str = "") -> None:
    """Take a picture once what is on the screen is proven and at rest."""
    page.wait_for_timeout(1500)
    page.wait_for_selector(PROVEN)
    page.wait_for_selector("#stop", state="hidden")
    page.mouse.move(5, 5)
    page.evaluate("(at) => at ? document.querySelector(at).scrollIntoView({ block: 'center' }) : scrollTo(0, 0)", at)
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.png")


def compared(page: Any) -> None:
    """Keep the plan, prescribe less, and show both."""
    page.fill("#keep-name", "20 Gy")
    page.click("#keep")
    page.wait_for_selector("#kept-list button")
    page.fill("#goal-rows tr:first-child input[type=number]", "16")
    page.keyboard.press("Tab")
    page.wait_for_selector("#history li:nth-child(2)[aria-current]")
    page.click("#kept-list button >> nth=0")
    page.wait_for_selector("#compared:not([hidden])")
    page.fill("#keep-name", "")


def dragged_isodose(page: Any, session: Session) -> None:
    """Drag the 20 Gy line of the axial picture to the patient's right."""
    page.wait_for_selector("#history li:nth-child(1)[aria-current]")
    page.check('input[value="isodose"]', force=True)
    page.locator('.plane[data-view="axial"] canvas').evaluate("c => c.scrollIntoView({ block: 'center' })")
    x, y = place_of(page, session.shown.plan.dwells.positions_mm.mean(axis=0))
    gy = session.wishes.prescriptions[0].dose_gy
    while True:
        page.mouse.move(x, y)
        if float(page.inner_text("#read-gy").split()[0].strip(">")) < gy:
            break
        x -= 2.0
    page.mouse.down()
    page.mouse.move(x - 12.0, y)
    page.mouse.up()
    page.wait_for_selector("#history li:nth-child(2)[aria-current]")


if __name__ == "__main__":
    main()
