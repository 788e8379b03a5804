"""What no point of a cell receives less (or more) than, from one set of times to the next."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.kernels.screen import Doses, Extremes, Seconds, add_to_bounds, cell_extremes
from hdrplan.optimize.program.cubes import Cubes
from hdrplan.threads import over_rows

__all__ = ["RATES_EACH", "CellBounds"]

RATES_EACH = 100_000
"""Rates that a thread takes at least: a tenth of a millisecond."""

# After so many changes the bounds are summed up from the beginning: their roundoff stays far below 1e-9 of them.
_MOST_CHANGES = 200


class CellBounds:
    """Bounds of the dose in the cells of one limit's points.

    Fixing one time after the other, as the search for whole times does, changes few others: of 900 dwells, a bound
    summed up each time from all of them took a tenth of a session's processor seconds.

    Parameters
    ----------
    doses : Doses
        Of the points.
    cubes : Cubes
    sense : {1, -1}
        1: bounds from below, -1: from above.
    """

    def __init__(self, doses: Doses, cubes: Cubes, sense: int) -> None:
        n_dwells, n_cells = doses.rates.shape[1], cubes.n_cells
        self._extremes = Extremes(np.empty((n_dwells, n_cells), dtype=np.float32), np.empty(n_cells))
        self.point: IntArray = np.empty(n_cells, dtype=np.int64)
        """The point of each cell that equal times serve worst, (n_cells,)."""
        self.total: FloatArray = np.empty(n_cells)
        """The sum of its rates, Gy/s, (n_cells,)."""
        self._times_s, self._bound, self._changes = np.zeros(n_dwells), np.empty(0), 0
        extremes, point, total = self._extremes, self.point, self.total

        def block(first: int, last: int) -> None:
            cell_extremes(first, last, cubes.cells, doses, float(sense), extremes, point, total)

        over_rows(block, n_cells, smallest=1 + RATES_EACH // n_dwells)

    def at(self, times_s: FloatArray) -> FloatArray:
        """Return the bounds at some times, Gy, (n_cells,); they change with the next call.

        Parameters
        ----------
        times_s : (n_dwells,) array
        """
        more_s = times_s - self._times_s
        anew = self._changes % _MOST_CHANGES == 0 or np.count_nonzero(more_s) > np.count_nonzero(times_s)
        if anew:
            self._bound, more_s, self._changes = self._extremes.earlier_gy.copy(), times_s, 0
        self._times_s, self._changes = times_s.copy(), self._changes + 1
        dwells = np.flatnonzero(more_s)
        extremes, change, bound = self._extremes, Seconds(dwells, more_s[dwells]), self._bound
        over_rows(
            lambda first, last: add_to_bounds(first, last, extremes, change, bound),
            len(bound),
            smallest=1 + RATES_EACH // max(1, len(dwells)),
        )
        return bound
