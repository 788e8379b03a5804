"""Contours and masks: closed planar contours become a mask, a mask becomes contours.

A contour stands for a slab as thick as the distance of the contour planes, half of it to either side, also at the ends
(end-slab convention). Several contours in a plane combine by exclusive or, so holes and keyholes both work.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import ndimage

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError, ResourceError
from hdrplan.geometry.grid import Grid
from hdrplan.geometry.loops import end_to_end, without_copies
from hdrplan.geometry.structure import Role, Structure, cropped_structure
from hdrplan.kernels.polygon import flip_inside

__all__ = ["ON_SLICE_MM", "contour_normal", "contours_of_structure", "structure_of_contours"]

MAX_VOXELS = 400_000_000
# Contours nearer to a slice than this lie on it: TPS round to 0.01 mm.
ON_SLICE_MM = 0.05


def structure_of_contours(
    name: str, role: Role, contours_mm: Sequence[FloatArray], ct: Grid | None
) -> tuple[Structure, tuple[Caution, ...]]:
    """Return the structure that closed planar contours enclose, and warnings.

    Parameters
    ----------
    name : str
    role : str
    contours_mm : sequence of (n, 3) arrays
        LPS; each in one plane, all planes parallel.
    ct : Grid or None
        Where every contour lies on one of its slices, the mask is on this grid's voxels. Otherwise, or without CT, on
        a grid of its own along the contour planes with 0.25 to 1 mm pixels.

    Raises
    ------
    FormatError
        A contour that is not planar, planes that are not parallel or at irregular distances.
    """
    normal = contour_normal(contours_mm, name)
    warnings: list[Caution] = []
    kept = without_copies([(c, np.stack((c.min(axis=0), c.max(axis=0)))) for c in contours_mm])
    if len(kept) < len(contours_mm):
        warnings.append(caution("contours-twice", name=name, count=len(contours_mm) - len(kept)))
    contours_mm = [contour for contour, _ in kept]
    grid = _on_slices(contours_mm, ct, normal) or _own_grid(contours_mm, ct, normal, name, warnings)
    index = [grid.index(contour) for contour in contours_mm]
    low = np.floor(np.min([i.min(axis=0) for i in index], axis=0) + 0.5).astype(int)
    high = np.ceil(np.max([i.max(axis=0) for i in index], axis=0) - 0.5).astype(int)
    rim = np.array([1, 1, 0])
    low, high = low - rim, high + rim
    nx, ny, nz = (int(n) for n in high - low + 1)
    if nx * ny * nz > MAX_VOXELS:
        raise ResourceError(f"a structure of at most {MAX_VOXELS} voxels", got=nx * ny * nz, where=name)
    mask = np.zeros((nz, ny, nx), dtype=np.bool_)
    for i in index:
        plane = round(float(i[:, 2].mean())) - int(low[2])
        flip_inside(np.ascontiguousarray(i[:, :2] - low[:2]), mask[plane])
    _fill_missing_planes(mask, name, warnings)
    box = grid.box(low, (nz, ny, nx))
    if not mask.any():
        raise FormatError("a structure must enclose at least one voxel centre", got="none", where=name)
    return cropped_structure(name, role, box, mask), tuple(warnings)


def contour_normal(contours_mm: Sequence[FloatArray], name: str) -> FloatArray:
    """Return the unit normal of the contour planes: Newell's area vector of the largest contour."""
    points, start, after = end_to_end(contours_mm)
    x, y, z = (points - np.repeat(points[start], np.diff(start, append=len(points)), axis=0)).T
    moments = (y * z[after] - z * y[after], z * x[after] - x * z[after], x * y[after] - y * x[after])
    areas = 0.5 * np.column_stack([np.add.reduceat(moment, start) for moment in moments])
    sizes = np.linalg.norm(areas, axis=1)
    largest = int(sizes.argmax())
    if sizes[largest] < 1e-6:
        raise FormatError("a closed contour encloses an area", got="0 mm2", where=name)
    normal: FloatArray = areas[largest] / sizes[largest]
    normal = normal * np.sign(normal[np.abs(normal).argmax()])
    height = points @ normal
    off = np.maximum.reduceat(height, start) - np.minimum.reduceat(height, start)
    if (off > 0.2).any():
        deep = float(off[off > 0.2][0])
        raise FormatError("closed contours lie in parallel planes", got=f"one {deep:.2f} mm deep", where=name)
    return normal


