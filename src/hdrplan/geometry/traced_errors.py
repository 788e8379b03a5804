"""How well each catheter is known along its way, as it was traced on the CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.errors import InputError

__all__ = ["TracedErrors"]

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
