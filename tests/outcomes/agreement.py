"""How far hdrplan is from R, quantity by quantity: the table in docs/reference/statistics.md is written by this file.

python tests/outcomes/agreement.py        (from the root of the checkout; writes the table between its marks)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

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
    integrated_brier,
    interval_regression,
    intervals,
    kaplan_meier,
    known_status,
    log_rank,
    meta_analysis,
    predicted_incidence,
    restricted_mean,
    turnbull,
    zph,
)
from outcomes.reference_data import cox_cases, numbers, r_numbers, r_scores, table
from tolerances import R_COX, R_CURVE, R_FRAILTY, R_NPMLE, R_ZPH

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "statistics.md"
BEGIN, END = "<!-- agreement: begin -->", "<!-- agreement: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: largest difference from R over the data sets, and the tolerance the tests hold it to."""

    quantity: str
    against: str
    data: str
    kind: str
    difference: float
    tolerance: float


def far(got: object, want: object, *, relative: bool = False) -> float:
    """Largest (relative) difference; NaN in R is left out."""
    a, b = numbers(got).ravel(), numbers(want).ravel()
    d = np.abs(a - b) / (np.abs(b) if relative else 1.0)
    return float(np.nanmax(d))


def rows() -> Iterator[Row]:
    """Yield every line."""
    r = r_numbers()
    lung, lesions, pbc, mgus2 = (table(name) for name in ("lung", "lesions", "pbc", "mgus2"))
    event = lesions.status == 1

    parts = {"survival": [], "error": [], "limits": []}
    for kind in ("plain", "log", "log-log"):
        for name, curve in (
            ("lung", kaplan_meier(follow_up(lung.time, lung.status), conf_type=kind)),
            ("lesions", kaplan_meier(follow_up(lesions.time, event), conf_type=kind)),
        ):
            want = r["km"][f"{name} {kind}"]
            at = np.searchsorted(curve.time, want["time"])
            parts["survival"].append(far(curve.survival[at], want["survival"]))
            parts["error"].append(far(curve.std_err[at], want["std_err"]))
            parts["limits"] += [far(curve.lower[at], want["lower"]), far(curve.upper[at], want["upper"])]
    for what, found in parts.items():
        yield Row(f"Kaplan-Meier, {what}", "survfit", "lung, lesions", "absolute", max(found), R_CURVE)
    by_patient = kaplan_meier(follow_up(lesions.time, event, cluster=lesions.patient))
    yield Row(
        "Kaplan-Meier, error by patient",
        "survfit(cluster)",
        "lesions",
        "absolute",
        far(by_patient.std_err, r["km_cluster"]["std_err"]),
        R_CURVE,
    )
    mean = restricted_mean(follow_up(lung.time, lung.status), 500)
    yield Row(
        "restricted mean and error",
        "survfit(rmean)",
        "lung",
        "relative",
        far([mean.mean, mean.std_err], r["rmst"]["lung 500"], relative=True),
        R_CURVE,
    )

    colon, veteran, retinopathy = table("colon"), table("veteran"), table("retinopathy")
    tests = {
        "lung sex": log_rank(follow_up(lung.time, lung.status), lung.sex),
        "lung sex rho1": log_rank(follow_up(lung.time, lung.status), lung.sex, weights="fleming-harrington", rho=1),
        "colon rx": log_rank(follow_up(colon.time, colon.status), colon.rx, strata=colon.etype),
        "veteran celltype": log_rank(follow_up(veteran.time, veteran.status), veteran.celltype),
        "retinopathy trt": log_rank(follow_up(retinopathy.futime, retinopathy.status), retinopathy.trt),
        "mgus2 sex": log_rank(follow_up(mgus2.futime, mgus2.death), mgus2.sex),
        "lesions crlm": log_rank(follow_up(lesions.time, event), lesions.crlm),
    }
    yield Row(
        "log-rank, stratified, weighted: chi-square",
        "survdiff",
        ", ".join({n.split()[0]: 0 for n in tests}),
        "absolute",
        max(far(t.test.statistic, r["logrank"][n]["chisq"]) for n, t in tests.items()),
        R_CURVE,
    )

    coef, se, robust, ph, data = [], [], [], [], {}
    for name, (rows_, how) in cox_cases().items():
        columns = {key: rows_[how[key]] for key in ("cluster", "entry") if key in how}
        happened = rows_["event"] if "event" in rows_ else rows_["status"]
        strata = rows_[how["strata"]] if "strata" in how else None
        for ties in ("efron", "breslow"):
            fit = cox(
                follow_up(rows_.time, happened, **columns), {c: rows_[c] for c in how["x"]}, ties=ties, strata=strata
            )
            want = r["cox"][f"{name} {ties}"]
            coef.append(far(fit.coef, want["coef"]))
            se.append(far(fit.se, want["se"]))
            if "robust_se" in want:
                robust.append(far(fit.robust_se, want["robust_se"]))
            for g in ("km", "rank", "identity", "log"):
                found = zph(fit, g)
                ph.append(far([*(t.statistic for t in found.tests), found.overall.statistic], want[f"zph_{g}"]))
        data[name.split()[0]] = None
    all_data = ", ".join(data)
    yield Row(
        "Cox coefficients, Efron and Breslow, strata, late entry", "coxph", all_data, "absolute", max(coef), R_COX
    )
    yield Row("Cox errors", "coxph", all_data, "absolute", max(se), R_COX)
    yield Row(
        "Cox errors by patient, with ties and strata",
        "coxph(cluster)",
        "lung, colon, kidney, retinopathy, lesions",
        "absolute",
        max(robust),
        R_COX,
    )
    yield Row("test of proportional hazards, four transforms", "cox.zph", all_data, "absolute", max(ph), R_ZPH)

    kidney = table("kidney")
    fits = {
        "kidney": frailty(
            follow_up(kidney.time, kidney.status, cluster=kidney.id), {"age": kidney.age, "sex": kidney.sex}
        ),
        "retinopathy": frailty(
            follow_up(retinopathy.futime, retinopathy.status, cluster=retinopathy.id),
            {"trt": retinopathy.trt, "age": retinopathy.age},
        ),
        "lesions": frailty(
            follow_up(lesions.time, event, cluster=lesions.patient),
            {c: lesions[c] for c in ("d100_gy", "diameter_mm", "crlm")},
        ),
    }
    yield Row(
        "gamma frailty: variance, coefficients, errors",
        "coxph(frailty)",
        ", ".join(fits),
        "relative",
        max(
            far([f.theta, *f.coef, *f.se], [w["theta"], *w["coef"], *w["se"]], relative=True)
            for f, w in ((f, r["frailty"][n]) for n, f in fits.items())
        ),
        R_FRAILTY,
    )

    curves = {
        "mgus2": (mgus2.etime, mgus2.cause),
        "lesions": (lesions.time, lesions.status),
        "pbc": (pbc.time, pbc.status),
    }
    value, error = [], []
    for name, columns_ in curves.items():
        curve_, want = aalen_johansen(competing_risks(*columns_)), r["aj"][name]
        at = np.searchsorted(curve_.time, want["time"])
        value.append(far(curve_.incidence[at], want["incidence"]))
        error.append(far(curve_.std_err[at], want["std_err"]))
    yield Row("Aalen-Johansen incidence", "survfit", ", ".join(curves), "absolute", max(value), R_CURVE)
    yield Row("Aalen-Johansen error", "survfit", ", ".join(curves), "absolute", max(error), R_CURVE)
    gray = {
        "mgus2 sex": lambda of: gray_test(competing_risks(mgus2.etime, mgus2.cause), mgus2.sex, of=of),
        "lesions crlm strata": lambda of: gray_test(
            competing_risks(lesions.time, lesions.status), lesions.crlm, of=of, strata=lesions.diameter_mm > 30
        ),
    }
    yield Row(
        "Gray's test, chi-square",
        "cmprsk::cuminc",
        "mgus2, lesions",
        "absolute",
        max(far(f(of).test.statistic, r["gray"][n][of - 1][0]) for n, f in gray.items() for of in (1, 2)),
        R_CURVE,
    )
    x = {c: lesions[c] for c in ("d100_gy", "diameter_mm", "crlm", "age_years")}
    fine = {
        n: fine_gray(competing_risks(lesions.time, lesions.status), x, of=of)
        for n, of in (("lesions", 1), ("lesions death", 2))
    }
    yield Row(
        "Fine-Gray coefficients",
        "cmprsk::crr",
        "lesions",
        "absolute",
        max(far(f.coef, r["fine_gray"][n]["coef"]) for n, f in fine.items()),
        R_COX,
    )
    yield Row(
        "Fine-Gray errors",
        "cmprsk::crr",
        "lesions",
        "relative",
        max(far(f.se, r["fine_gray"][n]["se"], relative=True) for n, f in fine.items()),
        R_FRAILTY,
    )

    npmle = turnbull(intervals(lesions.left, lesions.right))
    yield Row(
        "Turnbull masses", "npsurv", "lesions", "absolute", far(npmle.mass, r["npmle"]["lesions"]["mass"]), R_NPMLE
    )
    scanned = lesions[~((lesions.left == 0) & lesions.right.isna())]
    differences = []
    for family in ("weibull", "exponential", "loglogistic", "lognormal"):
        covariates = {c: scanned[c] for c in ("d100_gy", "diameter_mm", "crlm")}
        reg, want = (
            interval_regression(intervals(scanned.left, scanned.right), covariates, family=family),
            r["interval"][family],
        )
        got = [reg.log_time.intercept, *reg.log_time.coef, *reg.log_time.se[: len(want["se"])]]
        differences.append(far(got, [*want["coef"], *want["se"]], relative=True))
    yield Row(
        "interval regression, four families: coefficients, errors",
        "survreg(interval2)",
        "lesions",
        "relative",
        max(differences),
        R_COX,
    )

    harrell = concordance(follow_up(lesions.time, event, cluster=lesions.patient), lesions.diameter_mm)
    uno = concordance(follow_up(pbc.time, pbc.status == 2), pbc.bili, method="uno")
    want_c = [*r["concordance"]["lesions diameter patient"], *r["concordance"]["pbc bili uno"]]
    yield Row(
        "Harrell's and Uno's C and errors",
        "concordance",
        "lesions, pbc",
        "absolute",
        far([harrell.c, harrell.std_err, uno.c, uno.std_err], want_c),
        R_CURVE,
    )
    area = auc_at(follow_up(pbc.time, pbc.status == 2), pbc.bili, [1000, 2000, 3000]).auc
    competing = auc_at(competing_risks(lesions.time, lesions.status), lesions.diameter_mm, [150, 400, 700]).auc
    want_auc = r["auc"]["pbc bili"]
    yield Row(
        "time-dependent AUC, also with competing events",
        "riskRegression::Score",
        "pbc, lesions",
        "absolute",
        far([*area, *competing], [*want_auc, *r["auc"]["lesions diameter_mm competing"]]),
        R_CURVE,
    )
    risks, scores = table("pbc_risks"), table("pbc_scores")
    held_out = competing_risks(risks.time, risks.event)
    briers = [known_status(held_out, s.time).brier(risks[f"{s.model}_{s.time}"]) for s in scores.itertuples()]
    areas = [auc_at(held_out, risks[f"{s.model}_{s.time}"], [s.time]).auc[0] for s in scores.itertuples()]
    yield Row(
        "Brier score and AUC of predicted risks, competing events",
        "riskRegression::Score",
        "pbc, held out",
        "absolute",
        far([*briers, *areas], [*scores.brier, *scores.auc]),
        R_CURVE,
    )
    yield from _scores(lesions)
    cut = best_cutoff(
        cutoff_problem(follow_up(lesions.time, event), lesions.d100_gy), rng=np.random.default_rng(0), n_resamples=9
    )
    yield Row(
        "maximally selected log-rank statistic",
        "coin::maxstat_test",
        "lesions",
        "absolute",
        far(cut.scan.maximum, r["maxstat"]["lesions d100_gy"]["statistic"]),
        R_CURVE,
    )


