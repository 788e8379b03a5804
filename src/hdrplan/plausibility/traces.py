"""Whether catheters lie on the lines that they draw in a CT which was taken with them in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Catheter, Volume

__all__ = ["doubts_of_traces"]

# The part of a catheter that is looked at, from its tip, and the number of points of all together.
_LENGTH_MM, _POINTS = 80.0, 90
# A line differs from what lies so far beside it, on four sides, by this: a 6F catheter is 2 mm wide.
_BESIDE_MM = 5.0
_LINE_HU = 100.0
# Displacements that are tried; beyond, the check of the organs they pass through speaks.
_SEARCH_MM = 12.0
_FINEST_MM = 1.0
# Lines under so much of the catheters are theirs; under so little of them as they were drawn, they are not there.
_FOUND_FRAC, _LOST_FRAC = 0.6, 0.25


def doubts_of_traces(catheters: Sequence[Catheter], ct: Volume | None) -> list[Caution]:
    """Say whether all catheters together lie beside the lines that the CT shows.

    Parameters
    ----------
    catheters : sequence of Catheter
    ct : Volume or None
        HU. One that was taken before the puncture shows no lines, and tells nothing.
    """
    if ct is None or not catheters:
        return []
    points_mm, beside_mm = _around(catheters)
    if _line_frac(ct, points_mm, beside_mm, np.zeros((1, 3)))[0] >= _LOST_FRAC:
        return []
    steps = [max(_FINEST_MM, float(spacing)) for spacing in ct.grid.spacing_mm]
    axes = [np.arange(-int(_SEARCH_MM // step), int(_SEARCH_MM // step) + 1) * step for step in steps]
    moves_mm = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3) @ ct.grid.direction.T
    # A quarter of the points tells which displacements are worth all of them.
    rough = _line_frac(ct, points_mm[::4], beside_mm[:, ::4], moves_mm)
    moves_mm = moves_mm[rough >= 0.8 * _FOUND_FRAC]
    fracs = _line_frac(ct, points_mm, beside_mm, moves_mm)
    if not (fracs >= _FOUND_FRAC).any():
        return []
    # Of displacements along straight catheters, which all lie on the lines, the smallest.
    lengths_mm = np.linalg.norm(moves_mm, axis=1)
    best = int(np.where(fracs >= 0.95 * fracs.max(), lengths_mm, np.inf).argmin())
    (x, y, z), mm = moves_mm[best], float(lengths_mm[best])
    return [caution("catheters-beside-traces", share=float(fracs[best]), mm=mm, x=x, y=y, z=z)]


def _around(catheters: Sequence[Catheter]) -> tuple[FloatArray, FloatArray]:
    """Return points (n, 3) on the catheters, and (4, n, 3) to their sides."""
    middle, sides = [], []
    each = max(8, _POINTS // len(catheters))
    for catheter in catheters:
        path = catheter.points_mm
        along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
        at = np.linspace(max(0.0, along[-1] - _LENGTH_MM), along[-1], each)
        points = np.column_stack([np.interp(at, along, path[:, k]) for k in range(3)])
        axis = np.gradient(points, axis=0)
        axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
        first = np.cross(axis, np.eye(3)[np.abs(axis).argmin(axis=1)])
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        second = np.cross(axis, first)
        middle.append(points)
        sides.append(np.stack([points + _BESIDE_MM * side for side in (first, -first, second, -second)]))
    return np.concatenate(middle), np.concatenate(sides, axis=1)


def _line_frac(ct: Volume, points_mm: FloatArray, beside_mm: FloatArray, moves_mm: FloatArray) -> FloatArray:
    """Fraction of points on a line of the CT, brighter or darker than all four sides, for each displacement."""
    shape = np.array(ct.grid.shape_zyx)[::-1]
    to_index = np.linalg.inv(ct.grid.direction * ct.grid.spacing_mm)
    moves = moves_mm @ to_index.T

    def values(places_mm: FloatArray) -> FloatArray:
        index = np.rint(ct.grid.index(places_mm)[None] + moves[:, None]).astype(np.int32)
        held = np.asarray(((index >= 0) & (index < shape)).all(axis=-1))
        x, y, z = np.moveaxis(index * held[..., None], -1, 0)
        return np.where(held, ct.values_zyx[z, y, x], np.nan)

    middle = values(points_mm)
    sides = np.stack([values(side) for side in beside_mm])
    line = np.maximum(middle - sides.max(axis=0), sides.min(axis=0) - middle)
    return np.asarray((line > _LINE_HU).mean(axis=1))
