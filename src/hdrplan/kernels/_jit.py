"""How every kernel is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

__all__ = ["jit"]

F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """Compile a kernel.

    ``error_model="numpy"``: 1/0 gives inf as in NumPy; the default would raise, and kernels never raise.
    ``nogil``: blocks of rows run in threads. ``cache``: compiled once a machine, safe because no kernel is compiled
    with ``parallel=True`` (docs/decisions/0002). ``fastmath`` only re-associates and contracts: no-NaN and no-Inf stay
    off, for blank cells are NaN and far points may overflow.
    """
    compiled: F = numba.njit(
        nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"}
    )(function)
    return compiled
