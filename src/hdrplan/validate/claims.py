"""What hdrplan claims of every plan and grid, each claim against a search or a program that shares nothing with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hdrplan.validate.claim_grids import GRIDS, far_rows, grid_row
from hdrplan.validate.claim_rounding import rounding_rows
from hdrplan.validate.claim_shapes import SHAPES, shape_rows, transit_rows
from hdrplan.validate.claim_volume import volume_limit_rows
from hdrplan.validate.row import Row

__all__ = ["claim_rows"]


def claim_rows(on_share: Callable[[float], None] = lambda share: None) -> list[Row]:
    """Look for a counterexample to every claim.

    Parameters
    ----------
    on_share : callable, optional
        Called with the share of the work that is done.
    """
    # Each with about how long it takes, against the others.
    work: list[tuple[Callable[[], list[Row]], float]] = [
        *((partial(_grid_rows, name), 1.0) for name in GRIDS),
        (far_rows, 0.5),
        *((partial(shape_rows, name), 4.0) for name in SHAPES),
        (transit_rows, 4.0),
        (volume_limit_rows, 4.0),
        (rounding_rows, 12.0),
    ]
    whole, done = sum(weight for _, weight in work), 0.0
    rows: list[Row] = []
    for of_claim, weight in work:
        on_share(done / whole)
        rows += of_claim()
        done += weight
    return rows


def _grid_rows(name: str) -> list[Row]:
    return [grid_row(name)]
