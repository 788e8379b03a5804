"""Curves of groups and tests between them: km, logrank, cif, gray, npmle, rmst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hdrplan.cli.survival_columns import Columns, named_options, numbers_of
from hdrplan.cli.survival_words import label_text, number_text, p_text, print_result, test_line, test_table

__all__ = ["cif", "gray", "km", "logrank", "npmle", "rmst"]

_AT = click.option("--at", metavar="T,T", help="Print the estimate at these times.")
_CURVE = ("time", "at_risk", "events", "censored", "survival", "std_err", "lower", "upper")
_WEIGHTS = ["logrank", "gehan", "tarone-ware", "fleming-harrington"]


@click.command(short_help="Kaplan-Meier curves, medians, numbers at risk.")
@named_options("time", "event", "event_value", "group", "cluster", "entry", "conf_level")
@click.option("--conf-type", type=click.Choice(["log-log", "log", "plain"]), default="log-log", show_default=True)
@_AT
def km(data: Path, drop_missing: bool, as_json: bool, conf_type: Any, at: str | None, **options: Any) -> None:
    """Kaplan-Meier curves with medians and numbers at risk.

    \b
    Examples:
      hdrplan survival km lesions.csv --time days --event recurred
      hdrplan survival km lesions.csv --time days --event recurred --group type --at 365,730 --json
    """
    from hdrplan.outcomes import kaplan_meier

    columns = Columns.of(data, drop_missing, **options)
    times = numbers_of(at or "", "--at")
    groups, lines = [], [f"{'group':<16}{'n':>6}{'events':>8}{'median':>12}  {'interval':<24}{'at risk then':>12}"]
    for label, part in columns.groups():
        curve = kaplan_meier(
            part.numbers("time"), part.event(), entry=part.entry(), cluster=part.labels("cluster"),
            conf_type=conf_type, conf_level=options["conf_level"],
        )  # fmt: skip
        m = curve.median
        low, high = curve.interval_at(times)
        values = zip(times, curve.survival_at(times), low, high, curve.at_risk_at(times), strict=True)
        rows = [{"time": t, "survival": s, "lower": a, "upper": b, "at_risk": y} for t, s, a, b, y in values]
        groups.append(
            {
                "group": label, "n": curve.n, "events": curve.n_events,
                "median": {"estimate": m.estimate, "lower": m.lower, "upper": m.upper, "at_risk": m.at_risk},
                "at": rows, "curve": {name: getattr(curve, name) for name in _CURVE},
            }
        )  # fmt: skip
        span = f"{number_text(m.lower)} to {number_text(m.upper)}"
        lines.append(f"{label_text(label):<16}{curve.n:>6}{curve.n_events:>8}{number_text(m.estimate):>12}  {span:<24}"
                     f"{m.at_risk:>12}")  # fmt: skip
        for row in rows:
            span = f"{number_text(row['lower'])} to {number_text(row['upper'])}"
            lines.append(f"  at {row['time']:g}: {row['survival']:.4f} ({span}), {row['at_risk']:g} at risk")
        if m.estimate == m.estimate and m.at_risk < 10:
            lines.append(f"  the median of {label_text(label)} rests on {m.at_risk} at risk")
    head = {
        "conf_type": conf_type, "conf_level": options["conf_level"],
        "errors": "by cluster" if options["cluster"] else "Greenwood",
    }  # fmt: skip
    print_result(as_json, columns, "km", head | {"groups": groups}, lines)


@click.command(short_help="Log-rank tests.")
@named_options("time", "event", "event_value", "group", "strata", "entry")
@click.option("--weights", type=click.Choice(_WEIGHTS), default="logrank", show_default=True)
@click.option("--rho", type=float, default=0.0, help="For fleming-harrington; 1 is Peto-Peto.")
@click.option("--gamma", type=float, default=0.0, help="For fleming-harrington.")
def logrank(
    data: Path, drop_missing: bool, as_json: bool, weights: Any, rho: float, gamma: float, **options: Any
) -> None:
    """Log-rank test, stratified and weighted if asked.

    \b
    Examples:
      hdrplan survival logrank lesions.csv --time days --event recurred --group type
      hdrplan survival logrank lesions.csv --time days --event recurred --group type --weights gehan
    """
    from hdrplan.outcomes import log_rank

    columns = Columns.of(data, drop_missing, **options)
    found = log_rank(
        columns.numbers("time"), columns.event(), columns.needed_labels("group"), strata=columns.labels("strata"),
        entry=columns.entry(), weights=weights, rho=rho, gamma=gamma,
    )  # fmt: skip
    values = zip(found.groups, found.n, found.observed, found.expected, strict=True)
    rows = [{"group": g, "n": n, "observed": o, "expected": e} for g, n, o, e in values]
    lines = [f"{'group':<16}{'n':>6}{'observed':>10}{'expected':>10}"]
    lines += [f"{label_text(r['group']):<16}{r['n']:>6g}{r['observed']:>10g}{r['expected']:>10.2f}" for r in rows]
    result = {"weights": weights, "groups": rows, **test_table(found.test)}
    print_result(as_json, columns, "logrank", result, [*lines, test_line(found.test)])


@click.command(short_help="Cumulative incidence under competing risks.")
@named_options("time", "event", "censored", "group", "cluster", "entry", "conf_level")
@_AT
def cif(data: Path, drop_missing: bool, as_json: bool, at: str | None, **options: Any) -> None:
    """Cumulative incidence of each cause (Aalen-Johansen); --event holds what happened first.

    \b
    Examples:
      hdrplan survival cif lesions.csv --time days --event status --at 365
      hdrplan survival cif lesions.csv --time days --event status --group type --cluster patient --json
    """
    from hdrplan.outcomes import aalen_johansen

    columns = Columns.of(data, drop_missing, **options)
    every = tuple(sorted(set(columns.causes().tolist()) - {options["censored"]}))
    groups, lines = [], [f"{'group':<16}{'cause':<12}{'time':>8}{'incidence':>11}  interval"]
    for label, part in columns.groups():
        curve = aalen_johansen(
            part.numbers("time"), part.causes(), censored=options["censored"], causes=every, entry=part.entry(),
            cluster=part.labels("cluster"), conf_level=options["conf_level"],
        )  # fmt: skip
        times = numbers_of(at, "--at") if at else [float(curve.time[-1])]
        values, low, high = curve.incidence_at(times), *curve.interval_at(times)
        causes = []
        for k, cause in enumerate(curve.causes):
            rows = [
                {"time": t, "incidence": v, "lower": a, "upper": b}
                for t, v, a, b in zip(times, values[:, k], low[:, k], high[:, k], strict=True)
            ]
            fields = ("events", "incidence", "std_err", "lower", "upper")
            causes.append({"cause": cause, "at": rows, **{f: getattr(curve, f)[:, k] for f in fields}})
            for row in rows:
                known = row["lower"] == row["lower"]
                span = f"{row['lower']:.4g} to {row['upper']:.4g}" if known else "no event so far"
                lines.append(f"{label_text(label):<16}{cause!s:<12}{row['time']:>8g}{row['incidence']:>11.4f}  {span}")
        groups.append({"group": label, "time": curve.time, "at_risk": curve.at_risk, "causes": causes})
    print_result(as_json, columns, "cif", {"conf_level": options["conf_level"], "groups": groups}, lines)


@click.command(short_help="Gray's test between groups.")
@named_options("time", "event", "cause", "censored", "group", "strata")
@click.option("--rho", type=float, default=0.0, show_default=True, help="Exponent of the weight.")
def gray(data: Path, drop_missing: bool, as_json: bool, rho: float, **options: Any) -> None:
    """Gray's test of the cumulative incidence of one cause between groups.

    \b
    Examples:
      hdrplan survival gray lesions.csv --time days --event status --group type
      hdrplan survival gray lesions.csv --time days --event status --group type --cause 2 --json
    """
    from hdrplan.outcomes import gray_test

    columns = Columns.of(data, drop_missing, **options)
    found = gray_test(
        columns.numbers("time"), columns.causes(), columns.needed_labels("group"), of=options["cause"],
        censored=options["censored"], strata=columns.labels("strata"), rho=rho,
    )  # fmt: skip
    result = {"cause": options["cause"], "groups": list(found.groups), **test_table(found.test)}
    print_result(as_json, columns, "gray", result, [test_line(found.test)])


@click.command(short_help="Turnbull's curve from intervals.")
@named_options("left", "right", "group")
@_AT
def npmle(data: Path, drop_missing: bool, as_json: bool, at: str | None, **options: Any) -> None:
    """Turnbull's estimate from intervals (left, right], left clean, right with the event; blank right: none seen.

    \b
    Examples:
      hdrplan survival npmle lesions.csv --left last_clean --right first_bad --at 365
      hdrplan survival npmle lesions.csv --left last_clean --right first_bad --group type --json
    """
    from hdrplan.outcomes import turnbull

    columns = Columns.of(data, drop_missing, ("right",), **options)
    times = numbers_of(at or "", "--at")
    groups, lines = [], []
    for label, part in columns.groups():
        fit = turnbull(part.numbers("left"), part.numbers("right"))
        low, high = fit.median
        bounds = zip(times, *fit.survival_bounds(times), strict=True)
        rows = [{"time": t, "lowest": a, "highest": b} for t, a, b in bounds]
        groups.append(
            {
                "group": label, "n": fit.n, "left": fit.left, "right": fit.right, "mass": fit.mass,
                "loglik": fit.loglik, "gap": fit.gap, "median": {"left": low, "right": high}, "at": rows,
            }
        )  # fmt: skip
        lines.append(f"{label_text(label)}: {fit.n} rows, median in ({low:g}, {high:g}], "
                     f"log likelihood {fit.loglik:.4f}, certified to {fit.gap:.1e}")  # fmt: skip
        lines += [f"  at {r['time']:g}: survival {r['lowest']:.4f} to {r['highest']:.4f}" for r in rows]
    print_result(as_json, columns, "npmle", {"groups": groups}, lines)


@click.command(short_help="Restricted mean time and differences.")
@named_options("time", "event", "event_value", "group", "entry", "conf_level")
@click.option("--tau", type=float, required=True, help="Horizon.")
def rmst(data: Path, drop_missing: bool, as_json: bool, tau: float, **options: Any) -> None:
    """Restricted mean time free of the event up to --tau, and differences from the first group.

    \b
    Examples:
      hdrplan survival rmst lesions.csv --time days --event recurred --tau 730 --group type
    """
    from hdrplan.outcomes import restricted_mean

    columns = Columns.of(data, drop_missing, **options)
    level = options["conf_level"]
    found = [
        (label, restricted_mean(part.numbers("time"), part.event(), tau, entry=part.entry(), conf_level=level))
        for label, part in columns.groups()
    ]
    groups = [{"group": g, "mean": m.mean, "std_err": m.std_err, "lower": m.lower, "upper": m.upper} for g, m in found]
    lines = [f"{label_text(g)}: {m.mean:.4g} ({m.lower:.4g} to {m.upper:.4g})" for g, m in found]
    differences = []
    base_label, base = found[0]
    for label, mean in found[1:]:
        d = mean.less(base)
        row = {"difference": d.mean, "std_err": d.std_err, "lower": d.lower, "upper": d.upper, "p": d.p}
        differences.append({"group": label, "reference": base_label, **row})
        span = f"{d.mean:.4g} ({d.lower:.4g} to {d.upper:.4g})"
        lines.append(f"{label_text(label)} less {label_text(base_label)}: {span}, p {p_text(d.p)}")
    print_result(as_json, columns, "rmst", {"tau": tau, "groups": groups, "differences": differences}, lines)
