"""Dose-volume histograms of weighted points: by sorting, never by interpolation on a falling axis.

Every point has a dose and the volume it stands for. The cumulative DVH is a falling staircase,

    V(D) = sum of volume_cc over the points with dose >= D,

and D_x is its inverse: the largest dose that a volume of at least x receives. Points of volume 0 (on a structure's
surface) count for the minimum and the maximum dose, for D100 therefore, and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, freeze
from hdrplan.brief import brief_html, brief_repr
from hdrplan.errors import InputError
from hdrplan.kernels.order import falling_order

__all__ = ["DVH", "dvh"]

# A volume asked for may exceed the sum of the weights by this much of it before it counts as more than there is:
# a sum of a million weights is exact to about 1e-12.
_SUM_ROUNDOFF = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class DVH:
    """Cumulative dose-volume histogram of one structure.

    Parameters
    ----------
    dose_gy : (n,) array
        Falling.
    cumulative_cc : (n,) array
        Volume that receives at least ``dose_gy`` of the same row; rising to the structure's volume.
    mean_gy : float
        Weighted by volume.
    """

    dose_gy: FloatArray
    cumulative_cc: FloatArray
    mean_gy: float

    __repr__ = brief_repr
    _repr_html_ = brief_html

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (None,))
        freeze(self, "cumulative_cc", (None,))

    @property
    def volume_cc(self) -> float:
        """Volume of the structure."""
        return float(self.cumulative_cc[-1])

    @property
    def min_gy(self) -> float:
        """Minimum dose of any point, on the surface too: D100."""
        return float(self.dose_gy[-1])

    @property
    def max_gy(self) -> float:
        """Maximum dose of any point, on the surface too."""
        return float(self.dose_gy[0])

    def dose_at_cc(self, volume_cc: float) -> float:
        """Return D_cc: the largest dose that ``volume_cc`` receives at least; NaN where the structure is smaller.

        Raises
        ------
        InputError
            A negative volume.

        References
        ----------
        ICRU report 89, J ICRU 2013;13(1-2), D_2cm3: the minimum dose of the 2 cm3 that are exposed most.
        """
        if not volume_cc >= 0.0:
            raise InputError("a volume must not be negative (cc)", got=volume_cc)
        if volume_cc > self.volume_cc * (1.0 + _SUM_ROUNDOFF):
            return float("nan")
        if volume_cc >= self.volume_cc * (1.0 - _SUM_ROUNDOFF):
            return self.min_gy
        # The first row at which the volume is reached; a hair less, so that the sum's roundoff never skips a row.
        row = np.searchsorted(self.cumulative_cc, volume_cc - _SUM_ROUNDOFF * self.volume_cc, side="left")
        return float(self.dose_gy[row])

    def dose_at_frac(self, volume_frac: float) -> float:
        """Return D_x: the largest dose that this fraction of the volume receives at least; 1.0 gives D100.

        Raises
        ------
        InputError
            A fraction outside 0 to 1.
        """
        if not 0.0 <= volume_frac <= 1.0:
            raise InputError("a volume fraction must lie between 0 and 1", got=volume_frac)
        return self.dose_at_cc(volume_frac * self.volume_cc)

    def volume_at_gy(self, dose_gy: npt.ArrayLike) -> FloatArray:
        """Return V_D in cc: the volume that receives at least each dose; the shape of ``dose_gy``."""
        rows = np.searchsorted(-self.dose_gy, -np.asarray(dose_gy, dtype=np.float64), side="right")
        return np.concatenate(([0.0], self.cumulative_cc))[rows]

    def volume_frac_at_gy(self, dose_gy: npt.ArrayLike) -> FloatArray:
        """Return V_D as a fraction of the structure's volume."""
        return np.asarray(self.volume_at_gy(dose_gy) / self.volume_cc)


def dvh(dose_gy: npt.ArrayLike, volume_cc: npt.ArrayLike) -> DVH:
    """Return the cumulative DVH of one structure.

    Parameters
    ----------
    dose_gy : (n,) array
    volume_cc : (n,) array
        Volume of each point, 0 on the surface.

    Returns
    -------
    DVH

    Raises
    ------
    InputError
        No points, arrays of different length, NaN, negative dose or volume, no volume at all.

    References
    ----------
    Drzymala RE et al., Dose-volume histograms, Int J Radiat Oncol Biol Phys 1991;21:71.
    ICRU report 89, J ICRU 2013;13(1-2), sections 8.3 and 8.4.

    Examples
    --------
    >>> from hdrplan.metrics import dvh
    >>> curve = dvh([10.0, 30.0, 20.0, 40.0], [1.0, 1.0, 1.0, 1.0])
    >>> curve.dose_at_frac(1.0), curve.dose_at_frac(0.5), curve.dose_at_cc(1.0), float(curve.volume_at_gy(20.0))
    (10.0, 30.0, 40.0, 3.0)
    """
    dose = np.asarray(dose_gy, dtype=np.float64)
    volume = np.asarray(volume_cc, dtype=np.float64)
    if dose.ndim != 1 or dose.shape != volume.shape:
        raise InputError("dose_gy and volume_cc must be lists of one length", got=(dose.shape, volume.shape))
    if not len(dose):
        raise InputError("a DVH needs at least one point", got=0)
    if not (np.isfinite(dose).all() and np.isfinite(volume).all()):
        raise InputError("doses and volumes of a DVH must be finite", got="NaN or infinite values")
    if dose.min() < 0 or volume.min() < 0:
        raise InputError("doses (Gy) and volumes (cc) must not be negative", got=min(dose.min(), volume.min()))
    total = float(volume.sum())
    if total <= 0:
        raise InputError("a DVH needs a volume above 0 cc", got=total)
    order = np.empty(len(dose), dtype=np.int64)
    # Equal doses stay in the order given: the same input gives the same bits. A zero with a sign is zero.
    falling_order((dose + 0.0).view(np.int64), order)
    return DVH(dose[order], np.cumsum(volume[order]), float(np.einsum("i,i->", dose, volume)) / total)
