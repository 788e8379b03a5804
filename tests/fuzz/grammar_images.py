"""Mutators of image files: fields of NRRD, MetaImage and NIfTI headers, and the same voxels in another form."""

from __future__ import annotations

import gzip
import random
import struct

import numpy as np
from grammar_trees import Mutated

__all__ = ["mha_mutated", "nifti_mutated", "nrrd_mutated"]

_TYPES = {"short": "int16", "int16": "signed short", "unsigned char": "uint8", "uint8": "uchar", "float": "float"}


def _lines(text: str, draw: random.Random, sign: str) -> tuple[str, str, str]:
    """Fields of a header as lines ``name: value`` or ``name = value``."""
    lines = text.split("\n")
    at = [k for k, line in enumerate(lines) if sign in line and not line.startswith("#")]
    k, kind = draw.choice(at), draw.randrange(9)
    name, _, value = lines[k].partition(sign)
    if kind == 0:
        lines.insert(k, lines[k])
        return "\n".join(lines), "broken", f"field twice: {name}"
    if kind == 1:
        del lines[k]
        return "\n".join(lines), "other", f"field lost: {name}"
    if kind == 2:
        lines[k] = f"{name}{sign}{value}   "
        return "\n".join(lines), "same", f"blanks: {name}"
    if kind == 3:
        lines[k] = f"{name.upper()}{sign}{value}"
        return "\n".join(lines), "same", f"capitals: {name}"
    if kind == 4:
        lines[k] = f"{name}{sign}{value.replace(' ', ',')}"
        return "\n".join(lines), "broken" if " " in value.strip() else "same", f"commas: {name}"
    if kind == 5:
        words = value.split()
        lines[k] = f"{name}{sign}{' '.join(words[:-1])}"
        return "\n".join(lines), "broken", f"value lost: {name}"
    if kind == 6:
        lines[k] = f"{name}{sign}{value} {value.split()[0] if value.split() else 1}"
        return "\n".join(lines), "broken", f"value more: {name}"
    if kind == 7:
        other = draw.choice(at)
        lines[k], lines[other] = lines[other], lines[k]
        return "\n".join(lines), "same", f"order: {name}"
    lines[k] = f"{name}{sign}"
    return "\n".join(lines), "broken", f"empty: {name}"


def nrrd_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return an NRRD with one field of its header changed, or its voxels encoded in another way."""
    head, _, voxels = data.partition(b"\n\n")
    text = head.decode("latin-1")
    if draw.random() < 0.2:
        if "encoding: gzip" not in text:
            return data, "same", "unchanged"
        plain = gzip.decompress(voxels)
        kind = draw.randrange(4)
        if kind == 0:
            return text.replace("encoding: gzip", "encoding: raw").encode() + b"\n\n" + plain, "same", "raw"
        if kind == 1:
            return head + b"\n\n" + gzip.compress(plain[:-2]), "broken", "a voxel too few"
        if kind == 2:
            return head + b"\n\n" + gzip.compress(plain + bytes(2)), "broken", "a voxel too many"
        return head + b"\n\n" + voxels + bytes(64), "same", "bytes behind the voxels"
    text, meaning, name = _lines(text, draw, ":")
    # The spelling of a field's name is not free; the magic stands first.
    return text.encode("latin-1") + b"\n\n" + voxels, "other" if name.startswith("capitals") else meaning, name


def mha_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a MetaImage with one field of its header changed."""
    at = data.index(b"ElementDataFile")
    end = data.index(b"\n", at)
    text, meaning, name = _lines(data[:end].decode("latin-1"), draw, " = ")
    if name.startswith(("capitals", "order")):
        meaning = "other"
    return text.encode("latin-1") + data[end:], meaning, name


