"""Write what docs say of the house from the house itself: the table of rooms, and the index of public names.

    python tools/make_house_pages.py

Floors come from the import contract in pyproject.toml, sentences from the docstrings of the rooms' doors.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
ARCHITECTURE = ROOT / "docs" / "explanation" / "architecture.md"
NAMES = ROOT / "docs" / "reference" / "names.md"
API = ROOT / "docs" / "reference" / "api.md"
_TABLE = re.compile(r"<!-- rooms -->.*<!-- end rooms -->", re.DOTALL)


def floors() -> list[list[str]]:
    """Return the rooms of each floor, the highest floor first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[room.strip() for room in re.split(r"[|:]", layer)] for layer in layers]


def opening(room: str) -> str:
    """Return the first paragraph of a room's docstring on one line."""
    path = ROOT / "src" / "hdrplan" / room
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def room_table() -> str:
    """Return the table of rooms between its marks."""
    listed = floors()
    lines = ["<!-- rooms -->", "| floor | room | what it is |", "|---|---|---|"]
    for number, rooms in zip(range(len(listed), 0, -1), listed, strict=True):
        for room in rooms:
            folder = (ROOT / "src" / "hdrplan" / room).is_dir()
            lines.append(f"| {number} | `{room}{'/' if folder else ''}` | {opening(room)} |")
    return "\n".join([*lines, "<!-- end rooms -->"])


def architecture() -> str:
    """Return the page on architecture with the table as it is now."""
    return _TABLE.sub(lambda _: room_table(), ARCHITECTURE.read_text(encoding="utf-8"))


def documented_rooms() -> list[str]:
    """Return the modules whose docstrings the Python reference shows."""
    return re.findall(r"^::: (hdrplan[\w.]*)$", API.read_text(encoding="utf-8"), re.MULTILINE)


def first_line(room: ModuleType, name: str) -> str:
    """Return the first line of a public name's docstring; of a constant, its type."""
    value = getattr(room, name)
    documented = inspect.isclass(value) or inspect.isroutine(value)
    return (inspect.getdoc(value) or "").split("\n")[0] if documented else f"Constant ({type(value).__name__})."


def names_page() -> str:
    """Return the index of public names."""
    lines = [
        "# Index of names",
        "",
        "Every public name by room, with the first line of its docstring. [Python](api.md) has the rest. What is not",
        "listed here may change without a word. Written by `tools/make_house_pages.py`.",
    ]
    for room in documented_rooms():
        module = importlib.import_module(room)
        lines += ["", f"## {room}", "", "| name | |", "|---|---|"]
        for name in sorted(module.__all__, key=str.lower):
            lines.append(f"| `{name}` | {first_line(module, name).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    ARCHITECTURE.write_text(architecture(), encoding="utf-8")
    NAMES.write_text(names_page(), encoding="utf-8")