def _scores(lesions: pd.DataFrame) -> Iterator[Row]:
    """Own models' risks with their scores, and pooled series."""
    x, want = lesions[["d100_gy", "diameter_mm", "crlm"]].to_numpy(float), r_scores()["models"]["dose"]
    fits = [cox(follow_up(lesions.time, lesions.status == cause), x) for cause in (1, 2)]
    risk = predicted_incidence(*fits, x, np.arange(1, 401))
    yield Row(
        "risk predicted by a Cox model of each cause",
        "riskRegression::CSC",
        "lesions",
        "absolute",
        far(risk[:, [99, 399]], want["risk"]),
        R_CURVE,
    )
    outcomes = competing_risks(lesions.time, lesions.status)
    status, incidence = known_status(outcomes, 400), aalen_johansen(outcomes).incidence_at([400])[0, 0]
    brier = status.brier(risk[:, -1])
    ipa = 1 - brier / status.brier(np.full(len(x), incidence))
    yield Row(
        "its Brier score and its gain over incidence alone (IPA)",
        "riskRegression::Score",
        "lesions",
        "absolute",
        far([brier, ipa], [want["brier"], want["ipa"]]),
        R_CURVE,
    )
    yield Row(
        "its integrated Brier score (trapezoids; rectangles in R)",
        "riskRegression::Score",
        "lesions",
        "absolute",
        far(integrated_brier(outcomes, risk, np.arange(1, 401)), want["ibs"]),
        1e-3,
    )
    differences = []
    for case in r_scores()["pooled"].values():
        columns = None if case["mods"] is None else dict(enumerate(np.array(case["mods"], dtype=float).T))
        fit = meta_analysis(case["y"], case["v"], columns and {f"m{k}": c for k, c in columns.items()})
        at = () if columns is None else [c.mean() for c in columns.values()]
        ours = [*fit.coef, *fit.se, fit.tau2, fit.heterogeneity.statistic, *fit.predicted(at)]
        theirs = [np.ravel(case[k]) for k in ("coef", "se", "tau2", "q", "predicted")]
        differences.append(far(ours, np.concatenate(theirs)))
    yield Row(
        "pooled series, tumour type and dose as moderators, prediction interval",
        "metafor::rma (REML)",
        "local control of 4 series; 13 made",
        "absolute",
        max(differences),
        R_COX,
    )


def rounded_up(value: float) -> str:
    """Power of ten at or above a difference; below 1e-12 the last digits differ from machine to machine."""
    return "below 1e-12" if value <= 1e-12 else f"below 1e{math.ceil(math.log10(value)):d}"


def markdown() -> str:
    """Return the table."""
    versions = ", ".join(
        f"{name} {version}" for name, version in ({**r_scores()["versions"], **r_numbers()["versions"]}).items()
    )
    lines = [
        f"R and packages: {versions}.",
        "",
        "| quantity | against | data | difference | tolerance |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.quantity} | `{row.against}` | {row.data} | {rounded_up(row.difference)} {row.kind} "
        f"| {row.tolerance:g} |"
        for row in rows()
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the table between its marks in docs/reference/statistics.md."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{markdown()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
