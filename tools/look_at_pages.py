"""Pictures of pages as people see them: four screens and paper, light and dark, and what cannot be read on them.

    python tools/look_at_pages.py OUT report.html place.html ...

Writes ``OUT/<page>-<screen>-<scheme>.png``, ``OUT/<page>.pdf`` and, where poppler's pdftoppm is installed,
``OUT/<page>-print-<n>.png``, and prints what is below the contrast of WCAG 2.1 (4.5, or 3 for large text) or wider than
its screen. Needs playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path
from typing import Any

SCREENS = {"laptop": (1366, 768), "desk": (1920, 1200), "tablet": (768, 1024), "phone": (390, 844)}
SCHEMES = ("light", "dark")
_TALLEST_PX = 8000
# Software rendering of WebGL, for the page in three dimensions.
_ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

# Every text that is seen, against the nearest background that is painted; not text over pictures and canvases.
CONTRAST = """() => {
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const parts = (text) => (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(e).backgroundColor);
      if (a > 0.5) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || element.closest("script, style, noscript, .plane, option, title")) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const seen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!seen || !box.width || box.right < 0 || element.closest(":disabled")) continue;
    const colour = element.closest("svg") ? style.fill : style.color;
    const [light, dark] = [luminance(parts(colour)), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const px = parseFloat(style.fontSize), large = px >= 24 || (px >= 18.66 && +style.fontWeight >= 700);
    const kind = `${element.tagName.toLowerCase()}.${element.className.baseVal ?? element.className}`;
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${kind}: ${text.slice(0, 40)}`);
  }
  return [...new Set(found)];
}"""

# What would make the whole page scroll sideways.
TOO_WIDE = """() => document.documentElement.scrollWidth > innerWidth
  ? [`the page is ${document.documentElement.scrollWidth} px wide on a screen of ${innerWidth}`] : []"""


def open_page(browser: Any, page: Path, screen: str, scheme: str) -> Any:
    """Return a page of the browser that shows a file on a screen in a colour scheme.

    Parameters
    ----------
    browser : playwright Browser
    page : Path
    screen : str
        A name of ``SCREENS``.
    scheme : {"light", "dark"}
    """
    width, height = SCREENS[screen]
    opened = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    opened.goto(page.resolve().as_uri())
    opened.wait_for_load_state("load")
    opened.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 400))")
    return opened


def _picture(opened: Any, stem: Path, *, whole: bool) -> None:
    """Write what is seen; of a whole page pictures of at most 8000 px: Chromium repeats the first 8192 after them."""
    height = opened.evaluate("() => document.documentElement.scrollHeight") if whole else 0
    width = opened.viewport_size["width"]
    if not whole:
        opened.screenshot(path=stem.with_name(f"{stem.name}.png"))
    for k, top in enumerate(range(0, height, _TALLEST_PX)):
        clip = {"x": 0, "y": top, "width": width, "height": min(_TALLEST_PX, height - top)}
        name = f"{stem.name}.png" if k == 0 else f"{stem.name}-{k + 1}.png"
        opened.screenshot(path=stem.with_name(name), full_page=True, clip=clip)


def _print(browser: Any, page: Path, out: Path) -> None:
    opened = open_page(browser, page, "desk", "dark")
    pdf = out / f"{page.stem}.pdf"
    opened.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    opened.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    opened.close()
    if shutil.which("pdftoppm"):
        subprocess.run(["pdftoppm", "-png", "-r", "70", str(pdf), str(out / f"{page.stem}-print")], check=True)


def main() -> None:
    """Look at every page that was named."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--screen", choices=SCREENS, action="append", help="only these")
    parser.add_argument("--no-print", action="store_true")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    program = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        for page in chosen.pages:
            for screen in chosen.screen or SCREENS:
                for scheme in SCHEMES:
                    opened = open_page(browser, page, screen, scheme)
                    name = f"{page.stem}-{screen}-{scheme}"
                    _picture(opened, chosen.out / name, whole=screen == "phone")
                    for line in (*opened.evaluate(CONTRAST), *opened.evaluate(TOO_WIDE)):
                        print(f"{name}: {line}")
                    opened.close()
            if not chosen.no_print:
                _print(browser, page, chosen.out)
        browser.close()


if __name__ == "__main__":
    main()
