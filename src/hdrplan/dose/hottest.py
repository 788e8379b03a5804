"""D_cc of a shape, gy apart from its sample points: cubes are halved where the dose is high, until nothing changes.

What the sample points say of the same volumes differs by their error of computation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, freeze
from hdrplan.dose.cubes import Cubes, cover, halved, joined
from hdrplan.dose.shape import Shape

__all__ = ["HotDoses", "hot_doses"]

# Cubes in each volume asked for; an eighth of them where doses are then known well enough.
_CUBES = 1500
_ENOUGH_FRAC = 3e-3
_COARSEST_MM = 8.0
_ROUNDING = 1.0 + 1e-9
# No place inside is farther from the middle of a cube's part than this many edges: half a diagonal and a little more.
_REACH_EDGES = 1.0
# Nearer to a source than this fraction of the middle's distance no place is taken to be.
_NEAREST_FRAC = 0.3
# A cube that the organ's surface cuts is taken to be cut by a plane along its faces: the part inside errs by up to a
# tenth for planes in other directions.
_CUT_FRAC = 0.1
_SIGMAS = 3.0
_LAYERS = np.linspace(-0.8, 0.8, 5)


@dataclass(frozen=True, slots=True, eq=False)
class HotDoses:
    """Doses that the hottest volumes of a shape receive.

    Parameters
    ----------
    dose_gy : (n,) array
        NaN where the shape is smaller than the volume.
    error_gy : (n,) array
        Of the computation: three standard deviations.
    """

    dose_gy: FloatArray
    error_gy: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (None,), finite=False)
        freeze(self, "error_gy", (None,), finite=False)


def hot_doses(
    shape: Shape,
    volumes_cc: FloatArray,
    dose_gy: Callable[[FloatArray], FloatArray],
    away_mm: Callable[[FloatArray], FloatArray],
) -> HotDoses:
    """Dose that each of some small volumes receives at least.

    Parameters
    ----------
    shape : Shape
    volumes_cc : (n,) array
        Rising.
    dose_gy : callable
        Dose at points (n, 3).
    away_mm : callable
        Distance of points from the nearest source.
    """
    wanted_mm3 = 1000.0 * volumes_cc
    # Halved so often, cubes end at the size that the smallest volume asks for and not at a quarter of it.
    finest_mm = float(np.cbrt(wanted_mm3.min() / _CUBES))
    cubes = cover(shape, finest_mm * 2.0 ** np.floor(np.log2(_COARSEST_MM / finest_mm)))
    known = _Known(cubes, *_doses(cubes, dose_gy, away_mm))
    for n_cubes in (_CUBES // 8, _CUBES):
        while (fine := _too_large(known, wanted_mm3, n_cubes)).any():
            halves = halved(shape, known.cubes[fine])
            known = _joined(known, ~fine, _Known(halves, *_doses(halves, dose_gy, away_mm)))
        hot = _at_volumes(wanted_mm3, known, away_mm)
        if not (hot.error_gy > _ENOUGH_FRAC * hot.dose_gy).any():
            break
    return hot


class _Known(NamedTuple):
    """Cubes, the dose in the middle of each one's part, and by how much of it its hottest place may be hotter."""

    cubes: Cubes
    dose_gy: FloatArray
    steep: FloatArray


def _joined(known: _Known, kept: BoolArray, more: _Known) -> _Known:
    return _Known(
        joined([known.cubes[kept], more.cubes]),
        np.concatenate((known.dose_gy[kept], more.dose_gy)),
        np.concatenate((known.steep[kept], more.steep)),
    )


def _too_large(known: _Known, wanted_mm3: FloatArray, n_cubes: int) -> BoolArray:
    """Cubes that hold more than their part of the smallest volume whose isodose they may touch.

    Cubes of two sizes along one isodose would count what the larger ones hold on its hot side as cold.
    """
    dose = known.dose_gy
    order = np.argsort(-dose)
    rank = np.searchsorted(np.cumsum(known.cubes.volume_mm3[order]), wanted_mm3)
    isodose = dose[order[np.minimum(rank, len(order) - 1)]]
    smallest_touched = np.searchsorted(-isodose, -dose * (1.0 + known.steep))
    largest = np.append(wanted_mm3 / n_cubes, np.inf)[smallest_touched]
    return np.asarray(known.cubes.edge_mm3 > _ROUNDING * largest)


def _doses(
    cubes: Cubes, dose_gy: Callable[[FloatArray], FloatArray], away_mm: Callable[[FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Dose in the middle of each cube's part, and by how much of it the cube's hottest place may be hotter."""
    middle = cubes.middle_mm
    away = away_mm(middle)
    nearest = np.maximum(away - _REACH_EDGES * cubes.edge_mm, _NEAREST_FRAC * away)
    # Inverse square of the nearest source, the steepest that a dose can be.
    return dose_gy(middle), (away / np.maximum(nearest, 1e-3)) ** 2 - 1.0


def _at_volumes(wanted_mm3: FloatArray, known: _Known, away_mm: Callable[[FloatArray], FloatArray]) -> HotDoses:
    """Doses of volumes, and their errors: cubes that the isodose or the surface cuts are in or out by chance.

    A cube is hotter at one face and colder at the other. Each counts in layers of as many doses: where isodoses run
    along the cubes, whole layers of them would be in or out together.
    """
    order = np.argsort(-known.dose_gy)
    # What is colder than twice the largest volume has no part in it.
    n_hot = np.searchsorted(np.cumsum(known.cubes.volume_mm3[order]), 2.0 * wanted_mm3.max()) + 1
    cubes, dose = known.cubes[order[:n_hot]], known.dose_gy[order[:n_hot]]
    spread = cubes.edge_mm / np.maximum(away_mm(cubes.middle_mm), cubes.edge_mm)
    layered = (dose[:, None] * (1.0 + spread[:, None] * _LAYERS)).ravel()
    order = np.argsort(-layered)
    layered, layer_mm3 = layered[order], np.repeat(cubes.volume_mm3 / len(_LAYERS), len(_LAYERS))[order]
    hotter = np.cumsum(layer_mm3)
    middle_mm3 = hotter - layer_mm3 / 2
    is_cut = (cubes.inside_frac > 0) & (cubes.inside_frac < 1)
    volume, cut_mm3 = cubes.volume_mm3, _CUT_FRAC * cubes.edge_mm3 * is_cut
    gy, error = np.full(len(wanted_mm3), np.nan), np.full(len(wanted_mm3), np.nan)
    for k in np.flatnonzero(wanted_mm3 <= hotter[-1]):
        gy[k] = np.interp(wanted_mm3[k], middle_mm3, layered)
        by_isodose, by_surface = np.abs(dose - gy[k]) < spread * dose, dose >= gy[k]
        variance = (volume[by_isodose] ** 2).sum() / 12.0 + (cut_mm3[by_surface] ** 2).sum() / 3.0
        away = _SIGMAS * float(np.sqrt(variance))
        more, less = np.interp([wanted_mm3[k] - away, wanted_mm3[k] + away], middle_mm3, layered)
        error[k] = (more - less) / 2.0
    return HotDoses(gy, error)
