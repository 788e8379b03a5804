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
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hdrplan.errors import FormatError

__all__ = ["check_nifti_header", "check_nifti_values"]

# Data types of floats by the standard's code: the others cannot hold NaN.
_FLOATS = {16: "f4", 64: "f8"}
# Bits of a voxel of the types that are one number.
_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
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
    if _order(head, _HEADER_2) is not None:
        raise FormatError("expected NIfTI-1", got="NIfTI-2", where=path, remedy="Convert it: its voxels are not read.")
    header = _Header.of(head)
    if header is None:
        return
    if not all(0 < size_mm <= _MAX_VOXEL_MM for size_mm in header.sizes_mm):
        shown = ", ".join(f"{size_mm:g}" for size_mm in header.sizes_mm)
        raise FormatError(f"voxel sizes (pixdim) must be above 0, at most {_MAX_VOXEL_MM:g} mm", got=shown, where=path)
    if not header.is_one_file:
        # ITK reads such a file in ANALYZE 7.5's way, and takes its voxels to another place.
        raise FormatError("header and voxels must be one NIfTI file (magic n+1)", got="another magic", where=path)
    if _BITS.get(header.kind) != header.bits:
        raise FormatError(
            "expected voxels of one whole or real number (datatype, bitpix)",
            got=f"data type {header.kind} of {header.bits} bits",
            where=path,
        )
    start, end = header.start, header.start + header.voxels * header.bits // 8
    if end > total and str(path).lower().endswith(".gz"):
        total = _unpacked_bytes(path)
    if not (_HEADER <= start < math.inf and start == int(start) and end <= total):
        raise FormatError(
            "the voxels (vox_offset) must lie inside the file", got=f"{start:g} to {end:g} of {total} bytes", where=path
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What a NIfTI-1 header says of its voxels.

    Parameters
    ----------
    order : str
        Byte order, as struct writes it.
    dims : tuple of int
        Sizes of the dimensions in use, at most seven.
    sizes_mm : tuple of float
        Voxel sizes of the first three.
    kind, bits : int
        Data type by the standard's code, and bits of a voxel.
    start : float
        Byte at which the voxels begin.
    is_one_file : bool
        Whether header and voxels are one file.
    """

    order: str
    dims: tuple[int, ...]
    sizes_mm: tuple[float, ...]
    kind: int
    bits: int
    start: float
    is_one_file: bool

    @classmethod
    def of(cls, head: bytes) -> _Header | None:
        """Return the header of a file's first bytes; None where they are none."""
        order = _order(head, _HEADER)
        if order is None or len(head) < _HEADER:
            return None
        dims = struct.unpack(f"{order}8h", head[40:56])
        used = min(max(dims[0], 0), 7)
        kind, bits = struct.unpack(f"{order}2h", head[70:74])
        return cls(
            order=order,
            dims=dims[1 : 1 + used],
            sizes_mm=struct.unpack(f"{order}8f", head[76:108])[1 : 1 + min(used, 3)],
            kind=kind,
            bits=bits,
            start=struct.unpack(f"{order}f", head[108:112])[0],
            is_one_file=head[344:348] == b"n+1\0",
        )

    @property
    def voxels(self) -> int:
        """Number of voxels; a size below 1 counts as 1."""
        return math.prod(max(1, n) for n in self.dims)


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
    header = _Header.of(stream.read(_HEADER))
    if header is None or header.kind not in _FLOATS or not header.dims or not 0 <= header.start < 1 << 31:
        return
    form = np.dtype(f"{header.order}{_FLOATS[header.kind]}")
    left = form.itemsize * header.voxels
    stream.seek(max(int(header.start), _HEADER))
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
