"""The order of doses: by digits, without comparisons, equal ones as they came."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["falling_order"]

Bits = npt.NDArray[np.int64]
_DIGIT, _DIGITS = 11, 6
_VALUES = 1 << _DIGIT


@jit
def falling_order(bits: Bits, order: Bits) -> None:
    """Order numbers from the largest to the smallest, equal ones as they came (radix sort, least digit first [1]_).

    Parameters
    ----------
    bits : (n,) array
        Not negative, as the bits of a float64 that is not: these rise with it.
    order : (n,) array
        Filled: the row of the largest, of the next one, and so on.

    References
    ----------
    .. [1] D. E. Knuth, "The Art of Computer Programming", vol. 3, 2nd ed., 5.2.5, algorithm R, 1998.
    """
    n = len(bits)
    counts = np.zeros((_DIGITS, _VALUES), dtype=np.int64)
    for k in range(n):
        for digit in range(_DIGITS):
            counts[digit, (bits[k] >> (_DIGIT * digit)) & (_VALUES - 1)] += 1
    key, other_key, other = bits.copy(), np.empty_like(bits), np.empty_like(order)
    for k in range(n):
        order[k] = k
    here, there, swapped = order, other, False
    for digit in range(_DIGITS):
        count = counts[digit]
        if n == 0 or count[(key[0] >> (_DIGIT * digit)) & (_VALUES - 1)] == n:
            continue  # all have this digit
        start = n
        for value in range(_VALUES):
            start -= count[value]
            count[value] = start
        for k in range(n):
            value = (key[k] >> (_DIGIT * digit)) & (_VALUES - 1)
            at = count[value]
            count[value] = at + 1
            other_key[at], there[at] = key[k], here[k]
        key, other_key = other_key, key
        here, there, swapped = there, here, not swapped
    if swapped:
        for k in range(n):  # here and in tree.py: of an assignment of slices Numba compiles half a second of messages
            order[k] = here[k]
