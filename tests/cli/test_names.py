"""Errors about clinical files name no patient, and stay readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdrplan.cli.names import names_hidden
from hdrplan.errors import InputError


def hidden(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught, names_hidden(folder):
        raise InputError(text)
    return str(caught.value)


def test_names_of_folder_and_files_do_not_stand_in_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "Meier^Anna"
    folder.mkdir()
    (folder / "RS.Meier.dcm").touch()
    said = hidden(folder, f"RS.Meier.dcm and {folder / 'RS.Meier.dcm'} cannot both be right")
    assert "Meier" not in said
    assert "file 1 of 1 by name" in said


def test_numbered_files_leave_the_numbers_of_an_error_alone(tmp_path: Path) -> None:
    """Exports call their files 1, 2, 3: their names stood in place of every 1 of the sentence."""
    for name in ("1", "2", "3"):
        (tmp_path / name).touch()
    assert hidden(tmp_path, "expected 2 slices, got 1 of 1.5 mm") == "expected 2 slices, got 1 of 1.5 mm"
    assert "file 1 of 3" in hidden(tmp_path, f"cannot read {tmp_path / '1'}")
