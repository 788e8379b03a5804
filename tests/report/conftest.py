"""A browser to look with."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest


class Opened:
    """A report in the browser, with all it said and asked for."""

    def __init__(self, browser: Any, file: Path) -> None:
        self.page = browser.new_page(viewport={"width": 1440, "height": 900})
        self.page.set_default_timeout(300_000)  # that the machine is busy is no failure
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready]")

    def pixels(self, view: str) -> np.ndarray:
        """(height, width, 4) bytes of a canvas."""
        height, width, data = self.page.evaluate(
            """(view) => {
              const canvas = document.querySelector(`.plane[data-view="${view}"] canvas`);
              const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
              let text = ""; for (let i = 0; i < data.length; i++) text += String.fromCharCode(data[i]);
              return [canvas.height, canvas.width, btoa(text)];
            }""",
            view,
        )
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)

    def hover(self, view: str, x: float, y: float) -> tuple[np.ndarray, str, str]:
        """Move the pointer to pixel (x, y) of a canvas; return LPS, the CT text and the dose text."""
        self.page.locator(f'.plane[data-view="{view}"] canvas').scroll_into_view_if_needed()
        box = self.page.locator(f'.plane[data-view="{view}"] canvas').bounding_box()
        self.page.mouse.move(box["x"] + x, box["y"] + y)
        at = self.page.locator("#read-at").get_attribute("data-lps")
        return (
            np.array([float(v) for v in at.split()]),
            self.page.locator("#read-hu").inner_text(),
            self.page.locator("#read-gy").inner_text(),
        )

    def settle(self) -> None:
        """Wait until the next frame is drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Write a report, open it: ``opened(html) -> Opened``."""
    pages = []

    def open_report(html: str) -> Opened:
        file = tmp_path / f"report{len(pages)}.html"
        file.write_text(html, encoding="utf-8")
        pages.append(Opened(chromium, file))
        return pages[-1]

    yield open_report
    for each in pages:
        each.page.close()
