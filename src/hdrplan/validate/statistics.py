"""Statistics: a synthetic cohort of lesions in patients against what R computed of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cohort:
    """The synthetic cohort, what R computed of it, and with which versions."""

    columns: dict[str, FloatArray]
    r: dict[str, Any]
    versions: dict[str, str]

    def chosen(self, *names: str) -> dict[str, FloatArray]:
        """Return some columns by name."""
        return {name: self.columns[name] for name in names}


def statistics_rows() -> list[Row]:
    """Every estimator against R."""
    text = (resources.files("hdrplan.validate") / "data" / "statistics.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    columns = {name: np.array(values, dtype=np.float64) for name, values in stored["columns"].items()}
    cohort = _Cohort(columns=columns, r=stored["r"], versions=stored["versions"])
    patients = len(set(columns["patient"]))
    return [
        judged(
            Question(
                section="Statistics against R",
                what=subject,
                source=f"R {cohort.versions['R']}, {package} {cohort.versions[package]}: {call}",
                method=f"largest relative difference; {len(columns['time'])} synthetic lesions in {patients} patients",
            ),
            _far(ours, theirs),
            Aim(value=aim, unit=""),
        )
        for subject, call, package, ours, theirs, aim in (*_curves(cohort), *_models(cohort), *_scores(cohort))
    ]


# What is compared, R's call and package, our values, R's, and the largest relative difference allowed.
_Compared = tuple[str, str, str, npt.ArrayLike | None, npt.ArrayLike, float]


def _curves(cohort: _Cohort) -> list[_Compared]:
    """Curves, means and tests of groups."""
    c, r = cohort.columns, cohort.r
    event, group = c["status"] == 1, c["crlm"].astype(int)
    lesions, risks = follow_up(c["time"], event), competing_risks(c["time"], c["status"].astype(int))
    curve = kaplan_meier(lesions, conf_type="log-log")
    at = np.searchsorted(curve.time, r["km"]["time"])
    by_patient = kaplan_meier(follow_up(c["time"], event, cluster=c["patient"].astype(int)))
    mean = restricted_mean(lesions, 900)
    incidence = aalen_johansen(risks)
    there = np.searchsorted(incidence.time, r["aj"]["time"])
    gray = [gray_test(risks, group, of=of).test.statistic for of in (1, 2)]
    masses = turnbull(intervals(c["left"], c["right"])).mass
    return [
        ("Kaplan-Meier, log-log limits", "survfit", "survival", [curve.survival[at], curve.lower[at], curve.upper[at]],
         [r["km"]["survival"], r["km"]["lower"], r["km"]["upper"]], _SUMS),
        ("Kaplan-Meier errors by patient", "survfit(cluster)", "survival", by_patient.std_err,
         r["km_cluster"]["std_err"], _SUMS),
        ("restricted mean to 900 days", "survfit(rmean)", "survival", [mean.mean, mean.std_err], r["rmst"], _SUMS),
        ("log-rank chi-square", "survdiff", "survival", log_rank(lesions, group).test.statistic, r["logrank"]["chisq"],
         _SUMS),
        ("cumulative incidence, death competing", "survfit", "survival", incidence.incidence[there],
         r["aj"]["incidence"], _SUMS),
        ("Gray's test, both causes", "cuminc", "cmprsk", gray, [g[0] for g in r["gray"]], _SUMS),
        ("Turnbull's masses", "npsurv", "npsurv", masses, r["npmle"]["mass"], _MASSES),
    ]  # fmt: skip


def _models(cohort: _Cohort) -> list[_Compared]:
    """Regressions."""
    c, r = cohort.columns, cohort.r
    four, three = (
        cohort.chosen("d100_gy", "diameter_mm", "crlm", "age_years"), cohort.chosen("d100_gy", "diameter_mm", "crlm")
    )  # fmt: skip
    of_patients = follow_up(c["time"], c["status"] == 1, cluster=c["patient"].astype(int))
    model, shared = cox(of_patients, four), frailty(of_patients, three)
    fine = fine_gray(competing_risks(c["time"], c["status"].astype(int)), four, of=1)
    seen = ~((c["left"] == 0) & np.isnan(c["right"]))
    scans = intervals(c["left"], c["right"]).chosen(seen)
    log_time = interval_regression(scans, {name: x[seen] for name, x in three.items()}, family="weibull").log_time
    weibull = [log_time.intercept, *log_time.coef, *log_time.se[: len(r["interval"]["se"])]]
    return [
        ("Cox coefficients and errors", "coxph", "survival", [*model.coef, *model.se],
         [*r["cox"]["coef"], *r["cox"]["se"]], _MAXIMA),
        ("Cox errors by patient", "coxph(cluster)", "survival", model.robust_se, r["cox"]["robust_se"], _MAXIMA),
        ("gamma frailty", "coxph(frailty)", "survival", [shared.theta, *shared.coef, *shared.se],
         [r["frailty"]["theta"], *r["frailty"]["coef"], *r["frailty"]["se"]], _FRAILTY),
        ("Fine-Gray coefficients", "crr", "cmprsk", fine.coef, r["fine_gray"]["coef"], _MAXIMA),
        ("Weibull regression of interval-censored times", "survreg(interval2)", "survival", weibull,
         [*r["interval"]["coef"], *r["interval"]["se"]], _MAXIMA),
    ]  # fmt: skip


def _scores(cohort: _Cohort) -> list[_Compared]:
    """Discrimination and cut-offs."""
    c, r = cohort.columns, cohort.r
    event = c["status"] == 1
    harrell = concordance(follow_up(c["time"], event, cluster=c["patient"].astype(int)), c["diameter_mm"])
    area = auc_at(competing_risks(c["time"], c["status"].astype(int)), c["diameter_mm"], [150, 400, 700]).auc
    problem = cutoff_problem(follow_up(c["time"], event), c["d100_gy"])
    cut = best_cutoff(problem, rng=np.random.default_rng(0), n_resamples=9)
    return [
        ("Harrell's C and its error by patient", "concordance", "survival", [harrell.c, harrell.std_err],
         r["concordance"], _SUMS),
        ("AUC at three times, death competing", "Score", "riskRegression", area, r["auc"], _SUMS),
        ("maximally selected log-rank statistic", "maxstat_test", "coin", cut.scan.maximum, r["maxstat"]["statistic"],
         _SUMS),
    ]  # fmt: skip


def _far(got: npt.ArrayLike | None, want: npt.ArrayLike) -> float:
    """Largest relative difference; where R's value is zero or missing, it says nothing."""
    a, b = np.asarray(got, dtype=np.float64).ravel(), _numbers(want)
    known = np.isfinite(b) & (b != 0)
    return float(np.max(np.abs(a - b)[known] / np.abs(b[known])))


def _numbers(values: npt.ArrayLike) -> FloatArray:
    # R's missing values are null in JSON, None here.
    return np.array(values, dtype=object).astype(np.float64).ravel()
