"""TG-43U1 line-source dose rate in float64, several dwells at once: ``tg43.py`` to the last digits, vectorised.

The same linear pieces of g and F are found without a search: a lattice over the bits of r and one over theta say in
which piece a value lies, and one comparison corrects it. The arc tangent is a polynomial (relative error 3e-16). What
is left of the scalar formula is g beyond the last radius, which needs an exponential: such rows are done again by
``tg43.rate_per_u``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_borrowing, jit_inline_borrowing
from hdrplan.kernels.angle import angle64
from hdrplan.kernels.tg43 import Tables, anisotropy, place, radial_dose, rate_per_u
from hdrplan.kernels.vector import long_bits_of, peek, put

__all__ = ["Pieces", "dose_rows", "field_rows", "pieces_of", "rate_rows"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

_i4: Any = np.int32
_FIRST_OCTAVE, _OCTAVES = -4, 14  # r from 1/16 to 1024 mm
_BASE = np.float64(2.0**_FIRST_OCTAVE).view(np.int64)
_TINY = 1e-9


class Pieces(NamedTuple):
    """One source as these kernels read it; read-only arrays, mm, rad, Gy / s / U."""

    t: Tables
    shift: Any  # int64: bits of a float below a step of the lattice in r
    last: Any  # int32: last step
    piece_of_step: Ints
    r_mm: Floats  # all radii of g and F up to the last one of g, (n + 1,)
    first_mm: float
    end_mm: float
    g: Floats  # [piece, (value at its start, slope)] flat
    steps_per_rad: float
    piece_of_angle: Ints
    theta_rad: Floats
    first_rad: float
    end_rad: float
    n_angles: Any  # int32: pieces in theta
    n_radii: Any
    f: Floats  # [piece in r, piece in theta, (value, slope in r, slope in theta, both)] flat
    unpublished: Ints  # [piece in r, piece in theta] flat


def pieces_of(t: Tables) -> Pieces | None:
    """Return the pieces of a source, or None if its nodes lie closer than a lattice can tell."""
    r_mm = np.unique(np.concatenate([t.g_r_mm, t.f_r_mm]))
    r_mm = r_mm[r_mm <= t.g_r_mm[-1]]  # beyond, g is an exponential and no piece
    for bits in range(6, 12):
        n = _OCTAVES << bits
        steps = np.arange(n + 1)
        edges = np.ldexp(1.0 + (steps & ((1 << bits) - 1)) / (1 << bits), _FIRST_OCTAVE + (steps >> bits))
        if np.histogram(r_mm, edges)[0].max() <= 1:
            break
    else:
        return None
    for per_degree in (1, 2, 4, 10, 20, 100):
        angles = np.arange(180 * per_degree + 2) * (math.pi / (180 * per_degree))
        if np.histogram(t.f_theta_rad, angles)[0].max() <= 1:
            break
    else:
        return None
    m, i = len(r_mm) - 1, len(t.f_theta_rad) - 1
    g = np.array([radial_dose(r, t) for r in r_mm])
    f = np.array([[anisotropy(r, theta, t)[0] for theta in t.f_theta_rad] for r in r_mm])
    dr, dt = np.diff(r_mm), np.diff(t.f_theta_rad)
    in_r, in_theta = np.diff(f, axis=0) / dr[:, None], np.diff(f, axis=1) / dt
    both = np.diff(in_theta, axis=0) / dr[:, None]
    pieces_f = np.stack([f[:-1, :-1], in_r[:, :-1], in_theta[:-1], both], axis=2)
    middle = 0.5 * (r_mm[1:] + r_mm[:-1])
    blank = t.unpublished[:, np.clip(np.searchsorted(t.f_r_mm, middle) - 1, 0, t.unpublished.shape[1] - 1)].T

    def kept(values: npt.ArrayLike, dtype: Any = np.float64) -> Any:
        out = np.ascontiguousarray(np.asarray(values, dtype=dtype).ravel())
        out.setflags(write=False)
        return out

    return Pieces(
        t,
        np.int64(52 - bits),
        _i4(n - 1),
        kept(np.clip(np.searchsorted(r_mm, edges[:-1], side="right") - 1, 0, m - 1), np.int32),
        kept(r_mm),
        float(r_mm[0]),
        float(r_mm[-1]),
        kept(np.stack([g[:-1], np.diff(g) / dr], axis=1)),
        180.0 * per_degree / math.pi,
        kept(np.clip(np.searchsorted(t.f_theta_rad, angles, side="right") - 1, 0, i - 1), np.int32),
        kept(t.f_theta_rad),
        float(t.f_theta_rad[0]),
        float(t.f_theta_rad[-1]),
        _i4(i),
        _i4(m),
        kept(pieces_f),
        kept(blank, np.int32),
    )


@jit_inline_borrowing
def rate_at(along: float, away2: float, p: Pieces) -> tuple[float, int]:
    """Dose rate in Gy / s / U for r up to g's last radius, and 1 where it rests on unpublished values.

    Parameters
    ----------
    along : float
        Along the axis from the centre of the core, positive toward the tip, mm.
    away2 : float
        Square of the distance from the axis, mm^2.
    p : Pieces
    """
    t = p.t
    away = math.sqrt(away2)
    inside = (along >= t.capsule_low_mm) & (along <= t.capsule_high_mm) & (away < t.capsule_radius_mm)
    away = max(t.capsule_radius_mm if inside else away, _TINY)
    r2 = along * along + away * away
    r_mm = math.sqrt(r2)
    step = _i4(max((long_bits_of(r_mm) - _BASE) >> p.shift, 0))
    m = peek(p.piece_of_step, min(step, p.last))
    m = _i4(m + _i4(1)) if (r_mm >= peek(p.r_mm, _i4(m + _i4(1)))) & (m + _i4(1) < p.n_radii) else m
    theta = angle64(away, along)
    i = peek(p.piece_of_angle, _i4(theta * p.steps_per_rad))
    i = _i4(i + _i4(1)) if (theta >= peek(p.theta_rad, _i4(i + _i4(1)))) & (i + _i4(1) < p.n_angles) else i
    held = min(max(r_mm, p.first_mm), p.end_mm)
    ds = held - peek(p.r_mm, m)
    dt = min(max(theta, p.first_rad), p.end_rad) - peek(p.theta_rad, i)
    g = peek(p.g, _i4(m * _i4(2))) + ds * peek(p.g, _i4(m * _i4(2) + _i4(1)))
    cell = _i4(m * p.n_angles + i)
    k = _i4(cell * _i4(4))
    f = peek(p.f, k) + ds * peek(p.f, _i4(k + _i4(1)))
    f += dt * (peek(p.f, _i4(k + _i4(2))) + ds * peek(p.f, _i4(k + _i4(3))))
    across = t.length_mm * away
    beta = angle64(across, r2 - 0.25 * t.length_mm * t.length_mm)
    off = inside | (r_mm < t.near_mm) | (r_mm > t.far_mm) | (peek(p.unpublished, cell) > 0)
    return t.scale * (beta / across) * g * f, (_i4(1) if off else _i4(0))


@jit_borrowing
def _row(x: float, y: float, z: float, dwells: Floats, strength_u: float, p: Pieces, held: Floats, out: Floats) -> bool:
    """One row of the matrix, and whether a value of it is unpublished; ``dwells`` as in :func:`rate_rows`.

    ``held`` has room for all of them, ``out`` for those that were asked.
    """
    qx, qy, qz, ax, ay, az = dwells[0], dwells[1], dwells[2], dwells[3], dwells[4], dwells[5]
    off, beyond = 0, 0
    for k in range(len(qx)):
        rx, ry, rz = x - peek(qx, k), y - peek(qy, k), z - peek(qz, k)
        ux, uy, uz = peek(ax, k), peek(ay, k), peek(az, k)
        along = rx * ux + ry * uy + rz * uz
        px, py, pz = rx - along * ux, ry - along * uy, rz - along * uz
        away2 = px * px + py * py + pz * pz
        rate, flag = rate_at(along, away2, p)
        put(held, k, strength_u * rate)
        off += flag
        beyond += 1 if along * along + away2 > p.end_mm * p.end_mm else 0
    for k in range(len(out)):
        out[k] = held[k]
    if beyond > 0:
        for k in range(len(out)):
            along, away = place(x - qx[k], y - qy[k], z - qz[k], ax[k], ay[k], az[k])
            out[k] = strength_u * rate_per_u(along, away, p.t)[0]
    return off > 0


@jit_borrowing
def _sum(x: float, y: float, z: float, dwells: Floats, weights: Floats, p: Pieces) -> tuple[float, float]:
    """Dose at a point, ``weights`` in U s, and how much of it comes from unpublished values."""
    qx, qy, qz, ax, ay, az = dwells[0], dwells[1], dwells[2], dwells[3], dwells[4], dwells[5]
    total, unpublished, beyond = 0.0, 0.0, 0
    for k in range(len(qx)):
        rx, ry, rz = x - peek(qx, k), y - peek(qy, k), z - peek(qz, k)
        ux, uy, uz = peek(ax, k), peek(ay, k), peek(az, k)
        along = rx * ux + ry * uy + rz * uz
        px, py, pz = rx - along * ux, ry - along * uy, rz - along * uz
        away2 = px * px + py * py + pz * pz
        rate, flag = rate_at(along, away2, p)
        dose = peek(weights, k) * rate
        total += dose
        unpublished += dose if flag > 0 else 0.0
        beyond += 1 if along * along + away2 > p.end_mm * p.end_mm else 0
    if beyond > 0:
        total, unpublished = 0.0, 0.0
        for k in range(len(qx)):
            along, away = place(x - qx[k], y - qy[k], z - qz[k], ax[k], ay[k], az[k])
            rate, off = rate_per_u(along, away, p.t)
            total += weights[k] * rate
            unpublished += weights[k] * rate if off else 0.0
    return total, unpublished


@jit
def rate_rows(
    first: int,
    last: int,
    points: Floats,
    dwells: Floats,
    strength_u: float,
    p: Pieces,
    outside: npt.NDArray[np.bool_],
    out: Floats,
) -> None:
    """Rows ``first:last`` of the matrix of dose rates.

    Parameters
    ----------
    first, last : int
    points : (n_points, 3) array
        mm.
    dwells : (6, n_dwells or more) array
        Positions in mm, then axes: one contiguous row a coordinate. The last may be repeated for whole vectors.
    strength_u : float
        Air-kerma strength, U.
    p : Pieces
    outside : (n_points,) bool array
        Written: whether a value of the row rests on what nobody published.
    out : (n_points, n_dwells) array
        Written: Gy / s.
    """
    held = np.empty(dwells.shape[1])
    for i in range(first, last):
        outside[i] = _row(points[i, 0], points[i, 1], points[i, 2], dwells, strength_u, p, held, out[i])


@jit
def dose_rows(
    first: int, last: int, points: Floats, dwells: Floats, weights: Floats, p: Pieces, unpublished: Floats, out: Floats
) -> None:
    """Doses at points ``first:last``.

    Parameters
    ----------
    first, last : int
    points : (n_points, 3) array
        mm.
    dwells : (6, n_dwells) array
        As in :func:`rate_rows`.
    weights : (n_dwells,) array
        Strength times dwell time, U s.
    p : Pieces
    unpublished : (n_points,) array
        Written: Gy of the dose that come from values which nobody published.
    out : (n_points,) array
        Written: Gy.
    """
    for i in range(first, last):
        out[i], unpublished[i] = _sum(points[i, 0], points[i, 1], points[i, 2], dwells, weights, p)


@jit
def field_rows(
    first: int,
    last: int,
    origin: Floats,
    steps: Floats,
    dwells: Floats,
    weights: Floats,
    p: Pieces,
    out: npt.NDArray[np.float32],
) -> None:
    """Doses of the voxels of rows ``first:last``; a row is one (z, y).

    Parameters
    ----------
    first, last : int
    origin : (3,) array
        Centre of voxel (0, 0, 0), mm.
    steps : (3, 3) array
        Row k is the vector in mm from one voxel to the next along index k (x, y, z).
    dwells : (6, n_dwells) array
        As in :func:`rate_rows`.
    weights : (n_dwells,) array
        Strength times dwell time, U s.
    p : Pieces
    out : (nz, ny, nx) float32 array
        Written: Gy.
    """
    ny = out.shape[1]
    for row in range(first, last):
        iz, iy = row // ny, row % ny
        for ix in range(out.shape[2]):
            x = origin[0] + ix * steps[0, 0] + iy * steps[1, 0] + iz * steps[2, 0]
            y = origin[1] + ix * steps[0, 1] + iy * steps[1, 1] + iz * steps[2, 1]
            z = origin[2] + ix * steps[0, 2] + iy * steps[1, 2] + iz * steps[2, 2]
            out[iz, iy, ix] = _sum(x, y, z, dwells, weights, p)[0]
