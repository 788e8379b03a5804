"""What every way of computing dose checks and prepares before its kernel runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, frozen
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells
from hdrplan.kernels.exact import Pieces, pieces_of
from hdrplan.kernels.lattice import Lattice, lattice_of
from hdrplan.kernels.tg43 import Stops, Tables, geometry_factor
from hdrplan.kernels.vector import LANES
from hdrplan.sources import TG43Source
from hdrplan.threads import over_rows

__all__ = [
    "checked_points",
    "checked_strength",
    "checked_times",
    "in_slabs",
    "in_whole_vectors",
    "lattice_of_source",
    "pieces_of_source",
    "rows_of",
    "stops_of",
    "tables_of",
    "weights_us",
    "whole_vectors",
]


@lru_cache(maxsize=32)
def tables_of(source: TG43Source) -> Tables:
    """Return the source as the kernels read it.

    Raises
    ------
    InputError
        A capsule that does not enclose the active core: the dose on the core itself is infinite.
    """
    capsule, half_mm = source.capsule, source.active_length_mm / 2.0
    if not (capsule.radius_mm > 0.0 and capsule.tip_z_mm >= half_mm and capsule.cable_z_mm <= -half_mm):
        raise InputError(
            "the capsule must enclose the active core (mm)",
            got=f"radius {capsule.radius_mm}, {capsule.cable_z_mm} to {capsule.tip_z_mm}, core +-{half_mm}",
            where=source.name,
        )
    # Columns beyond the published radii are filled throughout: far_mm stands for them, not the cells.
    filled = source.anisotropy_filled & (source.anisotropy_r_mm <= source.table_r_max_mm)
    return Tables(
        scale=source.dose_rate_constant_gy_per_s_per_u / geometry_factor(0.0, 10.0, source.active_length_mm),
        length_mm=source.active_length_mm,
        g_r_mm=source.radial_r_mm,
        g=source.radial_dose,
        f_r_mm=source.anisotropy_r_mm,
        f_theta_rad=source.anisotropy_theta_rad,
        f=source.anisotropy,
        near_mm=float(max(source.radial_r_mm[0], source.anisotropy_r_mm[0])),
        far_mm=source.table_r_max_mm,
        unpublished=frozen(filled[1:, 1:] | filled[1:, :-1] | filled[:-1, 1:] | filled[:-1, :-1], np.bool_),
        capsule_radius_mm=capsule.radius_mm,
        # A core that ends where the cable or the tip begins (VariSource): the formula is infinite at its very end.
        capsule_low_mm=min(capsule.cable_z_mm, -half_mm - capsule.radius_mm),
        capsule_high_mm=max(capsule.tip_z_mm, half_mm + capsule.radius_mm),
    )


@lru_cache(maxsize=32)
def pieces_of_source(source: TG43Source) -> Pieces:
    """Return the source as the float64 kernels read it; made once for each source."""
    pieces = pieces_of(tables_of(source))
    if pieces is None:
        raise InputError(
            "radii and angles of g and F must be farther apart than 0.2 % and 0.01 degrees", where=source.name
        )
    return pieces


@lru_cache(maxsize=32)
def lattice_of_source(source: TG43Source) -> Lattice:
    """Return the source as the float32 kernels read it; made once for each source."""
    return lattice_of(tables_of(source))


def checked_points(points_mm: npt.ArrayLike) -> FloatArray:
    """Return points as a read-only (n, 3) array."""
    points = np.asarray(points_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError("points must have shape (n, 3): x, y, z in mm", got=points.shape)
    if not np.isfinite(points).all():
        raise InputError("points must be finite (mm)", got=f"{int((~np.isfinite(points)).any(axis=1).sum())} bad rows")
    # A view, not a copy: a large point set is the caller's largest array.
    points = np.ascontiguousarray(points).view()
    points.setflags(write=False)
    return points


def checked_strength(strength_u: float) -> float:
    """Return the air-kerma strength as a float."""
    if not (math.isfinite(strength_u) and strength_u > 0.0):
        raise InputError("the air-kerma strength must be positive (U)", got=strength_u)
    return float(strength_u)


def checked_times(dwells: Dwells, times_s: npt.ArrayLike) -> FloatArray:
    """Return the dwell times as an array."""
    times = np.asarray(times_s, dtype=np.float64)
    if times.shape != (len(dwells),):
        raise InputError(f"one time for each of the {len(dwells)} dwells is needed (s)", got=times.shape)
    if not (np.isfinite(times).all() and (times >= 0.0).all()):
        raise InputError("dwell times must be finite and not negative (s)", got=float(times.min()))
    return times


def weights_us(dwells: Dwells, times_s: npt.ArrayLike, strength_u: float) -> tuple[IntArray, FloatArray]:
    """Return the dwells with time, and their strength times time in U s.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
    strength_u : float
    """
    times = checked_times(dwells, times_s)
    used = np.flatnonzero(times > 0.0)
    return used, frozen(strength_u * times[used])


def stops_of(dwells: Dwells, times_s: npt.ArrayLike, strength_u: float) -> Stops:
    """Return the dwells with time as the kernels of grids and bounds read them.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
    strength_u : float
    """
    used, weights = weights_us(dwells, times_s, strength_u)
    return Stops(frozen(dwells.positions_mm[used]), frozen(dwells.axes[used]), weights)


def rows_of(dwells: Dwells, used: IntArray | None = None) -> FloatArray:
    """Return positions and axes, one contiguous row a coordinate, (6, n): the last dwell repeated for whole vectors.

    Without, the last four of 60 dwells took a quarter of the time of all, the last seven of 15 half.
    """
    both = np.concatenate([dwells.positions_mm, dwells.axes], axis=1)
    both = both if used is None else both[used]
    return frozen(both[in_whole_vectors(len(both))].T)


def in_whole_vectors(n: int) -> IntArray:
    """Return which of n dwells stands in each lane of whole vectors: at the end the last one is repeated."""
    return np.minimum(np.arange(_whole(n)), n - 1)


def whole_vectors(weights: FloatArray) -> FloatArray:
    """Return the weights of the dwells of :func:`rows_of`: those that are repeated weigh nothing."""
    return frozen(np.pad(weights, (0, _whole(len(weights)) - len(weights))))


def _whole(n: int) -> int:
    return -(-n // LANES) * LANES


def in_slabs(
    block: Callable[[int, int], None],
    n_rows: int,
    slab: int,
    on_progress: Callable[[int, int], None] | None,
    *,
    smallest: int = 512,
) -> None:
    """Run ``block(first, last)`` over all rows in threads; slab by slab if somebody wants to hear of progress.

    Parameters
    ----------
    block : callable
    n_rows : int
    slab : int
        Rows between two reports of progress.
    on_progress : callable or None
        Called with (rows done, rows in all).
    smallest : int
        Rows that a thread takes at least.
    """
    if on_progress is None:
        over_rows(block, n_rows, smallest=smallest)
        return
    for start in range(0, n_rows, slab):
        stop = min(start + slab, n_rows)
        over_rows(
            lambda first, last, at=start: block(at + first, at + last),  # type: ignore[misc]
            stop - start,
            smallest=smallest,
        )
        on_progress(stop, n_rows)
