"""Fixtures for all rooms."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from made_once import MadeOnce, folder_of_the_session

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that lies beside the checkout and may not enter the project; absent on most machines."""
    folder = Path(os.environ.get("HDRPLAN_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("../shared is not on this machine: its data may not be redistributed with the project")
    return folder


@pytest.fixture(scope="session")
def phantoms() -> Path:
    """The phantoms of the project."""
    return ROOT / "phantoms"


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Results that many tests begin with; see :class:`made_once.MadeOnce`."""
    return MadeOnce(folder_of_the_session(tmp_path_factory) / "made-once")
