"""How image files say that they lie in the patient: what is missing, and what contradicts itself."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import FormatError

__all__ = ["missing_orientation"]

# A contradiction is at least half a voxel, and never less than this.
_MINIMUM_MM = 0.05
_HEAD_BYTES = 1 << 16


def missing_orientation(path: Path) -> str:
    """Return what an image file leaves open about how it lies in the patient; empty where nothing is missing.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD or MetaImage; other files and folders leave nothing open here.

    Raises
    ------
    FormatError
        A NIfTI file whose qform and sform put voxels half a voxel or more apart; an NRRD or MetaImage file without
        spacing.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return _nifti(path)
    if name.endswith(".nrrd"):
        return _nrrd(path)
    return _mha(path) if name.endswith(".mha") else ""


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        start = stream.read(2)
    if start == b"\x1f\x8b":
        try:
            with gzip.open(path) as unpacked:
                return unpacked.read(352)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return b""  # whatever reads the image refuses it
    with path.open("rb") as stream:
        return stream.read(_HEAD_BYTES)


def _nifti(path: Path) -> str:
    try:
        head = _head(path)
    except OSError:
        return ""
    if len(head) < 348:
        return ""
    order = "<" if struct.unpack("<i", head[:4])[0] == 348 else ">"
    if struct.unpack(f"{order}i", head[:4])[0] != 348:
        # NIfTI-2 has both forms at other places; ITK writes none.
        return ""
    shape = struct.unpack(f"{order}8h", head[40:56])[1:4]
    pixdim = np.array(struct.unpack(f"{order}8f", head[76:108]))
    q_code, s_code = struct.unpack(f"{order}2h", head[252:256])
    if q_code == 0 and s_code == 0:
        return "qform_code and sform_code are 0"
    if q_code > 0 and s_code > 0:
        quaternion = np.array(struct.unpack(f"{order}6f", head[256:280]))
        by_rows = np.array(struct.unpack(f"{order}12f", head[280:328])).reshape(3, 4)
        last = np.subtract(shape, 1.0)
        corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
        apart = np.linalg.norm(
            corners @ (by_rows[:, :3] - _of_quaternion(quaternion, pixdim)).T + by_rows[:, 3] - quaternion[3:], axis=1
        )
        # Some programs leave a voxel size of 0.
        if apart.max() >= max(0.5 * np.abs(pixdim[1:4]).min(), _MINIMUM_MM):
            raise FormatError(
                "qform and sform must put the voxels at one place",
                got=f"places up to {apart.max():.1f} mm apart",
                where=path,
                remedy="Convert the image again from the original; programs differ in which of the two they believe.",
            )
    return ""


def _of_quaternion(quaternion: FloatArray, pixdim: FloatArray) -> FloatArray:
    """Matrix of the qform, nifti1.h: rotation of the quaternion times the voxel sizes."""
    b, c, d = quaternion[:3]
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    handed = -1.0 if pixdim[0] < 0 else 1.0
    return np.asarray(rotation * (pixdim[1:4] * [1.0, 1.0, handed]))


def _nrrd(path: Path) -> str:
    head = _head(path).split(b"\n\n", 1)[0].decode("latin-1").lower()
    fields = {line.split(":", 1)[0].strip() for line in head.splitlines() if ":" in line and ":=" not in line}
    if not fields & {"space directions", "spacings"}:
        raise FormatError(
            "an NRRD image must give its spacing (space directions or spacings)",
            got="neither",
            where=path,
            remedy="Export it again; its voxels have no size.",
        )
    return "" if "space" in fields else "no space in the header"


def _mha(path: Path) -> str:
    head = _head(path).lower().split(b"elementdatafile", 1)[0]
    fields = {line.split(b"=", 1)[0].strip() for line in head.splitlines()}
    if not fields & {b"elementspacing", b"elementsize"}:
        raise FormatError("a MetaImage must give its ElementSpacing", got="none", where=path, remedy="Export it again.")
    return "" if fields & {b"transformmatrix", b"rotation", b"orientation"} else "no TransformMatrix in the header"
