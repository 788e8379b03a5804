"""A number that a plan reaches, beside the proof of what no plan passes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hdrplan.optimize.objectives import Objective
from hdrplan.optimize.proof import Proof

__all__ = ["Bounded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """What a plan reaches, and what no plan passes.

    Parameters
    ----------
    objective : Objective
        What is made small or large.
    value : float
        Reached; infinite where there is no plan.
    bound : float
        Proven: no plan lies below it, or above it where the value is to be large.
    large : bool
        Whether the value is to be large.
    proof : Proof, optional
        Of the bound, where it is that of one linear program; a better one from a search may stand above it.
    """

    objective: Objective
    value: float
    bound: float
    large: bool = False
    proof: Proof | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """What it is in words: "mean dose of liver"."""
        return self.objective.text

    @property
    def unit(self) -> str:
        """Unit of value and bound: "Gy", "s" or ""."""
        return self.objective.unit

    @property
    def gap_frac(self) -> float:
        """Distance of value and bound over the value, absolute where that is below a millionth; NaN without a plan."""
        if not np.isfinite(self.value):
            return float("nan")
        gap = self.bound - self.value if self.large else self.value - self.bound
        return max(0.0, gap) / max(abs(self.value), 1e-6)
