"""The coldest point of a structure, by search: descent from many starts on the continuous shape, no proof in it.

The shape is the one that hdrplan plans for: where the trilinear interpolation of its level is not negative. The
interpolation here is SciPy's, the dose is whatever function is given, and a found point lies in the shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import map_coordinates

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.dose import Shape

__all__ = ["QUICK", "THOROUGH", "Cold", "Effort", "coldest", "points_of", "tips_of"]

Doses = Callable[[FloatArray], FloatArray]


class Effort(NamedTuple):
    """How hard a search looks."""

    first: int  # points inside and on the surface that are looked at
    followed: int  # of which the coldest are followed
    steps: int
    again: int  # of the lowest, descents that begin again beside them


QUICK, THOROUGH = Effort(3_000, 20, 40, 0), Effort(12_000, 40, 90, 8)

# The followed ones lie in different cubes of this edge.
_APART_MM = 2.0
_SMALLEST_MM = 1e-4
_BESIDE_MM = 1.0
# Halvings of a way that leaves the shape: the last point inside is known to a ten-thousandth of it.
_HALVINGS = 14
_DIRECTIONS = np.array(
    [[x, y, z] for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z], dtype=float
)
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=1)[:, None]
# A voxel with at most so many neighbours inside, of six, is a tip: what the shape has of it may be a needle of a
# twentieth of a millimetre, which no point drawn at random meets.
_FEW_NEIGHBOURS = 2
_MOST_TIPS = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Cold:
    """Cold points of one structure.

    Parameters
    ----------
    points_mm : (n, 3) array
        The coldest first.
    dose_gy : (n,) array
    looked_at : int
        Doses that were computed.
    """

    points_mm: FloatArray
    dose_gy: FloatArray
    looked_at: int

    def __post_init__(self) -> None:
        freeze(self, "points_mm", (None, 3))
        freeze(self, "dose_gy", (len(self.points_mm),))

    @property
    def minimum_gy(self) -> float:
        """The lowest dose that was found."""
        return float(self.dose_gy[0])


def points_of(shape: Shape, rng: np.random.Generator, count: int) -> FloatArray:
    """Return about ``count`` points of a shape: two thirds inside, the rest on its surface.

    Parameters
    ----------
    shape : Shape
    rng : Generator
    count : int

    Returns
    -------
    (n, 3) array
        mm.
    """
    level = shape.level_zyx
    near = np.argwhere(level > -0.5 * float(np.abs(level).max()) if (level >= 0).sum() < 50 else _grown(level >= 0))
    cell = near[rng.integers(0, len(near), 4 * count)][:, ::-1]
    index = cell + rng.uniform(-0.5, 0.5, (len(cell), 3))
    inner = index[_inside(shape, index)]
    if not len(inner):
        inner = np.argwhere(level >= 0)[:, ::-1].astype(np.float64)
    inner = inner[: 2 * count // 3]
    start = inner[rng.integers(0, len(inner), count // 3)]
    way = rng.normal(size=start.shape)
    way /= np.linalg.norm(way, axis=1)[:, None]
    # Go on by half voxels until the shape is left; those that leave it late are dropped.
    here, left = start.copy(), np.zeros(len(start), dtype=np.bool_)
    for _ in range(400):
        further = here + 0.5 * way
        stays = _inside(shape, further)
        left |= ~stays
        here = np.where((~left)[:, None], further, here)
        if left.all():
            break
    surface = _last_inside(shape, here[left], here[left] + 0.5 * way[left])
    return shape.grid.world(np.concatenate((inner, surface)))


def tips_of(shape: Shape, rng: np.random.Generator) -> FloatArray:
    """Return the ends of a shape: voxel centres with few neighbours inside, and where the edges from them leave it.

    Parameters
    ----------
    shape : Shape
    rng : Generator
        Draws some of them where there are many.

    Returns
    -------
    (n, 3) array
        mm.
    """
    inside = np.pad(shape.level_zyx >= 0.0, 1)
    steps = [np.array(step) for step in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))]
    beside = sum(np.roll(inside, step, axis=(0, 1, 2)).astype(np.int64) for step in steps)
    centre: FloatArray = np.argwhere(inside & (beside <= _FEW_NEIGHBOURS))[:, ::-1].astype(np.float64) - 1.0
    if len(centre) > _MOST_TIPS:
        centre = rng.choice(centre, _MOST_TIPS, replace=False)
    last = np.array(shape.level_zyx.shape[::-1]) - 1.0
    ends = []
    for step in steps:
        beyond: FloatArray = np.clip(centre + step, 0.0, last)
        out = ~_inside(shape, beyond)
        ends.append(_last_inside(shape, centre[out], beyond[out]))
    return shape.grid.world(np.concatenate((centre, *ends)))


def coldest(
    shape: Shape, dose_gy: Doses, *, seed: int, effort: Effort = THOROUGH, more_mm: FloatArray | None = None
) -> Cold:
    """Look for the coldest points of a shape.

    Parameters
    ----------
    shape : Shape
    dose_gy : callable
        (n, 3) points in mm -> (n,) doses in Gy.
    seed : int
    effort : Effort
    more_mm : (n, 3) array, optional
        More points to begin with; those outside the shape are left out.

    Returns
    -------
    Cold
        Where the descents ended.
    """
    rng = np.random.default_rng(seed)
    points = np.concatenate((points_of(shape, rng, effort.first), tips_of(shape, rng)))
    if more_mm is not None:
        points = np.concatenate((points, more_mm[_inside(shape, shape.grid.index(more_mm))]))
    first_gy = dose_gy(points)
    order = np.argsort(first_gy)
    _, first_of_cube = np.unique(np.floor(points[order] / _APART_MM), axis=0, return_index=True)
    chosen = order[np.sort(first_of_cube)[: effort.followed]]
    at, gy, looked_at = _descended(shape, dose_gy, rng, points[chosen], first_gy[chosen], effort.steps)
    if effort.again:
        # Rough surfaces have many local minima: begin again beside the lowest.
        best = np.repeat(at[np.argsort(gy)[: effort.again]], effort.followed // effort.again, axis=0)
        beside = _pulled_in(shape, best, best + rng.normal(size=best.shape) * _BESIDE_MM)
        more, more_gy, also = _descended(shape, dose_gy, rng, beside, dose_gy(beside), effort.steps)
        at, gy, looked_at = np.concatenate((at, more)), np.concatenate((gy, more_gy)), looked_at + also
    order = np.argsort(gy)
    return Cold(at[order], gy[order], looked_at + len(points))


def _descended(
    shape: Shape, dose_gy: Doses, rng: np.random.Generator, at: FloatArray, gy: FloatArray, steps: int
) -> tuple[FloatArray, FloatArray, int]:
    """Follow points downhill: steps in 26 directions, longer where one is colder, shorter where none is."""
    looked_at, rows = 0, np.arange(len(at))
    step_mm = np.full(len(at), float(shape.grid.spacing_mm.min()))
    for _ in range(steps):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        tried = (at[:, None, :] + step_mm[:, None, None] * (_DIRECTIONS @ turn)[None]).reshape(-1, 3)
        tried = _pulled_in(shape, np.repeat(at, len(_DIRECTIONS), axis=0), tried)
        tried_gy = dose_gy(tried).reshape(len(at), len(_DIRECTIONS))
        looked_at += tried_gy.size
        best = tried_gy.argmin(axis=1)
        colder = tried_gy[rows, best] < gy
        at = np.where(colder[:, None], tried.reshape(len(at), len(_DIRECTIONS), 3)[rows, best], at)
        gy = np.where(colder, tried_gy[rows, best], gy)
        step_mm = np.where(colder, 1.5 * step_mm, 0.5 * step_mm)
        if step_mm.max() < _SMALLEST_MM:
            break
    return at, gy, looked_at


def _inside(shape: Shape, index_xyz: FloatArray) -> BoolArray:
    """Say which fractional indices of the shape's grid lie in it."""
    at = map_coordinates(shape.level_zyx, index_xyz[:, ::-1].T, order=1, mode="nearest", output=np.float64)
    return np.asarray(at >= 0.0)


def _pulled_in(shape: Shape, from_mm: FloatArray, to_mm: FloatArray) -> FloatArray:
    """Return points as given where they lie in the shape; else the last point of the way to them that does."""
    start, end = shape.grid.index(from_mm), shape.grid.index(to_mm)
    out = ~_inside(shape, end)
    end[out] = _last_inside(shape, start[out], end[out])
    return shape.grid.world(end)


def _last_inside(shape: Shape, low: FloatArray, high: FloatArray) -> FloatArray:
    """Halve the ways from inside to outside, as indices; returns ends that lie inside."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        stays = _inside(shape, middle)[:, None]
        low, high = np.where(stays, middle, low), np.where(stays, high, middle)
    return np.asarray(low)


def _grown(inside: BoolArray) -> BoolArray:
    """Return a mask and the voxels beside it."""
    grown = inside.copy()
    for axis in range(3):
        grown |= np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    return np.asarray(grown)
