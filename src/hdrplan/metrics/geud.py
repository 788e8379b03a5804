"""Generalised equivalent uniform dose."""

from __future__ import annotations

import numpy as np

from hdrplan.errors import InputError
from hdrplan.metrics.dvh import DVH

__all__ = ["geud_gy"]


def geud_gy(curve: DVH, a: float) -> float:
    """Return the generalised equivalent uniform dose, (sum of v_i D_i^a)^(1/a) over fractions v_i of the volume.

    1 gives the mean dose; large values come near the maximum (serial organs), negative ones near the minimum (targets).

    Parameters
    ----------
    curve : DVH
    a : float
        The volume parameter; not 0.

    Raises
    ------
    InputError
        0, or not finite.

    References
    ----------
    Niemierko A, A generalized concept of equivalent uniform dose (EUD), Med Phys 1999;26:1100.

    Examples
    --------
    >>> from hdrplan.metrics import dvh, geud_gy
    >>> round(geud_gy(dvh([10.0, 20.0], [1.0, 1.0]), 2.0), 3)
    15.811
    """
    if a == 0 or not np.isfinite(a):
        raise InputError("the volume parameter a of gEUD must be a number other than 0", got=a)
    fraction = np.diff(curve.cumulative_cc, prepend=0.0) / curve.volume_cc
    dose, fraction = curve.dose_gy[fraction > 0], fraction[fraction > 0]
    largest = float(dose.max())
    if largest == 0 or (a < 0 and dose.min() == 0):
        return 0.0
    # Relative to one dose: the power of a large a does not leave the range of numbers.
    scale = largest if a > 0 else float(dose.min())
    return scale * float((fraction @ (dose / scale) ** a) ** (1.0 / a))
