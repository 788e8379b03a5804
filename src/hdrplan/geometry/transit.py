"""The source on the move: how long it passes by each dwell position on its way in and out.

The source comes from the hub, stops where it has dwell time, and goes back to the hub. At one speed v the order of the
stops makes no difference: deepest first and stepping out, or shallowest first and stepping in, every place between the
hub and the deepest stop is passed exactly twice, and no place beyond it is ever reached. A catheter without any dwell
time is not entered at all. So with positions at distances o_0 < o_1 < ... from the tip, of which o_a is the deepest
with dwell time, position k stands for the way to both its neighbours, half of it each:

    passing_k = (2 / v) (half of o_k - o_(k-1), for k > a; plus half of o_(k+1) - o_k, for k >= a)

and no half is longer than :data:`REACH_MM`. Two ways are left out, so that the dose of the moving source is rather
counted too low than too high: the one between hub and outermost position, and the middle of long gaps between positions
(a catheter that passes through two lesions), which would be dose at the edges of the gap.

References
----------
Bastin KT et al., Int J Radiat Oncol Biol Phys 1993;26:695 (220 to 452 mm/s). Fonseca GP et al., Med Phys 2015;42:412
(330 mm/s on average, by high-speed camera; the afterloader examined shortens dwell times by the moves between them: for
such a machine this counts too much).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import BoolArray, FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry.dwell import Dwells

__all__ = ["REACH_MM", "Transit", "positions_reached"]

# A position stands for at most this much way to either side: half of 10 mm, the coarsest step that is planned with.
REACH_MM = 5.0


@dataclass(frozen=True, slots=True)
class Transit:
    """How an afterloader moves its source.

    Parameters
    ----------
    speed_mm_per_s : float
        Steady, in and out and between stops.

    Raises
    ------
    InputError
        A speed that is not above 0.

    Examples
    --------
    Needle A is used up to its second position from the tip, needle B not at all.

    >>> from hdrplan.geometry import Dwells, Transit
    >>> dwells = Dwells(
    ...     positions_mm=[[0, 0, 20], [0, 0, 15], [0, 0, 10], [0, 0, 5], [9, 0, 20], [9, 0, 15]],
    ...     axes=[[0, 0, 1]] * 6,
    ...     catheter=[0, 0, 0, 0, 1, 1],
    ...     offset_mm=[0, 5, 10, 15, 0, 5],
    ...     catheter_names=("A", "B"),
    ... )
    >>> Transit(speed_mm_per_s=100.0).passing_s(dwells, [0, 4, 0, 7, 0, 0]).tolist()
    [0.0, 0.05, 0.1, 0.05, 0.0, 0.0]
    """

    speed_mm_per_s: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.speed_mm_per_s) and self.speed_mm_per_s > 0):
            raise InputError("the source's speed must be positive (mm/s)", got=self.speed_mm_per_s)

    def passing_s(self, dwells: Dwells, times_s: npt.ArrayLike) -> FloatArray:
        """Seconds that the moving source spends near each position, (n_dwells,).

        Parameters
        ----------
        dwells : Dwells
        times_s : (n_dwells,) array
            Dwell times; only where they are above 0 matters.
        """
        reached = positions_reached(dwells, times_s)
        order = np.lexsort((dwells.offset_mm, dwells.catheter))
        near, far = order[:-1], order[1:]  # from the tip: ``near`` is the deeper one
        passed = (dwells.catheter[near] == dwells.catheter[far]) & reached[near]
        near, far = near[passed], far[passed]
        half_mm = np.minimum((dwells.offset_mm[far] - dwells.offset_mm[near]) / 2, REACH_MM)
        passing_s = np.zeros(len(dwells))
        for end in (near, far):
            np.add.at(passing_s, end, 2.0 * half_mm / self.speed_mm_per_s)
        return passing_s


def positions_reached(dwells: Dwells, times_s: npt.ArrayLike) -> BoolArray:
    """Whether the source stops at or passes each position: those from the deepest one with dwell time outward.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array

    Returns
    -------
    (n_dwells,) bool array
    """
    times = np.asarray(times_s, dtype=np.float64)
    if times.shape != (len(dwells),):
        raise InputError(f"one time for each of the {len(dwells)} dwells is needed (s)", got=times.shape)
    deepest_mm = np.full(len(dwells.catheter_names), np.inf)
    used = times > 0
    np.minimum.at(deepest_mm, dwells.catheter[used], dwells.offset_mm[used])
    return np.asarray(dwells.offset_mm >= deepest_mm[dwells.catheter])
