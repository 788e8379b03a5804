"""The raw values of a NIfTI file, looked at before ITK reads them: it turns NaN into 0 without a word."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hdrplan.errors import FormatError

__all__ = ["check_nifti_values"]

# Data types of floats by the standard's code: the others cannot hold NaN.
_FLOATS = {16: "f4", 64: "f8"}
_BLOCK = 8 << 20
_HEADER = 348


def check_nifti_values(path: Path) -> None:
    """Refuse a NIfTI file whose voxels are not all finite, or end early.

    Parameters
    ----------
    path : Path
        Of any image; other formats, and headers that are none, are left to ITK.

    Raises
    ------
    FormatError

    References
    ----------
    nifti1.h of the NIfTI Data Format Working Group.
    """
    if not str(path).lower().endswith((".nii", ".nii.gz")):
        return
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        if packed:
            with gzip.open(path, "rb") as unpacked:
                _check(unpacked, path)
        else:
            with path.open("rb") as plain:
                _check(plain, path)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FormatError("the compressed voxels must be whole", got="a file that ends early", where=path) from None


def _check(stream: BinaryIO | gzip.GzipFile, path: Path) -> None:
    head = stream.read(_HEADER)
    order = next((o for o in "<>" if head[:4] == struct.pack(f"{o}i", _HEADER)), None)
    if order is None or len(head) < _HEADER:
        return  # no NIfTI-1: ITK reads no other
    dims = struct.unpack(f"{order}8h", head[40:56])
    (kind,), (start,) = struct.unpack(f"{order}h", head[70:72]), struct.unpack(f"{order}f", head[108:112])
    if kind not in _FLOATS or not 1 <= dims[0] <= 7 or not 0 <= start < 1 << 31:
        return
    form = np.dtype(f"{order}{_FLOATS[kind]}")
    left = form.itemsize * int(np.prod([max(1, int(n)) for n in dims[1 : 1 + dims[0]]], dtype=object))
    stream.seek(max(int(start), _HEADER))
    bad = 0
    while left > 0:
        block = stream.read(min(_BLOCK, left))
        if len(block) < min(_BLOCK, left):
            raise FormatError(
                "the header claims more voxels than the file holds", got=f"{left - len(block)} bytes less", where=path
            )
        bad += int((~np.isfinite(np.frombuffer(block, form))).sum())
        left -= len(block)
    stream.read(1)  # at the end of a packed file its checksum is compared
    if bad:
        raise FormatError(
            "voxel values must be finite",
            got=f"{bad} NaN or infinite",
            where=path,
            remedy="Replace them by what they stand for: ITK would read 0.",
        )
