"""A plan: which dwells, how long, with which source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray, freeze, frozen
from hdrplan.brief import brief_html, brief_repr
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells, Transit
from hdrplan.sources import Strength, TG43Source

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A deliverable plan.

    Parameters
    ----------
    dwells : Dwells
    times_s : (n_dwells,) array
        Dwell times at ``strength``; zero is allowed.
    source : TG43Source
        With all its data: a plan can be evaluated wherever it goes.
    strength : Strength
        Of the source at treatment.
    transit : Transit or None
        How the source moves; None leaves its dose on the way out.

    Raises
    ------
    InputError
        Negative times, a count other than the dwells'.
    """

    dwells: Dwells
    times_s: FloatArray
    source: TG43Source
    strength: Strength
    transit: Transit | None = None

    __repr__ = brief_repr
    _repr_html_ = brief_html

    def __post_init__(self) -> None:
        freeze(self, "times_s", (None,))
        # Solvers and files give -0.0 now and then, which is no time.
        object.__setattr__(self, "times_s", frozen(self.times_s + 0.0))
        if len(self.times_s) != len(self.dwells):
            raise InputError(f"expected {len(self.dwells)} dwell times", got=len(self.times_s))
        if (self.times_s < 0).any():
            raise InputError("dwell times must not be negative (s)", got=float(self.times_s.min()))

    @property
    def strength_u(self) -> float:
        """Air-kerma strength at treatment, U = cGy cm2 / h."""
        return self.strength.value_u

    @property
    def digest(self) -> str:
        """Twelve digits of a SHA-256 of positions, times, source and strength: the same wherever the plan is read."""
        content = hashlib.sha256(f"{self.source.name} {self.strength_u!r}".encode())
        for numbers in (self.dwells.positions_mm, self.times_s):
            content.update(np.ascontiguousarray(numbers, dtype="<f8").tobytes())
        return content.hexdigest()[:12]

    @property
    def exposure_s(self) -> FloatArray:
        """Seconds that the source stops at, or passes, each position, (n_dwells,): what every dose is computed from."""
        if self.transit is None:
            return self.times_s
        return np.asarray(self.times_s + self.transit.passing_s(self.dwells, self.times_s))

    @property
    def total_time_s(self) -> float:
        """Sum of the dwell times."""
        return float(self.times_s.sum())

    @property
    def trak_gy(self) -> float:
        """Total reference air kerma at 1 m: strength times total time (ICRU 89); 1 U is 1e-6 Gy m2 / h."""
        return self.strength_u * 1e-6 * self.total_time_s / 3600.0
