"""Volumes on disk: CT, dose and other scalars as NIfTI, NRRD, MetaImage, or a CT as a folder of DICOM slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.errors import FormatError, ResourceError
from hdrplan.geometry import Structure, Volume
from hdrplan.io.dicom.ct import read_ct_series
from hdrplan.io.image_files import open_image
from hdrplan.io.noise import without_noise
from hdrplan.io.nrrd_files import write_nrrd

__all__ = ["read_volume", "to_sitk", "write_volume"]

# HU of CT; dose and density volumes pass too. Beyond is a broken header.
MAX_ABS_VALUE = 1e6


def read_volume(path: Path) -> Volume:
    """Read a CT (or any scalar volume) from a file or a DICOM series folder.

    Raises
    ------
    FormatError
        Not an image, not three-dimensional, more than one value a voxel, NaN.
    """
    path = Path(path)
    if path.is_dir():
        return read_ct_series(path).volume
    image = open_image(path)
    values = image.scalars("expected one value a voxel")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise FormatError(
            "voxel values must be finite", got=f"{int((~np.isfinite(values)).sum())} NaN or infinite", where=path
        )
    if _largest(values) > MAX_ABS_VALUE:
        raise FormatError(f"voxel values must lie within {MAX_ABS_VALUE:g}", got=f"{values.max():g}", where=path)
    return Volume(image.grid, values)


def _largest(values: npt.NDArray[Any]) -> float:
    """Largest absolute value, but for the smallest value: it may be a scanner's mark of "outside the field of view"."""
    if values.dtype.kind in "iu" and np.iinfo(values.dtype).max <= MAX_ABS_VALUE:
        return 0.0  # of 16 bits none is too large: to look for it in 100 million voxels took 1.3 CPU s and 600 MB
    low, high = values.min(), values.max()
    next_low = values.min(where=values > low, initial=high)
    return max(abs(float(high)), abs(float(next_low))) if high > low else 0.0


def to_sitk(value: Volume | Structure) -> Any:
    """Return a volume, or a structure as a mask of 0 and 1, as a SimpleITK image in LPS.

    Parameters
    ----------
    value : Volume or Structure

    Returns
    -------
    SimpleITK.Image
        With values of its own.
    """
    import SimpleITK as sitk  # noqa: N813 (its own documentation's name)

    image = sitk.GetImageFromArray(value.values_zyx if isinstance(value, Volume) else value.mask_zyx.astype(np.uint8))
    image.SetOrigin(value.grid.origin_mm.tolist())
    image.SetSpacing(value.grid.spacing_mm.tolist())
    image.SetDirection(value.grid.direction.ravel().tolist())
    return image


def write_volume(path: Path, volume: Volume) -> None:
    """Write a volume as .nrrd, .nii.gz or .mha (compressed), by its suffix; the caller gives a path that is free.

    NRRD is a few lines of text before the voxels: it is written at once, the others by ITK.

    Raises
    ------
    ResourceError
        The disk is full, or the folder cannot be written to.
    """
    if path.suffix == ".nrrd":
        write_nrrd(path, volume)
        return
    import SimpleITK as sitk  # noqa: N813 (its own documentation's name)

    image = to_sitk(volume)
    try:
        with without_noise():
            sitk.WriteImage(image, str(path), useCompression=True)
            # On a full disk ITK writes half of a NIfTI file, and of some NRRD files, without an error.
            back = sitk.ReadImage(str(path))
            values = sitk.GetArrayViewFromImage(back)
            whole = np.array_equal(np.nan_to_num(values), np.nan_to_num(volume.values_zyx))
    except RuntimeError:
        whole = False
    if not whole:
        # ITK says much and not why: the system's words for it are not passed on.
        raise ResourceError(
            "the image cannot be written", where=path.name, remedy="Is the disk full, or the folder not writable?"
        )