def _on_slices(contours_mm: Sequence[FloatArray], ct: Grid | None, normal: FloatArray) -> Grid | None:
    if ct is None or abs(abs(float(ct.direction[:, 2] @ normal)) - 1.0) > 1e-4:
        return None
    z = np.array([float(ct.index(c)[:, 2].mean()) for c in contours_mm])
    return ct if np.abs(z - np.rint(z)).max() * ct.spacing_mm[2] <= ON_SLICE_MM else None


def _own_grid(
    contours_mm: Sequence[FloatArray], ct: Grid | None, normal: FloatArray, name: str, warnings: list[Caution]
) -> Grid:
    at = np.sort([float((c @ normal).mean()) for c in contours_mm])
    apart = np.diff(at)
    apart = apart[apart > ON_SLICE_MM]
    if len(apart):
        step = float(apart.min())
        steps = np.rint((at - at[0]) / step)
        step = float((at[-1] - at[0]) / steps[-1])
        if np.abs(at - at[0] - steps * step).max() > 0.1 * step:
            raise FormatError(
                "contour planes must be at regular distances",
                got=f"distances {np.unique(apart.round(2)).tolist()[:6]} mm",
                where=name,
            )
    else:
        step = float(ct.spacing_mm[2]) if ct is not None else 2.5
        warnings.append(caution("contours-in-one-plane", name=name, step_mm=step))
    first = np.zeros(3)
    first[int(np.abs(normal).argmin())] = 1.0
    if ct is not None and abs(float(ct.direction[:, 0] @ normal)) < 1e-3:
        first = ct.direction[:, 0]
    row = first - (first @ normal) * normal
    row /= np.linalg.norm(row)
    axes = np.column_stack((row, np.cross(normal, row), normal))
    points = np.concatenate(contours_mm) @ axes
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    pixel = float(np.clip(extent[:2].max() / 256.0, 0.25, 1.0))
    origin = axes @ np.array([low[0], low[1], at[0]])
    if ct is not None:
        warnings.append(caution("contours-between-slices", name=name))
    return Grid(shape_zyx=(1, 1, 1), origin_mm=origin, spacing_mm=np.array([pixel, pixel, step]), direction=axes)


def _fill_missing_planes(mask: BoolArray, name: str, warnings: list[Caution]) -> None:
    """Fill empty planes between contours by the mean of signed distances (shape-based interpolation).

    References
    ----------
    Raya SP, Udupa JK, Shape-based interpolation of multidimensional objects, IEEE Trans Med Imaging 1990;9:32.
    """
    drawn = np.flatnonzero(mask.any(axis=(1, 2)))
    missing = 0
    for low, high in pairwise(drawn):
        if high - low == 1:
            continue
        below, above = _signed_distance(mask[low]), _signed_distance(mask[high])
        for k in range(int(low) + 1, int(high)):
            fraction = (k - low) / (high - low)
            mask[k] = (1 - fraction) * below + fraction * above > 0
            missing += 1
    if missing:
        warnings.append(caution("contours-filled", name=name, planes=missing))


def _signed_distance(plane: BoolArray) -> FloatArray:
    return np.asarray(ndimage.distance_transform_edt(plane) - ndimage.distance_transform_edt(~plane))


def contours_of_structure(structure: Structure) -> tuple[tuple[int, FloatArray], ...]:
    """Return closed contours, slice by slice: (z index in the structure's grid, (n, 3) LPS points).

    Contours run half-way between the centres of voxels inside and outside (marching squares on a mask), so a reader
    that tests voxel centres finds the same mask. Holes are joined to their outer contour by a keyhole of no width, as
    DICOM asks for CLOSED_PLANAR contours.
    """
    contours: list[tuple[int, FloatArray]] = []
    for z in range(structure.mask_zyx.shape[0]):
        plane = structure.mask_zyx[z]
        if not plane.any():
            continue
        loops = _loops(plane)
        outer = [loop for loop in loops if _area(loop) > 0]
        inner = [loop for loop in loops if _area(loop) < 0]
        for loop in _with_keyholes(outer, inner):
            # Closed by DICOM's rule: the first point is not repeated.
            index = np.column_stack((loop, np.full(len(loop), float(z))))
            contours.append((z, structure.grid.world(index)))
    return tuple(contours)


