"""Pages as PDF, printed by the headless browser of the machine: what a signature or an archive needs.

A browser draws the page's fonts, tables and canvases as on the screen, and hdrplan needs no PDF library. The page asks
the network for nothing; the browser gets an empty profile and no network besides.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hdrplan.errors import InputError

__all__ = ["pdf_browser", "write_pdf"]

BROWSER_VARIABLE = "HDRPLAN_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
    "--no-pdf-header-footer",
    # Pages with canvases draw them when they are printed.
    "--virtual-time-budget=20000",
)
_LONGEST_S = 300
_NO_SANDBOX = "No usable sandbox"


def pdf_browser() -> str:
    """Return the browser that prints, after it has printed an empty page: ask before long work.

    Raises
    ------
    InputError
        No Chromium, Chrome or Edge on this machine, or one that does not print.
    """
    with tempfile.TemporaryDirectory(prefix="hdrplan-pdf-") as folder:
        write_pdf(Path(folder, "empty.pdf"), "<!doctype html><title>hdrplan</title>")
    return _browser()


def _browser() -> str:
    named = os.environ.get(BROWSER_VARIABLE)
    program = shutil.which(named) if named else next((p for p in map(shutil.which, (*_NAMES, *_PLACES)) if p), None)
    if program is None:
        raise InputError(
            "a PDF needs a Chromium, Chrome or Edge browser",
            got=f"{BROWSER_VARIABLE}={named!r}, which is no program" if named else "none on this machine",
            remedy=f"Install one, name its program in {BROWSER_VARIABLE}, or open the page and print it from there.",
        )
    return program


def write_pdf(path: Path, page: str) -> None:
    """Print a self-contained page to PDF.

    Parameters
    ----------
    path : Path
        Of the PDF.
    page : str
        HTML; its style sheet names the paper.

    Raises
    ------
    InputError
        No browser, or one that does not print.
    """
    program = _browser()
    # Chromium refuses its sandbox to root.
    is_root = sys.platform == "linux" and os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="hdrplan-pdf-") as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, encoding="utf-8")
        flags = [f"--user-data-dir={Path(folder, 'profile')}", f"--print-to-pdf={target}", source.as_uri()]
        words = _printed([program, *_ARGUMENTS, *(["--no-sandbox"] if is_root else []), *flags])
        if not target.is_file() and any(_NO_SANDBOX in line for line in words):
            # Containers and some desktops give nobody a sandbox; the page is our own and asks the network for nothing.
            words = _printed([program, *_ARGUMENTS, "--no-sandbox", *flags])
        if not target.is_file() or not target.read_bytes().startswith(b"%PDF-"):
            raise InputError(
                "the browser must print the page",
                got=words[-1][:200],
                where=program,
                remedy="Name another one in HDRPLAN_BROWSER, or open the page and print it from there.",
            )
        shutil.copyfile(target, path)


def _printed(command: list[str]) -> list[str]:
    """Run the browser; return the lines that it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        return [f"nothing after {_LONGEST_S} s"]
    return done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
