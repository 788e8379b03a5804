"""The minimum dose over all points of a structure, proven: boxes, bounds, and halving.

What is covered are the points of a :class:`hdrplan.dose.Shape`, those at which the trilinear interpolation of its level
is not negative: the shape that the sample points were taken from. Boxes stay inside one cell between eight voxel
centres, so the level is multilinear in each and has its extremes at the corners: a box is outside, inside or cut by the
surface without any doubt. With q >= 0 in the structure, every multiplier w >= 0 gives

    dose(x) >= dose(x) - w q(x) >= minimum over the eight corners of [linear bound - w q],

which is how a box cut by the surface is charged only for its part inside. Boxes whose bound misses the dose wanted are
halved along their longest edge, until the bound holds or a point of the structure is known that misses it too. The
dose is that of :func:`hdrplan.dose.dose_at_points`, inside a capsule that of its side wall: nothing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze, frozen
from hdrplan.dose.boxes import CORNERS, candidates, first_boxes, halved, levels, lowest_corner
from hdrplan.dose.rate import dose_at_points
from hdrplan.dose.shape import Shape
from hdrplan.dose.tables import checked_strength, stops_of, tables_of
from hdrplan.geometry import Dwells
from hdrplan.kernels.bounds import Boxes, linear_bound_rows
from hdrplan.kernels.tg43 import Stops, Tables, padded
from hdrplan.sources import TG43Source
from hdrplan.threads import over_rows

__all__ = ["MAX_BOXES", "MinimumDose", "minimum_dose"]

MAX_BOXES = 3_000_000
"""Boxes that a search examines at most, but for the last round."""

# Half diagonal, mm: a cold point speaks for a box of this size, however much less there may be in it.
_NEAR_MM = 0.2
# No box gets smaller. On the axis beyond a catheter's last dwell the dose has a crease of some Gy per mm, which no
# corner of a larger box meets.
_SMALLEST_MM = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MinimumDose:
    """Bounds of the minimum dose in a structure.

    Parameters
    ----------
    lower_gy : float
        No point of the structure receives less: proven.
    upper_gy : float
        The lowest dose found at a point of the structure.
    cold_mm : (n, 3) array
        Points of the structure that keep it from being proven, the coldest first; empty where all is.
    boxes : int
        Boxes examined.
    finished : bool
        Whether every point is proven to receive the dose wanted; ``lower_gy`` holds in any case.
    """

    lower_gy: float
    upper_gy: float
    cold_mm: FloatArray
    boxes: int
    finished: bool

    def __post_init__(self) -> None:
        freeze(self, "cold_mm", (None, 3))


def minimum_dose(
    shape: Shape,
    dwells: Dwells,
    times_s: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
    wanted_gy: float,
    tolerance_gy: float,
) -> MinimumDose:
    """Prove that every point of a structure receives a dose, or find the points that keep it from being proven.

    Parameters
    ----------
    shape : Shape
        Of the structure: one of ``SamplePoints.shapes``, or of :func:`hdrplan.dose.shape_of`.
    dwells : Dwells
    times_s : (n_dwells,) array
    source : TG43Source
    strength_u : float
        Air-kerma strength, U.
    wanted_gy : float
        What is to be proven.
    tolerance_gy : float
        Where a point receives less than ``wanted_gy`` and half of this more, it counts as cold: the boxes round it
        would have to be very small.

    Returns
    -------
    MinimumDose

    Raises
    ------
    InputError
        As in :func:`hdrplan.dose.dose_at_points`.
    """
    grid, search = shape.grid, _Search.of(shape, dwells, times_s, source, strength_u)
    low, size = first_boxes(shape)
    examined, lower, upper, finished = 0, np.inf, np.inf, True
    cold: list[FloatArray] = [np.zeros((0, 3))]
    cold_gy: list[FloatArray] = [np.zeros(0)]
    while len(low):
        examined += len(low)
        bound = search.bounds(low, size)
        open_ = bound.lower_gy < wanted_gy
        lower = min(lower, float(bound.lower_gy[~open_].min(initial=np.inf)))
        low, size = low[open_], size[open_]
        bound = _Bounds(*(array[open_] for array in bound))
        points = frozen(grid.world(_coldest(low, size, bound)))
        doses = dose_at_points(dwells, times_s, points, source, strength_u=strength_u).gy
        # A level that is 0 but for its rounding: no point of the structure is known in the box.
        doses = np.where(shape.holds(points), doses, np.inf)
        upper = min(upper, float(doses.min(initial=np.inf)))
        missed = doses < wanted_gy + tolerance_gy / 2
        # A cold point speaks for its box when little lies below it.
        little = (doses - bound.lower_gy < tolerance_gy / 4) | (bound.half_diagonal_mm < _NEAR_MM)
        stop = (missed & little) | (bound.half_diagonal_mm < _SMALLEST_MM)
        if examined > MAX_BOXES:
            stop[:] = True
        if stop.any():
            finished = False
            lower = min(lower, float(bound.lower_gy[stop].min()))
            cold.append(points[stop & missed])
            cold_gy.append(doses[stop & missed])
        low, size = halved(low[~stop], size[~stop], grid.spacing_mm)
        keep = levels(shape, low, size).max(axis=1, initial=-np.inf) >= 0
        low, size = low[keep], size[keep]
    return MinimumDose(
        lower_gy=lower,
        upper_gy=max(lower, upper) if np.isfinite(upper) else lower,
        cold_mm=np.concatenate(cold)[np.argsort(np.concatenate(cold_gy), kind="stable")],
        boxes=examined,
        finished=finished,
    )


class _Bounds(NamedTuple):
    """What is known of boxes, one row a box."""

    lower_gy: FloatArray  # (n,): no point of the structure in the box receives less
    rise_gy: FloatArray  # (n, 8): from the middle to each corner, by the slopes of the bound
    level: FloatArray  # (n, 8): of the shape at the corners
    half_diagonal_mm: FloatArray  # (n,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """The shape and the stops that a search asks. Boxes are given by lower corners and sizes in grid indices."""

    shape: Shape
    stops: Stops
    tables: Tables
    lowest_m: float

    @classmethod
    def of(cls, shape: Shape, dwells: Dwells, times_s: npt.ArrayLike, source: TG43Source, strength_u: float) -> _Search:
        return cls(
            shape=shape,
            stops=stops_of(dwells, times_s, checked_strength(strength_u)),
            tables=padded(tables_of(source)),
            lowest_m=float(source.radial_dose[source.radial_r_mm <= 100.0].min() * source.anisotropy.min()),
        )

    def bounds(self, low: FloatArray, size: FloatArray) -> _Bounds:
        grid, half_mm = self.shape.grid, size / 2 * self.shape.grid.spacing_mm
        rho = np.linalg.norm(half_mm, axis=1)
        boxes = Boxes(frozen(grid.world(low + size / 2)), frozen(rho), frozen(grid.direction))
        out = np.empty((len(low), 5))
        over_rows(
            lambda first, last: linear_bound_rows(first, last, boxes, self.stops, self.lowest_m, self.tables, out),
            len(low),
            smallest=64,
        )
        level = levels(self.shape, low, size)
        # Dose and level at the corners, the dose measured from the middle.
        rise = np.einsum("nk,nck->nc", out[:, 1:4], CORNERS[None] * half_mm[:, None, :])
        lower = out[:, 0] - out[:, 4] + lowest_corner(rise, level, size.max(axis=1) <= 1.0)
        return _Bounds(lower, rise, level, rho)


def _coldest(low: FloatArray, size: FloatArray, bound: _Bounds) -> FloatArray:
    """Of each box, the place in the structure where the dose's slopes say it is lowest; grid indices.

    Candidates are the corners inside and, since the level is linear along an edge, the places where edges pass the
    surface.
    """
    places, rise = candidates(bound.level, bound.rise_gy)
    at = places[np.arange(len(low)), rise.argmin(axis=1)]
    return np.asarray(low + (at + 1) / 2 * size)
