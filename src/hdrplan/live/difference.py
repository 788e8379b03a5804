"""Metrics of one plan beside those of another."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.workflow import Score

__all__ = ["Difference", "differences"]

# Rows of a comparison: metric of a score, its name, and the factor to the unit that people read.
_METRICS = (
    ("d100_gy", "D100 (Gy)", 1.0),
    ("d98_gy", "D98 (Gy)", 1.0),
    ("d90_gy", "D90 (Gy)", 1.0),
    ("v150_frac", "V150 (%)", 100.0),
    ("d1cc_gy", "D1cc (Gy)", 1.0),
    ("mean_gy", "Dmean (Gy)", 1.0),
    ("v10gy_frac", "V10Gy (%)", 100.0),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of one structure: of the plan on the screen, and of a plan that was kept."""

    structure: str
    metric: str
    now: float
    kept: float


def differences(now: Score, kept: Score) -> tuple[Difference, ...]:
    """Return the metrics of all structures that both plans have."""
    then = {s.name: s for s in kept.structures}
    return tuple(
        Difference(s.name, text, factor * getattr(s, key), factor * getattr(then[s.name], key))
        for s in now.structures
        if s.name in then
        for key, text, factor in _METRICS
        if hasattr(s, key) and hasattr(then[s.name], key)
    )
