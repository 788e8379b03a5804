"""How strong an unmeasured confounder would have to be to explain an effect away."""

from __future__ import annotations

import math

from hdrplan.errors import InputError

__all__ = ["e_value"]


def e_value(hazard_ratio: float, *, common: bool = False) -> float:
    """Return the E-value of a hazard ratio: the weakest confounding that would explain it away.

    An unmeasured confounder must be associated with both the exposure and the outcome by a risk ratio of at least the
    E-value each, beyond the measured covariates. 1 means that none is needed.

    Parameters
    ----------
    hazard_ratio : float
        Of the whole contrast that is judged, not of one unit of a fine scale; or its limit nearer to 1.
    common : bool
        Whether more than 15 % have the event by the end of follow-up: the hazard ratio is then turned into an
        approximate risk ratio first.

    Returns
    -------
    float

    Raises
    ------
    InputError
        A ratio that is not positive.

    References
    ----------
    T. J. VanderWeele, P. Ding, Ann Intern Med 2017;167:268-274, DOI 10.7326/M16-2607.

    Examples
    --------
    >>> round(e_value(3.9), 2)
    7.26
    """
    if not 0.0 < hazard_ratio < math.inf:
        raise InputError("a hazard ratio is a positive number", got=hazard_ratio)
    ratio = max(hazard_ratio, 1.0 / hazard_ratio)
    if common:
        ratio = (1.0 - 0.5 ** math.sqrt(ratio)) / (1.0 - 0.5 ** math.sqrt(1.0 / ratio))
    return ratio + math.sqrt(ratio * (ratio - 1.0))
