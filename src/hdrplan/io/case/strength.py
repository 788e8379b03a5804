"""Source strength as a case writes it: U at treatment, a calibration with two dates, or an apparent activity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from hdrplan.catalogue import STRENGTH_ENTRIES
from hdrplan.door import as_moment, as_number
from hdrplan.errors import InputError
from hdrplan.sources import ApparentActivity, Calibration, Strength, checked_strength_u, strength_from_text

__all__ = ["STRENGTH_KEYS", "strength_of", "strength_values"]

STRENGTH_KEYS = tuple(STRENGTH_ENTRIES)
_FORMS = (
    "strength_u, with strength_time where its date is known; or calibration_strength_u, calibration_time and "
    "treatment_time; or activity_ci (apparent)"
)


def strength_of(form: Mapping[str, object], half_life_days: float) -> Strength:
    """Air-kerma strength at treatment.

    Parameters
    ----------
    form : mapping
        One of three forms: ``strength_u`` (a number in U, or text such as "10 Ci apparent"), with the date
        ``strength_time`` at which the source has it, where that is known;
        ``calibration_strength_u`` with ``calibration_time`` and ``treatment_time`` (dates of TOML or ISO 8601 text);
        ``activity_ci``, apparent, with ``u_per_mci`` where it is not 4.07.
    half_life_days : float
        Of the source: it decays the calibration.

    Raises
    ------
    InputError, FormatError
        None or several of the forms, wrong types, strengths that no source has.
    """
    keys = set(form)
    if "strength_u" in keys and keys <= {"strength_u", "strength_time"}:
        value = form["strength_u"]
        strength = strength_from_text(value) if isinstance(value, str) else Strength(_number(form, "strength_u"))
        if "strength_time" not in keys:
            return strength
        return replace(strength, time=as_moment(form["strength_time"], "strength_time", None))
    if keys == {"calibration_strength_u", "calibration_time", "treatment_time"}:
        calibrated, treated = (as_moment(form[key], key, None) for key in ("calibration_time", "treatment_time"))
        calibrated_u = checked_strength_u(_number(form, "calibration_strength_u"))
        return Strength.decayed(Calibration(calibrated_u, calibrated, half_life_days), treated)
    if "activity_ci" in keys and keys <= {"activity_ci", "u_per_mci"}:
        activity_mci = _number(form, "activity_ci") * 1e3
        if "u_per_mci" not in keys:
            return Strength.of_activity(ApparentActivity(activity_mci))
        return Strength.of_activity(ApparentActivity(activity_mci, _number(form, "u_per_mci")))
    raise InputError(
        "the source's strength has one of three forms", got=", ".join(sorted(keys)) or "none", remedy=f"{_FORMS}."
    )


def strength_values(strength: Strength) -> dict[str, float | datetime]:
    """Return a strength in the form that it was given in: what :func:`strength_of` reads back."""
    match strength.origin:
        case Calibration(strength_u, calibrated):
            assert strength.time is not None
            return {
                "calibration_strength_u": strength_u,
                "calibration_time": calibrated,
                "treatment_time": strength.time,
            }
        case ApparentActivity(activity_mci, u_per_mci):
            if strength.time is None:
                return {"activity_ci": activity_mci / 1e3, "u_per_mci": u_per_mci}
    return {"strength_u": strength.value_u} | ({} if strength.time is None else {"strength_time": strength.time})


def _number(form: Mapping[str, object], key: str) -> float:
    return as_number(form[key], key, None)
