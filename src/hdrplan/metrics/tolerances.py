"""Tolerances of a comparison of two doses: a planning system's and a recomputed one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hdrplan.metrics.gamma import GammaCriteria

__all__ = ["LIMITS", "Limit", "Tolerances"]

# The limits of differences: those that can also be given for a warning.
LIMITS = ("trak_frac", "point_frac", "median_frac", "dvh_frac", "dwell_frac", "stored_dvh_frac", "time_frac")

# Real plans recomputed with their own table differ by 0.1 %: ten times that is worth a look, though not a failure.
_WARN = {"point_frac": 0.01, "median_frac": 0.005, "dvh_frac": 0.01, "dwell_frac": 0.05, "stored_dvh_frac": 0.05}

# Why each default is what it is; none is a protocol's. Measured values: docs/howto/dicom.md.
DEFAULT_BASIS: Mapping[str, str] = MappingProxyType(
    {
        "trak_frac": "strength times time, to the digits that files keep",
        "point_frac": "twenty times what real plans of the same source table differ by away from dwells",
        "point_mm": "within 10 mm of a dwell, 0.5 mm of position is 10 % of dose and more",
        "median_frac": "ten times what real plans of the same source table differ by",
        "dvh_frac": "a choice; grids are compared like with like",
        "dwell_frac": "a tenth of a dwell's time is 2 % of the dose and more 5 mm from it, gamma's criterion 2 %",
        "stored_dvh_frac": "the ways to read small structures differ by as much (docs/measurements/dvh.md)",
        "time_frac": "one day of decay of Ir-192 is 0.94 %",
        "gamma_pass_frac": "a choice",
        "threshold_frac": "a choice",
        "warn": "five to ten times what real plans of the same source table differ by",
        "gamma": "a choice; stored grids have voxels of 1 mm to 3 mm",
    }
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a difference.

    Parameters
    ----------
    fail_frac : float
        A larger difference fails.
    warn_frac : float
        A larger difference passes with a warning; ``fail_frac`` itself where there is no such step.
    """

    fail_frac: float
    warn_frac: float

    @property
    def text(self) -> str:
        """The limit as the report states it."""
        warned = f", warning from {100 * self.warn_frac:g} %" if self.warn_frac < self.fail_frac else ""
        return f"{100 * self.fail_frac:g} %{warned}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """What passes. The defaults are this program's, not a protocol's: put the clinic's own into a file.

    Parameters
    ----------
    trak_frac, point_frac, median_frac, dvh_frac, dwell_frac, stored_dvh_frac, time_frac : float
        Largest differences: of the reference air kerma, of reference points, of the grid's median, of DVH metrics, of
        the dwell times that the grid has, of DVHs that came with the dose, of delivered times.
    point_mm : float
        A point also passes where a shift of this length explains its difference.
    gamma_pass_frac : float
        Smallest part of the points with gamma at most 1.
    threshold_frac : float
        Grid points below this part of the prescription are left out.
    gamma : GammaCriteria
    warn : mapping of str to float
        Key of :data:`LIMITS` -> difference from which a passed comparison is a warning.
    structures : mapping of str to float
        Regular expression for the names of structures -> their own ``dvh_frac``; the first that matches counts.
    sources : mapping of str to str
        Key -> where its value comes from.
    """

    trak_frac: float = 0.001
    point_frac: float = 0.02
    point_mm: float = 0.5
    median_frac: float = 0.01
    dvh_frac: float = 0.03
    dwell_frac: float = 0.1
    stored_dvh_frac: float = 0.2
    time_frac: float = 0.01
    gamma_pass_frac: float = 0.95
    threshold_frac: float = 0.1
    gamma: GammaCriteria = field(default_factory=GammaCriteria)
    warn: Mapping[str, float] = field(default_factory=lambda: dict(_WARN))
    structures: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def without_source(self) -> tuple[str, ...]:
        """Keys whose values are neither defaults nor say where they come from."""
        if "default" in self.sources:
            return ()
        usual = Tolerances()
        keys = (*DEFAULT_BASIS, "structures")
        return tuple(k for k in keys if getattr(self, k) != getattr(usual, k) and k not in self.sources)

    def basis(self, key: str) -> str:
        """Return where a value comes from: the file's words, else this program's reason for its own default.

        Parameters
        ----------
        key : str
            Name of a field.
        """
        if key in self.sources:
            return self.sources[key]
        if key in DEFAULT_BASIS and getattr(self, key) == getattr(Tolerances(), key):
            return f"hdrplan's own, of no protocol: {DEFAULT_BASIS[key]}"
        return self.sources.get("default", "no source given")

    def limit(self, key: str) -> Limit:
        """Return one limit with its step of warning; ``key`` is one of :data:`LIMITS`."""
        fail_frac = float(getattr(self, key))
        return Limit(fail_frac, min(self.warn.get(key, fail_frac), fail_frac))

    def dvh_limit(self, structure: str) -> Limit:
        """Return the limit of the DVH metrics of one structure."""
        usual = self.limit("dvh_frac")
        for pattern, fail_frac in self.structures.items():
            if re.search(pattern, structure, re.IGNORECASE):
                return Limit(fail_frac, min(usual.warn_frac, fail_frac))
        return usual
