"""How long the demo's report takes to make, how large it is, and when it is ready in headless Chromium.

Run: python -m benchmarks.report_page [CASE] (needs playwright and Chromium; prints medians of five openings).
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from hdrplan.io import read_case
from hdrplan.report import plan_report
from hdrplan.workflow import plan_case

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def ready_ms(file: Path, times: int = 5) -> list[float]:
    """Milliseconds from the start of navigation until all pictures are drawn, as the page itself says."""
    from playwright.sync_api import sync_playwright

    program = next(p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p)
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for _ in range(times):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(file.as_uri())
            page.wait_for_selector("html[data-ready]")
            found.append(float(page.evaluate("document.documentElement.dataset.ready")))
            page.close()
        browser.close()
    return found


def main() -> None:
    """Plan the case, write its report, open it."""
    found = read_case(Path(sys.argv[1] if len(sys.argv) > 1 else "phantoms/liver-lesion-b"))
    result = plan_case(found.case, found.goals, found.source, found.strength)
    started = time.perf_counter()
    text = plan_report(result, {})
    made_s = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(text, encoding="utf-8")
        ready = ready_ms(file)
    print(f"made in {made_s:.2f} s, {len(text.encode()) / 1e6:.2f} MB, ready after {statistics.median(ready):.0f} ms")
    print(f"(all openings: {', '.join(f'{ms:.0f}' for ms in ready)} ms)")


if __name__ == "__main__":
    main()