# Offset and form of fields of a NIfTI-1 header, and values with their meaning.
_FIELDS: tuple[tuple[str, int, str, tuple[tuple[object, str], ...]], ...] = (
    ("sizeof_hdr", 0, "i", ((347, "broken"), (540, "broken"))),
    ("dim[0]", 40, "h", ((4, "same"), (2, "broken"), (0, "broken"), (8, "broken"), (-3, "broken"))),
    ("dim[4]", 48, "h", ((1, "same"), (0, "same"), (3, "other"))),
    ("intent", 68, "h", ((1002, "same"), (9999, "same"))),
    ("datatype", 70, "h", ((0, "broken"), (128, "broken"), (32, "broken"), (77, "broken"))),
    ("bitpix", 72, "h", ((0, "broken"), (8, "broken"), (64, "broken"))),
    ("pixdim[0]", 76, "f", ((0.0, "same"), (2.0, "broken"), (float("nan"), "broken"))),
    ("pixdim[1]", 80, "f", ((0.0, "broken"), (-2.5, "broken"), (float("nan"), "broken"), (float("inf"), "broken"))),
    ("vox_offset", 108, "f", ((0.0, "broken"), (353.0, "broken"), (352.5, "broken"), (1e9, "broken"))),
    ("scl_slope", 112, "f", ((float("nan"), "same"), (float("inf"), "broken"), (0.0, "same"), (2.0, "other"))),
    ("scl_inter", 116, "f", ((float("nan"), "broken"), (5.0, "other"))),
    ("xyzt_units", 123, "b", ((0, "same"), (2, "same"), (1, "other"), (3, "other"), (16, "same"))),
    ("cal_max", 124, "f", ((1e9, "same"),)),
    ("qform_code", 252, "h", ((0, "same"), (9, "broken"), (-1, "broken"))),
    ("sform_code", 254, "h", ((0, "same"), (9, "broken"), (-1, "broken"))),
    ("quatern_b", 256, "f", ((0.5, "broken"), (float("nan"), "broken"), (2.0, "broken"))),
    ("qoffset_x", 268, "f", ((7.0, "broken"), (float("nan"), "broken"))),
    ("srow_x", 280, "f", ((float("nan"), "broken"), (0.0, "broken"), (5.0, "broken"))),
    ("magic", 344, "4s", ((b"ni1\0", "broken"), (b"n+2\0", "broken"), (b"\0\0\0\0", "broken"))),
)


def nifti_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a NIfTI-1 file with one field of its header changed, or in the other byte order."""
    packed = data[:2] == b"\x1f\x8b"
    if packed:
        data = gzip.decompress(data)
    if draw.random() < 0.08:
        made, meaning, name = _swapped(data), "same", "other byte order"
    elif draw.random() < 0.08:
        made, meaning, name = data[:-2], "broken", "a voxel too few"
    else:
        name, at, form, values = draw.choice(_FIELDS)
        value, meaning = draw.choice(values)
        raw = struct.pack("<" + form, value)
        made = data[:at] + raw + data[at + len(raw) :]
        name = f"{name} {value!r}"
    return (gzip.compress(made, 1, mtime=0) if packed else made), meaning, name


def _swapped(data: bytes) -> bytes:
    """Every number of header and voxels with its bytes in the other order."""
    forms = [(0, "i", 1), (32, "i", 1), (36, "h", 1), (40, "h", 8), (56, "f", 3), (68, "h", 4), (76, "f", 8),
             (108, "f", 3), (120, "h", 1), (124, "f", 4), (140, "i", 2), (252, "h", 2), (256, "f", 18)]  # fmt: skip
    header = bytearray(data[:348])
    for at, form, count in forms:
        size = struct.calcsize(form) * count
        header[at : at + size] = struct.pack(f">{count}{form}", *struct.unpack(f"<{count}{form}", data[at : at + size]))
    bits = struct.unpack("<h", data[72:74])[0]
    voxels = np.frombuffer(data[352:], dtype=np.dtype(f"u{bits // 8}")).byteswap().tobytes()
    return bytes(header) + data[348:352] + voxels
