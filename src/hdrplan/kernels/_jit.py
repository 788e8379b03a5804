"""How every kernel is compiled."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core.options import DefaultOptions

from hdrplan.kernels._cache import KernelCache
from hdrplan.kernels._nested import compile_what_is_called_for_its_caller

__all__ = ["jit", "jit_borrowing", "jit_inline", "jit_inline_borrowing"]

# Private to Numba, in all releases since 0.61; without it the code is right and slower.
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "no_cfunc_wrapper": True,  # nobody asks for a C function: a second wrapper of every kernel, a twentieth of the time
}


def jit(function: F) -> F:
    """Compile a kernel.

    ``error_model="numpy"``: 1/0 gives inf as in NumPy; the default would raise, and kernels never raise.
    ``nogil``: blocks of rows run in threads. The code is kept on disk (:mod:`hdrplan.kernels._cache`), compiled once a
    machine; no kernel is compiled with ``parallel=True`` (docs/decisions/0002). ``fastmath`` only re-associates and
    contracts: no-NaN and no-Inf stay off, for blank cells are NaN and far points may overflow.
    """
    return _compiled(function, _OPTIONS)


def jit_borrowing(function: F) -> F:
    """Compile a step that is called millions of times, makes no array, and keeps none that it is given.

    Nobody then counts who holds an array. Counting is atomic, for threads; on a grid it took a third of the time.
    """
    return _compiled(function, {**_OPTIONS, **_UNCOUNTED})


def jit_inline_borrowing(function: F) -> F:
    """Compile as :func:`jit_inline` and :func:`jit_borrowing` together."""
    return _compiled(function, {**_OPTIONS, **_UNCOUNTED, "forceinline": True})


def jit_inline(function: F) -> F:
    """Compile a step of an inner loop: always inlined, since a call stops LLVM's loop vectoriser."""
    return _compiled(function, {**_OPTIONS, "forceinline": True})


def _compiled(function: F, options: dict[str, Any]) -> F:
    kernel: Any = numba.njit(**options)(function)
    if hasattr(kernel, "py_func"):  # with NUMBA_DISABLE_JIT it is the function itself
        compile_what_is_called_for_its_caller(kernel, options)
        try:
            kernel._cache = KernelCache(kernel.py_func)
        except RuntimeError:
            # Neither the package's folder nor the user's cache folder can be written: compile in each process.
            warnings.warn("hdrplan: no folder to keep compiled kernels in; set NUMBA_CACHE_DIR", stacklevel=4)
    compiled: F = kernel
    return compiled
