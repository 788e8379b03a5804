"""Transforms: four rows of four finite numbers, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import FormatError
from hdrplan.io import read_transform


def test_a_matrix_is_read_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("[[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]")
    np.testing.assert_array_equal(read_transform(tmp_path / "t.json")[0], [1, 0, 0, 5])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('"1 0 0 0"', "transform must be a list"),
        ("[[1, 0, 0, 5]]", "transform must hold 4 x 4 numbers"),
        ("[[1, 0, 0, 5], [0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]", r"transform\[1\] must hold 4 numbers"),
        ("[[1, 0, 0, NaN], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]", r"transform\[0\]\[3\] must be a finite"),
    ],
)
def test_anything_else_is_refused_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(FormatError, match=says):
        read_transform(tmp_path / "t.json")
