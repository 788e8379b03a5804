"""Kernels that the first plan on a machine waits for longest and needs last, compiled by a small piece of its work.

Of the 13 CPU s in which the kernels of a plan are compiled, its first half takes 5, the bounds of boxes 4 and the dose
on a grid 4. Another process compiles what stands here (:mod:`hdrplan.compiling`) while the first one reads the case,
samples and optimises; ``error_rows``, 1.4 s, is left to that one: both come to the end of the grid together.
"""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import frozen
from hdrplan.dose.blocks import ERROR_SHAPE, blocks_of
from hdrplan.dose.box_bounds import BoxBounds
from hdrplan.dose.shape import Shape
from hdrplan.dose.tables import stops_of
from hdrplan.geometry import Dwells, Grid
from hdrplan.kernels._cache import is_kept
from hdrplan.kernels.boxes import linear_bound_rows
from hdrplan.kernels.tree import block_rows
from hdrplan.metrics import dvh
from hdrplan.sources import TG43Source, load_source

__all__ = ["LATE_KERNELS", "compile_late", "late_work"]

LATE_KERNELS = {
    "bounds": ("corner_level_rows", "linear_bound_rows", "lowest_inside_rows"),
    "grid": ("_fill", "block_rows", "falling_order"),
}
"""Piece of work -> the kernels that it compiles."""


def late_work(*, every_point: bool) -> list[str]:
    """Return the pieces of :data:`LATE_KERNELS` of which nothing is kept yet.

    Parameters
    ----------
    every_point : bool
        Whether the plan searches for cold places.
    """
    bounds = ["bounds"] if every_point and not is_kept(linear_bound_rows) else []
    return bounds + ([] if is_kept(block_rows) else ["grid"])


def compile_late(work: str) -> None:
    """Do a piece of :data:`LATE_KERNELS` on two dwells and a few voxels, with the types of a plan.

    Parameters
    ----------
    work : str
        "bounds" or "grid".
    """
    dwells = Dwells(
        positions_mm=np.array([[0.0, 0.0, -2.0], [0.0, 0.0, 2.0]]),
        axes=np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]),
        catheter=np.array([0, 0]),
        offset_mm=np.array([4.0, 0.0]),
        catheter_names=("middle",),
    )
    grid = Grid(shape_zyx=(5, 5, 5), origin_mm=np.full(3, -4.0), spacing_mm=np.full(3, 2.0))
    piece = {"bounds": _bounds, "grid": _grid}[work]
    piece(dwells, grid, load_source("gammamed-12i"))


def _bounds(dwells: Dwells, grid: Grid, source: TG43Source) -> None:
    level = np.full(grid.shape_zyx, -1.0, dtype=np.float32)
    level[2, 2, 2] = 1.0
    bounds, times_s = BoxBounds(Shape(grid, level, 2.0), dwells, source, strength_u=40_000.0), np.ones(2)
    bounds.bounds(bounds.tree.roots, times_s, bounds.roots(times_s), 0.0)


def _grid(dwells: Dwells, grid: Grid, source: TG43Source) -> None:
    blocks = blocks_of(grid, source, error_of=lambda source, half_mm: frozen(np.zeros(ERROR_SHAPE)))
    block_rows(0, 1, stops_of(dwells, np.ones(2), 40_000.0), blocks, np.empty(grid.shape_zyx, dtype=np.float32))
    dvh([1.0, 2.0], [1.0, 1.0])
