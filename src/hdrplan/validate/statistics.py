"""Statistics: a synthetic cohort of lesions in patients against what R computed of it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray
from hdrplan.outcomes import (
    aalen_johansen,
    auc_at,
    best_cutoff,
    competing_risks,
    concordance,
    cox,
    cutoff_problem,
    fine_gray,
    follow_up,
    frailty,
    gray_test,
    interval_regression,
    intervals,
    kaplan_meier,
    log_rank,
    restricted_mean,
    turnbull,
)
from hdrplan.validate.row import Aim, Question, Row, judged

__all__ = ["statistics_rows"]

# Sums and products against R's 15 digits; iterations that stop on their own rules; a flat profile likelihood.
_SUMS, _MAXIMA, _MASSES, _FRAILTY = 1e-8, 1e-6, 1e-5, 1e-3


def statistics_rows() -> list[Row]:
    """Every estimator against R."""
    text = (resources.files("hdrplan.validate") / "data" / "statistics.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    r, versions = stored["r"], stored["versions"]
    c = {name: np.array(values, dtype=np.float64) for name, values in stored["columns"].items()}
    time, event, status, patient = c["time"], c["status"] == 1, c["status"].astype(int), c["patient"].astype(int)
    four = {name: c[name] for name in ("d100_gy", "diameter_mm", "crlm", "age_years")}
    three = {name: c[name] for name in ("d100_gy", "diameter_mm", "crlm")}

    def row(what: str, call: str, package: str, got: npt.ArrayLike | None, want: npt.ArrayLike, aim: float) -> Row:
        return judged(
            Question(
                section="Statistics against R",
                what=what,
                source=f"R {versions['R']}, {package} {versions[package]}: {call}",
                method=f"largest relative difference; {len(time)} synthetic lesions in {len(set(patient))} patients",
            ),
            _far(got, want),
            Aim(value=aim, unit=""),
        )

    lesions, of_patients = follow_up(time, event), follow_up(time, event, cluster=patient)
    risks, scans = competing_risks(time, status), intervals(c["left"], c["right"])
    curve = kaplan_meier(lesions, conf_type="log-log")
    at = np.searchsorted(curve.time, r["km"]["time"])
    by_patient = kaplan_meier(of_patients)
    mean = restricted_mean(lesions, 900)
    model = cox(of_patients, four)
    incidence = aalen_johansen(risks)
    there = np.searchsorted(incidence.time, r["aj"]["time"])
    gray = [gray_test(risks, c["crlm"].astype(int), of=of).test.statistic for of in (1, 2)]
    fine = fine_gray(risks, four, of=1)
    shared = frailty(of_patients, three)
    npmle = turnbull(scans)
    seen = ~((c["left"] == 0) & np.isnan(c["right"]))
    weibull = interval_regression(scans.chosen(seen), {name: x[seen] for name, x in three.items()}, family="weibull")
    harrell = concordance(of_patients, c["diameter_mm"])
    area = auc_at(risks, c["diameter_mm"], [150, 400, 700])
    cut = best_cutoff(cutoff_problem(lesions, c["d100_gy"]), rng=np.random.default_rng(0), n_resamples=9)
    log_time = weibull.log_time
    weibull_got = [log_time.intercept, *log_time.coef, *log_time.se[: len(r["interval"]["se"])]]
    return [
        row("Kaplan-Meier, log-log limits", "survfit", "survival",
            [curve.survival[at], curve.lower[at], curve.upper[at]],
            [r["km"]["survival"], r["km"]["lower"], r["km"]["upper"]], _SUMS),
        row("Kaplan-Meier errors by patient", "survfit(cluster)", "survival",
            by_patient.std_err, r["km_cluster"]["std_err"], _SUMS),
        row("restricted mean to 900 days", "survfit(rmean)", "survival", [mean.mean, mean.std_err], r["rmst"], _SUMS),
        row("log-rank chi-square", "survdiff", "survival",
            log_rank(lesions, c["crlm"].astype(int)).test.statistic, r["logrank"]["chisq"], _SUMS),
        row("Cox coefficients and errors", "coxph", "survival",
            [*model.coef, *model.se], [*r["cox"]["coef"], *r["cox"]["se"]], _MAXIMA),
        row("Cox errors by patient", "coxph(cluster)", "survival", model.robust_se, r["cox"]["robust_se"], _MAXIMA),
        row("gamma frailty", "coxph(frailty)", "survival",
            [shared.theta, *shared.coef, *shared.se],
            [r["frailty"]["theta"], *r["frailty"]["coef"], *r["frailty"]["se"]], _FRAILTY),
        row("cumulative incidence, death competing", "survfit", "survival",
            incidence.incidence[there], r["aj"]["incidence"], _SUMS),
        row("Gray's test, both causes", "cuminc", "cmprsk", gray, [g[0] for g in r["gray"]], _SUMS),
        row("Fine-Gray coefficients", "crr", "cmprsk", fine.coef, r["fine_gray"]["coef"], _MAXIMA),
        row("Turnbull's masses", "npsurv", "npsurv", npmle.mass, r["npmle"]["mass"], _MASSES),
        row("Weibull regression of interval-censored times", "survreg(interval2)", "survival",
            weibull_got, [*r["interval"]["coef"], *r["interval"]["se"]], _MAXIMA),
        row("Harrell's C and its error by patient", "concordance", "survival",
            [harrell.c, harrell.std_err], r["concordance"], _SUMS),
        row("AUC at three times, death competing", "Score", "riskRegression", area, r["auc"], _SUMS),
        row("maximally selected log-rank statistic", "maxstat_test", "coin",
            cut.scan.maximum, r["maxstat"]["statistic"], _SUMS),
    ]  # fmt: skip


def _far(got: npt.ArrayLike | None, want: npt.ArrayLike) -> float:
    """Largest relative difference; where R's value is zero or missing, it says nothing."""
    a, b = np.asarray(got, dtype=np.float64).ravel(), _numbers(want)
    known = np.isfinite(b) & (b != 0)
    return float(np.max(np.abs(a - b)[known] / np.abs(b[known])))


def _numbers(values: npt.ArrayLike) -> FloatArray:
    # R's missing values are null in JSON, None here.
    return np.array(values, dtype=object).astype(np.float64).ravel()
