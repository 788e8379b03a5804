"""docs/reference/outcomes.md and its schemas say what the code says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from hdrplan.cohort import RULES, TABLES, Rules
from tool_scripts import tool

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def maker():  # type: ignore[no-untyped-def]
    return tool("make_outcomes_doc")


def test_the_page_is_current(maker) -> None:  # type: ignore[no-untyped-def]
    assert (ROOT / "docs" / "reference" / "outcomes.md").read_text() == maker.page(), "run tools/make_outcomes_doc.py"
    for name, text in maker.schemas().items():
        assert (ROOT / "docs" / "reference" / "schema" / name).read_text() == text


def test_the_page_names_every_column_check_and_rule(maker) -> None:  # type: ignore[no-untyped-def]
    page = maker.page()
    names = [c.name for t in TABLES.values() for c in t.columns] + list(RULES) + [f.name for f in fields(Rules)]
    assert [n for n in names if f"`{n}`" not in page] == []
