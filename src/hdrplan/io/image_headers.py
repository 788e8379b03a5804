"""Text headers of images, judged before ITK reads them: what crashes it or keeps it busy for ever is refused."""

from __future__ import annotations

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
    for line in head.split(b"\n"):
        text = line.decode("latin-1").strip()
        if not text or text.lower().replace(" ", "").startswith("elementdatafile="):
            return
        if ":=" in text:
            continue  # a key of somebody's own, of any length
        name, _, value = text.partition(":" if ":" in text else "=")
        if name.strip().lower() not in _PLACES:
            continue
        if len(value) > _MAX_FIELD:
            raise FormatError(f"{name.strip()} of at most {_MAX_FIELD} characters", got=len(value), where=path)
        if "," in value and "(" not in value:
            raise FormatError(f"numbers of {name.strip()} stand apart by blanks", got=value.strip()[:60], where=path)
        wrong = [word for word in _NUMBER.findall(value) if not abs(float(word)) <= _MAX_MM]
        if wrong:
            raise FormatError(f"{name.strip()} in mm, at most {_MAX_MM:g}", got=wrong[0][:40], where=path)
