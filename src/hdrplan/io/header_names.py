"""Names that a label map says of its own labels, and where segmenting programs leave them otherwise."""

from __future__ import annotations

import gzip
import html
import re
import struct
import zlib
from pathlib import Path

from hdrplan.io.image_files import image_stem

__all__ = ["names_beside", "names_in_header"]

# A table of labels is kilobytes; more is voxels.
_MAX_BYTES = 4 << 20
_HEADER = 348
# Connectome Workbench's table of labels, which TotalSegmentator writes into the header extension of its NIfTI files.
_LABEL = re.compile(
    r'<Label\b[^>]*?\bKey="(\d{1,6})"[^>]*>\s*(?:<!\[CDATA\[(.{1,200}?)\]\]>|([^<]{1,200}))\s*</Label>', re.DOTALL
)


def names_in_header(path: Path) -> dict[int, str]:
    """Return label value -> name as the header extension of a NIfTI file gives them, as TotalSegmentator's do.

    Parameters
    ----------
    path : Path
        Of any image; there is nothing to be found in other formats.

    Returns
    -------
    dict of int to str
        Empty where the header has no table of labels. The background (0) is left out.

    References
    ----------
    nifti1.h, "header extension"; GIFTI 1.0, LabelTable.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return {}
    try:
        text = _extensions(path)
    except (OSError, EOFError, zlib.error, struct.error):
        return {}
    found = {int(key): html.unescape(data or plain).strip() for key, data, plain in _LABEL.findall(text)}
    return {label: name for label, name in found.items() if label != 0 and name}


def names_beside(path: Path) -> Path | None:
    """Return the JSON file of names that lies beside a label map: of its own name, or nnU-Net's ``dataset.json``."""
    places = (
        path.with_name(f"{image_stem(path)}.json"),
        path.parent / "dataset.json",
        path.parent.parent / "dataset.json",
    )
    return next((place for place in places if place.is_file()), None)


def _extensions(path: Path) -> str:
    """Text between the header of a NIfTI-1 file and its voxels."""
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        head = stream.read(_HEADER + 4)
        order = "<" if head[:4] == struct.pack("<i", _HEADER) else ">"
        (start,) = struct.unpack(f"{order}f", head[108:112])
        if head[344:348] != b"n+1\0" or not head[348] or not _HEADER + 4 < start < _MAX_BYTES:
            return ""
        return stream.read(int(start) - _HEADER - 4).decode("utf-8", "replace")
