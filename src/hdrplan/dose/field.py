"""The dose on a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import adopt, frozen
from hdrplan.dose.blocks import blocks_of
from hdrplan.dose.tables import (
    checked_strength,
    in_slabs,
    pieces_of_source,
    rows_of,
    stops_of,
    weights_us,
    whole_vectors,
)
from hdrplan.geometry import Dwells, Grid, Volume
from hdrplan.kernels.exact import field_rows
from hdrplan.kernels.tree import block_rows
from hdrplan.memory import require_memory
from hdrplan.sources import TG43Source

__all__ = ["dose_field"]

_SLAB_PAIRS = 20_000_000


def dose_field(
    dwells: Dwells,
    times_s: npt.ArrayLike,
    grid: Grid,
    source: TG43Source,
    *,
    strength_u: float,
    exact: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Volume:
    """Dose at the voxel centres of any grid: oblique, anisotropic, or a box of another one (:meth:`Grid.box`).

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
    grid : Grid
    source : TG43Source
    strength_u : float
        Air-kerma strength S_K in U.
    exact : bool
        True: every dwell at every voxel in float64. False, ten to a hundred times as fast: far dwells are carried by
        blocks of voxels (:mod:`hdrplan.kernels.tree`), near ones come from float32 tables; within 0.1 % of the exact
        dose everywhere outside the capsules (docs/decisions/0021).
    on_progress : callable, optional
        Called with (pieces done, pieces in all).

    Returns
    -------
    Volume
        Gy, float32. No memory to speak of is taken beside it.

    Raises
    ------
    InputError
        Times that are negative, not finite or of another number than the dwells; a strength that is not positive.
    ResourceError
        The volume does not fit into memory.
    """
    strength = checked_strength(strength_u)
    used, weights = weights_us(dwells, times_s, strength)
    nz, ny, nx = grid.shape_zyx
    require_memory(
        4.0 * grid.size, f"the dose grid of {nx} x {ny} x {nz} voxels", remedy="Take a coarser grid or a box of it."
    )
    out = np.empty(grid.shape_zyx, dtype=np.float32)
    if exact:
        pieces, columns, whole = pieces_of_source(source), rows_of(dwells, used), whole_vectors(weights)
        steps = frozen((grid.direction * grid.spacing_mm).T)

        def rows(first: int, last: int) -> None:
            field_rows(first, last, grid.origin_mm, steps, columns, whole, pieces, out)

        in_slabs(rows, nz * ny, max(1, _SLAB_PAIRS // (nx * max(1, len(weights)))), on_progress)
    else:
        stops, blocks = stops_of(dwells, times_s, strength), blocks_of(grid, source)
        n_roots = int(np.prod(blocks.roots))

        def some_roots(first: int, last: int) -> None:
            block_rows(first, last, stops, blocks, out)

        in_slabs(some_roots, n_roots, max(16, n_roots // 20), on_progress, smallest=1)
    return Volume(grid, adopt(out))
