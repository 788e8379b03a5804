"""Dose against local recurrence, from the lesion table to one result: what the report prints and the figures draw.

The order is the argument: describe; D100 continuous and adjusted; then, and only then, cut-offs with their corrected p;
dose-response curves; all metrics side by side; how well the model does; what other models say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from scipy import stats

from hdrplan.analysis.dose_models import (
    D100,
    REFERENCE_GY,
    CalibrationGroup,
    Effect,
    Interaction,
    Performance,
    SplineCurve,
    adjusters,
    calibration,
    d100_model,
    effects,
    interaction,
    performance,
    sensitivity,
    spline_curve,
)
from hdrplan.analysis.lesions import METRICS, LesionTable
from hdrplan.analysis.paper_rule import PaperRule, paper_rule
from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError
from hdrplan.metrics import eqd2_gy
from hdrplan.outcomes import (
    ControlBin,
    Cutoff,
    Incidence,
    KaplanMeier,
    LogRank,
    ProportionalHazards,
    TcpFit,
    Turnbull,
    aalen_johansen,
    benjamini_hochberg,
    best_cutoff,
    control_by_dose,
    cox,
    fit_tcp,
    fit_tcp_intervals,
    holm,
    kaplan_meier,
    log_rank,
    max_t,
    reverse_kaplan_meier,
    turnbull,
    zph,
)

__all__ = ["Correlation", "MetricTest", "Settings", "Threshold", "correlate"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice of the analysis, printed with its result.

    Parameters
    ----------
    mode : {"recommended", "paper"}
        ``paper`` adds the paper's Breslow models with selection by p < 0.1.
    threshold_gy : float
        Fixed threshold that the paper's readers expect (its prescription).
    horizon_months : float
        Time at which control is meant in the dose-response curves.
    alpha_beta_gy : float
        For EQD2 and the Poisson curves: the usual convention for tumours (Fowler 1989), not a measured value of liver
        lesions; a meta-analysis has 43 Gy for colorectal metastases (Radiother Oncol 2017;123:218).
    landmark_months : float
        End of the 8-week visit window.
    n_resamples, n_bootstrap : int
        Resamples behind corrected p values; bootstrap samples of patients behind intervals.
    seed : int
    """

    mode: Literal["recommended", "paper"] = "recommended"
    threshold_gy: float = 20.0
    horizon_months: float = 12.0
    alpha_beta_gy: float = 10.0
    landmark_months: float = 77 / 30.4375
    n_resamples: int = 1999
    n_bootstrap: int = 200
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """Lesions at or above a fixed D100 against those below."""

    at_gy: float
    below: KaplanMeier
    above: KaplanMeier
    test: LogRank
    unadjusted: Effect
    adjusted: Effect


@dataclass(frozen=True, slots=True)
class MetricTest:
    """One metric alone beside the adjusters: hazard ratio per standard deviation, and p values that know the others."""

    name: str
    sd: float
    hazard_ratio: float
    lower: float
    upper: float
    p: float
    p_holm: float
    p_bh: float
    p_max_t: float
    correlation_with_d100: float


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """All results; a part that could not be computed is None and named in ``failed``."""

    settings: Settings
    table: LesionTable
    km: KaplanMeier
    by_type: Mapping[str, KaplanMeier]
    incidence: Incidence
    npmle: Turnbull | None
    follow_up: KaplanMeier
    univariate: tuple[Effect, ...]
    adjusted: tuple[Effect, ...]
    headline: Effect | None
    proportional: ProportionalHazards | None
    spline: SplineCurve | None
    interaction: Interaction | None
    threshold: Threshold | None
    cutoff: Cutoff | None
    cutoff_unadjusted: Cutoff | None
    tcp: Mapping[str, TcpFit]
    bins: tuple[ControlBin, ...]
    metrics: tuple[MetricTest, ...]
    performance: Performance | None
    calibration: tuple[CalibrationGroup, ...]
    sensitivity: Mapping[str, Effect]
    paper: PaperRule | None
    d100_with_diameter: float
    failed: Mapping[str, str]


