"""The packaged files are what tools/make_sources.py makes of the collected tables, to the byte."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from hdrplan.sources import source_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.shared
def test_packaged_files_are_made_by_the_maker(shared: Path) -> None:
    path = ROOT / "tools" / "make_sources.py"
    spec = importlib.util.spec_from_file_location("make_sources", path)
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    sys.modules["make_sources"] = maker
    spec.loader.exec_module(maker)
    assert {entry.name for entry in maker.ENTRIES} == set(source_names())
    for entry in maker.ENTRIES:
        made = maker.text_of(maker.record_of(entry, shared / "data" / "sources"))
        assert (maker.OUT / f"{entry.name}.json").read_text(encoding="utf-8") == made, entry.name
