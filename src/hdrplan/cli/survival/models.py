"""Regression: cox, zph, frailty, finegray, weibull."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.survival.fits import Ties, firth_fit, fitted_cox
from hdrplan.cli.survival.options import COX_OPTIONS, MODEL_OPTIONS, table_command
from hdrplan.cli.survival.words import (
    coefficient_lines,
    coefficient_table,
    few_events,
    p_text,
    print_result,
    test_line,
    test_table,
)
from hdrplan.errors import InfeasibleError

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns
    from hdrplan.outcomes import FirthFit

__all__ = ["cox", "finegray", "frailty", "weibull", "zph"]

Firth = Literal["auto", "always", "never"]
Transform = Literal["km", "rank", "identity", "log"]
Family = Literal["weibull", "exponential", "loglogistic", "lognormal"]


@click.command(short_help="Cox's model, errors by patient.")
@table_command(*MODEL_OPTIONS, "conf_level")
@click.option("--firth", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
              help="Firth's penalised likelihood; auto: where a covariate separates the events.")  # fmt: skip
def cox(columns: Columns, as_json: bool, ties: Ties, conf_level: float, firth: Firth) -> None:
    """Cox's proportional hazards model; --cluster gives standard errors clustered by patient.

    Where a covariate separates events from non-events, the likelihood has no maximum. The answer is then that of
    Firth's penalised likelihood, and says so; its rows are taken as independent.

    \b
    Examples:
      hdrplan survival cox sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm \\
          --cluster patient
      hdrplan survival cox sample/lesions.csv --time days --event recurred --covariates type --reference type=HCC
    """
    if firth == "always":
        _print_firth(columns, firth_fit(columns, ties), "as --firth always asks", conf_level, as_json=as_json)
        return
    try:
        fit = fitted_cox(columns, ties)
    except InfeasibleError as error:
        if firth == "never" or ties == "exact":
            raise
        reason = f"because {str(error).partition(',')[0]}"
        _print_firth(columns, firth_fit(columns, ties), reason, conf_level, as_json=as_json)
        return
    result = coefficient_table(fit, conf_level) | {
        "method": "partial likelihood", "ties": ties, "events": fit.n_events, "clusters": fit.n_clusters,
        "loglik": fit.loglik, "loglik_null": fit.loglik_null, "likelihood_ratio": test_table(fit.likelihood_ratio),
        "score": test_table(fit.score), "wald": test_table(fit.wald()),
        "robust_score": None if fit.robust_score is None else test_table(fit.robust_score),
        "doubts": few_events(fit.n_events, len(fit.names)),
    }  # fmt: skip
    lines = coefficient_lines(fit, conf_level)
    robust = f"by {fit.n_clusters} clusters" if fit.n_clusters else "of the sandwich by row, for the weights"
    errors = "for independent rows" if fit.robust_se is None else robust
    lines.append(f"{fit.n} rows, {fit.n_events} events, ties {ties}, errors {errors}")
    lines.append("all covariates, Wald: " + test_line(fit.wald()))
    if fit.robust_score is not None:
        lines.append("all covariates, robust score: " + test_line(fit.robust_score))
    lines += few_events(fit.n_events, len(fit.names))
    print_result("cox", columns, result, lines, as_json=as_json)


def _print_firth(columns: Columns, fit: FirthFit, reason: str, conf_level: float, *, as_json: bool) -> None:
    """Print Firth's model, labelled as such, with the reason for it."""
    ignored = [f"the clusters of {columns.names.cluster} are not used"] if columns.names.cluster else []
    doubts = [*ignored, *few_events(fit.n_events, len(fit.names))]
    result = coefficient_table(fit, conf_level) | {
        "method": "Firth's penalised likelihood", "reason": reason, "ties": fit.data.ties, "events": fit.n_events,
        "loglik": fit.loglik, "loglik_null": fit.loglik_null, "likelihood_ratio": test_table(fit.likelihood_ratio),
        "doubts": doubts,
    }  # fmt: skip
    lines = [f"Firth's penalised likelihood, {reason}", *coefficient_lines(fit, conf_level)]
    lines.append(f"{fit.n} rows, {fit.n_events} events, ties {fit.data.ties}; intervals and p of the penalised "
                 "likelihood ratio, for independent rows")  # fmt: skip
    lines.append("all covariates, penalised likelihood ratio: " + test_line(fit.likelihood_ratio))
    print_result("cox", columns, result, [*lines, *doubts], as_json=as_json)


@click.command(short_help="Test of proportional hazards.")
@table_command(*MODEL_OPTIONS)
@click.option("--transform", type=click.Choice(["km", "rank", "identity", "log"]), default="km", show_default=True)
def zph(columns: Columns, as_json: bool, ties: Ties, transform: Transform) -> None:
    """Exact score test of proportional hazards, for each covariate and for all together.

    \b
    Examples:
      hdrplan survival zph sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm
      hdrplan survival zph sample/lesions.csv --time days --event recurred --covariates d100_gy --transform log --json
    """
    from hdrplan.outcomes import zph as test_of

    result = test_of(fitted_cox(columns, ties), transform)
    each = [*zip(result.names, result.tests, strict=True), ("all", result.overall)]
    tests = [{"covariate": name, **test_table(t)} for name, t in each]
    lines = [f"{name:<36} chi-square {t.statistic:.4f} on {t.df}, p {p_text(t.p)}" for name, t in each]
    print_result("zph", columns, {"transform": transform, "tests": tests}, lines, as_json=as_json)


