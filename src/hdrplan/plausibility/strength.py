"""Whether a source can have the strength that is given."""

from __future__ import annotations

import re

from hdrplan.cautions import Caution, caution
from hdrplan.plan import BrachyPlan
from hdrplan.sources import HALF_LIFE_DAYS, U_PER_MCI_APPARENT, Calibration, Strength, TG43Source

__all__ = ["doubts_of_clinical_strength", "doubts_of_source_for_pulses", "doubts_of_strength"]

# Two half-lives after a new source of 10 Ci; half as much again as a new source. Register, "strength-unusual".
_NEW_U = 1e4 * U_PER_MCI_APPARENT
_CLINICAL_U = (_NEW_U / 4.0, 1.5 * _NEW_U)
# Certificates are written days before a source is exchanged, sometimes for a day after it.
_EARLY_DAYS = 30.0
# What a number would be in another unit, if a source in use had that strength.
_SLIPS = (
    (U_PER_MCI_APPARENT, "mCi apparent"),
    (U_PER_MCI_APPARENT * 1e3 / 37.0, "GBq apparent"),
    (10.0, "a lost digit"),
    (0.1, "a digit too many"),
    (100.0, "cGy m2/h or a wrong power of ten"),
)


def doubts_of_strength(strength: Strength) -> list[Caution]:
    """Say where a strength, or the time over which it was decayed, is none of a clinical HDR source."""
    doubts: list[Caution] = []
    low, high = _CLINICAL_U
    value = strength.value_u
    # A thousandth: 10,175 U is 40,700 U after two half-lives.
    if not 0.999 * low <= value <= 1.001 * high:
        slips = [(factor * value, unit) for factor, unit in _SLIPS]
        hints = [f"{meant:,.0f} U if it was meant as {unit}" for meant, unit in slips if low <= meant <= high]
        ci = value / U_PER_MCI_APPARENT / 1e3
        doubts.append(
            caution("strength-unusual", strength_u=value, ci=ci, hint=f"; {' or '.join(hints[:2])}" if hints else "")
        )
    if isinstance(strength.origin, Calibration) and strength.time is not None:
        days = (strength.time - strength.origin.time).total_seconds() / 86400.0
        if not -_EARLY_DAYS <= days <= 2.0 * HALF_LIFE_DAYS:
            doubts.append(caution("calibration-far", days=days))
    return doubts


def doubts_of_source_for_pulses(source: TG43Source, strength: Strength) -> list[Caution]:
    """Say where a source for pulses of dose is to give the strength of an HDR source."""
    is_pdr = re.search(r"\bpdr\b", source.name.lower()) is not None
    return [caution("source-for-pdr", source=source.name)] if is_pdr and strength.value_u >= _CLINICAL_U[0] else []


def doubts_of_clinical_strength(brachy: BrachyPlan) -> list[Caution]:
    """Say where the strength of a clinic's plan is none of an HDR source; PDR sources are ten times weaker."""
    return doubts_of_strength(Strength(brachy.source.strength_u)) if brachy.treatment_type == "HDR" else []
