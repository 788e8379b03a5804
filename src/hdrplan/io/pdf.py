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


def pdf_browser() -> str:
    """Return the browser that prints: ask before long work.

    Raises
    ------
    InputError
        No Chromium, Chrome or Edge on this machine.
    """
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
    program = pdf_browser()
    with tempfile.TemporaryDirectory(prefix="hdrplan-pdf-") as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, encoding="utf-8")
        arguments = [program, *_ARGUMENTS, f"--user-data-dir={Path(folder, 'profile')}", f"--print-to-pdf={target}"]
        if sys.platform == "linux" and os.geteuid() == 0:
            # Chromium refuses its sandbox to root, as in containers.
            arguments.append("--no-sandbox")
        try:
            done = subprocess.run(
                [*arguments, source.as_uri()], capture_output=True, text=True, errors="replace", timeout=_LONGEST_S
            )
            words = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        except subprocess.TimeoutExpired:
            words = [f"nothing after {_LONGEST_S} s"]
        if not target.is_file() or not target.read_bytes().startswith(b"%PDF-"):
            raise InputError(
                "the browser must print the page",
                got=words[0][:200],
                where=program,
                remedy="Open the page and print it from there.",
            )
        shutil.copyfile(target, path)
