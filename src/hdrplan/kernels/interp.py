"""Where a value lies in a rising table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["cell_of"]


@jit
def cell_of(table: npt.NDArray[np.float64], value: float) -> int:
    """Index i with ``table[i] <= value < table[i + 1]``; the first or last cell where value lies outside.

    Parameters
    ----------
    table : (n,) array
        Strictly rising, at least two entries.
    value : float

    Returns
    -------
    int
        0 to n - 2.
    """
    # Without a branch that depends on the value: processors cannot guess one, and a wrong guess costs ten steps.
    low, cells = 0, len(table) - 1
    while cells > 1:
        half = cells >> 1
        low = low + half if table[low + half] <= value else low
        cells -= half
    return low
