"""The arc tangent of the vectorised kernels, in both precisions: polynomials, without a branch or a call.

A call of the library's ``atan2`` stops LLVM's loop vectoriser. The part of the circle in which the polynomial holds is
reached by reflections, which are chosen without a branch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hdrplan.kernels._jit import jit_inline

__all__ = ["angle32", "angle64", "degrees32"]

Single = Any  # a float32 scalar, whose arithmetic NumPy's types do not follow

_f4: Any = np.float32
_PI32, _HALF_PI32, _ZERO32 = _f4(math.pi), _f4(math.pi / 2), _f4(0.0)
_PI, _HALF_PI, _QUARTER_PI = math.pi, math.pi / 2, math.pi / 4
_TAN_PI_8 = math.sqrt(2.0) - 1.0


# atan(x) / x in powers of x^2 on [0, 1], least squares at Chebyshev points, relative error 1e-7. Here and below the
# numbers themselves stand: to compute them took every command that doses 0.1 CPU s. tests/kernels/test_angle.py
# computes them again.
_S0, _S1, _S2, _S3, _S4, _S5, _S6, _S7 = (
    _f4(coefficient)
    for coefficient in (
        0.999999881,
        -0.333319575,
        0.199692264,
        -0.140165359,
        0.0990596712,
        -0.0593652874,
        0.0241649039,
        -0.0046684104,
    )
)
# The same for x up to tan(pi / 8), interpolated at Chebyshev points, relative error 3e-16.
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12 = (
    0.9999999999999991,
    -0.3333333333338435,
    0.20000000026806775,
    -0.14285717692868724,
    0.11111314420816071,
    -0.09097834097536846,
    0.07839771865342773,
    -0.08720415259406546,
    0.24900882027980026,
    -1.213839844229763,
    4.538877719664309,
    -10.013566656873262,
    9.707433245506309,
)

# asin(x) / x in degrees, in powers of x^2 up to 1/2, least squares at Chebyshev points, relative error 9e-7.
_D0, _D1, _D2, _D3, _D4, _D5 = (
    _f4(coefficient) for coefficient in (57.295742, 9.55448, 4.181946, 3.4682682, -1.3405191, 5.482764)
)
_RIGHT32, _STRAIGHT32 = _f4(90.0), _f4(180.0)


@jit_inline
def angle32(y: Single, x: Single) -> Single:
    """atan2(y, x) in [0, pi], to 1e-7 of it.

    Parameters
    ----------
    y : float32
        Not negative; with x = 0, above 0.
    x : float32
    """
    size = abs(x)
    ratio = min(size, y) / max(size, y)
    s = ratio * ratio
    angle = ratio * (_S0 + s * (_S1 + s * (_S2 + s * (_S3 + s * (_S4 + s * (_S5 + s * (_S6 + s * _S7)))))))
    angle = _HALF_PI32 - angle if y > size else angle
    return _PI32 - angle if x < _ZERO32 else angle


@jit_inline
def degrees32(x: Single, cos2: Single, sin2: Single) -> Single:
    """Angle in degrees, 0 to 180, from the squares of its sine and cosine: one root and no division, to 1e-6 of it.

    Parameters
    ----------
    x : float32
        Of the cosine's sign.
    cos2, sin2 : float32
        Together 1. The smaller is the one that is read: near 0, 90 and 180 degrees no digit is lost.
    """
    s = min(cos2, sin2)
    angle = math.sqrt(s) * (_D0 + s * (_D1 + s * (_D2 + s * (_D3 + s * (_D4 + s * _D5)))))
    angle = _RIGHT32 - angle if sin2 > cos2 else angle
    return _STRAIGHT32 - angle if x < _ZERO32 else angle


@jit_inline
def angle64(y: float, x: float) -> float:
    """atan2(y, x) in [0, pi], to 3e-16 of it.

    Parameters
    ----------
    y : float
        Not negative; with x = 0, above 0.
    x : float
    """
    size = abs(x)
    low, high = min(size, y), max(size, y)
    # atan(a / b) = pi / 4 + atan((a - b) / (a + b)) keeps the argument below tan(pi / 8).
    upper = low > _TAN_PI_8 * high
    ratio = (low - high if upper else low) / (low + high if upper else high)
    s = ratio * ratio
    top = _C8 + s * (_C9 + s * (_C10 + s * (_C11 + s * _C12)))
    angle = ratio * (_C0 + s * (_C1 + s * (_C2 + s * (_C3 + s * (_C4 + s * (_C5 + s * (_C6 + s * (_C7 + s * top))))))))
    angle = angle + _QUARTER_PI if upper else angle
    angle = _HALF_PI - angle if y > size else angle
    return _PI - angle if x < 0.0 else angle
