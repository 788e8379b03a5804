"""An applicator: how far its first dwell lies from the tip that is drawn, and who says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter

__all__ = ["Applicator", "measured_applicator"]

# A first dwell farther than this from the drawn catheter is not in it, mm.
_BESIDE_MM = 3.0
_TIP_OFFSET_MM = (0.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicator:
    """One model of catheter or needle, as a clinic draws and loads it.

    Parameters
    ----------
    name : str
    tip_offset_mm : float
        From the tip that is drawn to the centre of the first dwell, along the catheter.
    uncertainty_mm : float
        Standard uncertainty of one catheter's; NaN where nobody says it.
    source : str
        Who says so: a measurement, the maker's manual. Never empty.

    Raises
    ------
    InputError
        A text that is empty, an offset outside 0 to 100 mm, an uncertainty below 0.
    """

    name: str
    tip_offset_mm: float
    uncertainty_mm: float = math.nan
    source: str

    def __post_init__(self) -> None:
        for key in ("name", "source"):
            if not getattr(self, key).strip():
                raise InputError(f"an applicator needs a {key}", got="an empty text")
        low, high = _TIP_OFFSET_MM
        if not low <= self.tip_offset_mm <= high:
            raise InputError(f"tip_offset_mm must lie between {low:g} and {high:g} mm", got=f"{self.tip_offset_mm:g}")
        if not (math.isnan(self.uncertainty_mm) or 0.0 <= self.uncertainty_mm < high):
            raise InputError("uncertainty_mm must not be negative", got=f"{self.uncertainty_mm:g}")

    @property
    def text(self) -> str:
        """In words: "Needle 6F: 6.3 +- 0.4 mm (measured 2026-11-30)"."""
        sigma = "" if math.isnan(self.uncertainty_mm) else f" ± {self.uncertainty_mm:.1f}"
        return f"{self.name}: {self.tip_offset_mm:.1f}{sigma} mm ({self.source})"


def measured_applicator(
    drawn: Sequence[Catheter], loaded: Sequence[Catheter], *, name: str, source: str
) -> tuple[Applicator, dict[str, float]]:
    """Measure an applicator: catheters as they are drawn, beside the same with a marker at the first dwell.

    Parameters
    ----------
    drawn : sequence of Catheter
        Digitised as for a plan, hub first.
    loaded : sequence of Catheter
        Of the same names; the last point of each is the centre of its first dwell, as a marker wire or the source's
        dummy shows it.
    name, source : str
        Of the applicator.

    Returns
    -------
    Applicator
        The mean, and the scatter of one catheter (for one catheter none is known).
    dict
        Catheter -> its offset, mm.

    Raises
    ------
    InputError
        No catheter in both, a first dwell that lies beside its catheter or beyond its tip.
    """
    first = {catheter.name: catheter.points_mm[-1] for catheter in loaded}
    both = [catheter for catheter in drawn if catheter.name in first]
    if not both:
        raise InputError(
            "the same catheters must be in both files",
            got=f"{', '.join(c.name for c in drawn)} and {', '.join(first)}"[:120],
            remedy="Give a catheter the same name in both.",
        )
    offsets = {catheter.name: _offset_mm(catheter, first[catheter.name]) for catheter in both}
    values = np.array(list(offsets.values()))
    scatter = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    return Applicator(name=name, tip_offset_mm=float(values.mean()), uncertainty_mm=scatter, source=source), offsets


def _offset_mm(catheter: Catheter, at_mm: FloatArray) -> float:
    """Distance from the tip along a catheter to its place nearest to a point."""
    points = catheter.points_mm[::-1]
    ahead = np.diff(points, axis=0)
    length = np.linalg.norm(ahead, axis=1)
    share = np.clip(((at_mm - points[:-1]) * ahead).sum(axis=1) / length**2, 0.0, 1.0)
    away = np.linalg.norm(points[:-1] + share[:, None] * ahead - at_mm, axis=1)
    k = int(away.argmin())
    if away[k] > _BESIDE_MM:
        beyond = k == 0 and share[0] == 0.0
        raise InputError(
            "the first dwell must lie in the catheter",
            got=f"{away[k]:.1f} mm {'beyond its tip' if beyond else 'beside it'}",
            where=catheter.name,
            remedy="Draw both on the same CT, the hub first.",
        )
    return float(length[:k].sum() + share[k] * length[k])
