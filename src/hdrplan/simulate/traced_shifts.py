"""One draw of where catheters really lay that were traced on the CT."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells, TracedErrors

__all__ = ["traced_shifts"]

# A traced line is smoothed over some 10 mm: its errors go along over that length, as exp(-d^2 / (4 L^2)).
_ALONG_MM = 10.0
# Errors are drawn at points so far apart, from the tip to the longest catheter that is traced.
_EACH_MM, _LONGEST_MM = 5.0, 400.0


def traced_shifts(dwells: Dwells, errors: tuple[TracedErrors, ...], rng: np.random.Generator) -> FloatArray:
    """Draw how far each dwell lies across its catheter from where it was traced.

    Parameters
    ----------
    dwells : Dwells
    errors : tuple of TracedErrors
        Catheters without any stay.
    rng : Generator

    Returns
    -------
    (n_dwells, 3) array
        mm.

    Raises
    ------
    InputError
        A name that no catheter of the plan has.
    """
    shifts = np.zeros((len(dwells), 3))
    knots = np.arange(0.0, _LONGEST_MM + 1.0, _EACH_MM)
    for one in errors:
        if one.name not in dwells.catheter_names:
            raise InputError(
                "uncertainties must be of catheters in the plan",
                got=one.name,
                remedy=f"The plan has {', '.join(dwells.catheter_names)}.",
            )
        drawn = rng.normal(0.0, 1.0, (len(knots), 2))
        rows = np.flatnonzero(dwells.catheter == dwells.catheter_names.index(one.name))
        at = dwells.offset_mm[rows]
        weights = np.exp(-0.5 * ((at[:, None] - knots) / _ALONG_MM) ** 2)
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
        sides = np.interp(at, one.from_tip_mm, one.across_mm)[:, None] * (weights @ drawn)
        # One frame for the whole catheter, turned with it: neighbours move alike.
        axes = dwells.axes[rows]
        least = np.eye(3)[np.abs(axes.mean(axis=0)).argmin()] if len(rows) else np.zeros(3)
        first = np.cross(axes, least)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        shifts[rows] = sides[:, :1] * first + sides[:, 1:] * np.cross(axes, first)
    return shifts
