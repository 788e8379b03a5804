"""Source strength as a case writes it: U at treatment, a calibration with two dates, or an apparent activity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hdrplan.errors import FormatError, InputError
from hdrplan.io.sources import read_source
from hdrplan.sources import (
    checked_strength_u,
    strength_from_activity_u,
    strength_from_text_u,
    strength_on_u,
)

__all__ = ["STRENGTH_KEYS", "strength_facts", "strength_u_of"]

STRENGTH_KEYS = (
    "strength_u",
    "calibration_strength_u",
    "calibration_time",
    "treatment_time",
    "activity_ci",
    "u_per_mci",
)
_FORMS = "strength_u; or calibration_strength_u, calibration_time and treatment_time; or activity_ci (apparent)"


def strength_u_of(given: Mapping[str, Any], source: str | Path) -> float:
    """Air-kerma strength at treatment in U.

    Parameters
    ----------
    given : mapping
        One of three forms: ``strength_u`` (a number in U, or text such as "10 Ci apparent");
        ``calibration_strength_u`` with ``calibration_time`` and ``treatment_time`` (dates of TOML or ISO 8601 text);
        ``activity_ci``, apparent, with ``u_per_mci`` where it is not 4.07.
    source : str or Path
        Name or file; its half-life decays the calibration.

    Raises
    ------
    InputError, FormatError
        None or several of the forms, wrong types, strengths that no source has.
    """
    keys = set(given)
    if keys == {"strength_u"}:
        value = given["strength_u"]
        return (
            strength_from_text_u(value) if isinstance(value, str) else checked_strength_u(_number(value, "strength_u"))
        )
    if keys == {"calibration_strength_u", "calibration_time", "treatment_time"}:
        times = (_time(given[key], key) for key in ("calibration_time", "treatment_time"))
        strength_u = checked_strength_u(_number(given["calibration_strength_u"], "calibration_strength_u"))
        return strength_on_u(strength_u, *times, half_life_days=read_source(source).half_life_days)
    if "activity_ci" in keys and keys <= {"activity_ci", "u_per_mci"}:
        numbers = {key: _number(value, key) for key, value in given.items()}
        factor = {"u_per_mci": numbers["u_per_mci"]} if "u_per_mci" in numbers else {}
        return strength_from_activity_u(numbers["activity_ci"], "Ci", **factor)
    raise InputError(
        "the source's strength has one of three forms", got=", ".join(sorted(keys)) or "none", remedy=f"{_FORMS}."
    )


def strength_facts(given: Mapping[str, Any], strength_u: float) -> dict[str, str]:
    """Rows for a report on how the strength came about: calibration, treatment, decay factor; empty where given in U.

    Parameters
    ----------
    given : mapping
        What :func:`strength_u_of` took.
    strength_u : float
        What it returned.
    """
    if "calibration_strength_u" in given:
        calibrated, treated = (_time(given[key], key) for key in ("calibration_time", "treatment_time"))
        return {
            "Calibration date and strength": f"{calibrated:%Y-%m-%d %H:%M}, {given['calibration_strength_u']:,.0f} U",
            "Treatment": f"{treated:%Y-%m-%d %H:%M}",
            "Decay factor": f"{strength_u / given['calibration_strength_u']:.4f}",
        }
    if "activity_ci" in given:
        return {"Apparent activity at treatment": f"{given['activity_ci']:g} Ci", "Decay factor": "1 (none applied)"}
    return {}


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"{key} must be a number", got=repr(value)[:60])
    if abs(value) > 1e300:  # whole numbers of TOML have no end; floats do
        raise FormatError(f"{key} must be a number", got="one of more than 300 digits")
    return float(value)


def _time(value: object, key: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromisoformat("")
    except ValueError:
        raise FormatError(f"{key} must be a date and time such as 2024-05-31T12:00:00", got=repr(value)[:60]) from None
