"""Header and raw values of a NIfTI file, looked at before ITK reads them.

ITK turns NaN into 0, a voxel size of -2 into 2, one of infinity into 1, and reads zeros from behind the end of a file,
all without a word.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hdrplan.errors import FormatError

__all__ = ["check_nifti_header", "check_nifti_values"]

# Data types of floats by the standard's code: the others cannot hold NaN.
_FLOATS = {16: "f4", 64: "f8"}
_BLOCK = 8 << 20
_HEADER, _HEADER_2 = 348, 540
# mm: no voxel of a patient is larger.
_MAX_VOXEL_MM = 1000.0


def check_nifti_header(path: Path) -> None:
    """Refuse a NIfTI header whose voxel sizes or place of the voxels cannot be right.

    Parameters
    ----------
    path : Path
        Of any image; other formats, and headers that are none, are left to ITK.

    Raises
    ------
    FormatError

    References
    ----------
    nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
    """
    if not str(path).lower().endswith((".nii", ".nii.gz")):
        return
    try:
        head, total = _start_of(path)
    except (EOFError, zlib.error, OSError):
        return  # what does not unpack is refused where it is read
    order = _order(head, _HEADER)
    if _order(head, _HEADER_2) is not None:
        raise FormatError("expected NIfTI-1", got="NIfTI-2", where=path, remedy="Convert it: its voxels are not read.")
    if order is None or len(head) < _HEADER:
        return
    dims = struct.unpack(f"{order}8h", head[40:56])
    sizes_mm = struct.unpack(f"{order}8f", head[76:108])[1 : 1 + min(max(dims[0], 0), 3)]
    if not all(0 < size_mm <= _MAX_VOXEL_MM for size_mm in sizes_mm):
        shown = ", ".join(f"{size_mm:g}" for size_mm in sizes_mm)
        raise FormatError(f"voxel sizes (pixdim) must be above 0, at most {_MAX_VOXEL_MM:g} mm", got=shown, where=path)
    (bits,), (start,) = struct.unpack(f"{order}h", head[72:74]), struct.unpack(f"{order}f", head[108:112])
    voxels = int(np.prod([max(1, int(n)) for n in dims[1 : 1 + min(max(dims[0], 0), 7)]], dtype=object))
    if head[344:348] != b"n+1\0":
        return
    end = start + voxels * bits // 8
    if end > total and str(path).lower().endswith(".gz"):
        total = _unpacked_bytes(path)
    if not (_HEADER <= start < math.inf and start == int(start) and end <= total):
        raise FormatError(
            "the voxels (vox_offset) must lie inside the file", got=f"{start:g} to {end:g} of {total} bytes", where=path
        )


def _order(head: bytes, size: int) -> str | None:
    """Byte order of a header of this size; None where it is none."""
    return next((order for order in "<>" if head[:4] == struct.pack(f"{order}i", size)), None)


def _start_of(path: Path) -> tuple[bytes, int]:
    """Header and bytes of a file, unpacked."""
    with path.open("rb") as plain:
        head = plain.read(_HEADER_2)
        total = plain.seek(0, 2)
    if head[:2] != b"\x1f\x8b":
        return head, total
    with gzip.open(path, "rb") as unpacked:
        head = unpacked.read(_HEADER_2)
    with path.open("rb") as packed:
        packed.seek(-4, 2)
        return head, int(struct.unpack("<I", packed.read(4))[0])


def _unpacked_bytes(path: Path) -> int:
    """Count the bytes that a packed file holds: the number at its end is that of its last member, modulo 4 GiB."""
    total = 0
    with suppress(EOFError, zlib.error, gzip.BadGzipFile), gzip.open(path, "rb") as unpacked:
        while block := unpacked.read(_BLOCK):
            total += len(block)
    return total


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
    order = _order(head, _HEADER)
    if order is None or len(head) < _HEADER:
        return
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