def _area(loop: FloatArray) -> float:
    x, y = loop[:, 0], loop[:, 1]
    return 0.5 * float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _loops(plane: BoolArray) -> list[FloatArray]:
    """Boundary loops through the midpoints of pixel edges; outer ones turn positively, holes negatively.

    Directed pixel edges have the inside on their left. Where four edges meet at a corner (two pixels that touch
    diagonally), the sharp turn to the left is taken: the two stay apart.
    """
    padded = np.pad(plane, 1)
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Corners are numbered so that pixel (y, x) has corners (y, x) to (y + 1, x + 1); +1 for the padding.
    for dy, dx, start, end in (
        (-1, 0, (0, 0), (0, 1)),
        (0, 1, (0, 1), (1, 1)),
        (1, 0, (1, 1), (1, 0)),
        (0, -1, (1, 0), (0, 0)),
    ):
        rim = padded[1:-1, 1:-1] & ~padded[1 + dy : padded.shape[0] - 1 + dy, 1 + dx : padded.shape[1] - 1 + dx]
        for y, x in np.argwhere(rim).tolist():
            edges.setdefault((y + start[0], x + start[1]), []).append((y + end[0], x + end[1]))
    loops = []
    while edges:
        start_corner = next(iter(edges))
        corner, came = start_corner, (0, 0)
        middle: list[tuple[float, float]] = []
        while True:
            ends = edges[corner]
            end = (
                ends[0]
                if len(ends) == 1
                else min(ends, key=lambda e: _turn(came, (e[0] - corner[0], e[1] - corner[1])))
            )
            ends.remove(end)
            if not ends:
                del edges[corner]
            # Pixel centres are at whole numbers, corners half a pixel before.
            middle.append(((corner[1] + end[1]) / 2 - 0.5, (corner[0] + end[0]) / 2 - 0.5))
            came, corner = (end[0] - corner[0], end[1] - corner[1]), end
            if corner == start_corner and (corner not in edges or len(middle) > 1):
                break
        loops.append(_without_straight_points(np.array(middle)))
    return loops


def _turn(came: tuple[int, int], goes: tuple[int, int]) -> int:
    """Return -1 for the turn that keeps to the same pixel, 1 for the other; edges as (dy, dx)."""
    return -1 if came[1] * goes[0] - came[0] * goes[1] > 0 else 1


def _without_straight_points(loop: FloatArray) -> FloatArray:
    before, after = loop - np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0) - loop
    corner = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    kept: FloatArray = loop[corner]
    return kept if len(kept) >= 3 else loop


def _with_keyholes(outer: list[FloatArray], inner: list[FloatArray]) -> list[FloatArray]:
    """Join each hole to the contour that holds it, at their nearest points.

    A channel may cross another hole: it is walked twice, so by the even-odd rule it encloses nothing.
    """
    joined = list(outer)
    for hole in inner:
        best: tuple[float, int, int, int] | None = None
        for k, loop in enumerate(joined):
            if not _inside(hole[0], outer[k]):
                continue
            distance = ((loop[:, None, :] - hole[None, :, :]) ** 2).sum(axis=2)
            i, j = divmod(int(distance.argmin()), distance.shape[1])
            if best is None or distance[i, j] < best[0]:
                best = (float(distance[i, j]), k, i, j)
        if best is None:
            continue
        _, k, i, j = best
        loop = joined[k]
        joined[k] = np.concatenate((loop[: i + 1], hole[j:], hole[: j + 1], loop[i:]))
    return joined


def _inside(point: FloatArray, loop: FloatArray) -> bool:
    x, y = point
    x0, y0 = loop[:, 0], loop[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    crosses: IntArray = (y0 <= y) != (y1 <= y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return bool((crosses & (at > x)).sum() % 2)
