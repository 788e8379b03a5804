"""Closed surfaces of structures and isodoses, for the 3D page.

Surface nets: every cell of eight neighbouring points that the level passes through gets one vertex, at the mean of the
crossings of its edges; every crossed edge gets one quadrilateral, between the four cells round it.

References
----------
S. F. F. Gibson, "Constrained elastic surface nets", MICCAI 1998, LNCS 1496, 888-898, doi 10.1007/BFb0056277.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_fill_holes, gaussian_filter, label

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.dose import Shape
from hdrplan.geometry import Grid, Structure, Volume, box_of

__all__ = ["isodose_surface", "skin_surface", "structure_surface", "surface"]

# Blur of a mask before its surface is drawn, in voxels: takes the steps off, moves a plane by nothing.
_BLUR_VOXELS = 0.8
# The skin: between air and fat, on points about this far apart; it is a faint shell that says where the patient ends.
_SKIN_HU, _SKIN_STEP_MM = -300, 4.0


def surface(grid: Grid, values_zyx: npt.NDArray[np.floating], level: float) -> tuple[FloatArray, IntArray]:
    """Return the surface at which values pass a level, closed at the rim of the grid.

    Parameters
    ----------
    grid : Grid
    values_zyx : array
    level : float

    Returns
    -------
    vertices : (n, 3) array
        LPS, mm.
    triangles : (m, 3) int array
        Counter-clockwise seen from the low side; empty where the level is nowhere crossed.
    """
    low = np.nextafter(np.float32(min(level, float(values_zyx.min()))), np.float32(-np.inf))
    values = np.pad(values_zyx.astype(np.float32), 1, constant_values=low)
    inside: npt.NDArray[np.bool_] = np.array(values >= level)
    nz, ny, nx = (n - 1 for n in values.shape)
    count = np.zeros((nz, ny, nx), dtype=np.int8)
    for i, j, k in np.ndindex(2, 2, 2):
        count += inside[i : i + nz, j : j + ny, k : k + nx]
    active = (count > 0) & (count < 8)
    cells = np.argwhere(active)
    if len(cells) == 0:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    number = np.full(active.shape, -1, dtype=np.int64)
    number[active] = np.arange(len(cells))
    total, crossings = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        for shift in np.ndindex(2, 2):
            start = cells.copy()
            start[:, others] += shift
            end = start.copy()
            end[:, axis] += 1
            first, second = values[tuple(start.T)], values[tuple(end.T)]
            crossed = (first >= level) != (second >= level)
            share = np.where(crossed, (level - first) / np.where(crossed, second - first, 1.0), 0.0)
            place = start.astype(np.float64)
            place[:, axis] += np.clip(share, 0.0, 1.0)
            total[crossed] += place[crossed]
            crossings += crossed
    vertices = grid.world((total / crossings[:, None] - 1.0)[:, ::-1])
    triangles = np.vstack([_quads(inside, number, axis) for axis in range(3)])
    # The index runs z, y, x: seen in x, y, z every quadrilateral turns the other way, and once more where the grid
    # itself is left-handed.
    if np.linalg.det(grid.direction) > 0:
        triangles = triangles[:, ::-1]
    return vertices, triangles


def _quads(inside: npt.NDArray[np.bool_], number: IntArray, axis: int) -> IntArray:
    """Two triangles for every crossed edge along ``axis``, between the four cells that share it."""
    a, b = [k for k in range(3) if k != axis]
    sign = np.diff(inside.astype(np.int8), axis=axis)
    edges = np.argwhere(sign != 0)
    rising = sign[tuple(edges.T)] > 0
    corners = []
    for da, db in ((0, 0), (1, 0), (1, 1), (0, 1)):
        cell = edges.copy()
        cell[:, a] -= da
        cell[:, b] -= db
        corners.append(number[tuple(cell.T)])
    quad = np.stack(corners, axis=1)
    # Axes (axis, a, b) in cyclic order turn one way, (1, 0, 2) the other.
    flip = rising if axis != 1 else ~rising
    quad[flip] = quad[flip][:, ::-1]
    return np.vstack((quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]))


def structure_surface(structure: Structure, shape: Shape | None) -> tuple[FloatArray, IntArray]:
    """Surface of the shape that doses are judged on; where there is none, of the mask, its steps smoothed away."""
    if shape is not None:
        return surface(shape.grid, shape.level_zyx, 0.0)
    box = box_of(structure.mask_zyx)
    mask = np.pad(structure.mask_zyx[box].astype(np.float32), 2)
    grid = structure.grid.box([side.start - 2 for side in box[::-1]], mask.shape)
    smooth = gaussian_filter(mask, _BLUR_VOXELS)
    vertices, triangles = surface(grid, smooth, 0.5)
    return (vertices, triangles) if len(triangles) else surface(grid, mask, 0.5)


def isodose_surface(dose: Volume, level_gy: float) -> tuple[FloatArray, IntArray]:
    """Surface of a dose level."""
    return surface(dose.grid, dose.values_zyx, level_gy)


def skin_surface(ct: Volume) -> tuple[FloatArray, IntArray]:
    """Surface of the largest body in a CT, open where the CT ends; empty where there is none."""
    stride = np.maximum(1, np.rint(_SKIN_STEP_MM / ct.grid.spacing_mm[::-1]).astype(int))
    values = ct.values_zyx[:: stride[0], :: stride[1], :: stride[2]]
    grid = Grid(
        shape_zyx=(values.shape[0], values.shape[1], values.shape[2]),
        origin_mm=ct.grid.origin_mm,
        spacing_mm=ct.grid.spacing_mm * stride[::-1],
        direction=ct.grid.direction,
    )
    parts, count = label(values > _SKIN_HU)
    if count == 0:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    largest = np.asarray(parts == 1 + np.bincount(parts.ravel())[1:].argmax())
    # Lungs and bowel gas lie inside the skin, slice by slice: they may reach the CT's ends.
    body = np.array([binary_fill_holes(part) for part in largest])
    smooth = gaussian_filter(body.astype(np.float32), _BLUR_VOXELS, mode="nearest")
    vertices, triangles = surface(grid, smooth, 0.5)
    index, last = grid.index(vertices), np.subtract(grid.shape_zyx[::-1], 1)
    cap = np.asarray(((index < 0.0) | (index > last)).any(axis=1))
    return vertices, triangles[~cap[triangles].all(axis=1)]
