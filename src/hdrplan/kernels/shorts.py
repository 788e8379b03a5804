"""Numbers in 16 bits, for what is kept in great numbers: 11 binary digits from 2^-26 to 16, a sign, and zero.

It is the half precision of IEEE 754 without its subnormals, 2^12 times finer: Numba has none on processors. A code that
is larger stands for a larger number, and neighbouring codes for neighbouring numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hdrplan.kernels._jit import jit_inline
from hdrplan.kernels.vector import float_of, long_bits_of

__all__ = ["LARGEST", "long_of", "short_above", "short_near"]

LARGEST = 15.9
"""What is not above it, in size, has a code."""

_LEAST = 2.0**-26
# Digits of a float64 that are left out, and its exponents below the first one.
_OUT, _BELOW = np.int64(42), np.int64((1023 - 26) << 10)
_i8: Any = np.int64
_HALF, _ALL = _i8(1 << 41), _i8((1 << 42) - 1)


@jit_inline
def short_near(value: float) -> int:
    """Code of the number next to a value of either sign: by 2^-11 of it away, or by 2^-26 and a thousandth of that."""
    size = abs(value)
    code: int = ((long_bits_of(size) + _HALF) >> _OUT) - _BELOW if size >= _LEAST else _i8(0)
    return -code if value < 0.0 else code


@jit_inline
def short_above(value: float) -> int:
    """Code of the least number that is not below a value, which is not negative."""
    if not value > 0.0:
        return 0
    code: int = ((long_bits_of(max(value, _LEAST)) + _ALL) >> _OUT) - _BELOW
    return max(code, 1)


@jit_inline
def long_of(code: int) -> float:
    """Return the number of a code."""
    size = float_of((_i8(abs(code)) + _BELOW) << _OUT) if code != 0 else 0.0
    return -size if code < 0 else size
