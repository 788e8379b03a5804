"""Every kernel against its naive twin, and no kernel without one.

A kernel is a function in the ``__all__`` of a module of :mod:`hdrplan.kernels`. Its row names what compares it with its
twin (``tests/naive``) in cases drawn at random. Functions that are not in ``__all__`` are steps of the kernels of their
own module: they are covered by these, and no other module may call them.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import compare_blocks
import compare_correction
import compare_dose
import compare_factored
import compare_grids
import compare_photons
import compare_planar
import compare_primary
import compare_programs
import compare_sections
import compare_sides
import numba
import numpy as np
import pytest

import hdrplan.kernels

SOURCES = Path(hdrplan.kernels.__file__).parents[1]
# Plain Python is slow: NUMBA_DISABLE_JIT=1 runs the first few.
CASES = 4 if numba.config.DISABLE_JIT else 12

# Kernel -> what draws a case and compares, with the tolerance and its reason there and in tests/tolerances.py.
TWINS: dict[str, Callable[[Callable[..., Any], np.random.Generator], None]] = {
    "angle.angle32": compare_dose.angle32,
    "angle.angle64": compare_dose.angle64,
    "angle.degrees32": compare_dose.degrees32,
    "areas.area_of_squares": compare_sections.area_of_squares,
    "areas.level_area": compare_sections.level_area,
    "areas.undecided_squares": compare_sections.undecided_squares,
    "blur.along_rows": compare_grids.along_rows,
    "blur.distance_rows": compare_grids.distance_rows,
    "blur.within_rows": compare_grids.within_rows,
    "bounds.one_dwell": compare_blocks.one_dwell,
    "boxes.linear_bound_rows": compare_blocks.linear_bound_rows,
    "carried_error.error_rows": compare_blocks.error_rows,
    "chebyshev.write_out": compare_blocks.write_out,
    "correction.correction_rows": compare_correction.correction_rows,
    "cover.cheapest_cover": compare_programs.cheapest_cover,
    "exact.dose_rows": compare_dose.dose_rows,
    "exact.field_rows": compare_dose.field_rows,
    "exact.pieces_of": compare_dose.pieces,
    "exact.rate_rows": compare_dose.rate_rows,
    "factored.factored_rows": compare_factored.factored_rows,
    "gamma.gamma_rows": compare_grids.gamma_rows,
    "hitting.next_hitting_set": compare_grids.next_hitting_set,
    "hitting.smallest_cuts": compare_programs.smallest_cuts,
    "interp.cell_of": compare_grids.cell_of,
    "lattice.far_place_at": compare_dose.far_place_at,
    "lattice.lattice_of": compare_dose.lattice,
    "lattice.place_at": compare_dose.place_at,
    "lattice_rows.add_dwell": compare_dose.add_dwell,
    "lattice_rows.add_far_dwell": compare_dose.add_far_dwell,
    "lattice_rows.dose_table_rows": compare_dose.dose_table_rows,
    "lattice_rows.rate_matrix_rows": compare_dose.rate_matrix_rows,
    "levels.corner_level_rows": compare_grids.corner_level_rows,
    "levels.lowest_inside_rows": compare_grids.lowest_inside_rows,
    "limits.multiply_add": compare_grids.multiply_add,
    "limits.unread_rows": compare_dose.unread_rows,
    "order.falling_order": compare_sides.falling_order,
    "photons.collided": compare_photons.collided,
    "photons.energy_place": compare_photons.energy_place,
    "photons.isotropic": compare_photons.isotropic,
    "photons.turned": compare_photons.turned,
    "planar.fill_cells": compare_planar.fill_cells,
    "planar.near_feet": compare_planar.near_feet,
    "planar.plane_level_rows": compare_planar.plane_level_rows,
    "planar.row_spans": compare_planar.row_spans,
    "planar.spread_feet": compare_planar.spread_feet,
    "polygon.flip_inside": compare_grids.flip_inside,
    "primary.primary_media_rows": compare_primary.primary_media_rows,
    "primary.primary_rows": compare_primary.primary_rows,
    "rays.march_rays": compare_grids.march_rays,
    "revolved.revolved_histories": compare_photons.revolved_histories,
    "revolved.uncollided_rows": compare_photons.uncollided_rows,
    "scatter.scatter_histories": compare_photons.scatter_histories,
    "screen.add_to_bounds": compare_programs.add_to_bounds,
    "screen.cell_extremes": compare_programs.cell_extremes,
    "screen.cell_numbers": compare_programs.cell_numbers,
    "screen.sorted_by_cell": compare_programs.sorted_by_cell,
    "screen.worst_of_cells": compare_programs.worst_of_cells,
    "sections.cells_inside": compare_sections.cells_inside,
    "sections.layer_spans": compare_sections.layer_spans,
    "sections.section_rows": compare_sections.section_rows,
    "shorts.long_of": compare_grids.long_of,
    "shorts.short_above": compare_grids.short_above,
    "shorts.short_near": compare_grids.short_near,
    "sides.alike": compare_sides.alike,
    "sides.apex": compare_sides.apex,
    "sides.area_power": compare_sides.area_power,
    "sides.areas_by_boxes": compare_sides.areas_by_boxes,
    "sides.body_ways": compare_sides.body_ways,
    "sides.inward": compare_sides.inward,
    "sides.moved": compare_sides.moved,
    "sides.parabola": compare_sides.parabola,
    "sides.section_way": compare_sides.section_way,
    "staircase.alike": compare_programs.alike,
    "staircase.floor_at": compare_programs.floor_at,
    "staircase.grow": compare_programs.grown,
    "streams.mixed": compare_photons.mixed,
    "streams.stream": compare_photons.stream,
    "streams.uniform": compare_photons.uniform,
    "tails.lowest_means": compare_programs.lowest_means,
    "tg43.anisotropy": compare_dose.anisotropy,
    "tg43.geometry_factor": compare_dose.geometry_factor,
    "tg43.padded": compare_blocks.padded_tables,
    "tg43.place": compare_dose.place,
    "tg43.radial_dose": compare_dose.radial_dose,
    "tg43.rate_per_u": compare_dose.rate_per_u,
    "tree.block_rows": compare_blocks.block_rows,
    "trilinear.placed_value_rows": compare_planar.placed_value_rows,
    "trilinear.trilinear": compare_grids.trilinear,
    "trilinear.value_and_slope_rows": compare_grids.value_and_slope_rows,
    "trilinear.value_between": compare_grids.value_between,
    "trilinear.value_rows": compare_grids.value_rows,
    "vector.add": compare_grids.add,
    "vector.add_between": compare_grids.add_between,
    "vector.bits_of": compare_grids.bits_of,
    "vector.float_of": compare_grids.float_of,
    "vector.hold": compare_grids.hold,
    "vector.long_bits_of": compare_grids.long_bits_of,
    "vector.peek": compare_grids.peek,
    "vector.put": compare_grids.put,
    "vector.shifted": compare_grids.shifted,
}


def kernel_of(name: str) -> Callable[..., Any]:
    module, function = name.split(".")
    found: Callable[..., Any] = getattr(import_module(f"hdrplan.kernels.{module}"), function)
    return found


@pytest.mark.parametrize("name", TWINS)
def test_kernel_is_its_twin(name: str) -> None:
    for seed in range(CASES):
        TWINS[name](kernel_of(name), np.random.default_rng(seed))


@pytest.mark.parametrize("name", TWINS)
def test_a_kernel_that_is_a_little_wrong_is_noticed(name: str) -> None:
    def wrong(*args: Any) -> Any:
        before = [array.copy() for array in arrays_of(args)]
        result = kernel_of(name)(*args)
        if result is not None:
            return spoilt(result)
        # What it wrote, not what it was told: a wrong index would lead the next call astray.
        for array, old in zip(arrays_of(args), before, strict=True):
            if array.tobytes() != old.tobytes():
                array[...] = spoilt(array)
        return None

    def compared() -> None:
        for seed in range(12):
            TWINS[name](wrong, np.random.default_rng(seed))

    with pytest.raises(AssertionError):
        compared()


def arrays_of(value: Any) -> list[np.ndarray]:
    """All arrays of a tuple of arrays, of tuples of arrays and so on."""
    if isinstance(value, tuple):
        return [array for part in value for array in arrays_of(part)]
    return [value] if isinstance(value, np.ndarray) else []


def spoilt(value: Any) -> Any:
    """2 percent too much; the other truth value; the next whole number."""
    if hasattr(value, "_replace"):  # tables of a source: those of floats
        arrays = {name: spoilt(part) for name, part in value._asdict().items() if name in ("g", "shape", "far")}
        return value._replace(**arrays)
    if isinstance(value, tuple):
        return tuple(spoilt(part) for part in value)
    if np.asarray(value).dtype == np.bool_:
        return np.logical_not(value)
    if np.asarray(value).dtype.kind in "iu":
        return value + 1
    changed = np.asarray(value) * 1.02
    changed = changed.astype(np.asarray(value).dtype)
    if isinstance(value, np.ndarray):
        changed.setflags(write=value.flags.writeable)
    return changed


@cache
def modules() -> list[str]:
    """All of the room but the machinery of compilation, whose names begin with an underscore."""
    names = [module.name for module in pkgutil.iter_modules(hdrplan.kernels.__path__)]
    return [name for name in names if not name.startswith("_")]


def test_no_kernel_is_without_a_twin() -> None:
    kernels = set()
    for module in modules():
        room = import_module(f"hdrplan.kernels.{module}")
        kernels |= {
            f"{module}.{name}"
            for name in room.__all__
            if callable(getattr(room, name)) and not inspect.isclass(getattr(room, name))
        }
    assert kernels == set(TWINS)


def test_only_kernels_with_a_twin_are_called_from_outside() -> None:
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom | ast.Import):
                continue
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                module = name.removeprefix("hdrplan.kernels.")
                if module not in modules():
                    # Whole modules, or the package, would hide which of their functions are called.
                    assert name != "hdrplan.kernels", f"{path.name}: import kernels by name"
                    continue
                assert isinstance(node, ast.ImportFrom), f"{path.name}: import kernels by name"
                public = import_module(name).__all__
                for alias in node.names:
                    assert alias.name in public, f"{path.name}: {module}.{alias.name} is private to its module"


def test_twins_know_no_kernel() -> None:
    for path in (Path(__file__).parents[1] / "naive").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("hdrplan.kernels"), path.name
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("hdrplan.kernels") for alias in node.names), path.name
