"""Read-only arrays for frozen values.

A frozen class does not freeze the array inside it. The ``__post_init__`` of every value calls
:func:`freeze` for each array field: a C-contiguous copy, checked once, then set read-only. A read-only array is
another type to Numba, so kernels always take the values' read-only arrays as inputs and a writable ``out``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.errors import InputError

__all__ = ["BoolArray", "FloatArray", "IntArray", "RateArray", "adopt", "freeze", "frozen"]

FloatArray = npt.NDArray[np.float64]
# Dose rates of large sessions are kept in single precision (:mod:`hdrplan.dose.rate_blocks`).
RateArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def frozen(values: npt.ArrayLike, dtype: npt.DTypeLike | None = np.float64) -> npt.NDArray[Any]:
    """Return a read-only C-contiguous copy of ``values``; ``dtype`` None keeps the type.

    An array that is already read-only, contiguous, of that type and owns its data is returned as it is.
    """
    if (
        isinstance(values, np.ndarray)
        and values.flags.owndata
        and values.flags.c_contiguous
        and not values.flags.writeable
        and (dtype is None or values.dtype == np.dtype(dtype))
    ):
        return values
    array = np.array(values, dtype=dtype, order="C", copy=True)
    array.setflags(write=False)
    return array


def freeze(
    value: object,
    name: str,
    shape: tuple[int | None, ...],
    *,
    dtype: npt.DTypeLike | None = np.float64,
    finite: bool = True,
) -> None:
    """Check one array field of a frozen value and replace it by a read-only copy; call from ``__post_init__``.

    Parameters
    ----------
    value : object
        The frozen dataclass under construction.
    name : str
        Name of its field; the unit in the name makes the message clear.
    shape : tuple
        Expected shape; None stands for any length.
    dtype : dtype or None
        Type of the copy; None keeps the type of the input.
    finite : bool
        Refuse NaN and infinity.

    Raises
    ------
    InputError
        Not numbers, another shape, NaN or infinite values.
    """
    try:
        array = frozen(getattr(value, name), dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers", got=str(error)) from None
    if array.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, array.shape, strict=True)
    ):
        text = " x ".join("n" if n is None else str(n) for n in shape)
        raise InputError(f"{name} must have shape ({text})", got=array.shape)
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} must be finite", got=f"{int((~np.isfinite(array)).sum())} NaN or infinite values")
    object.__setattr__(value, name, array)


def adopt(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Set an array read-only without a copy: for large arrays that the package itself has just computed.

    A rate matrix of 300,000 points and 200 dwells is 480 MB; a second copy of it would be the peak of memory.
    """
    array.setflags(write=False)
    return array