def correlate(
    table: LesionTable, settings: Settings, *, on_progress: Callable[[int, int], None] | None = None
) -> Correlation:
    """Return everything that links D100 to local recurrence in a lesion table.

    Each part that the data cannot carry (too few events, one dose for all) is named in ``failed``; nothing is replaced
    by a weaker analysis in silence.
    """
    rng = np.random.default_rng(settings.seed)
    failed: dict[str, str] = {}
    done = 0

    def part(name: str, attempt: Callable[[], T]) -> T | None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(done, 15)
        try:
            return attempt()
        except HdrPlanError as error:
            failed[name] = str(error)
            return None

    months, event, who = table.months, table.event, table.patient_id
    model = part("adjusted model", lambda: d100_model(table))
    n, d = table.n, table.n_events
    adjusted = effects("adjusted, errors by patient", model, n, d) if model else ()
    kinds = np.array(table.tumour_type)
    owners = np.array(who)
    curves = {
        t: kaplan_meier(months[kinds == t], event[kinds == t], cluster=owners[kinds == t])
        for t in dict.fromkeys(sorted(table.tumour_type))
    }
    return Correlation(
        settings,
        table,
        kaplan_meier(months, event, cluster=who),
        curves,
        aalen_johansen(months, table.status, cluster=who),
        part("NPMLE", lambda: turnbull(table.left_months, table.right_months)),
        reverse_kaplan_meier(months, table.status != 0),
        part("univariate models", lambda: _univariate(table)) or (),
        adjusted,
        next((e for e in adjusted if e.term == D100), None),
        part("proportional hazards", lambda: zph(model)) if model else None,
        part("spline", lambda: spline_curve(table)),
        part("interaction", lambda: interaction(table)),
        part("fixed threshold", lambda: _threshold(table, settings.threshold_gy)),
        part("adjusted cut-off", lambda: _cutoff(table, settings, rng, adjust=True)),
        part("unadjusted cut-off", lambda: _cutoff(table, settings, rng, adjust=False)),
        _tcp(table, settings, failed),
        part("control by dose", lambda: control_by_dose(months, event, table.d100_gy, horizon=settings.horizon_months))
        or (),
        part("metrics side by side", lambda: _metrics(table, settings, rng)) or (),
        part("performance", lambda: performance(table, rng, settings.n_bootstrap)),
        (part("calibration", lambda: calibration(table, model, settings.horizon_months)) or ()) if model else (),
        part("sensitivity", lambda: sensitivity(table, settings.landmark_months)) or {},
        part("paper's rule", lambda: _paper(table, settings, rng)) if settings.mode == "paper" else None,
        float(stats.spearmanr(table.d100_gy, table.diameter_mm).statistic) if np.ptp(table.diameter_mm) > 0 else 0.0,
        failed,
    )


def _univariate(table: LesionTable) -> tuple[Effect, ...]:
    columns = {D100: table.d100_gy - REFERENCE_GY, **adjusters(table)}
    found: list[Effect] = []
    for name, column in columns.items():
        fit = cox(table.months, table.event, {name: column}, cluster=table.patient_id)
        found += effects("alone, errors by patient", fit, table.n, table.n_events)
    return tuple(found)


def _threshold(table: LesionTable, at_gy: float) -> Threshold:
    above = table.d100_gy >= at_gy
    owners = np.array(table.patient_id)
    term = f"D100 >= {at_gy:g} Gy vs below"
    column = {term: above.astype(np.float64)}
    alone = cox(table.months, table.event, column, cluster=table.patient_id)
    beside = cox(table.months, table.event, {**column, **adjusters(table)}, cluster=table.patient_id)
    return Threshold(
        at_gy,
        kaplan_meier(table.months[~above], table.event[~above], cluster=owners[~above]),
        kaplan_meier(table.months[above], table.event[above], cluster=owners[above]),
        log_rank(table.months, table.event, above),
        effects("alone, errors by patient", alone, table.n, table.n_events)[0],
        effects("adjusted, errors by patient", beside, table.n, table.n_events, (term,))[0],
    )


def _cutoff(table: LesionTable, settings: Settings, rng: np.random.Generator, *, adjust: bool) -> Cutoff:
    return best_cutoff(
        table.months,
        table.event,
        table.d100_gy,
        rng=rng,
        cluster=table.patient_id,
        covariates=adjusters(table) if adjust else None,
        n_resamples=settings.n_resamples,
        n_bootstrap=settings.n_bootstrap,
    )


