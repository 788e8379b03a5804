"""The DVHs that an RT Dose brings along, beside ours of the same structures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.plan import Metric
from hdrplan.workflow.dvh_values import DVHOptions, StructureDVH
from hdrplan.workflow.stored_curve import CurveInFile, falling_frac, value_in_curve

__all__ = ["BesideDVH", "BesideMetric", "beside_dvhs"]

# Of a structure that the dose grid does not hold, their curve may be of the part inside or of another dose.
_WHOLE_FRAC = 0.999


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
    bin_gy : float
        Widest bin around its doses: finer than this it says nothing.
    """

    name: str
    metrics: tuple[BesideMetric, ...]
    bin_gy: float


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
    inside = np.diff(stored.dose_gy)[(frac[:-1] > 0.02) & (frac[:-1] < 0.999999)]
    return BesideDVH(name=s.name, metrics=tuple(metrics), bin_gy=float(inside.max()) if len(inside) else math.nan)
