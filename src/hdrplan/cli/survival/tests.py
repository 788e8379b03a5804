"""Groups compared: logrank, gray, rmst."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.survival.options import table_command
from hdrplan.cli.survival.words import label_text, p_text, print_result, test_line, test_table

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns

__all__ = ["gray", "logrank", "rmst"]

Weights = Literal["logrank", "gehan", "tarone-ware", "fleming-harrington"]

_WEIGHTS = ["logrank", "gehan", "tarone-ware", "fleming-harrington"]


@click.command(short_help="Log-rank tests.")
@table_command("time", "event", "event_value", "group", "strata", "entry")
@click.option("--weights", type=click.Choice(_WEIGHTS), default="logrank", show_default=True)
@click.option("--rho", type=NUMBER, default=0.0, help="Exponent for fleming-harrington; 1 is Peto-Peto.")
@click.option("--gamma", type=NUMBER, default=0.0, help="Second exponent for fleming-harrington.")
def logrank(columns: Columns, as_json: bool, weights: Weights, rho: float, gamma: float) -> None:
    """Log-rank test, optionally stratified or weighted.

    \b
    Examples:
      hdrplan survival logrank sample/lesions.csv --time days --event recurred --group type
      hdrplan survival logrank sample/lesions.csv --time days --event recurred --group type --weights gehan
    """
    from hdrplan.outcomes import log_rank

    rows, group = columns.follow_up(), columns.needed_labels("group")
    result = log_rank(rows, group, strata=columns.labels("strata"), weights=weights, rho=rho, gamma=gamma)
    values = zip(result.groups, result.n, result.observed, result.expected, strict=True)
    groups = [{"group": g, "n": n, "observed": o, "expected": e} for g, n, o, e in values]
    lines = [f"{'group':<16}{'n':>6}{'observed':>10}{'expected':>10}"]
    lines += [f"{label_text(r['group']):<16}{r['n']:>6g}{r['observed']:>10g}{r['expected']:>10.2f}" for r in groups]
    table = {"weights": weights, "groups": groups, **test_table(result.test)}
    print_result("logrank", columns, table, [*lines, test_line(result.test)], as_json=as_json)


@click.command(short_help="Gray's test between groups.")
@table_command("time", "event", "cause", "censored", "group", "strata")
@click.option("--rho", type=NUMBER, default=0.0, show_default=True, help="Exponent of the weight.")
def gray(columns: Columns, as_json: bool, rho: float) -> None:
    """Gray's test of the cumulative incidence of one cause between groups.

    \b
    Examples:
      hdrplan survival gray sample/lesions.csv --time days --event status --group type
      hdrplan survival gray sample/lesions.csv --time days --event status --group type --cause 2 --json
    """
    from hdrplan.outcomes import gray_test

    risks, group, cause = columns.competing_risks(), columns.needed_labels("group"), columns.names.cause
    result = gray_test(risks, group, of=cause, strata=columns.labels("strata"), rho=rho)
    table = {"cause": cause, "groups": list(result.groups), **test_table(result.test)}
    print_result("gray", columns, table, [test_line(result.test)], as_json=as_json)


@click.command(short_help="Restricted mean time and differences.")
@table_command("time", "event", "event_value", "group", "entry", "conf_level")
@click.option("--tau", type=NUMBER, required=True, help="Time up to which the mean is taken.")
def rmst(columns: Columns, as_json: bool, conf_level: float, tau: float) -> None:
    """Restricted mean time free of the event up to --tau, and differences from the first group.

    \b
    Examples:
      hdrplan survival rmst sample/lesions.csv --time days --event recurred --tau 730 --group type
    """
    from hdrplan.outcomes import restricted_mean

    means = [
        (label, restricted_mean(group.follow_up(), tau, conf_level=conf_level)) for label, group in columns.groups()
    ]
    groups = [{"group": g, "mean": m.mean, "std_err": m.std_err, "lower": m.lower, "upper": m.upper} for g, m in means]
    lines = [f"{label_text(g)}: {m.mean:.4g} ({m.lower:.4g} to {m.upper:.4g})" for g, m in means]
    differences = []
    base_label, base = means[0]
    for label, mean in means[1:]:
        d = mean.minus(base)
        row = {"difference": d.mean, "std_err": d.std_err, "lower": d.lower, "upper": d.upper, "p": d.p}
        differences.append({"group": label, "reference": base_label, **row})
        span = f"{d.mean:.4g} ({d.lower:.4g} to {d.upper:.4g})"
        lines.append(f"{label_text(label)} less {label_text(base_label)}: {span}, p {p_text(d.p)}")
    table = {"tau": tau, "groups": groups, "differences": differences}
    print_result("rmst", columns, table, lines, as_json=as_json)
