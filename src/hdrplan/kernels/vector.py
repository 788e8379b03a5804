"""What LLVM must be told so that it vectorises a loop that reads a table and writes a result.

A loop that gathers from a table at computed places and stores to an array is not vectorised ("cannot identify array
bounds"), for the store might change the table. Numba has no ``restrict``, so these steps say it: a load by
:func:`peek` carries LLVM's ``alias.scope`` and a store by :func:`put` or :func:`add` its ``noalias``. The promise to
keep: **what peek reads is never written in the same kernel** (source tables, coordinates, matrices of constants).

They read and write without bounds or negative indices, and ``NUMBA_BOUNDSCHECK`` does not see them. With Numba switched
off they are plain Python and refuse such an index: ``make test-kernels`` runs all kernels so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

__all__ = ["add", "bits_of", "long_bits_of", "peek", "put"]


def peek(table: npt.NDArray[Any], k: int) -> Any:
    """Return ``table[k]`` of a 1-D contiguous array that nobody writes."""
    return table[_inside(table, k)]


def put(out: npt.NDArray[Any], k: int, value: Any) -> None:
    """Set ``out[k]`` of a 1-D contiguous array.

    Parameters
    ----------
    out : (n,) array
    k : int
    value : number
        Of any type; stored in the array's.
    """
    out[_inside(out, k)] = value


def add(out: npt.NDArray[Any], k: int, value: Any) -> None:
    """Add to ``out[k]`` of a 1-D contiguous array.

    Parameters
    ----------
    out : (n,) array
    k : int
    value : number
        Of the array's type.
    """
    out[_inside(out, k)] += value


def _inside(array: npt.NDArray[Any], k: int) -> int:
    if not 0 <= k < len(array):
        raise IndexError(f"index must lie in 0 to {len(array) - 1}, got {k}")
    return k


def bits_of(value: Any) -> Any:
    """Return the 32 bits of a float32 as an int32: exponent and mantissa, i.e. a logarithm with straight pieces."""
    return np.float32(value).view(np.int32)


def long_bits_of(value: Any) -> Any:
    """Return the 64 bits of a float64 as an int64."""
    return np.float64(value).view(np.int64)


def _scope(module: Any) -> Any:
    domain = module.add_metadata([ir.MetaDataString(module, "hdrplan")])
    return module.add_metadata([module.add_metadata([ir.MetaDataString(module, "tables"), domain])])


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


@intrinsic
def _peek(typing_context: Any, table: Any, k: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        load = builder.load(_pointer(context, builder, signature.args[0], args[0], args[1]))
        load.set_metadata("alias.scope", _scope(builder.module))
        return load

    return table.dtype(table, k), _emit


@intrinsic
def _put(typing_context: Any, out: Any, k: Any, value: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = context.cast(builder, args[2], signature.args[2], signature.args[0].dtype)
        store = builder.store(value, _pointer(context, builder, signature.args[0], args[0], args[1]))
        store.set_metadata("noalias", _scope(builder.module))
        return context.get_dummy_value()

    return types.void(out, k, value), _emit


@intrinsic
def _add(typing_context: Any, out: Any, k: Any, value: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1])
        load = builder.load(pointer)
        value = context.cast(builder, args[2], signature.args[2], signature.args[0].dtype)
        store = builder.store(builder.fadd(load, value), pointer)
        for step in (load, store):
            step.set_metadata("noalias", _scope(builder.module))
        return context.get_dummy_value()

    return types.void(out, k, value), _emit


@intrinsic
def _bits_of(typing_context: Any, value: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), _emit


@intrinsic
def _long_bits_of(typing_context: Any, value: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), _emit


@overload(peek, strict=False)
def _use_peek(table: Any, k: Any) -> Any:
    return lambda table, k: _peek(table, k)


@overload(put, strict=False)
def _use_put(out: Any, k: Any, value: Any) -> Any:
    return lambda out, k, value: _put(out, k, value)


@overload(add, strict=False)
def _use_add(out: Any, k: Any, value: Any) -> Any:
    return lambda out, k, value: _add(out, k, value)


@overload(bits_of, strict=False)
def _use_bits_of(value: Any) -> Any:
    return lambda value: _bits_of(value)


@overload(long_bits_of, strict=False)
def _use_long_bits_of(value: Any) -> Any:
    return lambda value: _long_bits_of(value)
