"""The first page of the docs lists every page, as the README says."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_is_listed() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    listed = [page for page in pages if not page.startswith(("decisions/", "index"))]
    assert len(listed) > 40
    assert [page for page in listed if f"]({page})" not in index] == []
    assert "](decisions/index.md)" in index
