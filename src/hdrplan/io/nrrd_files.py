"""NRRD files: a header of text, and the voxels, compressed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hdrplan.deflating import gzip_stream
from hdrplan.errors import ResourceError
from hdrplan.geometry import Volume

__all__ = ["nrrd_pieces", "write_nrrd", "write_pieces"]

# Names of the format for NumPy's types.
_TYPES = {
    "u1": "unsigned char",
    "i1": "signed char",
    "u2": "unsigned short",
    "i2": "short",
    "u4": "unsigned int",
    "i4": "int",
    "u8": "unsigned long long",
    "i8": "long long",
    "f4": "float",
    "f8": "double",
}
# A dose is no smaller with higher levels, and takes three times as long.
_LEVEL = 2


def write_nrrd(path: Path, volume: Volume) -> None:
    """Write a volume, compressed, in LPS.

    Parameters
    ----------
    path : Path
        Is free.
    volume : Volume

    Raises
    ------
    ResourceError
        The disk is full, or the folder cannot be written to.

    """
    write_pieces(path, nrrd_pieces(volume))


def nrrd_pieces(volume: Volume) -> list[bytes]:
    """Return the bytes of :func:`write_nrrd`'s file, in pieces.

    Parameters
    ----------
    volume : Volume

    References
    ----------
    Kindlmann G, Definition of NRRD File Format, https://teem.sourceforge.net/nrrd/format.html
    """
    values, grid = volume.values_zyx, volume.grid
    axes = (grid.direction * grid.spacing_mm).T
    header = (
        "NRRD0004",
        f"type: {_TYPES[values.dtype.str[1:]]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(n) for n in grid.shape_zyx[::-1])}",
        f"space directions: {' '.join(_vector(axis) for axis in axes)}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(grid.origin_mm)}",
    )
    voxels = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    # No name and no time in the file: the same volume gives the same bytes.
    return ["\n".join((*header, "", "")).encode("ascii"), *gzip_stream(voxels.data.cast("B"), level=_LEVEL)]


def write_pieces(path: Path, pieces: Sequence[bytes]) -> None:
    """Write the pieces of an image's file; errors as :func:`write_nrrd`.

    Parameters
    ----------
    path : Path
        Is free.
    pieces : sequence of bytes
    """
    try:
        with path.open("wb") as plain:
            plain.writelines(pieces)
    except OSError as error:
        raise ResourceError(
            "the image cannot be written",
            got=error.strerror or str(error),
            where=path.name,
            remedy="Is the disk full, or the folder not writable?",
        ) from None


def _vector(numbers: np.ndarray) -> str:
    return f"({','.join(format(float(n), '.17g') for n in numbers)})"
