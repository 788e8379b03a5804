"""What the tests of files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from small_case import write_small_case


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    """Write the small case; tests break one thing in it."""
    return write_small_case(tmp_path / "case")
