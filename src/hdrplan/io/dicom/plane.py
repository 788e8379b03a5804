"""Where the pixels of a DICOM image lie: position, orientation and spacing of its plane (PS3.3 C.7.6.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Grid
from hdrplan.io.dicom.tags import Tags

__all__ = ["ImagePlane", "plane_of"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ImagePlane:
    """The plane of one image.

    Parameters
    ----------
    position_mm : (3,) array
        Centre of the first pixel, LPS.
    row, column : (3,) array
        Unit vectors along which the columns and the rows are counted.
    spacing_mm : (2,) array
        Between rows, between columns.
    """

    position_mm: FloatArray
    row: FloatArray
    column: FloatArray
    spacing_mm: FloatArray

    @property
    def orientation(self) -> FloatArray:
        """Return row and column as DICOM writes them, six numbers."""
        return np.concatenate((self.row, self.column))

    @property
    def normal(self) -> FloatArray:
        """Return the unit vector in which a right-handed stack of such planes rises."""
        return np.cross(self.row, self.column)

    def grid(self, shape_zyx: tuple[int, int, int], *, first_mm: FloatArray, step_mm: float) -> Grid:
        """Return the voxels of a stack of such planes.

        Parameters
        ----------
        shape_zyx : tuple of int
            Planes, rows, columns.
        first_mm : (3,) array
            Position of the first plane.
        step_mm : float
            From plane to plane along the normal.
        """
        return Grid(
            shape_zyx=shape_zyx,
            origin_mm=first_mm,
            spacing_mm=np.array([self.spacing_mm[1], self.spacing_mm[0], step_mm]),
            direction=np.column_stack((self.row, self.column, self.normal)),
        )


def plane_of(tags: Tags) -> ImagePlane:
    """Return the plane of an image.

    Raises
    ------
    FormatError
        Spacing that is not positive, directions that are not perpendicular unit vectors, a tag that is missing.
    """
    spacing_mm = tags.numbers("PixelSpacing", 2)
    if not (spacing_mm > 0).all():
        raise tags.error("PixelSpacing", "positive (mm)", spacing_mm.tolist())
    orientation = tags.numbers("ImageOrientationPatient", 6)
    row, column = orientation[:3], orientation[3:]
    if np.abs(np.linalg.norm(orientation.reshape(2, 3), axis=1) - 1).max() > 1e-3 or abs(row @ column) > 1e-3:
        raise tags.error("ImageOrientationPatient", "two perpendicular unit vectors", orientation.round(4).tolist())
    return ImagePlane(
        position_mm=tags.numbers("ImagePositionPatient", 3), row=row, column=column, spacing_mm=spacing_mm
    )
