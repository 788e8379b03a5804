"""A number that a plan reaches, beside the proof of what no plan passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Bounded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """What a plan reaches, and what no plan passes.

    Parameters
    ----------
    objective : str
        What is made small or large: "mean dose of liver", "D100".
    value : float
        Reached; infinite where there is no plan.
    bound : float
        Proven: no plan lies below it, or above it where the value is to be large.
    unit : str
        "Gy", "s" or "".
    large : bool
        Whether the value is to be large.
    """

    objective: str
    value: float
    bound: float
    unit: str
    large: bool = False

    @property
    def gap_frac(self) -> float:
        """Distance of value and bound over the value, absolute where that is below a millionth; NaN without a plan."""
        if not np.isfinite(self.value):
            return float("nan")
        gap = self.bound - self.value if self.large else self.value - self.bound
        return max(0.0, gap) / max(abs(self.value), 1e-6)
