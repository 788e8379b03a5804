"""The edition follows what can change a number, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdrplan import edition as module


def edition_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(module.resources, "files", lambda _: folder)
    return module.edition.__wrapped__()


def test_code_and_data_decide_and_pages_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "one.py").write_text("a = 1\n")
    (tmp_path / "table.csv").write_text("1,2\n")
    first = edition_of(tmp_path, monkeypatch)
    assert len(first) == 16
    for name in ("room/one.py~", "page.html.j2", "room/one.cpython-311.pyc"):
        (tmp_path / name).write_text("anything")
    assert edition_of(tmp_path, monkeypatch) == first
    seen = {first}
    for name, text in (("room/one.py", "a = 2\n"), ("table.csv", "1,3\n"), ("room/two.py", "")):
        (tmp_path / name).write_text(text)
        seen.add(edition_of(tmp_path, monkeypatch))
    (tmp_path / "room" / "two.py").rename(tmp_path / "two.py")
    seen.add(edition_of(tmp_path, monkeypatch))
    assert len(seen) == 5


def test_this_program_has_one() -> None:
    assert module.edition() == module.edition.__wrapped__()
