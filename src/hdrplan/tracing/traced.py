"""A catheter as it was found on a CT."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_repr
from hdrplan.geometry import Catheter

__all__ = ["TracedCatheter"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TracedCatheter:
    """A catheter found on a CT.

    Parameters
    ----------
    name : str
    points_mm : (n, 3) array
        LPS, hub first, tip last.
    sigma_mm : (n,) array
        Standard uncertainty of each point across the catheter.
    tip_sigma_mm : float
        Standard uncertainty of the tip along the catheter.
    contrast_hu : float
        Median inside the body: bright above 0, dark (an empty lumen) below.
    confidence : float
        Share of its way inside the body along which it is seen.
    inside_mm : float
        Length inside the body.
    is_metal : bool
        Brighter than plastic over half of its way: a guide wire, a needle, or a marker in the catheter.
    leaves_scan : bool
        Whether its hub end is where the scan ends, inside the body.
    """

    name: str
    points_mm: FloatArray
    sigma_mm: FloatArray
    tip_sigma_mm: float
    contrast_hu: float
    confidence: float
    inside_mm: float
    is_metal: bool
    leaves_scan: bool

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        freeze(self, "points_mm", (None, 3))
        freeze(self, "sigma_mm", (None,))

    @property
    def catheter(self) -> Catheter:
        """As the planner takes it."""
        return Catheter(self.name, self.points_mm)
