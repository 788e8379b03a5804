"""DVHs of stored doses as values: what is asked for, and what is found with the errors of its computation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution
from hdrplan.dose import DENSE_POINTS, Between, Ends
from hdrplan.errors import InputError
from hdrplan.metrics import DVH
from hdrplan.plan import Metric, parse_metric

__all__ = ["DVHOptions", "MetricValue", "StructureDVH"]

# ICRU 89 and 91: near-minimum and near-maximum doses, and the volumes that organs at risk are judged by.
_USUAL = ("D98", "D95", "D50", "D2", "D2cc", "D1cc", "D0.1cc", "Dmean", "Dmin", "Dmax")
_OF_PRESCRIPTION = ("V100", "V150", "V200")


@dataclass(frozen=True, slots=True, kw_only=True)
class DVHOptions:
    """What is computed, and how structures are read.

    Parameters
    ----------
    metrics : tuple of str
        D95, D2cc, V20Gy, V100, Dmean, ...; empty takes the usual ones.
    prescription_gy : float or None
        For V100 and other volumes at percent of it.
    alpha_beta_gy : float or None
        Adds every dose metric as EQD2.
    fractions : int
        Equal ones that the dose was given in, for EQD2.
    geud_a : float or None
        Adds the generalised equivalent uniform dose with this volume parameter.
    between : {"interpolated", "slabs"}
        Between slices (:func:`hdrplan.dose.region_points`).
    ends : {"continued", "half-slice", "none"}
        Beyond the last contours.
    count : int
        About how many points a structure has.
    errors : bool
        Tell how far each metric may be off because of the computation: takes longer.

    Raises
    ------
    InputError
        A metric that is none, or needs a prescription; a number out of range.
    """

    metrics: tuple[str, ...] = ()
    prescription_gy: float | None = None
    alpha_beta_gy: float | None = None
    fractions: int = 1
    geud_a: float | None = None
    between: Between = "interpolated"
    ends: Ends = "continued"
    count: int = DENSE_POINTS
    errors: bool = True

    def __post_init__(self) -> None:
        for name, value in (("prescription_gy", self.prescription_gy), ("alpha_beta_gy", self.alpha_beta_gy)):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"`{name}` must be above 0 Gy", got=value)
        if self.fractions < 1:
            raise InputError("`fractions` must be at least 1", got=self.fractions)
        if self.geud_a is not None and (self.geud_a == 0 or not math.isfinite(self.geud_a)):
            raise InputError("`geud_a` must be a number other than 0", got=self.geud_a)
        for metric in self.wanted():
            if metric.kind in ("total_time", "conformity"):
                raise InputError("expected a dose-volume metric of one structure", got=repr(metric.text))
            if metric.kind == "volume_at_frac" and self.prescription_gy is None:
                raise InputError(
                    f"{metric.text} is a volume at percent of the prescription",
                    got="no prescription",
                    remedy=f"Give `prescription_gy`, or a dose: V{100 * metric.at:g}Gy.",
                )

    def wanted(self) -> tuple[Metric, ...]:
        """Return the metrics to compute."""
        texts = self.metrics or (*_USUAL, *(_OF_PRESCRIPTION if self.prescription_gy is not None else ()))
        return tuple(parse_metric(text) for text in texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """One metric and the errors of its computation, each as a size.

    Parameters
    ----------
    name : str
        "D95", "V20Gy", "D95 EQD2", "gEUD".
    unit : {"Gy", "%", "cc"}
    value : float
        NaN where the structure is too small for it, or not wholly inside the dose grid.
    grid : float
        By interpolation between the voxels of the dose grid.
    shape : float
        By what lies between slices, or within voxels: what the other way to read the structure changes.
    ends : float
        By how the structure ends beyond its last contours: what the other ways change; 0 for masks.
    sampling : float
        By the number of points.

    All four are NaN where they were not asked for.
    """

    name: str
    unit: str
    value: float
    grid: float
    shape: float
    ends: float
    sampling: float

    @property
    def error(self) -> float:
        """All of them together, as if independent."""
        return math.sqrt(self.grid**2 + self.shape**2 + self.ends**2 + self.sampling**2)

    @property
    def key(self) -> str:
        """Name in tables, with the unit at its end: ``d95_gy``, ``d0_1cc_gy``, ``v20gy_pct``, ``d95_eqd2_gy``."""
        name = self.name.lower().replace("%", "").replace(" ", "_").replace(".", "_")
        return f"{name}_{'pct' if self.unit == '%' else self.unit.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StructureDVH:
    """The DVH of one structure.

    Parameters
    ----------
    name : str
    volume_cc, volume_error_cc : float
        Of the whole structure; what the other ways to read it change.
    in_grid_frac : float
        Fraction of it inside the dose grid.
    curve : DVH or None
        Of the fraction inside the dose grid; None where nothing is.
    metrics : tuple of MetricValue
    between, ends : str
        How the structure was read, in words.
    points : int
    warnings : tuple of Caution
    """

    name: str
    volume_cc: float
    volume_error_cc: float
    in_grid_frac: float
    curve: DVH | None
    metrics: tuple[MetricValue, ...]
    between: str
    ends: str
    points: int
    warnings: tuple[Caution, ...]

    def sampled(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Return the cumulative curve at even doses from 0 to the maximum: dose_gy and volume_cc, each (count,).

        Volumes are those inside the dose grid; nothing where there are none.
        """
        if self.curve is None:
            return np.zeros(0), np.zeros(0)
        dose_gy = np.linspace(0.0, self.curve.max_gy, count)
        return dose_gy, self.curve.volume_at_gy(dose_gy)

    def steps(self) -> tuple[FloatArray, FloatArray]:
        """Return the whole cumulative curve: 0 and every dose that some point has, rising, and volume_cc at each."""
        if self.curve is None:
            return np.zeros(0), np.zeros(0)
        dose_gy = np.unique(np.append(self.curve.dose_gy, 0.0))
        return dose_gy, self.curve.volume_at_gy(dose_gy)

    def metric(self, name: str, unit: str | None = None) -> MetricValue:
        """Return a metric by its name, and its unit where it has two.

        Raises
        ------
        InputError
            It was not computed.
        """
        for value in self.metrics:
            if value.name == name and unit in (None, value.unit):
                return value
        raise InputError(f"{name} was not computed", remedy=f"There are: {', '.join(m.name for m in self.metrics)}.")
