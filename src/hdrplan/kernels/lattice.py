"""TG-43U1 line-source dose rate in float32 without trigonometry: the same formula, tables on a lattice, vectorised.

Against the reference in ``tg43.py``:

- g(r) F(r, theta) stands in one table at whole degrees and at 64 steps for each doubling of r. All published angles are
  whole degrees and almost all radii are such steps, so the table has its bends where F and g have their own; a source
  for which it misses them by more than 1e-4 gets up to 512 steps. The place in r comes from the bits of the float.
- beta and theta come from one polynomial for the arc tangent on [0, 1] (relative error 1e-7); the rest of the circle by
  reflection, chosen without a branch.
- The geometry factor is computed, not tabulated: near the core it bends too much for a table.

The loops run over dwells or over points, eight at a time in AVX-512 and AVX2 (docs/decisions/0020).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline
from hdrplan.kernels.tg43 import Tables, anisotropy, radial_dose
from hdrplan.kernels.vector import add, bits_of, peek, put

__all__ = ["Lattice", "add_dwell", "add_far_dwell", "dose_table_rows", "lattice_of", "rate_matrix_rows"]

Singles = npt.NDArray[np.float32]
Single = Any  # a float32 scalar, whose arithmetic NumPy's types do not follow

_f4: Any = np.float32
_i4: Any = np.int32
_PI, _HALF_PI, _DEGREES = _f4(math.pi), _f4(math.pi / 2), _f4(180 / math.pi)
_ZERO, _QUARTER, _ONE, _TINY = _f4(0.0), _f4(0.25), _f4(1.0), _f4(1e-6)

_FIRST_OCTAVE, _OCTAVES = -2, 12  # r from 0.25 to 1024 mm
_STEP_BITS = (6, 7, 8, 9)
_BEND = 1e-4
_MANTISSA = 23
_BATCH = 256
_BASE = _i4(_f4(2.0**_FIRST_OCTAVE).view(np.int32))
_COLUMNS = 182  # 0 to 180 degrees and one more, so that theta = pi has a right neighbour
_ROW = _i4(_COLUMNS)


def _arc_tangent() -> Singles:
    """Coefficients of atan(x) / x in x^2 on [0, 1]: least squares at Chebyshev points, relative error 1e-7."""
    x2 = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, 4001)[:-1])
    x = np.sqrt(x2)
    powers = np.vander(x2, 8, increasing=True)
    return np.asarray(np.linalg.lstsq(powers, np.arctan(x) / x, rcond=None)[0], dtype=np.float32)


_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7 = _arc_tangent()


class Lattice(NamedTuple):
    """One source as the float32 kernels read it; mm, degrees, Gy / s / U."""

    shape: Singles  # Lambda / G(1 cm, 90 degrees) * g * F, [r, theta] flat
    shift: Single  # bits of a float below the step in r, and what follows from it
    below: Single
    part: Single
    last: Single
    length_mm: Single
    capsule_radius_mm: Single
    capsule_low_mm: Single
    capsule_high_mm: Single


def lattice_of(t: Tables) -> Lattice:
    """Return the float32 form of a source."""
    theta = np.minimum(np.deg2rad(np.arange(_COLUMNS)), math.pi)
    bends = np.unique(np.concatenate([t.g_r_mm, t.f_r_mm]))
    bends = bends[(bends >= 2.0) & (bends <= 250.0)]
    printed = np.empty((len(bends), _COLUMNS))
    _fill(bends, theta, t, printed)
    # Inside the capsule no table is read.
    along, away = bends[:, None] * np.cos(theta), bends[:, None] * np.sin(theta)
    read = (away >= t.capsule_radius_mm) | (along < t.capsule_low_mm) | (along > t.capsule_high_mm)
    for bits in _STEP_BITS:
        steps = 1 << bits
        r_mm = np.concatenate([np.ldexp(1.0 + np.arange(steps) / steps, _FIRST_OCTAVE + k) for k in range(_OCTAVES)])
        r_mm = np.append(r_mm, 2.0 ** (_FIRST_OCTAVE + _OCTAVES))
        shape = np.empty((len(r_mm), _COLUMNS))
        _fill(r_mm, theta, t, shape)
        i = np.searchsorted(r_mm, bends, side="right") - 1
        v = ((bends - r_mm[i]) / (r_mm[i + 1] - r_mm[i]))[:, None]
        missed = np.abs((1.0 - v) * shape[i] + v * shape[i + 1] - printed)
        if (missed[read] <= _BEND * np.abs(printed[read])).all():
            break
    flat = shape.astype(np.float32).ravel()
    flat.setflags(write=False)
    below = _MANTISSA - bits
    return Lattice(
        flat,
        _i4(below),
        _i4((1 << below) - 1),
        _f4(2.0**-below),
        _i4((_OCTAVES << bits) - 1),
        _f4(t.length_mm),
        _f4(t.capsule_radius_mm),
        _f4(t.capsule_low_mm),
        _f4(t.capsule_high_mm),
    )


@jit
def _fill(r_mm: npt.NDArray[np.float64], theta: npt.NDArray[np.float64], t: Tables, out: Any) -> None:
    for i in range(len(r_mm)):
        g = t.scale * radial_dose(r_mm[i], t)
        for j in range(len(theta)):
            out[i, j] = g * anisotropy(r_mm[i], theta[j], t)[0]


@jit_inline
def angle_of(y: Single, x: np.float32) -> Single:
    """atan2(y, x) for y >= 0, in [0, pi]."""
    size = abs(x)
    ratio = min(size, y) / max(size, y)
    s = ratio * ratio
    angle = ratio * (_C0 + s * (_C1 + s * (_C2 + s * (_C3 + s * (_C4 + s * (_C5 + s * (_C6 + s * _C7)))))))
    angle = _HALF_PI - angle if y > size else angle
    return _PI - angle if x < _ZERO else angle


@jit_inline
def shape_at(along: Single, away: Single, r2: Single, t: Lattice) -> Single:
    """g(r) F(r, theta), times Lambda / G(1 cm, 90 degrees): bilinear between four places of the table."""
    bits = max(_i4(0), _i4(bits_of(math.sqrt(r2)) - _BASE))
    row = min(_i4(bits >> t.shift), t.last)
    v = _f4(bits & t.below) * t.part
    degrees = angle_of(away, along) * _DEGREES
    column = _i4(degrees)
    u = degrees - _f4(column)
    k = _i4(row * _ROW + column)
    near, near1 = peek(t.shape, k), peek(t.shape, _i4(k + _i4(1)))
    far, far1 = peek(t.shape, _i4(k + _ROW)), peek(t.shape, _i4(k + _ROW + _i4(1)))
    near += u * (near1 - near)
    far += u * (far1 - far)
    return near + v * (far - near)


@jit_inline
def rate_at(along: Single, away2: Single, t: Lattice) -> Single:
    """Dose rate in Gy / s / U; ``away2`` is the squared distance from the axis (``tg43.rate_per_u`` in float32)."""
    inside = (along >= t.capsule_low_mm) & (along <= t.capsule_high_mm)
    # 1e-6 mm instead of 0: beta / away keeps its digits, and no division by zero needs a branch.
    away = max(math.sqrt(away2), t.capsule_radius_mm if inside else _TINY)
    r2 = along * along + away * away
    across = t.length_mm * away
    beta = angle_of(across, r2 - _QUARTER * t.length_mm * t.length_mm)
    return beta / across * shape_at(along, away, r2, t)


@jit_inline
def far_rate_at(along: Single, away2: Single, t: Lattice) -> Single:
    """``rate_at`` for r > 4 L: G_L from its series in q = (L / 2r)^2, whose next term is below q^3 = 4e-6.

    G_L = sum over n of q^n U_2n(cos theta) / (2n + 1) / r^2, with U the Chebyshev polynomials of the second kind.
    """
    r2 = along * along + away2
    inverse = _ONE / r2
    c2 = along * along * inverse
    q = _QUARTER * t.length_mm * t.length_mm * inverse
    second = (_f4(16.0) * c2 - _f4(12.0)) * c2 + _ONE
    series = _ONE + q * ((_f4(4.0) * c2 - _ONE) * _f4(1 / 3) + q * second * _f4(0.2))
    return inverse * series * shape_at(along, math.sqrt(away2), r2, t)


@jit
def add_dwell(
    x: Singles,
    y: Singles,
    z: Singles,
    dx: Single,
    dy: Single,
    dz: Single,
    ax: Single,
    ay: Single,
    az: Single,
    weight: Single,
    t: Lattice,
    out: Singles,
) -> None:
    """Add weight (U s) times rate of one dwell at points ``(x, y, z)`` from a centre (dx, dy, dz) off the dwell."""
    for i in range(len(x)):
        rx, ry, rz = peek(x, i) + dx, peek(y, i) + dy, peek(z, i) + dz
        along = rx * ax + ry * ay + rz * az
        px, py, pz = rx - along * ax, ry - along * ay, rz - along * az
        add(out, i, weight * rate_at(along, px * px + py * py + pz * pz, t))


@jit
def add_far_dwell(
    x: Singles,
    y: Singles,
    z: Singles,
    dx: Single,
    dy: Single,
    dz: Single,
    ax: Single,
    ay: Single,
    az: Single,
    weight: Single,
    t: Lattice,
    out: Singles,
) -> None:
    """``add_dwell`` for points that all lie farther than four active lengths from the dwell."""
    for i in range(len(x)):
        rx, ry, rz = peek(x, i) + dx, peek(y, i) + dy, peek(z, i) + dz
        along = rx * ax + ry * ay + rz * az
        px, py, pz = rx - along * ax, ry - along * ay, rz - along * az
        add(out, i, weight * far_rate_at(along, px * px + py * py + pz * pz, t))


@jit
def rate_matrix_rows(
    first: int,
    last: int,
    points: npt.NDArray[np.float64],
    centre: npt.NDArray[np.float64],
    dwells: Singles,
    strength_u: float,
    near_mm: float,
    far_mm: float,
    t: Lattice,
    outside: npt.NDArray[np.bool_],
    out: npt.NDArray[np.floating],
) -> None:
    """Rows ``first:last`` of the (points x dwells) matrix in Gy / s.

    ``dwells`` is (6, n): positions relative to ``centre``, then axes; n may be larger than the number of columns, with
    repeated dwells, so that whole vectors come out. ``outside`` marks points with a dwell nearer than
    ``near_mm`` or farther than ``far_mm``.
    """
    qx, qy, qz, ax, ay, az = dwells[0], dwells[1], dwells[2], dwells[3], dwells[4], dwells[5]
    strength = _f4(strength_u)
    low, high = bits_of(_f4(near_mm * near_mm)), bits_of(_f4(far_mm * far_mm))
    # A float64 store in the loop would halve the vectors: four lanes instead of eight.
    single = np.empty(len(qx), dtype=np.float32)
    for i in range(first, last):
        x, y, z = _f4(points[i, 0] - centre[0]), _f4(points[i, 1] - centre[1]), _f4(points[i, 2] - centre[2])
        nearest, farthest = high, low
        for k in range(len(qx)):
            rx, ry, rz = x - peek(qx, k), y - peek(qy, k), z - peek(qz, k)
            ux, uy, uz = peek(ax, k), peek(ay, k), peek(az, k)
            along = rx * ux + ry * uy + rz * uz
            px, py, pz = rx - along * ux, ry - along * uy, rz - along * uz
            away2 = px * px + py * py + pz * pz
            # Bits of positive floats are ordered as the floats, and LLVM vectorises the minimum of integers.
            bits = bits_of(along * along + away2)
            nearest, farthest = min(nearest, bits), max(farthest, bits)
            put(single, k, strength * rate_at(along, away2, t))
        for k in range(out.shape[1]):
            out[i, k] = single[k]
        outside[i] = nearest < low or farthest > high


@jit
def dose_table_rows(
    first: int,
    last: int,
    points: npt.NDArray[np.float64],
    positions: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    t: Lattice,
    out: npt.NDArray[np.float64],
) -> None:
    """Doses in Gy at points ``first:last``; ``weights`` (U s) may be negative, for changes of dose.

    Some hundred points at a time, relative to their middle, so that float32 holds positions to 1e-5 mm.
    """
    x, y, z = (
        np.empty(_BATCH, dtype=np.float32),
        np.empty(_BATCH, dtype=np.float32),
        np.empty(_BATCH, dtype=np.float32),
    )
    total = np.empty(_BATCH, dtype=np.float32)
    for start in range(first, last, _BATCH):
        n = min(_BATCH, last - start)
        cx, cy, cz = points[start + n // 2, 0], points[start + n // 2, 1], points[start + n // 2, 2]
        for i in range(n):
            x[i] = points[start + i, 0] - cx
            y[i] = points[start + i, 1] - cy
            z[i] = points[start + i, 2] - cz
        total[:n] = _f4(0.0)
        for k in range(len(positions)):
            add_dwell(
                x[:n],
                y[:n],
                z[:n],
                _f4(cx - positions[k, 0]),
                _f4(cy - positions[k, 1]),
                _f4(cz - positions[k, 2]),
                _f4(axes[k, 0]),
                _f4(axes[k, 1]),
                _f4(axes[k, 2]),
                _f4(weights[k]),
                t,
                total[:n],
            )
        for i in range(n):
            out[start + i] = total[i]
