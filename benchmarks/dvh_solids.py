"""Solids whose DVHs are known exactly, as RT Structure Sets and RT Doses: what a DVH program is judged by.

A cylinder, a cone and a ball of 24 mm, the first two along the slices' axis and across it, in doses that rise by 1 Gy
per mm along one axis from 4 Gy, with slices 0.2 to 3 mm and dose voxels 0.4 to 3 mm apart: the solids of [1]_, anew.
Contours lie in the middle of their slices, so that slabs of one slice fill the solids from end to end.

References
----------
.. [1] B. Nelms, C. Stambaugh, D. Hunt, B. Tonner, G. Zhang, V. Feygelman, "Methods, software and datasets to verify DVH
   calculations against analytical values: Twenty years late(r)", Med Phys 42(8), 4435-4448, 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["AXES", "HALF_MM", "SOLIDS", "Solid", "centre_dose_gy", "write_dose", "write_structures"]

Array = npt.NDArray[np.float64]
HALF_MM = 12.0
# The middle of every solid has this dose; the faces at -12 and 12 mm have 4 and 28 Gy.
centre_dose_gy = 16.0
AXES = {"AP": 1, "SI": 2}
_STEPS = 200_001


@dataclass(frozen=True)
class Solid:
    """One solid.

    Parameters
    ----------
    name : str
    volume_cc : float
    contour : callable
        Height -> outline (n, 2) of the section there, mm.
    section_mm2 : mapping of int to callable
        Axis (1: y, 2: z) -> area of the section across that axis, of positions along it.
    """

    name: str
    volume_cc: float
    contour: Callable[[float], Array]
    section_mm2: dict[int, Callable[[Array], Array]]

    def contours(self, slice_mm: float) -> list[Array]:
        """Outlines (n, 3) in the middle of every slice."""
        heights = np.arange(-HALF_MM + slice_mm / 2, HALF_MM, slice_mm)
        return [np.column_stack((flat, np.full(len(flat), z))) for z in heights for flat in [self.contour(float(z))]]

    def dose_at_frac(self, axis: int, fraction: npt.ArrayLike) -> Array:
        """D_x in a dose that rises by 1 Gy per mm along an axis."""
        at = np.linspace(-HALF_MM, HALF_MM, _STEPS)
        area = self.section_mm2[axis](at)
        below = np.concatenate(([0.0], np.cumsum((area[1:] + area[:-1]) / 2)))
        above = 1.0 - below / below[-1]
        return np.asarray(centre_dose_gy + np.interp(fraction, above[::-1], at[::-1]))

    def mean_gy(self, axis: int) -> float:
        """Mean of that dose."""
        at = np.linspace(-HALF_MM, HALF_MM, _STEPS)
        area = self.section_mm2[axis](at)
        return centre_dose_gy + float((at * area).sum() / area.sum())


def _circle(radius: float) -> Array:
    angle = np.linspace(0.0, 2 * np.pi, 360, endpoint=False)
    # A polygon of the circle's area.
    radius *= float(np.sqrt(2 * np.pi / 360 / np.sin(2 * np.pi / 360)))
    return radius * np.column_stack((np.cos(angle), np.sin(angle)))


def _chord(at: Array) -> Array:
    return 2 * np.sqrt(np.maximum(HALF_MM**2 - at**2, 0.0))


def _cone_across(at: Array) -> Array:
    """Area of a cone's section along its axis, at a distance from it."""
    radius = np.linspace(0.0, HALF_MM, 4001)[:, None]
    coarse = np.linspace(-HALF_MM, HALF_MM, 801)
    area = np.trapezoid(2 * np.sqrt(np.maximum(radius**2 - coarse**2, 0.0)), dx=2 * HALF_MM / 4000, axis=0)
    return np.interp(at, coarse, area)


def _across_rectangle(z: float) -> Array:
    half = _chord(np.array(z)) / 2
    corners = np.array([[-half, -HALF_MM], [half, -HALF_MM], [half, HALF_MM], [-half, HALF_MM]])
    return corners


def _across_cone(z: float) -> Array:
    """Section of a cone with its tip at y = 12 mm, at a distance from its axis: a hyperbola."""
    y = np.linspace(-HALF_MM, HALF_MM - 2 * abs(z), 400)
    half = np.sqrt(np.maximum(((HALF_MM - y) / 2) ** 2 - z * z, 0.0))
    return np.concatenate((np.column_stack((half, y)), np.column_stack((-half, y))[::-1]))


def _disc(at: Array) -> Array:
    return np.full_like(at, np.pi * HALF_MM**2)


def _cone_along(at: Array) -> Array:
    return np.pi * ((HALF_MM - at) / 2) ** 2


