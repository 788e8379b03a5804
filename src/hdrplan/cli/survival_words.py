"""What the commands of ``hdrplan survival`` say: results as JSON and as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hdrplan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hdrplan.arrays import FloatArray
    from hdrplan.cli.survival_columns import Columns
    from hdrplan.outcomes import Coefficients, CoxFit, Test

__all__ = [
    "COX_OPTIONS",
    "coefficient_lines",
    "coefficient_table",
    "fitted_cox",
    "label_text",
    "number_text",
    "p_text",
    "print_result",
    "risk_score",
    "test_line",
    "test_table",
]

COX_OPTIONS = ("time", "event", "event_value", "covariates", "reference", "ties", "cluster", "strata", "entry")


def fitted_cox(columns: Columns) -> CoxFit:
    """Return the Cox model that the options ask for."""
    from hdrplan.outcomes import cox as fit_of

    options = columns.options
    return fit_of(
        columns.numbers("time"), columns.event(), columns.needed_covariates(), ties=options["ties"],
        strata=columns.labels("strata"), cluster=columns.labels("cluster"),
        entry=columns.entry(),
    )  # fmt: skip


def risk_score(columns: Columns) -> FloatArray:
    """Return the column of the score, or the linear predictor of a Cox model."""
    if bool(columns.options["score"]) == bool(columns.options["covariates"]):
        raise InputError("say what is scored: either --score or --covariates")
    return columns.numbers("score") if columns.options["score"] else fitted_cox(columns).linear_predictor


def coefficient_table(fit: Coefficients, conf_level: float) -> dict[str, Any]:
    """Return coefficients, errors and hazard ratios for JSON."""
    lower, upper = fit.interval(conf_level)
    robust = getattr(fit, "robust_se", None)
    rows = [
        {"covariate": name, "coef": c, "se": s, "robust_se": None if robust is None else robust[k], "hr": h, "lower": a,
         "upper": b, "z": z, "p": p}
        for k, (name, c, s, h, a, b, z, p) in enumerate(
            zip(fit.names, fit.coef, fit.se, fit.hazard_ratio, lower, upper, fit.z, fit.p, strict=True))
    ]  # fmt: skip
    return {"conf_level": conf_level, "covariates": rows}


def coefficient_lines(fit: Coefficients, conf_level: float, effect: str = "HR") -> list[str]:
    """Return ratios as lines of text."""
    lower, upper = fit.interval(conf_level)
    lines = [f"{'covariate':<36}{effect:>12}  {'interval':<22}{'p':>8}"]
    for name, h, a, b, p in zip(fit.names, fit.hazard_ratio, lower, upper, fit.p, strict=True):
        lines.append(f"{name:<36}{h:>12.4g}  {f'{a:.4g} to {b:.4g}':<22}{p_text(p):>8}")
    return lines


def test_table(test: Test) -> dict[str, Any]:
    """Return a test for JSON."""
    return {"statistic": test.statistic, "df": test.df, "p": test.p}


def test_line(test: Test) -> str:
    """Return a test as a line of text."""
    if test.p != test.p:
        return "no test: the events carry no information on it"
    return f"chi-square {test.statistic:.4f} on {test.df}, p {p_text(test.p)}"


def p_text(p: float) -> str:
    """Return a p value as text."""
    return "not known" if p != p else "< 0.001" if p < 0.001 else f"{p:.3f}"


def number_text(value: float) -> str:
    """Return a number as text; NaN is a height that a curve does not reach."""
    return "not reached" if value != value else f"{value:.4g}"


def label_text(label: object) -> str:
    """Return the label of a group as text."""
    return "all" if label is None else str(label)


def print_result(as_json: bool, columns: Columns, kind: str, result: dict[str, Any], lines: Sequence[str]) -> None:
    """Print a result as JSON or as lines of text."""
    from hdrplan.io import json_text

    n = len(columns.table.lines)
    if as_json:
        head = {"analysis": kind, "n": n, "dropped_missing": columns.n_dropped}
        click.echo(json_text(head | result), nl=False)
        return
    for line in lines:
        click.echo(line)
    if columns.n_dropped:
        click.echo(f"{columns.n_dropped} rows with missing values left out, {n} used")
