"""The face of the package: what its doors let out is documented, and nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from tool_scripts import tool

ROOT = Path(__file__).resolve().parents[2]


PAGES = tool("make_house_pages")
# Rooms that no user calls: numba on arrays, the command line, and what the ground floor gives the rooms above it.
INNER = {
    "kernels",
    "cli",
    "arrays",
    "brief",
    "kinds",
    "door",
    "rooms",
    "catalogue",
    "places",
    "threads",
    "deflating",
    "processes",
    "memory",
    "costs",
    "stopping",
    "beside",
    "compile_process",
    "compiling",
    "edition",
    "bench",
}


def test_the_table_of_rooms_is_current() -> None:
    assert PAGES.ARCHITECTURE.read_text(encoding="utf-8") == PAGES.architecture(), "run: tools/make_house_pages.py"


def test_the_index_of_names_is_current() -> None:
    assert PAGES.NAMES.read_text(encoding="utf-8") == PAGES.names_page(), "run: tools/make_house_pages.py"


def test_every_room_with_a_door_is_in_the_reference() -> None:
    rooms = {room for floor in PAGES.floors() for room in floor}
    assert {room.removeprefix("hdrplan.") for room in PAGES.documented_rooms()} == rooms - INNER


@pytest.mark.parametrize("room", PAGES.documented_rooms())
def test_public_names_say_what_they_take(room: str) -> None:
    module = importlib.import_module(room)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            continue
        text = inspect.getdoc(value) or ""
        assert text, f"{room}.{name} has no docstring"
        if inspect.isfunction(value):
            taken = inspect.signature(value).parameters
            assert len(taken) <= 7, f"{room}.{name} takes {len(taken)} parameters"
            if len(taken) >= 3:
                assert "Parameters\n---" in text, f"{room}.{name} does not say what its {len(taken)} parameters are"


def test_pages_import_from_doors_only() -> None:
    doors = {f"hdrplan.{room}" for floor in PAGES.floors() for room in floor} | {"hdrplan"}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for line in re.findall(
            r"^(?:from (hdrplan[\w.]*) import|import (hdrplan[\w.]*))", page.read_text(), re.MULTILINE
        ):
            assert (line[0] or line[1]) in doors | {"hdrplan.report.figures"}, f"{page.name}: {line}"
