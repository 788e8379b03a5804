"""Air-kerma strength S_K of an Ir-192 source at treatment, and what it follows from: a calibration, or an activity.

References
----------
Half-life: 73.83 d as BrachyVision writes it (RT Plan tag 300A,0228); ICRP Publication 107 gives 73.827 d, AAPM-ESTRO
report 229 uses 73.81 d. The choice changes 90 days of decay by 0.02 %.
Apparent activity: 0.110 uGy m2 / (h MBq) = 4.07 U / mCi, with which 10 Ci are the 40,700 U of BrachyVision's Ir-192
sources. A bare point of Ir-192 has 4.035 U / mCi, other systems use 4.082: name the factor with the activity.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

from hdrplan.errors import InputError

__all__ = [
    "HALF_LIFE_DAYS",
    "STRENGTH_RANGE_U",
    "U_PER_MCI_APPARENT",
    "ApparentActivity",
    "Calibration",
    "Strength",
    "checked_strength_u",
    "strength_from_activity_u",
    "strength_from_text",
    "strength_on_u",
]

HALF_LIFE_DAYS = 73.83
U_PER_MCI_APPARENT = 4.07
STRENGTH_RANGE_U = (100.0, 100_000.0)
_MCI_PER = {"mci": 1.0, "ci": 1e3, "mbq": 1 / 37.0, "gbq": 1e3 / 37.0, "tbq": 1e6 / 37.0}
_U_PER = {"u": 1.0, "cgy cm2/h": 1.0, "ugy m2/h": 1.0, "mgy m2/h": 1e3, "gy m2/h": 1e6, "gy cm2/h": 100.0}
_ACTIVITY = {"mci": "mCi", "ci": "Ci", "mbq": "MBq", "gbq": "GBq", "tbq": "TBq"}


# A strength and the facts it follows from agree to this: their numbers may come from a file of few digits.
_AGREEMENT_FRAC = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the certificate of a source says.

    Parameters
    ----------
    strength_u : float
        Air-kerma strength, U.
    time : datetime
        Reference date and time of that strength.
    half_life_days : float
        With which it decays: ``TG43Source.half_life_days``.
    """

    strength_u: float
    time: datetime
    half_life_days: float = HALF_LIFE_DAYS


@dataclass(frozen=True, slots=True)
class ApparentActivity:
    """An apparent activity at treatment, and what it was converted with.

    Parameters
    ----------
    activity_mci : float
        That of a bare point source of the same air-kerma strength, mCi.
    u_per_mci : float
        Air-kerma strength per apparent activity, U / mCi.
    """

    activity_mci: float
    u_per_mci: float = U_PER_MCI_APPARENT


@dataclass(frozen=True, slots=True)
class Strength:
    """Air-kerma strength of a source at treatment.

    Parameters
    ----------
    value_u : float
        U = cGy cm2 / h; 100 to 100,000.
    time : datetime, optional
        When the source has this strength: the treatment, or the reference date of a planning system's plan.
    origin : Calibration or ApparentActivity, optional
        What the value follows from; None where it was given as it is.

    Raises
    ------
    InputError
        A value outside its range, or another one than its origin gives.
    """

    value_u: float
    time: datetime | None = None
    origin: Calibration | ApparentActivity | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value_u", checked_strength_u(self.value_u))
        match self.origin:
            case Calibration(strength_u, calibrated, half_life_days):
                if self.time is None:
                    raise InputError("a calibrated strength needs the time of treatment", got="none")
                follows_u = strength_on_u(strength_u, calibrated, self.time, half_life_days=half_life_days)
            case ApparentActivity(activity_mci, u_per_mci):
                follows_u = strength_from_activity_u(activity_mci, "mCi", u_per_mci=u_per_mci)
            case None:
                return
        if abs(self.value_u / follows_u - 1.0) > _AGREEMENT_FRAC:
            raise InputError(
                f"the strength must be the {follows_u:g} U of its calibration or activity", got=f"{self.value_u:g} U"
            )

    @classmethod
    def decayed(cls, calibration: Calibration, treated: datetime) -> Strength:
        """Return the strength at treatment of a source calibrated before; see :func:`strength_on_u`."""
        value_u = strength_on_u(
            calibration.strength_u, calibration.time, treated, half_life_days=calibration.half_life_days
        )
        return cls(value_u, treated, calibration)

    @classmethod
    def of_activity(cls, activity: ApparentActivity) -> Strength:
        """Return the strength of an apparent activity at treatment; see :func:`strength_from_activity_u`."""
        value_u = strength_from_activity_u(activity.activity_mci, "mCi", u_per_mci=activity.u_per_mci)
        return cls(value_u, origin=activity)

    @property
    def decay_factor(self) -> float:
        """Strength at treatment over that of the calibration; 1 without one."""
        return self.value_u / self.origin.strength_u if isinstance(self.origin, Calibration) else 1.0


