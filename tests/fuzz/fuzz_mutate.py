"""Break bytes: a seed gives the same broken file for ever."""

from __future__ import annotations

import gzip
import random
import re
import zlib

__all__ = ["broken", "smaller"]

# Where a number or a word stood: what nobody meant.
NASTY = [
    b"-1", b"0", b"1e999", b"-1e308", b"nan", b"NaN", b"inf", b"Infinity", b"9" * 40, b"1" * 400, b"0x10", b"null",
    b"true", b"\"\"", b"[]", b"{}", b"[[[]]]", b"\xff\xfe", b"\x00", b"\xe2\x80\xae", b"../../x", b"/", b"1,5",
    b"1e-320",
    b"2147483648", b"18446744073709551616", b"65536 65536 65536", b"1 1", b"\n", b";", b"'", b"%s", b"=1+1",
]  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_]{3,}")


def broken(data: bytes, seed: int) -> bytes:
    """Return ``data`` with one to six faults."""
    draw = random.Random(seed)
    # Half of the packed files are broken inside, where the packing would hide it.
    packed = data[:2] == b"\x1f\x8b" and draw.random() < 0.7
    if packed:
        data = gzip.decompress(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        data = draw.choice(_FAULTS)(data, draw)
    return gzip.compress(data, 1, mtime=0) if packed else data


def smaller(data: bytes, still: object, *, rounds: int = 400) -> bytes:
    """Cut pieces as long as ``still(data)`` holds."""
    size = max(1, len(data) // 2)
    left = rounds
    while size >= 1 and left > 0:
        at, cut = 0, False
        while at < len(data) and left > 0:
            left -= 1
            tried = data[:at] + data[at + size :]
            if tried and still(tried):  # type: ignore[operator]
                data, cut = tried, True
            else:
                at += size
        size = size if cut and size > 1 else size // 2
    return data


def _spot(data: bytes, draw: random.Random) -> int:
    # Headers matter more than voxels.
    reach = len(data) if draw.random() < 0.5 else min(len(data), 2048)
    return draw.randrange(reach) if reach else 0


def _bit(data: bytes, draw: random.Random) -> bytes:
    at = _spot(data, draw)
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :] if data else data


def _byte(data: bytes, draw: random.Random) -> bytes:
    at = _spot(data, draw)
    return data[:at] + draw.choice((b"\x00", b"\xff", b"\x7f", b"\x80", b" ")) + data[at + 1 :]


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: _spot(data, draw)]


def _drop(data: bytes, draw: random.Random) -> bytes:
    at = _spot(data, draw)
    return data[:at] + data[at + draw.choice((1, 2, 4, 16, 200)) :]


def _twice(data: bytes, draw: random.Random) -> bytes:
    at, size = _spot(data, draw), draw.choice((1, 4, 40, 400))
    return data[:at] + data[at : at + size] * draw.choice((2, 3, 50)) + data[at + size :]


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = _spot(data, draw)
    return data[:at] + draw.choice(NASTY) + data[at:]


def _token(pattern: re.Pattern[bytes]):
    def fault(data: bytes, draw: random.Random) -> bytes:
        found = [m.span() for m in pattern.finditer(data[: 1 << 16])]
        if not found:
            return _byte(data, draw)
        a, b = draw.choice(found)
        return data[:a] + draw.choice(NASTY) + data[b:]

    return fault


def _line(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    k = draw.randrange(len(lines))
    kind = draw.randrange(4)
    if kind == 0:
        del lines[k]
    elif kind == 1:
        lines.insert(k, lines[k])
    elif kind == 2:
        other = draw.randrange(len(lines))
        lines[k], lines[other] = lines[other], lines[k]
    else:
        lines[k] = lines[k] + b"," + draw.choice(NASTY)
    return b"\n".join(lines)


def _length(data: bytes, draw: random.Random) -> bytes:
    """Four bytes become a large or a negative number: lengths and sizes of binary formats."""
    at = _spot(data, draw)
    value = draw.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, zlib.crc32(data[:64])))
    return data[:at] + value.to_bytes(4, "little") + data[at + 4 :]


_FAULTS = (
    _bit, _byte, _cut, _drop, _twice, _insert, _token(_NUMBER), _token(_NUMBER), _token(_NUMBER), _token(_WORD), _line,
    _length,
)  # fmt: skip
