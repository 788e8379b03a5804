"""The dose on a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import adopt, frozen
from hdrplan.dose.tables import checked_strength, in_slabs, tables_of, weights_us
from hdrplan.errors import ResourceError
from hdrplan.geometry import Dwells, Grid, Volume
from hdrplan.kernels.tg43 import field_rows
from hdrplan.sources.model import TG43Source

__all__ = ["dose_field"]

_SLAB_PAIRS = 4_000_000


def dose_field(
    dwells: Dwells,
    times_s: npt.ArrayLike,
    grid: Grid,
    source: TG43Source,
    *,
    strength_u: float,
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
    on_progress : callable, optional
        Called with (voxel rows done, voxel rows in all).

    Returns
    -------
    Volume
        Gy, float32; each value is computed in float64 and rounded once. No memory is taken beside it.

    Raises
    ------
    InputError
        Times that are negative, not finite or of another number than the dwells; a strength that is not positive.
    ResourceError
        The volume does not fit into memory.
    """
    used, weights = weights_us(dwells, times_s, checked_strength(strength_u))
    tables = tables_of(source)
    positions, axes = frozen(dwells.positions_mm[used]), frozen(dwells.axes[used])
    steps = frozen((grid.direction * grid.spacing_mm).T)
    nz, ny, nx = grid.shape_zyx
    try:
        out = np.empty(grid.shape_zyx, dtype=np.float32)
    except MemoryError:
        raise ResourceError(
            "the dose grid must fit into memory",
            got=f"{nx} x {ny} x {nz} voxels = {grid.size * 4 / 1e9:.0f} GB",
            remedy="Take a coarser grid or a box of it.",
        ) from None

    def block(first: int, last: int) -> None:
        field_rows(first, last, grid.origin_mm, steps, nx, positions, axes, weights, tables, out)

    in_slabs(block, nz * ny, max(1, _SLAB_PAIRS // (nx * max(1, len(weights)))), on_progress)
    return Volume(grid, adopt(out))
