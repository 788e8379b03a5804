"""Coverage of one plan under uncertainty: many deliveries, each recomputed whole by TG-43, never linearised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.dose import SamplePoints, dose_by_tables
from hdrplan.errors import InputError
from hdrplan.metrics import DVH, dvh
from hdrplan.plan import Goals, Plan
from hdrplan.simulate.scenarios import Scenarios, scenario
from hdrplan.simulate.uncertainty import Scenario, smooth_field
from hdrplan.sources import TG43Source

__all__ = [
    "BAND_FRAC",
    "Coverage",
    "MetricSummary",
    "RobustResult",
    "delivered_metric",
    "robust_coverage",
    "wilson_interval",
]

# Volume fractions at which the DVH bands are kept.
BAND_FRAC = np.concatenate((np.linspace(0.0, 0.02, 9), np.linspace(0.03, 0.97, 95), np.linspace(0.98, 1.0, 9)))
# Two-sided 95 % of the normal distribution.
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often the D100 of a CTV reaches a dose.

    Parameters
    ----------
    prescription_gy : float
        The prescription, or the asked fraction of it.
    probability : float
    low, high : float
        95 % interval.
    """

    prescription_gy: float
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """One metric over all deliveries, in its own unit.

    Parameters
    ----------
    planned : float
    mean, sd : float
    p5, p50, p95 : float
        Percentiles.
    worst : float
        The least of D100, D98, D90 and V100 of a CTV, the largest of an organ's doses.
    """

    planned: float
    mean: float
    sd: float
    p5: float
    p50: float
    p95: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustResult:
    """Metrics of every scenario, beside the plan as planned.

    Parameters
    ----------
    names : tuple of str
        Metrics: "lesion_B d100_gy", "stomach d1cc_gy", ...
    nominal : (n_metrics,) array
    values : (n_scenarios, n_metrics) array
        Gy; volumes as fractions.
    prescriptions_gy : mapping
        CTV -> prescribed dose.
    bands_gy : mapping
        Structure -> (n_scenarios, len(BAND_FRAC)) doses at the volume fractions ``BAND_FRAC``.
    nominal_gy : mapping
        Structure -> doses at ``BAND_FRAC`` as planned.
    scenarios : Scenarios
    """

    names: tuple[str, ...]
    nominal: FloatArray
    values: FloatArray
    prescriptions_gy: Mapping[str, float]
    bands_gy: Mapping[str, FloatArray]
    nominal_gy: Mapping[str, FloatArray]
    scenarios: Scenarios

    def __post_init__(self) -> None:
        freeze(self, "nominal", (len(self.names),))
        freeze(self, "values", (None, len(self.names)), finite=False)

    def of(self, name: str) -> FloatArray:
        """Return the values of one metric over all scenarios."""
        return np.asarray(self.values[:, self.names.index(name)])

    def with_planned_d100(self, d100_gy: Mapping[str, float]) -> RobustResult:
        """Return the result with every D100 scaled so that the plan's own is the given one, such as a proven minimum.

        Sample points miss the coldest point by a little, in the plan and in its deliveries alike.

        Parameters
        ----------
        d100_gy : mapping
            CTV -> Gy as planned.
        """
        factor = np.ones(len(self.names))
        for ctv, planned_gy in d100_gy.items():
            column = self.names.index(f"{ctv} d100_gy")
            factor[column] = planned_gy / self.nominal[column]
        return replace(self, nominal=self.nominal * factor, values=self.values * factor)

    def coverage(self, ctv: str, frac: float = 1.0) -> Coverage:
        """Probability that D100 >= a fraction of the prescription, with its 95 % interval.

        Parameters
        ----------
        ctv : str
        frac : float
        """
        prescription_gy = self.prescriptions_gy[ctv] * frac
        reached = self.of(f"{ctv} d100_gy") >= prescription_gy * (1.0 - 1e-6)
        low, high = wilson_interval(int(reached.sum()), len(reached))
        return Coverage(prescription_gy=prescription_gy, probability=float(reached.mean()), low=low, high=high)

    def longer_frac(self, ctv: str, probability: float) -> float:
        """Factor on all times with which D100 reaches the prescription in this fraction of the deliveries.

        Dose is proportional to time, apart from the timer's error and the moving source.
        """
        return float(self.prescriptions_gy[ctv] / np.percentile(self.of(f"{ctv} d100_gy"), 100 * (1 - probability)))

    def summary(self, name: str) -> MetricSummary:
        """Return what one metric does over all scenarios."""
        values = self.of(name)
        p5, p50, p95 = np.percentile(values, (5, 50, 95))
        smaller_is_worse = " d100" in name or " d9" in name or "v100" in name
        return MetricSummary(
            planned=float(self.nominal[self.names.index(name)]),
            mean=float(values.mean()),
            sd=float(values.std(ddof=1)),
            p5=float(p5),
            p50=float(p50),
            p95=float(p95),
            worst=float(values.min() if smaller_is_worse else values.max()),
        )


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Parameters
    ----------
    count : int
        Of ``total``.
    total : int

    References
    ----------
    Wilson EB, J Am Stat Assoc 1927;22:209.
    """
    n, p, z = total, count / total, _Z95
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def robust_coverage(
    plan: Plan,
    points: SamplePoints,
    goals: Goals,
    scenarios: Scenarios,
    *,
    factor: FloatArray | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> RobustResult:
    """Distribution of coverage and organ doses of a plan.

    Parameters
    ----------
    plan : Plan
    points : SamplePoints
        A coarser sampling than for planning is enough and proportionally faster.
    goals : Goals
        Prescriptions of the CTVs.
    scenarios : Scenarios
    factor : (n_points,) array, optional
        What TG-43's dose is multiplied by: a piece of tissue keeps its own, wherever the delivery puts it.
    on_progress : callable, optional

    Raises
    ------
    InputError
        Fewer than two scenarios.
    """
    if scenarios.count < 2:
        raise InputError("at least two scenarios are needed", got=scenarios.count)
    shapes = smooth_field(points)
    prescriptions_gy = goals.doses_gy
    as_planned = Scenario(
        dwells=plan.dwells,
        times_s=plan.exposure_s,
        strength_u=plan.strength_u,
        points_mm=points.points_mm,
        volume_cc=points.volume_cc,
    )
    curves = _curves(as_planned, points, plan.source, factor)
    too_small = {f"{name} d1cc_gy" for name, curve in curves.items() if curve.volume_cc < 1.0}
    nominal = {name: gy for name, gy in _metrics(curves, prescriptions_gy).items() if name not in too_small}
    nominal_gy = {name: _doses_at_bands(curve) for name, curve in curves.items()}
    values = np.empty((scenarios.count, len(nominal)))
    bands_gy = {name: np.empty((scenarios.count, len(BAND_FRAC))) for name in points.names}
    for number in range(scenarios.count):
        delivery = scenario(plan, points, scenarios.uncertainty, seed=scenarios.seed, number=number, shapes=shapes)
        curves = _curves(delivery, points, plan.source, factor)
        metrics = _metrics(curves, prescriptions_gy)
        values[number] = [metrics[name] for name in nominal]
        for name, curve in curves.items():
            bands_gy[name][number] = _doses_at_bands(curve)
        if on_progress is not None:
            on_progress(number + 1, scenarios.count)
    return RobustResult(
        names=tuple(nominal),
        nominal=np.array(list(nominal.values())),
        values=values,
        prescriptions_gy=prescriptions_gy,
        bands_gy=bands_gy,
        nominal_gy=nominal_gy,
        scenarios=scenarios,
    )


def delivered_metric(
    delivery: Scenario,
    points: SamplePoints,
    goals: Goals,
    source: TG43Source,
    *,
    metric: str,
    factor: FloatArray | None = None,
) -> float:
    """Compute one metric of one delivery: the dose of its structure alone.

    Parameters
    ----------
    delivery : Scenario
    points : SamplePoints
        As planned: names and rows of the structures.
    goals : Goals
    source : TG43Source
    metric : str
        "lesion_B d100_gy": one of ``RobustResult.names``.
    factor : (n_points,) array, optional
        As in :func:`robust_coverage`.
    """
    name, _, key = metric.rpartition(" ")
    prescriptions_gy = goals.doses_gy
    rows = points.rows(name)
    curve = dvh(_doses(delivery, rows, source, factor), delivery.volume_cc[rows])
    return _structure_metrics(curve, prescriptions_gy.get(name))[key]


def _curves(delivery: Scenario, points: SamplePoints, source: TG43Source, factor: FloatArray | None) -> dict[str, DVH]:
    """DVHs of all structures of one scenario: every dwell at every point, in float32 tables within 0.1 %.

    The float64 path takes ten times as long; the difference was 0.002 % at most over the demo's points.
    """
    gy = _doses(delivery, slice(None), source, factor)
    return {name: dvh(gy[points.rows(name)], delivery.volume_cc[points.rows(name)]) for name in points.names}


def _doses(delivery: Scenario, rows: slice, source: TG43Source, factor: FloatArray | None) -> FloatArray:
    gy = dose_by_tables(
        delivery.dwells, delivery.times_s, delivery.points_mm[rows], source, strength_u=delivery.strength_u
    )
    return gy if factor is None else gy * factor[rows]


def _metrics(curves: Mapping[str, DVH], prescriptions_gy: Mapping[str, float]) -> dict[str, float]:
    return {
        f"{name} {key}": value
        for name, curve in curves.items()
        for key, value in _structure_metrics(curve, prescriptions_gy.get(name)).items()
    }


def _structure_metrics(curve: DVH, prescription_gy: float | None) -> dict[str, float]:
    if prescription_gy is None:
        # An organ of little more than 1 cc may have less where its contour varies: then all of it receives that dose.
        return {"d1cc_gy": curve.dose_at_cc(min(1.0, curve.volume_cc)), "mean_gy": curve.mean_gy}
    return {
        "d100_gy": curve.min_gy,
        "d98_gy": curve.dose_at_frac(0.98),
        "d90_gy": curve.dose_at_frac(0.9),
        "v100_frac": float(curve.volume_frac_at_gy(prescription_gy)),
    }


def _doses_at_bands(curve: DVH) -> FloatArray:
    rows = np.searchsorted(curve.cumulative_cc, BAND_FRAC * curve.volume_cc * (1.0 - 1e-9), side="left")
    doses = np.asarray(curve.dose_gy[np.minimum(rows, len(curve.dose_gy) - 1)])
    doses[-1] = curve.min_gy
    return doses
