"""Names of outputs: what Windows takes, told before any work; names made of texts, good on every system."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdrplan import places
from hdrplan.errors import InputError


@pytest.mark.parametrize(
    "name", ["con", "NUL.html", "com1.csv", "aux .txt", "a:b", "what?", "plan.", "x/nul/plan", "tab\tplan"]
)
def test_a_name_that_windows_keeps_is_refused_there_and_nowhere_else(name, tmp_path: Path, monkeypatch):
    (tmp_path / "x" / "nul").mkdir(parents=True)
    path = tmp_path / name
    monkeypatch.setattr(places, "_SYSTEM", "linux")
    places.refuse_taken(path, folder=False, overwrite=False)
    monkeypatch.setattr(places, "_SYSTEM", "win32")
    with pytest.raises(InputError, match="name that Windows takes"):
        places.refuse_taken(path, folder=False, overwrite=False)


@pytest.mark.parametrize("name", ["plan", "console.html", "com10", "nullity.csv", "Müller 2", ".hidden", "../plan-2"])
def test_any_other_name_is_taken_on_windows(name, tmp_path: Path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(places, "_SYSTEM", "win32")
    places.refuse_taken(tmp_path / "folder" / name, folder=False, overwrite=False)


@pytest.mark.parametrize(
    ("text", "stem"),
    [("m-19", "m-19"), ("a/b", "a-b"), ("..", "_"), ("con", "con_"), ("NUL.x", "NUL.x_"), ('"q"?', "q"), ("é", "é")],
)
def test_a_text_becomes_one_name_that_every_system_takes(text, stem):
    assert places.file_stem(text) == stem
