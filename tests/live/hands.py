"""Hands on the page of a live session, in Chromium and in Firefox: what a person does, and nothing else."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

_PATIENCE_S = 300.0  # that the machine is busy is no failure
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # of the WebDriver standard
# Names of keys -> their code points in the WebDriver standard.
_KEYS = {
    "PageUp": "\ue00e",
    "Delete": "\ue017",
    "Tab": "\ue004",
    "Control": "\ue009",
    "ArrowUp": "\ue013",
    "PageDown": "\ue00f",
}
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "marionette.port": 0,
    "toolkit.telemetry.enabled": False,
}


class Hands(Protocol):
    """What a test asks of a browser."""

    def open(self, address: str) -> None:
        """Go to an address."""

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what the body of a function returns in the page."""

    def click(self, css: str) -> None:
        """Press the mouse on the middle of an element."""

    def write(self, css: str, text: str) -> None:
        """Replace the text of a field, and leave it."""

    def press(self, css: str, *keys: str) -> None:
        """Press keys together on an element."""

    def drag(self, *places: tuple[float, float]) -> None:
        """Press the mouse at the first place and let it go at the last."""

    def hover(self, x: float, y: float) -> None:
        """Move the mouse."""

    def picture(self) -> bytes:
        """Return a PNG of the window."""


def until(hands: Hands, condition: str) -> None:
    """Wait until an expression is true in the page."""
    end = time.monotonic() + _PATIENCE_S
    while not hands.run(f"return Boolean({condition})"):
        assert time.monotonic() < end, f"never came: {condition}"
        time.sleep(0.02)


def drawn(hands: Hands) -> None:
    """Wait until the page has drawn what events before this asked for: it draws once a frame."""
    frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    assert hands.run(f"return {frame}")


class OfPlaywright:
    """Hands of a page that playwright drives."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def open(self, address: str) -> None:
        self._page.goto(address)

    def run(self, script: str, *arguments: Any) -> Any:
        return self._page.evaluate(f"(given) => (function () {{ {script} }}).apply(null, given)", list(arguments))

    def click(self, css: str) -> None:
        self._page.click(css)

    def write(self, css: str, text: str) -> None:
        self._page.fill(css, text)
        self._page.keyboard.press("Tab")

    def press(self, css: str, *keys: str) -> None:
        self._page.focus(css)
        self._page.keyboard.press("+".join(keys))

    def drag(self, *places: tuple[float, float]) -> None:
        self._page.mouse.move(*places[0])
        self._page.mouse.down()
        for place in places[1:]:
            self._page.mouse.move(*place)
        self._page.mouse.up()

    def hover(self, x: float, y: float) -> None:
        self._page.mouse.move(x, y)

    def picture(self) -> bytes:
        return bytes(self._page.screenshot())


class OfFirefox:
    """Hands of a Firefox that is driven by its own protocol, Marionette: JSON over a socket of this machine.

    Parameters
    ----------
    port : int
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        self._stream = self._socket.makefile("rb")
        self._count = 0
        self._read()
        self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {"unhandledPromptBehavior": "ignore"}})
        self.ask("WebDriver:SetTimeouts", script=int(1000 * _PATIENCE_S), pageLoad=int(1000 * _PATIENCE_S))

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox ended"
            length += byte
        return json.loads(self._stream.read(int(length)))

    def ask(self, command: str, **parameters: Any) -> Any:
        """Return the answer to a WebDriver command."""
        self._count += 1
        message = json.dumps([0, self._count, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._read()
        assert number == self._count
        assert error is None, f"{command}: {error}"
        return result.get("value", result) if isinstance(result, dict) else result

    def open(self, address: str) -> None:
        self.ask("WebDriver:Navigate", url=address)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.ask("WebDriver:ExecuteScript", script=script, args=list(arguments), sandbox="default")

    def _element(self, css: str) -> str:
        end = time.monotonic() + _PATIENCE_S
        while not self.run("return document.querySelector(arguments[0]) !== null", css):
            assert time.monotonic() < end, f"never came: {css}"
            time.sleep(0.02)
        return str(self.ask("WebDriver:FindElement", using="css selector", value=css)[_ELEMENT])

    def click(self, css: str) -> None:
        # Not under the bar at the top, which WebDriver's own scrolling does not know.
        self._element(css)
        x, y = self.run(
            "const e = document.querySelector(arguments[0]); e.scrollIntoView({ block: 'center' });"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
            css,
        )
        self.drag((x, y))

    def write(self, css: str, text: str) -> None:
        self.run("document.querySelector(arguments[0]).select()", css)
        self.ask("WebDriver:ElementSendKeys", id=self._element(css), text=text + _KEYS["Tab"])

    def press(self, css: str, *keys: str) -> None:
        self.run("document.querySelector(arguments[0]).focus()", css)
        codes = [_KEYS.get(key, key) for key in keys]
        down, up = ([{"type": f"key{way}", "value": code} for code in codes] for way in ("Down", "Up"))
        self._act({"type": "key", "id": "keys", "actions": [*down, *up[::-1]]})

    def drag(self, *places: tuple[float, float]) -> None:
        move = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0} for x, y in places]
        steps = [move[0], {"type": "pointerDown", "button": 0}, *move[1:], {"type": "pointerUp", "button": 0}]
        self._mouse(steps)

    def hover(self, x: float, y: float) -> None:
        self._mouse([{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0}])

    def _mouse(self, steps: list[dict[str, Any]]) -> None:
        self._act({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps})

    def _act(self, source: dict[str, Any]) -> None:
        self.ask("WebDriver:PerformActions", actions=[source])
        drawn(self)

    def picture(self) -> bytes:
        from base64 import b64decode

        return b64decode(self.ask("WebDriver:TakeScreenshot", full=False))

    def close(self) -> None:
        """Let the connection go."""
        self._stream.close()
        self._socket.close()


@contextmanager
def firefox(folder: Path) -> Iterator[OfFirefox]:
    """Start a headless Firefox with a profile of its own in a folder, or skip and say what is missing."""
    program = next((p for p in map(shutil.which, ("firefox", "firefox-esr")) if p), None)
    if program is None:
        pytest.skip("no Firefox on this machine (apt-get install firefox-esr)")
    written = "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in _PREFERENCES.items())
    (folder / "user.js").write_text(written)
    words = [program, "--headless", "--no-remote", "--marionette", "--profile", str(folder), "--width", "1366"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([*words, "--height", "768"], stdout=log, stderr=log)
    try:
        port = folder / "MarionetteActivePort"
        end = time.monotonic() + _PATIENCE_S
        while not (port.exists() and port.read_text().strip()):
            assert process.poll() is None, (folder / "log").read_text(errors="replace")
            assert time.monotonic() < end, "Firefox opened no port"
            time.sleep(0.05)
        hands = OfFirefox(int(port.read_text()))
        yield hands
        hands.close()
    finally:
        process.terminate()
        process.wait(timeout=60)
