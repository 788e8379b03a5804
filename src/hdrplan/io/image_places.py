"""How image files say that they lie in the patient: what is missing or contradicts itself, and beside which CT."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.geometry import Grid
from hdrplan.io.image_files import open_grid

__all__ = ["doubts_of_labels", "doubts_of_orientation"]

# Headers agree to rounding; a slice is never so thin that this were one.
_VOXELS = 0.05
_HALF = 0.1
_MINIMUM_MM = 0.05
_HEAD_BYTES = 1 << 16


def doubts_of_orientation(path: Path) -> list[Caution]:
    """Say where an image file leaves open how it lies in the patient.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD or MetaImage; other files and folders say nothing here.

    Raises
    ------
    FormatError
        A NIfTI file whose qform and sform put voxels half a voxel or more apart, an NRRD file without spacing.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        why = _nifti(path)
    elif name.endswith(".nrrd"):
        why = _nrrd(path)
    elif name.endswith(".mha"):
        why = _mha(path)
    else:
        return []
    return [caution("image-orientation-missing", file=path.name, why=why)] if why else []


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        start = stream.read(2)
    if start == b"\x1f\x8b":
        with gzip.open(path) as unpacked:
            return unpacked.read(352)
    with path.open("rb") as stream:
        return stream.read(_HEAD_BYTES)


def _nifti(path: Path) -> str:
    try:
        head = _head(path)
    except (OSError, EOFError, zlib.error):
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


def doubts_of_labels(path: Path, ct: Grid) -> list[Caution]:
    """Say where an image made on the CT lies beside it.

    Parameters
    ----------
    path : Path
        Of a label map, mask or segmentation.
    ct : Grid

    Raises
    ------
    FormatError
        As many voxels as the CT along every axis, all of 1 mm, unlike the CT's: its header was lost.
    """
    grid = open_grid(path)
    same_axes = np.abs(grid.direction - ct.direction).max() < 1e-3
    same_step = np.abs(grid.spacing_mm / ct.spacing_mm - 1.0).max() < 1e-3
    if grid.shape_zyx == ct.shape_zyx:
        return _of_same_shape(path, grid, ct, same_step=bool(same_step))
    first = ct.index(grid.origin_mm)
    half = np.abs(first - np.floor(first) - 0.5) < _HALF
    if same_axes and same_step and half.any():
        return [caution("labels-half-voxel", file=path.name, axes=", ".join(np.array(list("xyz"))[half]))]
    return []


def _of_same_shape(path: Path, grid: Grid, ct: Grid, *, same_step: bool) -> list[Caution]:
    last = np.subtract(ct.shape_zyx[::-1], 1.0)
    ends = np.sort(ct.index(grid.world(np.stack((np.zeros(3), last)))), axis=0)
    off = ends - np.stack((np.zeros(3), last))
    if np.abs(off).max() < _VOXELS:
        # The same voxels, though they may be counted from another corner.
        return []
    if not same_step and np.abs(grid.spacing_mm - 1.0).max() < 1e-6:
        raise FormatError(
            "an image with the CT's number of voxels must have its spacing",
            got=f"1 x 1 x 1 mm, the CT {_numbers(ct.spacing_mm)} mm",
            where=path,
            remedy="Its header was lost: export it on the CT's grid.",
        )
    if not same_step or np.abs(off[0] - off[1]).max() > _VOXELS:
        spacing = f"{_numbers(grid.spacing_mm)} mm"
        return [caution("labels-other-spacing", file=path.name, spacing=spacing, ct=f"{_numbers(ct.spacing_mm)} mm")]
    shift = ", ".join(f"{off[0][k]:+.2f} voxels along {'xyz'[k]}" for k in range(3) if abs(off[0][k]) >= _VOXELS)
    mm = float(np.linalg.norm(off[0] * ct.spacing_mm))
    return [caution("labels-shifted", file=path.name, shift=f"{shift} ({mm:.1f} mm)")]


def _numbers(values: FloatArray) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
