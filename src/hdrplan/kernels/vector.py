"""What LLVM must be told so that it vectorises a loop that reads a table and writes a result.

A loop that gathers from a table at computed places and stores to an array is not vectorised ("cannot identify array
bounds"), for the store might change the table. Numba has no ``restrict``, so these steps say it: a load by
:func:`peek` carries LLVM's ``alias.scope`` and a store by :func:`put` or :func:`add` its ``noalias``. The promise to
keep: **what peek reads is never written in the same kernel** (source tables, coordinates, matrices of constants).

A vector gather is not fast everywhere: on a Zen 5 the four gathers of a bilinear interpolation took three quarters of
the time of a dose, 1.9 of 2.6 ns, and eight loads of 64 bits with the shuffles behind them 0.4 ns. :func:`add_between`
says these loads one by one.

All of them read and write without bounds or negative indices, and ``NUMBA_BOUNDSCHECK`` does not see them. With Numba
switched off they are plain Python and refuse such an index: ``make test-kernels`` runs all kernels so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

__all__ = [
    "HELD",
    "LANES",
    "add",
    "add_between",
    "bits_of",
    "float_of",
    "hold",
    "long_bits_of",
    "peek",
    "put",
    "shifted",
]

LANES = 8
"""Values that :func:`add_between` reads and adds at once."""


HELD = 64
"""Places of a table that are held before it is read: their 1 kB stays beside the processor."""


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


def hold(places: npt.NDArray[Any], i: int, cell: Any, across: Any, down: Any, factor: Any) -> None:
    """Hold the place of a value between the nodes of a table.

    Parameters
    ----------
    places : (4 * HELD,) float32 array
        Zeros at first, so that those which nobody has held yet are places too. One array with four parts at fixed
        distances: between four arrays LLVM looks for overlaps, each time.
    i : int
        Below HELD.
    cell : int32
        Of the node before it, in the flat table.
    across, down : float32
        How far to the next node of the row, and to the next row, 0 to 1.
    factor : float32
        What the value is multiplied by.
    """
    for k, value in enumerate((np.int32(cell).view(np.float32), across, down, factor)):
        put(places, k * HELD + i, value)


def add_between(table: npt.NDArray[Any], width: int, places: npt.NDArray[Any], first: int, out: Any, to: int) -> None:
    """Add eight held values of a table, times their factors, to ``out[to : to + 8]``.

    Parameters
    ----------
    table : (n_rows * width,) float32 array
    width : int
        Values of a row.
    places : (4 * HELD,) float32 array
        From :func:`hold`, of which ``first`` to ``first + 7`` are read.
    first : int
    out : (n,) float32 array
    to : int
    """
    for i in range(first, first + LANES):
        k = int(peek(places, i).view(np.int32))
        across, down, factor = (peek(places, part * HELD + i) for part in (1, 2, 3))
        near, far = peek(table, k), peek(table, k + width)
        near = near + across * (peek(table, k + 1) - near)
        far = far + across * (peek(table, k + width + 1) - far)
        add(out, to + i - first, factor * (near + down * (far - near)))


def _inside(array: npt.NDArray[Any], k: int) -> int:
    if not 0 <= k < len(array):
        raise IndexError(f"index must lie in 0 to {len(array) - 1}, got {k}")
    return k


def bits_of(value: Any) -> Any:
    """Return the 32 bits of a float32 as an int32: exponent and mantissa, i.e. a logarithm with straight pieces."""
    return np.float32(value).view(np.int32)


def shifted(bits: Any, by: Any) -> Any:
    """Return an int32 that is not negative, shifted right as such: Numba's own shift widens it to 64 bits."""
    return np.int32(bits >> by)


def long_bits_of(value: Any) -> Any:
    """Return the 64 bits of a float64 as an int64."""
    return np.float64(value).view(np.int64)


