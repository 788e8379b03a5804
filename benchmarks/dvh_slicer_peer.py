"""DVHs by the rules of SlicerRT with the voxels of 3D Slicer: run by ``benchmarks.dvh_slicer`` with its Python.

SlicerRT itself is no package that can be installed by itself; 3D Slicer's libraries are (``pip install slicer-core
pydicom``). Of SlicerRT's rules these are kept, as its documentation and its planar contour converter have them:
contours of neighbouring planes are joined by triangles; half a slice beyond the last ones the solid ends in a contour
of half the area; voxels are those of the dose grid, halved along each axis; a voxel whose centre lies inside counts
whole, with the dose that is linear between the centres of the dose grid. One closed contour a plane.
"""

from __future__ import annotations

import itertools
import json
import sys

import numpy as np
import pydicom
import slicer
import vtk
import vtk.util.numpy_support

OVERSAMPLING = 2
FRACTIONS = (0.99, 0.95, 0.5, 0.05, 0.01)


def main() -> None:
    """Print volume, D99 to D1 and mean of every structure of pairs of files, as JSON: one line a pair."""
    for pair in sys.argv[1:]:
        structures, dose = (pydicom.dcmread(path) for path in pair.split("::"))
        names = {roi.ROINumber: roi.ROIName for roi in structures.StructureSetROISequence}
        rows = {
            names[item.ReferencedROINumber]: row_of(loops_of(item), dose)
            for item in structures.ROIContourSequence
            if item.get("ContourSequence")
        }
        print(json.dumps(rows), flush=True)


def loops_of(item: pydicom.Dataset) -> list[np.ndarray]:
    """Return the contours by height, with those that end the solid."""
    loops = [np.array(contour.ContourData, dtype=float).reshape(-1, 3) for contour in item.ContourSequence]
    loops.sort(key=lambda loop: loop[0, 2])
    step = np.diff([loop[0, 2] for loop in loops]).mean()
    return [_end(loops[0], -step / 2), *loops, _end(loops[-1], step / 2)]


def _end(loop: np.ndarray, away: float) -> np.ndarray:
    middle = loop.mean(axis=0)
    return middle + (loop - middle) / np.sqrt(2) + [0.0, 0.0, away]


def surface_of(loops: list[np.ndarray]) -> vtk.vtkPolyData:
    """Join each contour to the next by the shorter of two diagonals, from the nearest points on; close both ends."""
    points, triangles = vtk.vtkPoints(), vtk.vtkCellArray()
    first = []
    for loop in loops:
        first.append(points.GetNumberOfPoints())
        for point in loop:
            points.InsertNextPoint(point)

    def add(*corners: int) -> None:
        triangles.InsertNextCell(3, corners)

    for (a, at), (b, to) in itertools.pairwise(zip(loops, first, strict=True)):
        n, m = len(a), len(b)
        start = int(np.linalg.norm(b - a[0], axis=1).argmin())
        i = j = 0
        while i < n or j < m:
            p, q = a[i % n], b[(start + j) % m]
            after_a, after_b = a[(i + 1) % n], b[(start + j + 1) % m]
            here, there = at + i % n, to + (start + j) % m
            if j == m or (i < n and np.linalg.norm(after_a - q) <= np.linalg.norm(after_b - p)):
                add(here, at + (i + 1) % n, there)
                i += 1
            else:
                add(here, to + (start + j + 1) % m, there)
                j += 1
    for loop, at in ((loops[0], first[0]), (loops[-1], first[-1])):
        middle = points.InsertNextPoint(loop.mean(axis=0))
        for k in range(len(loop)):
            add(middle, at + k, at + (k + 1) % len(loop))
    surface = vtk.vtkPolyData()
    surface.SetPoints(points)
    surface.SetPolys(triangles)
    return surface


def row_of(loops: list[np.ndarray], dose: pydicom.Dataset) -> list[float]:
    """Return volume in cc, D99 to D1 and mean."""
    gy = dose.pixel_array * float(dose.DoseGridScaling)
    offsets = np.array(dose.GridFrameOffsetVector, dtype=float)
    spacing = np.array([dose.PixelSpacing[1], dose.PixelSpacing[0], offsets[1] - offsets[0]], dtype=float)
    origin = np.array(dose.ImagePositionPatient, dtype=float)
    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(0, gy.shape[2] - 1, 0, gy.shape[1] - 1, 0, gy.shape[0] - 1)
    reference.SetSpacing(spacing)
    reference.SetOrigin(origin)
    rule = slicer.vtkClosedSurfaceToBinaryLabelmapConversionRule()
    converter, segment, image = slicer.vtkSegmentationConverter, slicer.vtkSegment(), slicer.vtkOrientedImageData()
    segment.AddRepresentation(converter.GetClosedSurfaceRepresentationName(), surface_of(loops))
    segment.AddRepresentation(converter.GetBinaryLabelmapRepresentationName(), image)
    geometry = converter.SerializeImageGeometry(reference)
    rule.SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), geometry)
    rule.SetConversionParameter(rule.GetOversamplingFactorParameterName(), str(OVERSAMPLING))
    if not (rule.PreConvert(slicer.vtkSegmentation()) and rule.Convert(segment)):
        raise SystemExit("3D Slicer made no label map")
    image = segment.GetRepresentation(converter.GetBinaryLabelmapRepresentationName())
    x0, x1, y0, y1, z0, z1 = image.GetExtent()
    values = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    inside = values.reshape(z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1) > 0
    zyx = np.argwhere(inside) + np.array([z0, y0, x0])
    at = np.array(image.GetOrigin()) + zyx[:, ::-1] * np.array(image.GetSpacing())
    cell_cc = float(np.prod(image.GetSpacing())) / 1000.0
    doses = np.sort(trilinear(gy, (at - origin) / spacing))[::-1]
    return [len(doses) * cell_cc, *(float(doses[int(f * (len(doses) - 1))]) for f in FRACTIONS), float(doses.mean())]


def trilinear(values: np.ndarray, index_xyz: np.ndarray) -> np.ndarray:
    """Return values between voxel centres."""
    low = np.clip(np.floor(index_xyz).astype(int), 0, np.array(values.shape[::-1]) - 2)
    share = index_xyz - low
    total = np.zeros(len(low))
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        x, y, z = (low + corner).T
        total += weight * values[z, y, x]
    return total


if __name__ == "__main__":
    main()
