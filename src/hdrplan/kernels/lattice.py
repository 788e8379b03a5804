"""TG-43U1 line-source dose rate in float32 without trigonometry: the same formula, tables on a lattice, vectorised.

Against the reference in ``tg43.py``:

- g(r) F(r, theta) stands in one table at whole degrees and at 64 steps for each doubling of r. All published angles are
  whole degrees and almost all radii are such steps, so the table has its bends where F and g have their own; a source
  for which it misses them by more than 1e-4 gets up to 512 steps. The place in r comes from the bits of the float.
- beta comes from :func:`hdrplan.kernels.angle.angle32`, theta from :func:`hdrplan.kernels.angle.degrees32`.
- The geometry factor is computed near the core, where it bends too much for a table; beyond 4 L it stands in a second
  one.

The loops over dwells or over points are in ``lattice_rows.py``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit, jit_inline_borrowing
from hdrplan.kernels.angle import angle32, degrees32
from hdrplan.kernels.tg43 import Tables, anisotropy, radial_dose
from hdrplan.kernels.vector import bits_of, shifted

__all__ = ["ROW", "Lattice", "far_place_at", "lattice_of", "place_at"]

Singles = npt.NDArray[np.float32]
Single = Any  # a float32 scalar, whose arithmetic NumPy's types do not follow

_f4: Any = np.float32
_i4: Any = np.int32
_QUARTER, _ONE, _TINY = _f4(0.25), _f4(1.0), _f4(1e-12)

_FIRST_OCTAVE, _OCTAVES = -2, 12  # r from 0.25 to 1024 mm
_STEP_BITS = (6, 7, 8, 9)
_BEND = 1e-4
_MANTISSA = 23
_BASE = _i4(_f4(2.0**_FIRST_OCTAVE).view(np.int32))
_COLUMNS = 182  # 0 to 180 degrees and one more, so that theta = pi has a right neighbour
ROW = _i4(_COLUMNS)
"""Values of a row of the table."""


class Lattice(NamedTuple):
    """One source as the float32 kernels read it; mm, degrees, Gy / s / U."""

    shape: Singles  # Lambda / G(1 cm, 90 degrees) * g * F, [r, theta] flat
    far: Singles  # the same times G_L r^2, which is smooth from four active lengths on
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
    c2, q = np.cos(theta) ** 2, np.square(0.5 * t.length_mm / r_mm)[:, None]
    # G_L r^2 = sum over n of q^n U_2n(cos theta) / (2n + 1), with U Chebyshev's polynomials of the second kind. Beyond
    # 4 L the next term is below q^3 = 4e-6.
    series = 1.0 + q * ((4.0 * c2 - 1.0) / 3.0 + q * ((16.0 * c2 - 12.0) * c2 + 1.0) / 5.0)
    flat, far = (table.astype(np.float32).ravel() for table in (shape, shape * series))
    flat.setflags(write=False)
    far.setflags(write=False)
    below = _MANTISSA - bits
    return Lattice(
        flat,
        far,
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


@jit_inline_borrowing
def _cell_at(along: Single, away2: Single, r2: Single, t: Lattice) -> tuple[Single, Single, Single]:
    """Where g(r) F(r, theta), times Lambda / G(1 cm, 90 degrees), lies in the table: cell, part across, part down."""
    bits = max(_i4(0), _i4(bits_of(math.sqrt(r2)) - _BASE))
    row = min(shifted(bits, t.shift), t.last)
    inverse = _ONE / r2
    degrees = degrees32(along, along * along * inverse, away2 * inverse)
    column = _i4(degrees)
    return _i4(row * ROW + column), degrees - _f4(column), _f4(bits & t.below) * t.part


@jit_inline_borrowing
def place_at(along: Single, away2: Single, t: Lattice) -> tuple[Single, Single, Single, Single]:
    """Place in the table, and the factor that makes its value ``tg43.rate_per_u``, Gy / s / U.

    Parameters
    ----------
    along : float32
        Along the axis from the centre of the core, positive toward the tip, mm.
    away2 : float32
        Square of the distance from the axis, mm^2.
    t : Lattice

    Returns
    -------
    factor, cell, across, down
        As :func:`hdrplan.kernels.vector.hold` takes them.
    """
    inside = (along >= t.capsule_low_mm) & (along <= t.capsule_high_mm)
    # 1e-6 mm instead of 0: beta / away keeps its digits, and no division by zero needs a branch.
    away2 = max(away2, t.capsule_radius_mm * t.capsule_radius_mm if inside else _TINY)
    r2 = along * along + away2
    across = t.length_mm * math.sqrt(away2)
    beta = angle32(across, r2 - _QUARTER * t.length_mm * t.length_mm)
    cell, u, v = _cell_at(along, away2, r2, t)
    return beta / across, cell, u, v


@jit_inline_borrowing
def far_place_at(along: Single, away2: Single, t: Lattice) -> tuple[Single, Single, Single, Single]:
    """``place_at`` for r > 4 L, in the table ``far``: its value is multiplied by 1 / r^2.

    Parameters
    ----------
    along, away2 : float32
        As in :func:`place_at`.
    t : Lattice
    """
    r2 = along * along + away2
    inverse = _ONE / r2
    cell, u, v = _cell_at(along, away2, r2, t)
    return inverse, cell, u, v
