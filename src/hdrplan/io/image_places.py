"""How image files say that they lie in the patient: what is missing or contradicts itself, and beside which CT."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.geometry import Grid
from hdrplan.io.image_files import open_grid
from hdrplan.io.image_orientation import missing_orientation

__all__ = ["doubts_of_labels", "doubts_of_orientation"]

# Headers agree to rounding; a slice is never so thin that this were one.
_VOXELS = 0.05
_HALF = 0.1


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
    why = missing_orientation(path)
    return [caution("image-orientation-missing", file=path.name, why=why)] if why else []


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