def checked_strength_u(strength_u: float) -> float:
    """Return the strength if an Ir-192 afterloader can have it: 100 to 100,000 U.

    Raises
    ------
    InputError
        Not a number, or outside; names the unit that the number seems to be in.
    """
    low, high = STRENGTH_RANGE_U
    if isinstance(strength_u, bool) or not isinstance(strength_u, int | float) or not math.isfinite(strength_u):
        raise InputError("the air-kerma strength must be a number (U)", got=strength_u)
    if low <= strength_u <= high:
        return float(strength_u)
    remedy = "1 U = 1 cGy cm2/h = 1 uGy m2/h; a new 10 Ci (apparent) source has 40,700 U."
    if 1.0 <= strength_u <= 20.0:
        remedy = f'If this is an apparent activity in Ci, write "{strength_u:g} Ci apparent". {remedy}'
    elif 20.0 < strength_u < low:
        remedy = f'If this is mGy/h at 1 m, write "{strength_u:g} mGy m2/h". {remedy}'
    elif 0.0 < strength_u < 0.2:
        remedy = f"If this is Gy/h at 1 m, write {strength_u * 1e6:g} U. {remedy}"
    raise InputError(
        f"the air-kerma strength must lie between {low:g} and {high:,.0f} U", got=f"{strength_u:g}", remedy=remedy
    )


def strength_on_u(
    strength_u: float, calibrated: datetime, treated: datetime, *, half_life_days: float = HALF_LIFE_DAYS
) -> float:
    """Strength at treatment: S_K times 2 to the power of minus (elapsed days / half-life).

    Parameters
    ----------
    strength_u : float
        On the certificate, at ``calibrated``.
    calibrated, treated : datetime
        Date and time; both with a time zone or both without. A reference date after the treatment, which
        manufacturers also give, raises the strength.
    half_life_days : float
        Of the source: ``TG43Source.half_life_days``.

    Raises
    ------
    InputError
        Time zone on one side only, more than 400 days between the two, a half-life that is not Ir-192's, or a strength
        outside :data:`STRENGTH_RANGE_U` on either date.
    """
    if not 73.0 <= half_life_days <= 75.0:
        raise InputError("the half-life of Ir-192 must lie between 73 and 75 days", got=half_life_days)
    if (calibrated.tzinfo is None) != (treated.tzinfo is None):
        raise InputError(
            "calibration and treatment must both have a time zone, or neither",
            got=f"{calibrated.isoformat()} and {treated.isoformat()}",
        )
    days = (treated - calibrated).total_seconds() / 86400.0
    if abs(days) > 400.0:
        raise InputError(
            "calibration and treatment must lie within 400 days",
            got=f"{days:.0f} days",
            remedy="Check the year and the order of day and month.",
        )
    low, high = STRENGTH_RANGE_U
    decayed_u = checked_strength_u(strength_u) * math.pow(2.0, -days / half_life_days)
    if not low <= decayed_u <= high:
        raise InputError(
            f"the strength at treatment must lie between {low:g} and {high:,.0f} U",
            got=f"{decayed_u:g} U on {treated:%Y-%m-%d}, from {strength_u:g} U on {calibrated:%Y-%m-%d}",
            remedy="Check both dates.",
        )
    return decayed_u


def strength_from_activity_u(apparent_activity: float, unit: str, *, u_per_mci: float = U_PER_MCI_APPARENT) -> float:
    """Strength of an APPARENT activity.

    The contained activity is another number (about 11.2 Ci in a 10 Ci apparent source, for the capsule absorbs): it
    cannot be converted without the source's own factor and is never meant here.

    Parameters
    ----------
    apparent_activity : float
    unit : str
        mCi, Ci, MBq, GBq or TBq.
    u_per_mci : float
        Air-kerma strength per apparent activity; from 4.0 to 4.15 in use.

    Raises
    ------
    InputError
        An unknown unit, a factor out of its range, a strength outside :data:`STRENGTH_RANGE_U`.
    """
    if unit.lower() not in _MCI_PER:
        raise InputError("the activity must be in mCi, Ci, MBq, GBq or TBq", got=unit)
    if not 4.0 <= u_per_mci <= 4.15:
        raise InputError(
            "the factor of the apparent activity must lie between 4.0 and 4.15 U/mCi",
            got=u_per_mci,
            remedy="About 3.65 U/mCi belongs to the contained activity, which is not accepted.",
        )
    return checked_strength_u(apparent_activity * _MCI_PER[unit.lower()] * u_per_mci)


def strength_from_text(text: str) -> Strength:
    """Strength as a person writes it: "40700", "40700 U", "40.7 mGy m2/h", "10 Ci apparent", "370 GBq apparent".

    Raises
    ------
    InputError
        No number, an unknown unit, an activity that does not say "apparent".
    """
    match = re.fullmatch(r"\s*([-+0-9.eE]+)\s*(.*?)\s*", text)
    try:
        value = float(match[1]) if match else math.nan
    except ValueError:
        value = math.nan
    if match is None or math.isnan(value):
        raise InputError("the strength must begin with a number", got=repr(text), remedy='For example "40700 U".')
    unit = " ".join(match[2].lower().replace("\u00b5", "u").replace("\u03bc", "u").replace("^", "").split()) or "u"
    unit = re.sub(r"\s*([/])\s*", r"\1", unit).replace("\u00b2", "2").replace("*", " ")
    if unit in _U_PER:
        return Strength(value * _U_PER[unit])
    name, _, sense = unit.partition(" ")
    if name in _MCI_PER and sense == "apparent":
        return Strength.of_activity(ApparentActivity(value * _MCI_PER[name]))
    if name in _MCI_PER:
        raise InputError(
            "an activity must say that it is the apparent one",
            got=repr(text),
            remedy=f'Write "{value:g} {_ACTIVITY[name]} apparent" if so; of a contained activity give S_K in U.',
        )
    raise InputError(
        "the strength must be in U, uGy m2/h, or an apparent activity",
        got=repr(text),
        remedy='A number with a decimal point and nothing between its thousands: "40700", "40.7 mGy m2/h".',
    )
