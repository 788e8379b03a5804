"""Transforms between frames of reference: JSON files with a 4 x 4 matrix."""

from __future__ import annotations

from pathlib import Path

from hdrplan.arrays import FloatArray
from hdrplan.door import as_array
from hdrplan.io.files import json_value

__all__ = ["read_transform"]


def read_transform(path: Path) -> FloatArray:
    """Read an affine transform of LPS positions (mm), (4, 4), rows first.

    Raises
    ------
    FormatError
        Another shape, anything that is no finite number.
    """
    return as_array(json_value(path), "transform", path, shape=(4, 4))
