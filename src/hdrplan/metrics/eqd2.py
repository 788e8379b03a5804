"""Linear-quadratic doses: BED, EQD2, and the protraction of one irradiation.

Beyond about 10 Gy a fraction the model is used outside the range it was fitted to: always give the physical dose
beside it.

References
----------
Fowler JF, The linear-quadratic formula and progress in fractionated radiotherapy, Br J Radiol 1989;62:679.
Dale RG, The application of the linear-quadratic dose-effect equation to fractionated and protracted radiotherapy,
    Br J Radiol 1985;58:515 (constant dose rate).
Bentzen SM et al., Bioeffect modeling and equieffective dose concepts in radiation oncology, Radiother Oncol
    2012;105:266 (EQD2).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError

__all__ = ["bed_gy", "eqd2_gy", "protraction_factor"]


def protraction_factor(duration_s: float, repair_half_time_s: float) -> float:
    """Return the Lea-Catcheside factor G of one irradiation at constant dose rate: 1 for an instant one, falling to 0.

    With mu = ln 2 / half-time and x = mu T, G = 2 (x - 1 + exp(-x)) / x^2.

    Raises
    ------
    InputError
        A negative duration, a half-time that is not positive.

    References
    ----------
    Dale RG, Br J Radiol 1985;58:515.
    """
    if not duration_s >= 0:
        raise InputError("an irradiation must not last less than 0 s", got=duration_s)
    if not repair_half_time_s > 0:
        raise InputError("the repair half-time must be above 0 s", got=repair_half_time_s)
    x = math.log(2.0) * duration_s / repair_half_time_s
    # The series, where the closed form loses its digits to cancellation: error x^3 / 60 < 2e-14.
    return 1.0 - x / 3.0 + x * x / 12.0 if x < 1e-4 else 2.0 * (x + math.expm1(-x)) / (x * x)


def bed_gy(dose_gy: npt.ArrayLike, alpha_beta_gy: float, *, fractions: int = 1, protraction: float = 1.0) -> FloatArray:
    """Return the biologically effective dose n d (1 + G d / (alpha/beta)).

    Parameters
    ----------
    dose_gy : array
        Physical dose of all fractions together.
    alpha_beta_gy : float
    fractions : int
        Equal fractions, far enough apart for full repair.
    protraction : float
        G of :func:`protraction_factor`.

    Returns
    -------
    array
        Of the shape of ``dose_gy``.

    Raises
    ------
    InputError
        alpha/beta that is not positive, fewer than one fraction, a factor outside 0 to 1.

    References
    ----------
    Fowler JF, Br J Radiol 1989;62:679.
    """
    if not alpha_beta_gy > 0:
        raise InputError("alpha/beta must be above 0 Gy", got=alpha_beta_gy)
    if fractions < 1:
        raise InputError("at least one fraction is needed", got=fractions)
    if not 0.0 <= protraction <= 1.0:
        raise InputError("the protraction factor must lie between 0 and 1", got=protraction)
    dose = np.asarray(dose_gy, dtype=np.float64)
    return np.asarray(dose * (1.0 + protraction * dose / fractions / alpha_beta_gy))


def eqd2_gy(
    dose_gy: npt.ArrayLike, alpha_beta_gy: float, *, fractions: int = 1, protraction: float = 1.0
) -> FloatArray:
    """Return the dose in fractions of 2 Gy with the same BED.

    Parameters
    ----------
    dose_gy, alpha_beta_gy, fractions, protraction
        As for :func:`bed_gy`.

    Returns
    -------
    array
        Of the shape of ``dose_gy``.

    Raises
    ------
    InputError
        As for :func:`bed_gy`.

    References
    ----------
    Bentzen SM et al., Radiother Oncol 2012;105:266.

    Examples
    --------
    >>> from hdrplan.metrics import eqd2_gy
    >>> float(eqd2_gy(20.0, 10.0))
    50.0
    """
    return np.asarray(
        bed_gy(dose_gy, alpha_beta_gy, fractions=fractions, protraction=protraction) / (1.0 + 2.0 / alpha_beta_gy)
    )