def float_of(bits: Any) -> Any:
    """Return the float64 that has these 64 bits, an int64."""
    return np.int64(bits).view(np.float64)


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
def _shifted(typing_context: Any, bits: Any, by: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.lshr(args[0], args[1])

    return types.int32(types.int32, types.int32), _emit


@intrinsic
def _long_bits_of(typing_context: Any, value: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), _emit


@intrinsic
def _float_of(typing_context: Any, bits: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), _emit


@intrinsic
def _hold(typing_context: Any, places: Any, i: Any, cell: Any, across: Any, down: Any, factor: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, signature.args[0], args[0], args[1])
        for k, value in enumerate((builder.bitcast(args[2], ir.FloatType()), *args[3:])):
            store = builder.store(value, builder.gep(place, [ir.Constant(ir.IntType(64), k * HELD)]))
            store.set_metadata("noalias", _scope(builder.module))
        return context.get_dummy_value()

    single = types.float32
    return types.void(places, i, types.int32, single, single, single), _emit


@intrinsic
def _add_between(typing_context: Any, table: Any, width: Any, places: Any, first: Any, out: Any, to: Any) -> Any:
    def _emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        single, number = ir.FloatType(), ir.IntType(32)
        pair, whole = ir.VectorType(single, 2), ir.VectorType(single, LANES)
        loose = ("reassoc", "contract", "nsz")

        def at(argument: int, index: Any, kind: Any) -> Any:
            pointer = _pointer(context, builder, signature.args[argument], args[argument], index)
            return builder.bitcast(pointer, kind.as_pointer())

        def joined(a: Any, b: Any, *order: int) -> Any:
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(number, len(order)), order))

        def columns(pairs: list[Any]) -> tuple[Any, Any]:
            """Left and right values of eight pairs: with this order two instructions, with any other six."""
            twos = [joined(pairs[k], pairs[k + 1], 0, 1, 2, 3) for k in (0, 2, 4, 6)]
            a, b = (joined(twos[k], twos[k + 2], *range(8)) for k in (0, 1))
            return joined(a, b, 0, 2, 8, 10, 4, 6, 12, 14), joined(a, b, 1, 3, 9, 11, 5, 7, 13, 15)

        def between(a: Any, b: Any, part: Any) -> Any:
            return builder.fadd(a, builder.fmul(part, builder.fsub(b, a, loose), loose), loose)

        cells = at(2, args[3], number)
        across, down, factor = (
            builder.load(at(2, builder.add(args[3], ir.Constant(args[3].type, k * HELD)), whole), align=4)
            for k in (1, 2, 3)
        )
        rows: list[list[Any]] = [[], []]
        for lane in range(LANES):
            cell = builder.load(builder.gep(cells, [ir.Constant(number, lane)]))
            k, step = builder.zext(cell, ir.IntType(64)), builder.zext(args[1], ir.IntType(64))
            for row, index in zip(rows, (k, builder.add(k, step)), strict=True):
                row.append(builder.load(at(0, index, pair), align=4))
        near, far = (between(*columns(row), across) for row in rows)
        place = at(4, args[5], whole)
        added = builder.fmul(factor, between(near, far, down), loose)
        builder.store(builder.fadd(builder.load(place, align=4), added, loose), place, align=4)
        return context.get_dummy_value()

    return types.void(table, types.int32, places, first, out, to), _emit


@overload(hold, strict=False)
def _use_hold(places: Any, i: Any, cell: Any, across: Any, down: Any, factor: Any) -> Any:
    return lambda places, i, cell, across, down, factor: _hold(places, i, cell, across, down, factor)


@overload(add_between, strict=False)
def _use_add_between(table: Any, width: Any, places: Any, first: Any, out: Any, to: Any) -> Any:
    return lambda table, width, places, first, out, to: _add_between(table, width, places, first, out, to)


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


@overload(shifted, strict=False)
def _use_shifted(bits: Any, by: Any) -> Any:
    return lambda bits, by: _shifted(bits, by)


@overload(long_bits_of, strict=False)
def _use_long_bits_of(value: Any) -> Any:
    return lambda value: _long_bits_of(value)


@overload(float_of, strict=False)
def _use_float_of(bits: Any) -> Any:
    return lambda bits: _float_of(bits)
