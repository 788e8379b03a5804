"""Source strength as people write it down: U at treatment, a calibration with dates, or an activity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdrplan.errors import FormatError, InputError

__all__ = ["STRENGTH_KEYS", "check_strength_u", "strength_u_of"]

STRENGTH_KEYS = ("strength_u",)


def check_strength_u(strength_u: float) -> float:
    """Refuse strengths that no HDR or PDR Ir-192 source has: 100 to 100,000 U.

    10 Ci apparent are 40,700 U; a number near 10 is Ci, near 370 GBq, near 0.04 Gy/h at 1 m.
    """
    if not math.isfinite(strength_u) or not 100.0 <= strength_u <= 100_000.0:
        raise InputError(
            "air-kerma strength must lie between 100 and 100,000 U (1 U = 1 cGy cm2/h = 1 uGy m2/h)",
            got=f"{strength_u:g}",
            remedy="10 Ci apparent are 40,700 U.",
        )
    return strength_u


def strength_u_of(given: Mapping[str, Any], source: str | Path) -> float:
    """Air-kerma strength at treatment in U."""
    value = given.get("strength_u")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError("strength_u must be a number (U)", got=repr(value)[:60])
    return check_strength_u(float(value))
