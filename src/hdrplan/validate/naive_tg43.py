"""TG-43U1 as a student writes it from the report's equations, in NumPy.

Shares nothing with the kernels: the angle beta is the difference of the two angles to the core's ends, the tables are
read by cells found with ``numpy.searchsorted``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.geometry import Dwells
from hdrplan.sources import TG43Source

__all__ = ["doses_gy", "passing_s", "rates", "reached", "unpublished"]

# Points times dwells in one block: arrays of some megabytes.
_BLOCK = 200_000


def rates(dwells: Dwells, points: npt.ArrayLike, source: TG43Source, strength_u: float) -> FloatArray:
    """Return the rates of all dwells at all points, Gy / s (TG-43U1 eq. 1).

    Inside a capsule the value at its side wall holds; beyond its last radius F is held, g falls as between its last two
    values.

    Parameters
    ----------
    dwells : Dwells
    points : (n_points, 3) array
        mm.
    source : TG43Source
    strength_u : float

    Returns
    -------
    (n_points, n_dwells) array
    """
    places = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    each = max(1, _BLOCK // max(1, len(dwells)))
    blocks = [_shape(places[i : i + each], dwells, source) for i in range(0, len(places), each)]
    reference = _geometry_factor(np.array([10.0]), np.array([math.pi / 2.0]), source.active_length_mm)[0]
    scale = strength_u * source.dose_rate_constant_gy_per_s_per_u / reference
    return np.asarray(scale * np.concatenate([np.zeros((0, len(dwells))), *blocks]))


def doses_gy(
    dwells: Dwells, times_s: FloatArray, points: npt.ArrayLike, source: TG43Source, strength_u: float
) -> FloatArray:
    """Return the doses at points, Gy.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
    points : (n_points, 3) array
        mm.
    source : TG43Source
    strength_u : float

    Returns
    -------
    (n_points,) array
    """
    used = np.flatnonzero(times_s)
    some = Dwells(
        positions_mm=dwells.positions_mm[used],
        axes=dwells.axes[used],
        catheter=dwells.catheter[used],
        offset_mm=dwells.offset_mm[used],
        catheter_names=dwells.catheter_names,
    )
    places = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    each = max(1, _BLOCK // max(1, len(used)))
    blocks = [places[i : i + each] for i in range(0, len(places), each)]
    return np.concatenate([np.zeros(0), *(rates(some, block, source, strength_u) @ times_s[used] for block in blocks)])


def passing_s(dwells: Dwells, times_s: FloatArray, speed_mm_per_s: float) -> FloatArray:
    """Return the seconds that the moving source spends near each position, catheter by catheter.

    In and out at one speed, as deep as the deepest stop, so twice over each way between neighbours; each of the two
    stands for half of it, at most 5 mm.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
    speed_mm_per_s : float

    Returns
    -------
    (n_dwells,) array
    """
    seconds = np.zeros(len(dwells))
    for k in range(len(dwells.catheter_names)):
        own = [int(i) for i in np.flatnonzero(dwells.catheter == k)]
        own.sort(key=lambda i: dwells.offset_mm[i])
        stops = [place for place, i in enumerate(own) if times_s[i] > 0]
        for place in range(stops[0], len(own) - 1) if stops else ():
            deep, shallow = own[place], own[place + 1]
            half_mm = min((dwells.offset_mm[shallow] - dwells.offset_mm[deep]) / 2.0, 5.0)
            seconds[deep] += 2.0 * half_mm / speed_mm_per_s
            seconds[shallow] += 2.0 * half_mm / speed_mm_per_s
    return seconds


def reached(dwells: Dwells, times_s: FloatArray) -> BoolArray:
    """Say which positions lie at or outward of the deepest stop of their catheter.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array

    Returns
    -------
    (n_dwells,) bool array
    """
    passed = np.zeros(len(dwells), dtype=np.bool_)
    for k in range(len(dwells.catheter_names)):
        in_catheter = dwells.catheter == k
        stops = in_catheter & (times_s > 0)
        if stops.any():
            passed |= in_catheter & (dwells.offset_mm >= dwells.offset_mm[stops].min())
    return passed


def unpublished(points: FloatArray, dwells: Dwells, source: TG43Source) -> BoolArray:
    """Say which rates rest on no published cell: in a capsule, nearer or farther than the tables, beside a blank cell.

    Parameters
    ----------
    points : (n_points, 3) array
        mm.
    dwells : Dwells
    source : TG43Source

    Returns
    -------
    (n_points, n_dwells) bool array
    """
    r_mm, theta, inside = _seen(points, dwells, source)
    radii, last_mm = source.anisotropy_r_mm, source.table_r_max_mm
    blank = source.anisotropy_filled & (radii <= last_mm)
    (i, _), (j, _) = _cell(source.anisotropy_theta_rad, theta), _cell(radii, r_mm)
    beside_blank = np.any([blank[i + k, j + m] for k in (0, 1) for m in (0, 1)], axis=0)
    nearest_mm = max(radii[0], source.radial_r_mm[0])
    return np.asarray(inside | (r_mm < nearest_mm) | (r_mm > last_mm) | beside_blank)


def _seen(points: FloatArray, dwells: Dwells, source: TG43Source) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return radius and angle of all points from all dwells, at the side wall of a capsule for those in it; and which.

    All are (n_points, n_dwells).
    """
    capsule = source.capsule
    seen = points[:, None, :] - dwells.positions_mm[None]
    along = np.einsum("pdk,dk->pd", seen, dwells.axes)
    away = np.linalg.norm(seen - along[:, :, None] * dwells.axes[None], axis=2)
    half_mm = source.active_length_mm / 2.0 + capsule.radius_mm
    low, high = min(capsule.cable_z_mm, -half_mm), max(capsule.tip_z_mm, half_mm)
    inside = (away < capsule.radius_mm) & (low <= along) & (along <= high)
    away = np.where(inside, capsule.radius_mm, away)
    return np.hypot(along, away), np.arctan2(away, along), inside


