"""NIfTI files of whole numbers along the patient's axes, as almost all CTs and label maps are, read without ITK.

Loading ITK takes 0.1 CPU seconds and 70 MB of every command that reads a CT. What is not plain here is left to it:
oblique images, floats, values that are scaled, units other than mm, a qform and sform that are not the same.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.io.packed_voxels import unpack_into, voxels_filled
from hdrplan.memory import require_memory

__all__ = ["Frame", "PlainHeader", "plain_header", "plain_values"]

# Whole numbers by the standard's code.
_KINDS = {2: "u1", 4: "i2", 8: "i4", 256: "i1", 512: "u2"}
_HEADER, _MM = 348, 2
# Turns by half a circle about one axis, or none: quaternion b, c, d -> signs of the axes, right, anterior, superior.
_TURNS = {(0, 0, 0): (1, 1, 1), (1, 0, 0): (1, -1, -1), (0, 1, 0): (-1, 1, -1), (0, 0, 1): (-1, -1, 1)}


class Frame(NamedTuple):
    """Where the voxels of an image lie, LPS."""

    shape_xyz: tuple[int, ...]
    origin_mm: FloatArray  # (3,)
    spacing_mm: FloatArray  # (3,)
    direction: FloatArray  # (3, 3)


class PlainHeader(NamedTuple):
    """What the header of a plain image tells."""

    kind: np.dtype[Any]
    first_byte: int
    frame: Frame


def plain_header(path: Path) -> PlainHeader | None:
    """Return what the header of a plain NIfTI image tells; None for any other file, which is ITK's.

    Parameters
    ----------
    path : Path
        A file whose header was checked (:func:`hdrplan.io.nifti_values.check_nifti_header`).

    References
    ----------
    nifti1.h of the NIfTI Data Format Working Group, methods 2 and 3 of where voxels lie.
    """
    if not str(path).lower().endswith((".nii", ".nii.gz")):
        return None
    try:
        with _opened(path) as stream:
            return _header_of(stream.read(_HEADER))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None


def plain_values(path: Path, header: PlainHeader) -> npt.NDArray[Any]:
    """Return the voxels of a plain NIfTI image, (z, y, x).

    Parameters
    ----------
    path : Path
    header : PlainHeader
        Of that file.

    Raises
    ------
    FormatError
        Compressed voxels that end early or are damaged.
    ResourceError
        An image larger than this machine's memory.
    """
    shape_xyz = header.frame.shape_xyz
    n_bytes = int(np.prod(shape_xyz)) * header.kind.itemsize
    # The voxels, and a float copy while they are judged.
    request = f"an image of {shape_xyz} voxels"
    require_memory(2.0 * n_bytes + 4.0 * np.prod(shape_xyz), request, remedy="Crop or resample it.")
    read = unpack_into if _is_packed(path) else _load
    return voxels_filled(path, lambda file, room: read(file, header.first_byte, room), shape_xyz[::-1], header.kind)


def _load(file: BinaryIO, first_byte: int, room: memoryview) -> int:
    file.seek(first_byte)
    return file.readinto(room)  # type: ignore[attr-defined,no-any-return]


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if _is_packed(path) else path.open("rb")


def _header_of(head: bytes) -> PlainHeader | None:
    order = next((order for order in "<>" if head[:4] == struct.pack(f"{order}i", _HEADER)), None)
    if order is None or len(head) < _HEADER or head[344:348] != b"n+1\0":
        return None
    dims = struct.unpack(f"{order}8h", head[40:56])
    code, bits = struct.unpack(f"{order}2h", head[70:74])
    sizes = struct.unpack(f"{order}8f", head[76:108])
    start, slope, intercept = struct.unpack(f"{order}3f", head[108:120])
    codes = struct.unpack(f"{order}2h", head[252:256])
    quaternion, offset = np.array(struct.unpack(f"{order}6f", head[256:280])).reshape(2, 3)
    matrix = np.array(struct.unpack(f"{order}12f", head[280:328])).reshape(3, 4)
    kind = np.dtype(f"{order}{_KINDS.get(code, 'f8')}")
    signs = _TURNS.get(tuple(quaternion.tolist()))
    if (
        code not in _KINDS
        or bits != 8 * kind.itemsize
        or dims[0] != 3
        or min(dims[1:4]) < 1
        or start != int(start)
        or start < _HEADER
        or (slope, intercept) not in ((0.0, 0.0), (1.0, 0.0))
        or head[123] & 7 != _MM
        or min(codes) < 1
        or signs is None
        or sizes[0] not in (-1.0, 0.0, 1.0)
    ):
        return None
    spacing = np.array(sizes[1:4])
    along = np.array(signs, dtype=np.float64) * (1, 1, -1 if sizes[0] < 0 else 1)
    if not (spacing > 0).all() or not np.array_equal(matrix, np.column_stack((np.diag(along * spacing), offset))):
        return None
    to_lps = np.array([-1.0, -1.0, 1.0])
    frame = Frame((dims[1], dims[2], dims[3]), to_lps * offset, spacing, np.diag(to_lps * along))
    return PlainHeader(kind=kind, first_byte=int(start), frame=frame)
