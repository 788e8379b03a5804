"""What a change of a plan does to the dose: only what changed is computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, frozen
from hdrplan.dose.rate import sum_by_tables
from hdrplan.dose.tables import checked_points, checked_strength, checked_times
from hdrplan.geometry import Dwells
from hdrplan.kernels.tg43 import Stops
from hdrplan.sources import TG43Source

__all__ = ["dose_change"]


def dose_change(
    before: Dwells,
    before_s: npt.ArrayLike,
    after: Dwells,
    after_s: npt.ArrayLike,
    points_mm: npt.ArrayLike,
    source: TG43Source,
    *,
    strength_u: float,
) -> FloatArray:
    """Dose after a change minus the dose before it: changed times, a moved, added or removed catheter.

    Dwells at the same place and axis count once, with the difference of their times; where that is 0 they cost nothing.
    Add the result to the dose to follow a planner's hand; the dose of the final plan is :func:`dose_at_points`.

    Parameters
    ----------
    before, after : Dwells
    before_s, after_s : (n_dwells,) array
        Dwell times, not negative.
    points_mm : (n_points, 3) array
    source : TG43Source
    strength_u : float

    Returns
    -------
    (n_points,) array
        Gy; float32 tables, so right to 0.1 % of what the changed dwells give (beyond 0.5 mm from them).

    Raises
    ------
    InputError
        As in :func:`dose_at_points`.
    """
    points, strength = checked_points(points_mm), checked_strength(strength_u)
    times = np.concatenate([-checked_times(before, before_s), checked_times(after, after_s)])
    places = np.concatenate(
        [np.column_stack([before.positions_mm, before.axes]), np.column_stack([after.positions_mm, after.axes])]
    )
    places, which = np.unique(places, axis=0, return_inverse=True)
    change_s = np.bincount(which.ravel(), times, minlength=len(places))
    changed = change_s != 0.0
    stops = Stops(
        positions=frozen(places[changed, :3]),
        axes=frozen(places[changed, 3:]),
        weights=frozen(strength * change_s[changed]),
    )
    return sum_by_tables(stops, points, source)