@click.command(short_help="Cox's model with gamma frailty.")
@table_command(*COX_OPTIONS, "conf_level")
def frailty(columns: Columns, as_json: bool, ties: Ties, conf_level: float) -> None:
    """Cox's model with a gamma frailty shared by the rows of a --cluster.

    \b
    Examples:
      hdrplan survival frailty sample/lesions.csv --time days --event recurred --covariates d100_gy --cluster patient
    """
    from hdrplan.outcomes import frailty as fit_of

    rows, covariates = columns.follow_up(), columns.needed_covariates()
    columns.name("cluster")
    fit = fit_of(rows, covariates, ties=ties, strata=columns.labels("strata"))
    result = coefficient_table(fit, conf_level) | {
        "ties": ties, "theta": fit.theta, "clusters": len(fit.clusters), "loglik": fit.loglik,
        "loglik_without": fit.loglik_cox, "heterogeneity": test_table(fit.heterogeneity),
        "doubts": few_events(rows.n_events, len(fit.names)),
    }  # fmt: skip
    lines = coefficient_lines(fit, conf_level)
    lines.append(
        f"variance of the frailty {fit.theta:.4f} over {len(fit.clusters)} clusters, p {p_text(fit.heterogeneity.p)}"
    )
    lines += few_events(rows.n_events, len(fit.names))
    print_result("frailty", columns, result, lines, as_json=as_json)


@click.command(short_help="Fine-Gray model.")
@table_command("time", "event", "cause", "censored", "covariates", "reference", "cluster", "conf_level")
def finegray(columns: Columns, as_json: bool, conf_level: float) -> None:
    """Fine-Gray model: effect of covariates on the incidence of one cause while others compete.

    \b
    Examples:
      hdrplan survival finegray sample/lesions.csv --time days --event status --covariates d100_gy --cluster patient
    """
    from hdrplan.outcomes import fine_gray

    fit = fine_gray(columns.competing_risks(), columns.needed_covariates(), of=columns.names.cause)
    result = coefficient_table(fit, conf_level) | {
        "cause": columns.names.cause, "events": fit.n_events,
        "clusters": fit.n_clusters if columns.names.cluster else None,
        "loglik": fit.loglik, "loglik_null": fit.loglik_null, "doubts": few_events(fit.n_events, len(fit.names)),
    }  # fmt: skip
    lines = [*coefficient_lines(fit, conf_level), *few_events(fit.n_events, len(fit.names))]
    print_result("finegray", columns, result, lines, as_json=as_json)


@click.command(short_help="Parametric regression on intervals.")
@table_command(
    "left", "right", "time", "event", "event_value", "covariates", "reference", "cluster", "conf_level",
    blank_allowed=("right",),
)  # fmt: skip
@click.option("--family", type=click.Choice(["weibull", "exponential", "loglogistic", "lognormal"]), default="weibull",
              show_default=True)  # fmt: skip
def weibull(columns: Columns, as_json: bool, conf_level: float, family: Family) -> None:
    """Parametric regression on intervals (left, right]; blank right: no event seen; left = right: exact time.

    With --time and --event instead, events are exact and the others right-censored.

    \b
    Examples:
      hdrplan survival weibull sample/lesions.csv --left last_clean --right first_bad \\
          --covariates d100_gy --cluster patient
      hdrplan survival weibull sample/lesions.csv --left last_clean --right first_bad --family lognormal --json
    """
    from hdrplan.outcomes import interval_regression

    fit = interval_regression(columns.intervals(), columns.covariates(), family=family)
    log_time = fit.log_time
    result = coefficient_table(fit, conf_level) | {
        "family": family, "scale": log_time.scale, "shape": 1.0 / log_time.scale, "loglik": fit.loglik,
        "time_scale": {
            "names": ["intercept", *fit.names, "log scale"],
            "coef": [log_time.intercept, *log_time.coef.tolist(), math.log(log_time.scale)],
            "se": log_time.se,
        },
        "clusters": fit.n_clusters if columns.names.cluster else None,
    }  # fmt: skip
    effect = {"loglogistic": "odds ratio", "lognormal": "exp(probit)"}.get(family, "HR")
    result["effect"] = effect
    lines = coefficient_lines(fit, conf_level, effect) if fit.names else []
    lines.append(f"{family}: shape {1 / log_time.scale:.4f}, intercept of log time {log_time.intercept:.4f}, "
                 f"log likelihood {fit.loglik:.4f}")  # fmt: skip
    print_result("weibull", columns, result, lines, as_json=as_json)
