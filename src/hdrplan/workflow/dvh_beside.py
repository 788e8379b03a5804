"""The DVHs that an RT Dose brings along, beside ours of the same structures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.plan import Metric, parse_metric
from hdrplan.workflow.dvh_values import DVHOptions, StructureDVH
from hdrplan.workflow.stored_curve import CurveInFile, falling_frac, value_in_curve

__all__ = ["BesideDVH", "BesideMetric", "beside_dvhs", "dvhs_doubted", "some_of"]

_MEDIAN = parse_metric("D50")

# Of a structure that the dose grid does not hold, their curve may be of the part inside or of another dose.
_WHOLE_FRAC = 0.999
# The median dose hardly depends on how a structure ends or a grid is read: a second check warns from here too. Volumes
# of small structures differ by as much between planning systems (Nelms et al. 2015, doi 10.1118/1.4923175).
_MEDIAN_FRAC, _VOLUME_FRAC = 0.05, 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideMetric:
    """A metric of a DVH that came with the dose, and ours.

    Parameters
    ----------
    name : str
        "volume" for that of the structure.
    unit : str
    stored, ours : float
    """

    name: str
    unit: str
    stored: float
    ours: float

    @property
    def difference_frac(self) -> float:
        """Theirs over ours, minus 1; NaN where ours is 0."""
        return self.stored / self.ours - 1.0 if self.ours else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideDVH:
    """The DVH that came with the dose for one structure.

    Parameters
    ----------
    name : str
    metrics : tuple of BesideMetric
    median : BesideMetric
        D50, whether it is among the metrics or not.
    bin_gy : float
        Widest bin around its doses: finer than this it says nothing.
    """

    name: str
    metrics: tuple[BesideMetric, ...]
    median: BesideMetric
    bin_gy: float

    @property
    def differing(self) -> BesideMetric | None:
        """Volume or median dose, where the DVH cannot be of this structure in this dose."""
        for metric in self.metrics:
            if metric.name == "volume" and abs(metric.difference_frac) > _VOLUME_FRAC:
                return metric
        off_gy = abs(self.median.stored - self.median.ours)
        return self.median if off_gy > _MEDIAN_FRAC * self.median.ours + np.nan_to_num(self.bin_gy) else None


def beside_dvhs(
    stored: Iterable[CurveInFile], numbers: Mapping[str, int], structures: Sequence[StructureDVH], options: DVHOptions
) -> tuple[BesideDVH, ...]:
    """Return the DVHs that came with a dose, with the metrics that both can give.

    Parameters
    ----------
    stored : iterable of curves
    numbers : mapping
        ROI number of each structure by name, in the file that the curves are of.
    structures : sequence of StructureDVH
    options : DVHOptions
    """
    known = {dvh.roi_number: dvh for dvh in stored if len(dvh.dose_gy) > 1 and dvh.volume[0] > 0}
    own = [numbers.get(s.name) for s in structures]
    return tuple(
        _beside(s, known[number], options.wanted())
        for s, number in zip(structures, own, strict=True)
        if number in known and s.in_grid_frac >= _WHOLE_FRAC
    )


def _beside(s: StructureDVH, stored: CurveInFile, wanted: Sequence[Metric]) -> BesideDVH:
    own = {(m.name, m.unit): m.value for m in s.metrics}
    frac = falling_frac(stored)
    volume_cc = s.volume_cc if stored.relative else float(stored.volume[0])
    metrics = [] if stored.relative else [BesideMetric(name="volume", unit="cc", stored=volume_cc, ours=s.volume_cc)]
    for metric in wanted:
        value, _ = value_in_curve(stored, metric, volume_cc)
        unit = "%" if metric.kind == "volume_at_gy" else "Gy"
        ours = own.get((metric.text, unit), math.nan)
        if math.isfinite(value) and math.isfinite(ours):
            metrics.append(BesideMetric(name=metric.text, unit=unit, stored=value, ours=ours))
    median_gy = s.curve.dose_at_frac(0.5) if s.curve is not None else math.nan
    median = BesideMetric(
        name="D50", unit="Gy", stored=value_in_curve(stored, _MEDIAN, volume_cc)[0], ours=float(median_gy)
    )
    inside = np.diff(stored.dose_gy)[(frac[:-1] > 0.02) & (frac[:-1] < 0.999999)]
    bin_gy = float(inside.max()) if len(inside) else math.nan
    return BesideDVH(name=s.name, metrics=tuple(metrics), median=median, bin_gy=bin_gy)


def dvhs_doubted(beside: Iterable[BesideDVH]) -> list[Caution]:
    """Return the warning that names the DVHs which cannot be of these structures in this dose; none where all can."""
    told = [(dvh.name, dvh.differing) for dvh in beside]
    named = [f"{name} ({m.name} {m.stored:.4g} and {m.ours:.4g} {m.unit})" for name, m in told if m is not None]
    return [caution("dvh-of-another-dose", names=some_of(named))] if named else []


def some_of(texts: Sequence[str]) -> str:
    """Return the first five with commas, and three dots for the others."""
    return ", ".join([*texts[:5], *(["..."] if len(texts) > 5 else [])])
