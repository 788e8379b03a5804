"""The command-line page says what the help texts say, the page of mistakes what the tests do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tool_scripts import tool

ROOT = Path(__file__).resolve().parents[2]
MAKE = "import runpy; page = runpy.run_path('tools/make_cli_page.py')['page']; print(page(), end='')"


def test_the_page_is_current() -> None:
    # In a process of its own: click keeps the help option of a command as the first test to call it made it.
    made = subprocess.run([sys.executable, "-c", MAKE], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    page = ROOT / "docs" / "reference" / "cli.md"
    assert page.read_text(encoding="utf-8") == made.stdout, "run: python tools/make_cli_page.py"


def test_the_page_of_exit_codes_is_current() -> None:
    page = ROOT / "docs" / "reference" / "exit-codes.md"
    assert page.read_text(encoding="utf-8") == tool("make_cli_page").exit_codes_page(), "run: tools/make_cli_page.py"


MISTAKES = "import runpy; page = runpy.run_path('tools/make_mistakes_page.py')['page']; print(page(), end='')"


def test_the_page_of_mistakes_is_current() -> None:
    made = subprocess.run([sys.executable, "-c", MISTAKES], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    page = ROOT / "docs" / "reference" / "mistakes.md"
    assert page.read_text(encoding="utf-8") == made.stdout, "run: python tools/make_mistakes_page.py"