def _tcp(table: LesionTable, settings: Settings, failed: dict[str, str]) -> dict[str, TcpFit]:
    horizon, ratio, who = settings.horizon_months, settings.alpha_beta_gy, table.patient_id
    dose, volume = dvh_bins(table)
    whole = np.isfinite(dose).all(axis=1)
    owners = np.array(who)
    months, event, d100 = table.months, table.event, table.d100_gy
    attempts: dict[str, Callable[[], TcpFit]] = {
        "logistic": lambda: fit_tcp(months, event, d100, cluster=who, horizon=horizon, alpha_beta_gy=ratio),
        "poisson": lambda: fit_tcp(
            months, event, d100, model="poisson", cluster=who, horizon=horizon, alpha_beta_gy=ratio
        ),
        "poisson, whole DVH": lambda: fit_tcp(
            table.months[whole], table.event[whole], dose[whole], model="poisson-dvh", volume_cc=volume[whole],
            cluster=owners[whole], horizon=horizon, alpha_beta_gy=ratio,
        ),
        "logistic, intervals": lambda: fit_tcp_intervals(
            table.left_months, table.right_months, table.d100_gy, alpha_beta_gy=ratio, cluster=who
        ),
    }  # fmt: skip
    found = {}
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except HdrPlanError as error:
            failed[f"TCP {name}"] = str(error)
    return found


# Parts of the volume between neighbouring points of the DVH, and the metrics at their ends.
_BINS = (
    (0.02, "d100_gy", "d98_gy"),
    (0.03, "d98_gy", "d95_gy"),
    (0.05, "d95_gy", "d90_gy"),
    (0.40, "d90_gy", "d50_gy"),
    (0.48, "d50_gy", "d2_gy"),
)
_STEPS = 8


def dvh_bins(table: LesionTable) -> tuple[FloatArray, FloatArray]:
    """Return doses and volumes (n, bins) of each lesion's DVH, straight lines through its points; NaN where unknown.

    The hottest 2 % above D2 count at D2: their cells do not survive either way. Volume in cm3 where given, else 1.
    """
    volume = np.where(np.isfinite(table.metrics["ctv_cm3"]), table.metrics["ctv_cm3"], np.nan)
    middle = (np.arange(_STEPS) + 0.5) / _STEPS
    doses, shares = [], []
    for share, low, high in _BINS:
        a, b = table.metrics[low][:, None], table.metrics[high][:, None]
        doses.append(a + (b - a) * middle)
        shares += [share / _STEPS] * _STEPS
    doses.append(table.metrics["d2_gy"][:, None])
    shares.append(0.02)
    dose = np.hstack(doses)
    dose[~np.isfinite(volume)] = np.nan
    return dose, np.where(np.isfinite(volume), volume, 1.0)[:, None] * np.array(shares)


def _metrics(table: LesionTable, settings: Settings, rng: np.random.Generator) -> tuple[MetricTest, ...]:
    candidates = {k: table.metrics[k] for k in METRICS if np.isfinite(table.metrics[k]).all()}
    candidates[f"eqd2_d100_gy (alpha/beta {settings.alpha_beta_gy:g})"] = eqd2_gy(table.d100_gy, settings.alpha_beta_gy)
    candidates = {k: v for k, v in candidates.items() if np.ptp(v) > 0}
    beside = adjusters(table)
    fits = {
        k: cox(table.months, table.event, {k: v / v.std(), **beside}, cluster=table.patient_id)
        for k, v in candidates.items()
    }
    single = {k: effects(k, f, table.n, table.n_events, (k,))[0] for k, f in fits.items()}
    p = np.array([e.p for e in single.values()])
    null = cox(table.months, table.event, beside)
    joint = max_t(null, candidates, rng=rng, cluster=table.patient_id, n_resamples=settings.n_resamples)
    return tuple(
        MetricTest(
            k,
            float(candidates[k].std()),
            e.hazard_ratio,
            e.lower,
            e.upper,
            e.p,
            float(h),
            float(b),
            float(t),
            float(stats.spearmanr(candidates[k], table.d100_gy).statistic),
        )
        for (k, e), h, b, t in zip(
            single.items(), holm(p), benjamini_hochberg(p), joint.p_adjusted, strict=True
        )
    )  # fmt: skip


def _paper(table: LesionTable, settings: Settings, rng: np.random.Generator) -> PaperRule:
    columns = {
        "age, per year": table.age_years,
        "sex: M vs F": (np.array(table.sex) == "M").astype(np.float64),
        "diameter, per mm": table.diameter_mm,
        "number of lesions": table.n_lesions.astype(np.float64),
        **{k: v for k, v in adjusters(table).items() if k.startswith("tumour type")},
        D100: table.d100_gy,
    }
    return paper_rule(table.months, table.event, columns, table.patient_id, rng, settings.n_bootstrap)
