"""Voxels read, or unpacked from gzip, straight into the array that holds them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from hdrplan.errors import FormatError

__all__ = ["unpack_into", "voxels_filled"]

# Packed bytes read, and bytes unpacked, at once: these lie in a processor's own memory.
_READ_BYTES, _UNPACKED_BYTES = 1 << 18, 1 << 18
# zlib's number for members of a gzip file, with their headers and checksums.
_GZIP = 31


def unpack_into(file: BinaryIO, first_byte: int, room: memoryview) -> int:
    """Fill the room with what is packed in a gzip file behind its first bytes; return how many bytes there were.

    Python's own reader hands each 8 kB through four layers and copies them twice: for a CT of 200 MB a third of its
    time.

    Parameters
    ----------
    file : binary file
        Open where what is packed begins.
    first_byte : int
        Unpacked bytes to leave out.
    room : memoryview
        Of bytes; written.

    Raises
    ------
    EOFError, zlib.error
        What is packed ends early, or is damaged.
    """
    inflate, packed, at = zlib.decompressobj(_GZIP), b"", -first_byte
    while at <= len(room):
        packed = packed or file.read(_READ_BYTES)
        ended = not packed
        if inflate.eof:
            packed = packed.lstrip(b"\0")  # zeros that fill up a block of a tape
            if ended:
                break
            if not packed:
                continue
            inflate = zlib.decompressobj(_GZIP)  # another member
        # One byte more than there is room for: at the end of a member its checksum is compared.
        some = inflate.decompress(packed, min(_UNPACKED_BYTES, len(room) - at + 1))
        packed = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        if ended and not some and not inflate.eof:
            raise EOFError
        new = some[max(0, -at) :]
        start = max(0, at)
        n = min(len(new), len(room) - start)
        room[start : start + n] = new[:n]
        at += len(some)
    return min(at, len(room))


def voxels_filled(
    path: Path, fill: Callable[[BinaryIO, memoryview], int], shape: tuple[int, ...], kind: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Return an image's voxels as the machine orders bytes, frozen.

    Parameters
    ----------
    path : Path
    fill : callable
        Fills the room, of bytes, from the open file, and returns how many there were; errors as :func:`unpack_into`.
    shape : tuple of int
    kind : dtype
        In the file.

    Raises
    ------
    FormatError
        Compressed voxels that end early or are damaged, and fewer than there should be.
    """
    values = np.empty(shape, dtype=kind)
    try:
        with path.open("rb") as file:
            filled = fill(file, values.reshape(-1).view(np.uint8).data)
    except (EOFError, zlib.error):
        raise FormatError("the compressed voxels must be whole", got="a file that ends early", where=path) from None
    if filled < values.nbytes:
        raise FormatError(
            "the header claims more voxels than the file holds", got=f"{values.nbytes - filled} bytes less", where=path
        )
    values = values.astype(kind.newbyteorder("="), copy=False)
    # Nobody else has them: a frozen value takes them as they are, without a copy.
    values.setflags(write=False)
    return values