_CYLINDER_CC = np.pi * HALF_MM**2 * 2 * HALF_MM / 1000
SOLIDS: dict[str, Solid] = {
    solid.name: solid
    for solid in (
        Solid("cylinder", _CYLINDER_CC, lambda z: _circle(HALF_MM), {1: lambda y: 2 * HALF_MM * _chord(y), 2: _disc}),
        Solid("cone", _CYLINDER_CC / 3, lambda z: _circle((HALF_MM - z) / 2), {1: _cone_across, 2: _cone_along}),
        Solid(
            "ball",
            4 / 3 * np.pi * HALF_MM**3 / 1000,
            lambda z: _circle(float(_chord(np.array(z)) / 2)),
            dict.fromkeys((1, 2), lambda at: np.pi * (HALF_MM**2 - at**2)),
        ),
        Solid("cylinder across", _CYLINDER_CC, _across_rectangle, {1: _disc, 2: lambda z: 2 * HALF_MM * _chord(z)}),
        Solid("cone across", _CYLINDER_CC / 3, _across_cone, {1: _cone_along, 2: _cone_across}),
    )
}


def _item(**values: object) -> Dataset:
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data


def _save(path: Path, sop_class: str, values: dict[str, object]) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = values["SOPInstanceUID"]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.PatientID, data.StudyInstanceUID = sop_class, "solids", "1.2.3"
    for keyword, value in values.items():
        setattr(data, keyword, value)
    data.save_as(str(path), enforce_file_format=True)
    return path


def write_structures(path: Path, rois: dict[str, Sequence[Array]]) -> Path:
    """Write contours as an RT Structure Set."""
    values: dict[str, object] = {
        "Modality": "RTSTRUCT",
        "SOPInstanceUID": "1.2.3.1",
        "StructureSetLabel": "solids",
        "ReferencedFrameOfReferenceSequence": [_item(FrameOfReferenceUID="1.2.9")],
        "StructureSetROISequence": [
            _item(ROINumber=k + 1, ROIName=name, ReferencedFrameOfReferenceUID="1.2.9") for k, name in enumerate(rois)
        ],
        "ROIContourSequence": [
            _item(
                ReferencedROINumber=k + 1,
                ROIDisplayColor=[255, 0, 0],
                ContourSequence=[
                    _item(
                        ContourGeometricType="CLOSED_PLANAR",
                        NumberOfContourPoints=len(points),
                        ContourData=points.round(5).ravel().tolist(),
                    )
                    for points in contours
                ],
            )
            for k, contours in enumerate(rois.values())
        ],
        "RTROIObservationsSequence": [
            _item(ObservationNumber=k + 1, ReferencedROINumber=k + 1, RTROIInterpretedType="ORGAN")
            for k in range(len(rois))
        ],
    }
    return _save(path, "1.2.840.10008.5.1.4.1.1.481.3", values)


def write_dose(
    path: Path,
    axis: int,
    spacing_mm: float,
    *,
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    reach_mm: float = 16.0,
) -> Path:
    """Write a dose of 16 Gy in the middle that rises by 1 Gy per mm along a patient axis.

    Parameters
    ----------
    path : Path
    axis : int
        0, 1 or 2: x, y, z in LPS.
    spacing_mm : float
    orientation : sequence of six float
        Directions of the rows and columns: those of the patient's position on the table.
    reach_mm : float
        How far the grid reaches beyond the middle, at least.
    """
    row, column = np.array(orientation[:3], dtype=float), np.array(orientation[3:], dtype=float)
    normal = np.cross(row, column)
    n = 2 * int(np.ceil(reach_mm / spacing_mm)) + 1
    steps = (np.arange(n) - (n - 1) / 2) * spacing_mm
    along = row[axis] * steps[None, None, :] + column[axis] * steps[None, :, None] + normal[axis] * steps[:, None, None]
    gy = np.maximum(np.broadcast_to(centre_dose_gy + along, (n, n, n)), 0.0)
    scaling = 1e-6
    values: dict[str, object] = {
        "Modality": "RTDOSE",
        "SOPInstanceUID": "1.2.3.2",
        "FrameOfReferenceUID": "1.2.9",
        "DoseUnits": "GY",
        "DoseType": "PHYSICAL",
        "DoseSummationType": "PLAN",
        "DoseGridScaling": scaling,
        "GridFrameOffsetVector": (np.arange(n) * spacing_mm).round(6).tolist(),
        "ImagePositionPatient": ((row + column + normal) * steps[0]).round(6).tolist(),
        "ImageOrientationPatient": [float(v) for v in orientation],
        "PixelSpacing": [spacing_mm, spacing_mm],
        "FrameIncrementPointer": 0x3004000C,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "NumberOfFrames": n,
        "Rows": n,
        "Columns": n,
        "BitsAllocated": 32,
        "BitsStored": 32,
        "HighBit": 31,
        "PixelRepresentation": 0,
        "PixelData": np.rint(gy / scaling).astype("<u4").tobytes(),
    }
    return _save(path, "1.2.840.10008.5.1.4.1.1.481.2", values)
