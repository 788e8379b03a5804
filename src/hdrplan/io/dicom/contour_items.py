"""Contours of a structure set straight from the bytes of their sequence: pydicom makes an object of every tag.

Of 1600 contours that took 40 of the 110 ms in which a structure set was read. Only what is as it should be is taken
from here: whatever is unusual is left to pydicom and its error messages.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

import numpy as np

from hdrplan.arrays import FloatArray

__all__ = ["Contour", "plain_contours"]

Contour: TypeAlias = tuple[str, FloatArray]
"""Geometric type, and points (n, 3)."""

_ITEM, _UNDEFINED = (0xFFFE, 0xE000), 0xFFFFFFFF
_TYPE, _COUNT, _DATA = (0x3006, 0x0042), (0x3006, 0x0046), (0x3006, 0x0050)
_VRS = {_TYPE: b"CS", _COUNT: b"IS", _DATA: b"DS"}
_LARGEST = 1e12
# Value representations with a length of four bytes (DICOM PS3.5, 7.1.2).
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())


def plain_contours(element: Any) -> list[Contour] | None:
    """Return the contours of a sequence that pydicom has not unpacked yet; None where anything in it is unusual.

    Parameters
    ----------
    element : RawDataElement or other
        ContourSequence.
    """
    raw = getattr(element, "value", None)
    if not getattr(element, "is_raw", False) or not isinstance(raw, bytes) or not element.is_little_endian:
        return None
    try:
        found = _items(raw, not element.is_implicit_VR)
        if found is None:
            return None
        counts = [data.count(b"\\") + 1 if data else 0 for _, _, data in found]
        if any(said and 3 * int(said) != count for (_, said, _), count in zip(found, counts, strict=True)):
            return None
        numbers = np.array([float(word) for *_, data in found if data for word in data.split(b"\\")], dtype=np.float64)
    except (struct.error, ValueError, OverflowError, UnicodeDecodeError):
        return None
    # Python reads 1_2 as 12.
    if any(b"_" in data for *_, data in found):
        return None
    if any(count % 3 for count in counts) or not (np.isfinite(numbers) & (np.abs(numbers) < _LARGEST)).all():
        return None
    ends = np.cumsum([0, *counts]).tolist()
    points = numbers.reshape(-1, 3)
    return [(form, points[a // 3 : b // 3]) for (form, *_), a, b in zip(found, ends[:-1], ends[1:], strict=True)]


def _items(raw: bytes, explicit: bool) -> list[tuple[str, bytes, bytes]] | None:
    """Return type, stated number of points and data of each item; None where one is not plain."""
    found: list[tuple[str, bytes, bytes]] = []
    at = 0
    while at < len(raw):
        *tag, length = struct.unpack_from("<HHI", raw, at)
        at += 8
        end = at + length
        if tuple(tag) != _ITEM or length == _UNDEFINED or end > len(raw):
            return None
        values = {_TYPE: b"", _COUNT: b"", _DATA: b""}
        while at < end:
            *tag, vr, length = struct.unpack_from("<HH2sH" if explicit else "<HH0sI", raw, at)
            at += 8
            if vr in _LONG:
                (length,) = struct.unpack_from("<I", raw, at)
                at += 4
            if length == _UNDEFINED or at + length > end:
                return None
            if (key := tuple(tag)) in values:
                if vr not in (b"", _VRS[key]):
                    return None
                values[key] = raw[at : at + length].strip(b" \0")
            at += length
        found.append(((values[_TYPE] or b"CLOSED_PLANAR").decode("ascii"), values[_COUNT], values[_DATA]))
    return found
