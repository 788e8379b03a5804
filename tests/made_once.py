"""Results that many tests begin with: made once in a session, by whichever of its processes asks first."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


class MadeOnce:
    """A folder that all processes of a session share.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def __call__(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return a result, made now where no process has made it; one that is being made is waited for.

        Parameters
        ----------
        name : str
            Of its folder or file.
        make : callable
            Makes it, in an empty folder, under its name. What it raises leaves nothing.
        """
        place = self.folder / name
        with (self.folder / f".{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not place.exists():
                draft = self.folder / f".{name}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                make(draft)
                (draft / name).rename(place)
        return place


def folder_of_the_session(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of this session, the same in all its processes."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def write_phantoms(folder: Path) -> Path:
    """Copy the phantoms; the large ones get slices of 5 mm: a third of the voxels, and of the time."""
    shutil.copytree(ROOT / "phantoms", folder)
    shutil.copytree(folder / "liver-lesion-b-5mm", folder / "liver-lesion-b", dirs_exist_ok=True)
    return folder
