"""Regression: cox, zph, frailty, finegray, weibull."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from hdrplan.cli.survival_columns import Columns, named_options
from hdrplan.cli.survival_words import (
    COX_OPTIONS,
    coefficient_lines,
    coefficient_table,
    fitted_cox,
    p_text,
    print_result,
    test_line,
    test_table,
)

__all__ = ["cox", "finegray", "frailty", "weibull", "zph"]


@click.command(short_help="Cox's model, errors by patient.")
@named_options(*COX_OPTIONS, "conf_level")
def cox(data: Path, drop_missing: bool, as_json: bool, **options: Any) -> None:
    """Cox's proportional hazards model; errors by patient with --cluster.

    \b
    Examples:
      hdrplan survival cox lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm --cluster patient
      hdrplan survival cox lesions.csv --time days --event recurred --covariates type --reference type=HCC
    """
    columns = Columns.of(data, drop_missing, **options)
    fit = fitted_cox(columns)
    result = coefficient_table(fit, options["conf_level"]) | {
        "ties": fit.ties, "events": fit.n_events, "clusters": fit.n_clusters, "loglik": fit.loglik,
        "loglik_null": fit.loglik_null, "likelihood_ratio": test_table(fit.likelihood_ratio),
        "score": test_table(fit.score), "wald": test_table(fit.wald()),
    }  # fmt: skip
    lines = coefficient_lines(fit, options["conf_level"])
    lines.append(f"{fit.n} rows, {fit.n_events} events, ties {fit.ties}, errors "
                 + (f"by {fit.n_clusters} clusters" if fit.n_clusters else "for independent rows"))  # fmt: skip
    lines.append("all covariates, Wald: " + test_line(fit.wald()))
    print_result(as_json, columns, "cox", result, lines)


@click.command(short_help="Test of proportional hazards.")
@named_options(*COX_OPTIONS)
@click.option("--transform", type=click.Choice(["km", "rank", "identity", "log"]), default="km", show_default=True)
def zph(data: Path, drop_missing: bool, as_json: bool, transform: Any, **options: Any) -> None:
    """Exact score test of proportional hazards, of each covariate and of all.

    \b
    Examples:
      hdrplan survival zph lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm
      hdrplan survival zph lesions.csv --time days --event recurred --covariates d100_gy --transform log --json
    """
    from hdrplan.outcomes import zph as test_of

    columns = Columns.of(data, drop_missing, **options)
    found = test_of(fitted_cox(columns), transform)
    each = zip([*found.names, "all"], [*found.tests, found.overall], strict=True)
    tests = [{"covariate": name, **test_table(test)} for name, test in each]
    lines = [f"{t['covariate']:<36} chi-square {t['statistic']:.4f} on {t['df']}, p {p_text(t['p'])}" for t in tests]
    print_result(as_json, columns, "zph", {"transform": transform, "tests": tests}, lines)


@click.command(short_help="Cox's model with gamma frailty.")
@named_options(
    "time", "event", "event_value", "covariates", "reference", "ties", "cluster", "strata", "entry", "conf_level"
)
def frailty(data: Path, drop_missing: bool, as_json: bool, **options: Any) -> None:
    """Cox's model with a gamma frailty shared by the rows of a --cluster.

    \b
    Examples:
      hdrplan survival frailty lesions.csv --time days --event recurred --covariates d100_gy --cluster patient
    """
    from hdrplan.outcomes import frailty as fit_of

    columns = Columns.of(data, drop_missing, **options)
    fit = fit_of(
        columns.numbers("time"), columns.event(), columns.needed_covariates(), columns.needed_labels("cluster"),
        ties=options["ties"], strata=columns.labels("strata"), entry=columns.entry(),
    )  # fmt: skip
    result = coefficient_table(fit, options["conf_level"]) | {
        "ties": options["ties"], "theta": fit.theta, "clusters": len(fit.clusters), "loglik": fit.loglik,
        "loglik_without": fit.loglik_cox, "heterogeneity": test_table(fit.heterogeneity),
    }  # fmt: skip
    lines = coefficient_lines(fit, options["conf_level"])
    lines.append(
        f"variance of the frailty {fit.theta:.4f} over {len(fit.clusters)} clusters, p {p_text(fit.heterogeneity.p)}"
    )
    print_result(as_json, columns, "frailty", result, lines)


@click.command(short_help="Fine-Gray model.")
@named_options("time", "event", "cause", "censored", "covariates", "reference", "cluster", "conf_level")
def finegray(data: Path, drop_missing: bool, as_json: bool, **options: Any) -> None:
    """Fine-Gray model: covariates against the incidence of one cause while others compete.

    \b
    Examples:
      hdrplan survival finegray lesions.csv --time days --event status --covariates d100_gy --cluster patient
    """
    from hdrplan.outcomes import fine_gray

    columns = Columns.of(data, drop_missing, **options)
    fit = fine_gray(
        columns.numbers("time"), columns.causes(), columns.needed_covariates(), of=options["cause"],
        censored=options["censored"], cluster=columns.labels("cluster"),
    )  # fmt: skip
    result = coefficient_table(fit, options["conf_level"]) | {
        "cause": options["cause"], "events": fit.n_events, "clusters": fit.n_clusters if options["cluster"] else None,
        "loglik": fit.loglik, "loglik_null": fit.loglik_null,
    }  # fmt: skip
    print_result(as_json, columns, "finegray", result, coefficient_lines(fit, options["conf_level"]))


@click.command(short_help="Parametric regression on intervals.")
@named_options("left", "right", "time", "event", "event_value", "covariates", "reference", "cluster", "conf_level")
@click.option("--family", type=click.Choice(["weibull", "exponential", "loglogistic", "lognormal"]), default="weibull",
              show_default=True)  # fmt: skip
def weibull(data: Path, drop_missing: bool, as_json: bool, family: Any, **options: Any) -> None:
    """Parametric regression on intervals (left, right]; blank right: no event seen, left = right: exact.

    With --time and --event instead, events are exact and the others right-censored.

    \b
    Examples:
      hdrplan survival weibull lesions.csv --left last_clean --right first_bad --covariates d100_gy --cluster patient
      hdrplan survival weibull lesions.csv --left last_clean --right first_bad --family lognormal --json
    """
    import numpy as np

    from hdrplan.outcomes import interval_regression

    columns = Columns.of(data, drop_missing, ("right",), **options)
    if options["time"] and not options["left"]:
        left = columns.numbers("time")
        right = np.where(columns.event() == 1, left, np.inf)
    else:
        left, right = columns.numbers("left"), columns.numbers("right")
    fit = interval_regression(left, right, columns.covariates(), family=family, cluster=columns.labels("cluster"))
    result = coefficient_table(fit, options["conf_level"]) | {
        "family": family, "scale": fit.scale, "shape": 1.0 / fit.scale, "loglik": fit.loglik,
        "time_scale": {
            "names": ["intercept", *fit.names, "log scale"],
            "coef": [fit.time_intercept, *fit.time_coef.tolist(), math.log(fit.scale)],
            "se": fit.time_se,
        },
        "clusters": fit.n_clusters if options["cluster"] else None,
    }  # fmt: skip
    effect = {"loglogistic": "odds ratio", "lognormal": "exp(probit)"}.get(family, "HR")
    result["effect"] = effect
    lines = coefficient_lines(fit, options["conf_level"], effect) if fit.names else []
    lines.append(f"{family}: shape {1 / fit.scale:.4f}, intercept of log time {fit.time_intercept:.4f}, "
                 f"log likelihood {fit.loglik:.4f}")  # fmt: skip
    print_result(as_json, columns, "weibull", result, lines)
