"""How well each catheter is known along its way, as it was traced on the CT, and one draw of where it really lay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells

__all__ = ["TracedErrors", "traced_shifts"]

# A traced line is smoothed over some 10 mm: its errors go along over that length, as exp(-d^2 / (4 L^2)).
_ALONG_MM = 10.0
# Errors are drawn at points so far apart, from the tip to the longest catheter that is traced.
_EACH_MM, _LONGEST_MM = 5.0, 400.0
_MAXIMUM_MM = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedErrors:
    """Standard uncertainties of one catheter by position.

    Parameters
    ----------
    name : str
        Of the catheter in the plan.
    from_tip_mm : tuple of float
        Places along the catheter, the tip (0) first.
    across_mm : tuple of float
        Standard uncertainty there, along each of two directions across the catheter.
    tip_mm : float
        Standard uncertainty of the tip, along the catheter.

    Raises
    ------
    InputError
        Unequal lengths, places that do not increase, or uncertainties outside 0 to 50 mm.
    """

    name: str
    from_tip_mm: tuple[float, ...]
    across_mm: tuple[float, ...]
    tip_mm: float

    def __post_init__(self) -> None:
        if len(self.from_tip_mm) != len(self.across_mm) or not self.from_tip_mm:
            raise InputError(
                "each place needs one uncertainty", got=(len(self.from_tip_mm), len(self.across_mm)), where=self.name
            )
        if not (np.diff(self.from_tip_mm) > 0).all():
            raise InputError("places must increase from the tip on", got="others", where=self.name)
        values = (*self.across_mm, self.tip_mm)
        if not all(0.0 <= value <= _MAXIMUM_MM for value in values):
            raise InputError(f"uncertainties must lie between 0 and {_MAXIMUM_MM:g} mm", got=values, where=self.name)


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