def _shape(points: FloatArray, dwells: Dwells, source: TG43Source) -> FloatArray:
    """G_L g F of all dwells at all points, (n_points, n_dwells)."""
    r_mm, theta, _ = _seen(points, dwells, source)
    shape = _radial_dose(r_mm, source) * _anisotropy(r_mm, theta, source)
    return np.asarray(shape * _geometry_factor(r_mm, theta, source.active_length_mm))


def _geometry_factor(r_mm: FloatArray, theta: FloatArray, length_mm: float) -> FloatArray:
    """G_L of a line source, 1 / mm2 (TG-43U1 eq. 4)."""
    along, away = r_mm * np.cos(theta), r_mm * np.sin(theta)
    # Near the axis the difference of two almost equal angles has no digits left.
    on_axis = np.sin(theta) < 1e-6
    safe = np.where(on_axis, 1.0, away)
    beta = np.arctan2(along + length_mm / 2.0, safe) - np.arctan2(along - length_mm / 2.0, safe)
    with np.errstate(divide="ignore"):
        return np.where(on_axis, 1.0 / (r_mm**2 - length_mm**2 / 4.0), beta / (length_mm * safe))


def _radial_dose(r_mm: FloatArray, source: TG43Source) -> FloatArray:
    (r1, r2), (g1, g2) = source.radial_r_mm[-2:], source.radial_dose[-2:]
    g = np.interp(r_mm, source.radial_r_mm, source.radial_dose)
    return np.where(r_mm > r2, g2 * (g2 / g1) ** ((r_mm - r2) / (r2 - r1)), g)


def _anisotropy(r_mm: FloatArray, theta: FloatArray, source: TG43Source) -> FloatArray:
    """F between four entries of its table."""
    f = source.anisotropy
    i, u = _cell(source.anisotropy_theta_rad, theta)
    j, v = _cell(source.anisotropy_r_mm, r_mm)
    near = (1.0 - u) * f[i, j] + u * f[i + 1, j]
    far = (1.0 - u) * f[i, j + 1] + u * f[i + 1, j + 1]
    return np.asarray((1.0 - v) * near + v * far)


def _cell(table: FloatArray, values: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Index of the entry below each value, and how far the value lies toward the next; held at the ends."""
    held = np.clip(values, table[0], table[-1])
    i = np.clip(np.searchsorted(table, held, side="right") - 1, 0, len(table) - 2)
    return i, (held - table[i]) / (table[i + 1] - table[i])
