"""Text headers of images, judged before ITK reads them: what crashes it or keeps it busy for ever is refused."""

from __future__ import annotations

import math
import re
from pathlib import Path

from hdrplan.errors import FormatError

__all__ = ["check_text_header"]

_ENDINGS = (".nrrd", ".mha")
_MAX_HEADER_BYTES = 1 << 20
# A direction or an origin of one image; with dozens of vectors in one line the NRRD reader dies.
_MAX_FIELD = 500
_PLACES = ("space directions", "space origin", "spacings", "transformmatrix", "rotation", "orientation", "offset",
           "position", "origin", "centerofrotation", "elementspacing", "elementsize", "measurement frame")  # fmt: skip
# Numbers in these fields of a MetaImage in three dimensions: ITK fills up those that are missing with 0.
_COUNTS = {"offset": 3, "position": 3, "origin": 3, "elementspacing": 3, "elementsize": 3, "centerofrotation": 3,
           "dimsize": 3, "transformmatrix": 9, "rotation": 9, "orientation": 9}  # fmt: skip
# Bytes of a value by MetaImage's element type.
_BYTES = {"char": 1, "uchar": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "long": 4, "ulong": 4, "long_long": 8,
          "ulong_long": 8, "float": 4, "double": 8}  # fmt: skip
# mm: beyond, the decomposition of the directions does not end.
_MAX_MM = 1e7
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan|inf", re.IGNORECASE)


def check_text_header(path: Path) -> None:
    """Raise FormatError where the geometry in the header of an NRRD or MetaImage file cannot be right.

    Parameters
    ----------
    path : Path
        Of any image; other formats are passed over.
    """
    if not str(path).lower().endswith(_ENDINGS):
        return
    with path.open("rb") as stream:
        head = stream.read(_MAX_HEADER_BYTES)
    is_mha = str(path).lower().endswith(".mha")
    fields: dict[str, str] = {}
    end = 0
    for line in head.split(b"\n"):
        end += len(line) + 1
        text = line.decode("latin-1").strip()
        if not text or text.lower().replace(" ", "").startswith("elementdatafile="):
            break
        if ":=" in text:
            continue  # a key of somebody's own, of any length
        name, _, value = text.partition(":" if ":" in text else "=")
        fields[name.strip().lower()] = value.strip()
        if name.strip().lower() in _PLACES:
            _check_place(name.strip(), value, path)
        if is_mha:
            _check_count(name.strip(), value, path)
    if is_mha:
        _check_bytes(fields, path.stat().st_size - end, path)


def _check_place(name: str, value: str, path: Path) -> None:
    """Refuse a field of places or directions that no image can have."""
    if len(value) > _MAX_FIELD:
        raise FormatError(f"{name} of at most {_MAX_FIELD} characters", got=len(value), where=path)
    if "," in value and "(" not in value:
        raise FormatError(f"numbers of {name} stand apart by blanks", got=value.strip()[:60], where=path)
    wrong = [word for word in _NUMBER.findall(value) if not abs(float(word)) <= _MAX_MM]
    if wrong:
        raise FormatError(f"{name} in mm, at most {_MAX_MM:g}", got=wrong[0][:40], where=path)


def _check_count(name: str, value: str, path: Path) -> None:
    """Refuse a field of a MetaImage with too few or too many numbers."""
    wanted = _COUNTS.get(name.lower())
    if wanted is not None and len(value.split()) != wanted:
        raise FormatError(f"{name} must have {wanted} numbers", got=value.strip()[:60] or "none", where=path)


def _check_bytes(fields: dict[str, str], held: int, path: Path) -> None:
    """Refuse a MetaImage that holds more or fewer bytes behind its header than this says."""
    is_packed = fields.get("compresseddata", "").lower().startswith("t")
    try:
        if is_packed:
            claimed = int(fields["compresseddatasize"])
        else:
            values = math.prod(int(n) for n in fields["dimsize"].split())
            channels = int(fields.get("elementnumberofchannels", "1"))
            claimed = values * channels * _BYTES[fields["elementtype"].lower().removeprefix("met_")]
    except (KeyError, ValueError):
        return  # ITK says what is missing, or knows another type
    if held != claimed:
        raise FormatError(
            "the header of a MetaImage must end where its voxels begin",
            got=f"{held} bytes behind it, of voxels {claimed}",
            where=path,
        )
