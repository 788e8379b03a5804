"""Write docs/reference/mistakes.md from the tests in tests/mistakes: python tools/make_mistakes_page.py."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "mistakes.md"
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests" / "mistakes")]
SHELVES = (
    ("images", "IMAGES"),
    ("structures", "STRUCTURES"),
    ("catheters", "CATHETERS"),
    ("numbers_of_cases", "NUMBERS"),
    ("plans", "PLANS"),
    ("dicom_objects", "DICOM"),
)


def page() -> str:
    """Return the page."""
    from hdrplan.cautions import REGISTER

    shelves = [getattr(importlib.import_module(module), name) for module, name in SHELVES]
    count = sum(len(shelf.mistakes) for shelf in shelves)
    lines = [
        "# Mistakes, and what hdrplan does",
        "",
        f"This page lists {count} mistakes that people make with real cases. Each one is a test in `tests/mistakes`.",
        "",
        "- What cannot be right is refused, with one line and exit code 2.",
        "- What is odd but can be true gives a warning with an id. It is printed on the terminal, and it stands at the",
        "  top of report.html and in metrics.json and run.json.",
        "- `hdrplan explain ID` says why a warning is given and what to do. `--strict` turns warnings into refusals.",
        "",
        "The page is made by `python tools/make_mistakes_page.py`.",
        "",
    ]
    for shelf in shelves:
        lines += [f"## {shelf.title}", "", "| what was done | what hdrplan does |", "|---|---|"]
        lines += [f"| {m.text} | {'refused' if m.warns is None else f'warning `{m.warns}`'} |" for m in shelf.mistakes]
        lines.append("")
    lines += [
        "## All warnings",
        "",
        "| id | why it is given |",
        "|---|---|",
        *(f"| `{kind.id}` | {kind.why.replace('|', '/')} |" for kind in REGISTER.values()),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
