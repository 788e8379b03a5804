"""docs/reference/outcomes.md and its schemas say what the code says."""

from __future__ import annotations

import importlib.util
from dataclasses import fields
from pathlib import Path

import pytest

from hdrplan.cohort import RULES, TABLES, Rules

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def maker():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("make_outcomes_doc", ROOT / "tools" / "make_outcomes_doc.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(maker) -> None:  # type: ignore[no-untyped-def]
    assert (ROOT / "docs" / "reference" / "outcomes.md").read_text() == maker.page(), "run tools/make_outcomes_doc.py"
    for name, text in maker.schemas().items():
        assert (ROOT / "docs" / "reference" / "schema" / name).read_text() == text


def test_the_page_names_every_column_check_and_rule(maker) -> None:  # type: ignore[no-untyped-def]
    page = maker.page()
    names = [c.name for t in TABLES.values() for c in t.columns] + list(RULES) + [f.name for f in fields(Rules)]
    assert [n for n in names if f"`{n}`" not in page] == []
