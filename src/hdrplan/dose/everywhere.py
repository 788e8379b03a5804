"""The least dose at any point of a structure, proven: boxes, bounds, and halving.

The structure is the smooth shape of :mod:`hdrplan.dose.shape`: the points at which the trilinear interpolation of its
level is not negative. Boxes stay inside one cell between eight voxel centres, so the level is multilinear in each
and has its extremes at the corners: a box is outside, inside or cut by the surface without any doubt. With q >= 0 in
the structure, every multiplier w >= 0 gives

    dose(x) >= dose(x) - w q(x) >= least over the eight corners of [linear bound - w q],

which is how a box cut by the surface is charged only for its part inside. Boxes whose bound misses the dose asked for
are halved along their longest edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates, maximum_filter, minimum_filter

from hdrplan.arrays import BoolArray, FloatArray, freeze, frozen
from hdrplan.dose.rate import dose_at_points
from hdrplan.dose.shape import Shape, shape_of
from hdrplan.dose.tables import checked_strength, tables_of, weights_us
from hdrplan.geometry import Dwells, Structure
from hdrplan.kernels.bounds import linear_bound_rows
from hdrplan.sources.model import TG43Source
from hdrplan.threads import over_rows

__all__ = ["LeastDose", "least_dose"]

_CORNERS = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
_MOST_BOXES = 3_000_000
_BLOCK = 4


@dataclass(frozen=True, slots=True, eq=False)
class LeastDose:
    """Bounds of the least dose in a structure.

    Parameters
    ----------
    lower_gy : float
        No point of the structure receives less: proven.
    upper_gy : float
        The least dose found at a point of the structure.
    cold_mm : (n, 3) array
        Points of the structure below the dose asked for, the coldest first; empty where all hold.
    boxes : int
        Boxes examined.
    finished : bool
        False where the most boxes were reached; ``lower_gy`` holds all the same.
    """

    lower_gy: float
    upper_gy: float
    cold_mm: FloatArray
    boxes: int
    finished: bool

    def __post_init__(self) -> None:
        freeze(self, "cold_mm", (None, 3))


def least_dose(
    structure: Structure,
    dwells: Dwells,
    times_s: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
    asked_gy: float,
    tolerance_frac: float = 2e-3,
    most_boxes: int = _MOST_BOXES,
) -> LeastDose:
    """Prove how much dose every point of a structure receives at least.

    Parameters
    ----------
    structure : Structure
    dwells, times_s, source, strength_u
        The plan.
    asked_gy : float
        The prescription. Boxes proven to receive ``asked_gy * (1 - tolerance_frac)`` are done.
    tolerance_frac : float
        Where the dose is just ``asked_gy``, boxes are halved until their bound is this near: the work grows as
        1 / tolerance.
    most_boxes : int

    Returns
    -------
    LeastDose
    """
    tables = tables_of(source)
    used, weights = weights_us(dwells, times_s, checked_strength(strength_u))
    positions, axes = frozen(dwells.positions_mm[used]), frozen(dwells.axes[used])
    least_m = float(source.radial_dose[source.radial_r_mm <= 100.0].min() * source.anisotropy.min())
    shape = shape_of(structure)
    grid = shape.grid
    frame = frozen(grid.direction)
    low, size = _first_boxes(shape)
    wanted = asked_gy * (1.0 - tolerance_frac)
    examined, lower, upper = 0, np.inf, np.inf
    cold: list[FloatArray] = []
    cold_gy: list[FloatArray] = []
    while len(low):
        examined += len(low)
        middle = low + size / 2
        centres = frozen(grid.world(middle))
        half_mm = size / 2 * grid.spacing_mm
        rho = frozen(np.linalg.norm(half_mm, axis=1))
        bound = np.empty((len(low), 5))

        def block(
            first: int, last: int, centres: FloatArray = centres, rho: FloatArray = rho, bound: FloatArray = bound
        ) -> None:
            linear_bound_rows(first, last, centres, rho, frame, positions, axes, weights, least_m, tables, bound)

        over_rows(block, len(low), smallest=64)
        corner_q = _levels(shape, low, size)
        # Dose and quantile at the corners, measured from the middle.
        rise = np.einsum("nk,nck->nc", bound[:, 1:4], _CORNERS[None] * half_mm[:, None, :])
        least = bound[:, 0] - bound[:, 4] + _least_corner(rise, corner_q, size.max(axis=1) <= 1.0)
        open_ = least < wanted
        # A corner inside is a point of the structure: its dose bounds the least dose from above.
        if open_.any():
            points = frozen(_inner_corners(shape, low[open_], size[open_]))
            doses = dose_at_points(dwells, times_s, points, source, strength_u=strength_u).gy
            upper = min(upper, float(doses.min(initial=np.inf)))
            below = doses < asked_gy
            cold.append(points[below])
            cold_gy.append(doses[below])
        lower = min(lower, float(least[~open_].min(initial=np.inf)))
        if examined > most_boxes or (len(cold_gy) and cold_gy[-1].min(initial=np.inf) < 0.5 * (asked_gy + wanted)):
            # Out of work, or a point takes half of the tolerance, which the boxes round it would need: what is open
            # keeps its bound.
            lower = min(lower, float(least[open_].min(initial=np.inf)))
            return _result(lower, upper, cold, cold_gy, examined, finished=False)
        low, size = _halved(low[open_], size[open_], grid.spacing_mm)
        keep = _levels(shape, low, size).max(axis=1, initial=-np.inf) >= 0
        low, size = low[keep], size[keep]
    return _result(lower, upper, cold, cold_gy, examined, finished=True)


def _result(
    lower: float, upper: float, cold: list[FloatArray], cold_gy: list[FloatArray], boxes: int, *, finished: bool
) -> LeastDose:
    points = np.concatenate(cold) if cold else np.zeros((0, 3))
    doses = np.concatenate(cold_gy) if cold_gy else np.zeros(0)
    order = np.argsort(doses, kind="stable")
    return LeastDose(lower, max(lower, upper) if np.isfinite(upper) else lower, points[order], boxes, finished)


def _first_boxes(shape: Shape) -> tuple[FloatArray, FloatArray]:
    """Boxes that cover the shape: lower corners and sizes, as x, y, z indices.

    Blocks of four cells a side where all their voxel centres are inside, else single cells.
    """
    level = shape.level_zyx
    cells = np.array(level.shape) - 1
    padded = np.pad(level, [(0, -int(n) % _BLOCK) for n in cells], constant_values=-np.inf)
    least, most = (
        rank(padded, size=2, origin=-1)[: padded.shape[0] - 1, : padded.shape[1] - 1, : padded.shape[2] - 1]
        for rank in (minimum_filter, maximum_filter)
    )
    blocks = [n for half in (np.array(least.shape) // _BLOCK) for n in (int(half), _BLOCK)]
    inside = least.reshape(blocks).min(axis=(1, 3, 5)) >= 0
    covered = np.repeat(np.repeat(np.repeat(inside, _BLOCK, 0), _BLOCK, 1), _BLOCK, 2)
    single = np.stack(np.nonzero((most >= 0) & ~covered)[::-1], axis=1).astype(np.float64)
    large = np.stack(np.nonzero(inside)[::-1], axis=1).astype(np.float64) * _BLOCK
    return np.concatenate((single, large)), np.concatenate((np.ones_like(single), np.full_like(large, _BLOCK)))


def _levels(shape: Shape, low: FloatArray, size: FloatArray) -> FloatArray:
    """Level at the eight corners of each box, (n, 8), in the order of ``_CORNERS``."""
    corners = low[:, None, :] + (_CORNERS[None] + 1) / 2 * size[:, None, :]
    index = corners.reshape(-1, 3).T[::-1]
    return np.asarray(
        map_coordinates(shape.level_zyx, index, order=1, mode="nearest", output=np.float64).reshape(-1, 8)
    )


def _least_corner(rise: FloatArray, q: FloatArray, in_cell: BoolArray) -> FloatArray:
    """Greatest over a few multipliers of the least corner of rise - w q; any multiplier not below 0 is valid.

    Boxes of several cells, in which the level is not multilinear, lie inside and take the multiplier 0.
    """
    dx, dq = rise - rise.mean(axis=1, keepdims=True), q - q.mean(axis=1, keepdims=True)
    slope = np.maximum(0.0, (dx * dq).sum(axis=1) / np.maximum((dq * dq).sum(axis=1), 1e-300))
    slope[~in_cell] = 0.0
    best = rise.min(axis=1)
    for factor in (0.8, 1.0, 1.25):
        best = np.maximum(best, (rise - factor * slope[:, None] * q).min(axis=1))
    return np.asarray(best)


def _inner_corners(shape: Shape, low: FloatArray, size: FloatArray) -> FloatArray:
    """Of each box cut by or inside the surface, the corner in the structure nearest to the surface."""
    level = _levels(shape, low, size)
    level[level < 0] = np.inf
    has = np.isfinite(level.min(axis=1))
    return shape.grid.world((low + (_CORNERS[level.argmin(axis=1)] + 1) / 2 * size)[has])


def _halved(low: FloatArray, size: FloatArray, spacing_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both halves of each box, cut across its longest edge."""
    longest = (size * spacing_mm).argmax(axis=1)
    half = size.copy()
    rows = np.arange(len(size))
    half[rows, longest] /= 2
    other = low.copy()
    other[rows, longest] += half[rows, longest]
    return np.concatenate((low, other)), np.concatenate((half, half))
