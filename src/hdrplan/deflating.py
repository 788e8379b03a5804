"""Bytes deflated in pieces, by all threads: one stream to whoever reads it, the same whatever the number of threads."""

from __future__ import annotations

import struct
import zlib

from hdrplan.threads import over_each

__all__ = ["gzip_stream", "zlib_stream"]

# Of two threads each has some of a dose of 50 MB; a piece's own beginning, which knows nothing of the one before, costs
# a thousandth of its size.
PIECE_BYTES = 4 << 20
# Magic number, method, no flags, no time; no extra flags, unknown system (RFC 1952).
_GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# Window of 32 kB and the check of both bytes (RFC 1950).
_ZLIB = b"\x78\x9c"


def gzip_stream(data: memoryview, *, level: int) -> list[bytes]:
    """Return the pieces of one gzip member without a name or a time.

    Parameters
    ----------
    data : memoryview
        Of bytes.
    level : int
        Of zlib, 0 to 9.
    """
    end = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return [_GZIP, *_deflated(data, level=level, strategy=zlib.Z_DEFAULT_STRATEGY), end]


def zlib_stream(data: memoryview, *, level: int, strategy: int) -> list[bytes]:
    """Return the pieces of one zlib stream.

    Parameters
    ----------
    data : memoryview
        Of bytes.
    level, strategy : int
        Of zlib.
    """
    return [_ZLIB, *_deflated(data, level=level, strategy=strategy), struct.pack(">I", zlib.adler32(data))]


def _deflated(data: memoryview, *, level: int, strategy: int) -> list[bytes]:
    def piece(start: int) -> bytes:
        packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
        last = start + PIECE_BYTES >= len(data)
        body = packer.compress(data[start : start + PIECE_BYTES])
        # A full flush ends at a whole byte, and what follows refers to nothing before it.
        return body + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)

    return over_each(piece, range(0, max(1, len(data)), PIECE_BYTES))
