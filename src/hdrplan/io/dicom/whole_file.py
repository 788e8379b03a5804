"""Whether a DICOM file is whole: pydicom reads a file that was cut off without a word.

Lengths of elements are followed from one to the next (PS3.5 section 7); the last must end inside the file.
"""

from __future__ import annotations

import struct

__all__ = ["ends_whole"]

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_IMPLICIT, _BIG_ENDIAN = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"
_DEEPEST = 64


class _CutOffError(Exception):
    """The bytes end inside an element."""


def ends_whole(data: memoryview) -> bool:
    """Whether every element ends inside the file.

    Parameters
    ----------
    data : memoryview
        The whole file.
    """
    at = 132 if len(data) >= 132 and bytes(data[128:132]) == b"DICM" else 0
    try:
        at, syntax = _meta(data, at)
        big = syntax == _BIG_ENDIAN
        explicit = bytes(data[at + 4 : at + 6]).isalpha() if not syntax else syntax != _IMPLICIT
        while at < len(data):
            at = _after_element(data, at, explicit, ">" if big else "<", 0)
    except (_CutOffError, struct.error):
        return False
    return at == len(data)


def _meta(data: memoryview, at: int) -> tuple[int, bytes]:
    """Return where the data set begins, and the transfer syntax of the file meta group (always explicit, little)."""
    syntax = b""
    while at + 8 <= len(data) and struct.unpack_from("<H", data, at)[0] == 2:
        after = _after_element(data, at, True, "<", 0)
        if struct.unpack_from("<H", data, at + 2)[0] == 0x10:
            syntax = bytes(data[at + 8 : after]).strip(b"\0 ")
        at = after
    return at, syntax


def _after_element(data: memoryview, at: int, explicit: bool, order: str, depth: int) -> int:
    """Return where the element at ``at`` ends."""
    if depth > _DEEPEST:
        raise _CutOffError
    group, element = struct.unpack_from(f"{order}HH", data, at)
    vr = bytes(data[at + 4 : at + 6])
    if not explicit or group == 0xFFFE:
        length, start = struct.unpack_from(f"{order}I", data, at + 4)[0], at + 8
    elif vr in _LONG:
        length, start = struct.unpack_from(f"{order}I", data, at + 8)[0], at + 12
    else:
        length, start = struct.unpack_from(f"{order}H", data, at + 6)[0], at + 8
    if length == _UNDEFINED:
        # UN of undefined length holds implicit little-endian items (PS3.5 6.2.2).
        inside = explicit and vr != b"UN"
        ends = _ITEM_END if (group << 16 | element) == _ITEM else _SEQUENCE_END
        return _after_delimiter(data, start, inside, order if vr != b"UN" else "<", depth + 1, ends)
    if start + length > len(data):
        raise _CutOffError
    return start + int(length)


def _after_delimiter(data: memoryview, at: int, explicit: bool, order: str, depth: int, ends: int) -> int:
    while True:
        group, element = struct.unpack_from(f"{order}HH", data, at)
        if (group << 16 | element) == ends:
            return at + 8
        after = _after_element(data, at, explicit, order, depth)
        if after > len(data):
            raise _CutOffError
        at = after
