"""NRRD files of whole numbers along the patient's axes, as 3D Slicer and hdrplan write segmentations, without ITK.

Loading ITK takes 0.1 s of every command that reads a segmentation, and it copies the voxels twice. What is not plain
here is left to it: oblique images, real numbers, another space than LPS, any field that is not named here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.io.packed_voxels import unpack_into, voxels_filled
from hdrplan.io.plain_nifti import Frame
from hdrplan.memory import require_memory

__all__ = ["PlainNrrd", "plain_nrrd", "plain_nrrd_values"]

_MAX_HEADER_BYTES = 1 << 20
# The format's words for whole numbers.
_KINDS = {
    "unsigned char": "u1", "uchar": "u1", "uint8": "u1", "uint8_t": "u1",
    "signed char": "i1", "int8": "i1", "int8_t": "i1",
    "short": "i2", "short int": "i2", "signed short": "i2", "int16": "i2", "int16_t": "i2",
    "unsigned short": "u2", "ushort": "u2", "uint16": "u2", "uint16_t": "u2",
    "int": "i4", "signed int": "i4", "int32": "i4", "int32_t": "i4",
}  # fmt: skip
_ORDERS = {"little": "<", "big": ">"}
_NEEDED = frozenset({"type", "dimension", "space", "sizes", "space directions", "kinds", "encoding", "space origin"})


class PlainNrrd(NamedTuple):
    """What the header of a plain NRRD file tells."""

    kind: np.dtype[Any]
    layers: int  # values a voxel; 1: a plain image
    first_byte: int
    frame: Frame
    texts: dict[str, str]


def plain_nrrd(path: Path) -> PlainNrrd | None:
    """Return what the header of a plain NRRD file tells; None for any other file, which is ITK's.

    Parameters
    ----------
    path : Path
        A file whose header was checked (:func:`hdrplan.io.image_headers.check_text_header`).

    References
    ----------
    Kindlmann G, Definition of NRRD File Format, https://teem.sourceforge.net/nrrd/format.html
    """
    if not str(path).lower().endswith(".nrrd"):
        return None
    with path.open("rb") as stream:
        head, end, _ = stream.read(_MAX_HEADER_BYTES).partition(b"\n\n")
    try:
        lines = head.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    # Of what stands behind a backslash, or a carriage return, ITK makes something else.
    if not end or lines[0] not in ("NRRD0004", "NRRD0005") or b"\\" in head or b"\r" in head:
        return None
    fields: dict[str, str] = {}
    texts: dict[str, str] = {}
    for line in lines[1:]:
        if line.startswith("#"):
            continue
        is_text = ":=" in line
        name, colon, value = line.partition(":=" if is_text else ": ")
        table = texts if is_text else fields
        if not colon or name in table or value != value.strip():
            return None
        table[name] = value
    try:
        return _plain(fields, texts, len(head) + len(end))
    except (KeyError, ValueError):
        return None


def _plain(fields: dict[str, str], texts: dict[str, str], first_byte: int) -> PlainNrrd | None:
    if not _NEEDED <= set(fields) <= _NEEDED | {"endian"}:
        return None
    sizes = [int(size) for size in fields["sizes"].split(" ")]
    kinds, vectors = fields["kinds"].split(" "), fields["space directions"].split(" ")
    layers = 1
    if len(sizes) == 4 and kinds[0] == "list" and vectors[0] == "none":
        layers, *sizes = sizes
        kinds, vectors = kinds[1:], vectors[1:]
    code = _KINDS[fields["type"]]
    if (
        int(fields["dimension"]) != len(fields["kinds"].split(" "))
        or kinds != ["domain"] * 3
        or len(sizes) != 3
        or len(vectors) != 3
        or min(layers, *sizes) < 1
        or fields["space"] not in ("left-posterior-superior", "LPS")
        or fields["encoding"] not in ("gzip", "gz")
    ):
        return None
    kind = np.dtype(code if code[1] == "1" else _ORDERS[fields["endian"]] + code)
    axes, origin = np.array([_vector(vector) for vector in vectors]), _vector(fields["space origin"])
    along = np.diag(axes)
    if not (np.isfinite(axes).all() and np.isfinite(origin).all() and along.all()):
        return None
    if not np.array_equal(axes, np.diag(along)):
        return None
    frame = Frame((sizes[0], sizes[1], sizes[2]), origin, np.abs(along), np.diag(np.sign(along)))
    return PlainNrrd(kind=kind, layers=layers, first_byte=first_byte, frame=frame, texts=texts)


def _vector(text: str) -> FloatArray:
    """Numbers of ``(1,0,0)``; ValueError where it is none."""
    x, y, z = text.removeprefix("(").removesuffix(")").split(",")
    if text != f"({x},{y},{z})":
        raise ValueError(text)
    return np.array([float(x), float(y), float(z)])


def plain_nrrd_values(path: Path, header: PlainNrrd) -> npt.NDArray[Any]:
    """Return the voxels of a plain NRRD file, (z, y, x), or (z, y, x, layers) where there are several.

    Parameters
    ----------
    path : Path
    header : PlainNrrd
        Of that file.

    Raises
    ------
    FormatError
        Compressed voxels that end early or are damaged.
    ResourceError
        An image larger than this machine's memory.
    """
    shape_xyz = header.frame.shape_xyz
    n_values = int(np.prod(shape_xyz)) * header.layers
    # The voxels, and each layer by itself.
    remedy = "Crop or resample it."
    require_memory(2.0 * n_values * header.kind.itemsize, f"an image of {shape_xyz} voxels", remedy=remedy)
    shape = (*shape_xyz[::-1], header.layers) if header.layers > 1 else shape_xyz[::-1]

    def fill(file: BinaryIO, room: memoryview) -> int:
        file.seek(header.first_byte)
        return unpack_into(file, 0, room)

    return voxels_filled(path, fill, shape, header.kind)
