"""Curves of groups: km, cif, npmle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.outputs import OUT_FILE, figure_form, writes
from hdrplan.cli.records import run_record
from hdrplan.cli.survival.options import numbers_of, table_command
from hdrplan.cli.survival.words import label_text, number_text, print_result

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns
    from hdrplan.io import Output
    from hdrplan.outcomes import KaplanMeier

__all__ = ["cif", "km", "npmle"]

ConfType = Literal["plain", "log", "log-log"]
Errors = Literal["jackknife", "aalen"]

_AT = click.option("--at", metavar="T,T", help="Print the estimate at these times.")
_CURVE = ("time", "at_risk", "events", "censored", "survival", "std_err", "lower", "upper")


@click.command(short_help="Kaplan-Meier curves, medians, numbers at risk.")
@table_command("time", "event", "event_value", "group", "cluster", "entry", "conf_level")
@click.option("--conf-type", type=click.Choice(["log-log", "log", "plain"]), default="log-log", show_default=True)
@_AT
@click.option("--plot", type=OUT_FILE, help="Draw the curves with numbers at risk to this file: .png, .svg or .pdf.")
@writes
def km(
    columns: Columns, as_json: bool, conf_level: float, conf_type: ConfType, at: str | None, plot: Output | None
) -> None:
    """Kaplan-Meier curves with medians and numbers at risk.

    \b
    Examples:
      hdrplan survival km sample/lesions.csv --time days --event recurred
      hdrplan survival km sample/lesions.csv --time days --event recurred --group type --at 365,730 --json
      hdrplan survival km sample/lesions.csv --time days --event recurred --group type --plot control.pdf
    """
    from hdrplan.outcomes import kaplan_meier

    times = numbers_of(at or "", "--at")
    form = figure_form(plot) if plot is not None else ""
    curves: dict[str, KaplanMeier] = {}
    doubts: list[str] = []
    groups, lines = [], [f"{'group':<16}{'n':>6}{'events':>8}{'median':>12}  {'interval':<24}{'at risk then':>12}"]
    for label, group in columns.groups():
        curve = kaplan_meier(group.follow_up(), conf_type=conf_type, conf_level=conf_level)
        curves[label_text(label)] = curve
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
        fall = curve.early_fall
        if fall is not None:
            later = (curve.events + curve.censored)[fall + 1 :].sum()
            doubts.append(
                f"the curve of {label_text(label)} falls to 0 at {curve.time[fall]:g}, with {curve.at_risk[fall]:g} at "
                f"risk and nobody left, and stays there: the {later:g} rows seen later count for nothing"
            )
        if m.estimate == m.estimate and m.at_risk < 10:
            lines.append(f"  the median of {label_text(label)} rests on {m.at_risk} at risk")
    head = {
        "conf_type": conf_type,
        "conf_level": conf_level,
        "errors": "by cluster" if columns.names.cluster else "Greenwood",
    }
    if plot is not None:
        _draw(plot, form, curves, columns, options={"conf_type": conf_type, "conf_level": conf_level, "at": at})
    print_result("km", columns, head | {"groups": groups, "doubts": doubts}, [*lines, *doubts], as_json=as_json)


def _draw(
    plot: Output, form: str, curves: Mapping[str, KaplanMeier], columns: Columns, options: Mapping[str, object]
) -> None:
    from hdrplan.io import new_file
    from hdrplan.report import figure_bytes, survival_figure

    names = columns.names
    figure = survival_figure(
        curves, title=f"Kaplan-Meier, {names.event}", y_label="without the event", unit="rows", x_label=str(names.time)
    )
    with new_file(plot, run_record(options={**asdict(names), **options})) as draft:
        draft.write_bytes(figure_bytes(figure, form, dpi=300))


@click.command(short_help="Cumulative incidence under competing risks.")
@table_command("time", "event", "censored", "group", "cluster", "entry", "conf_level")
@click.option("--errors", type=click.Choice(["jackknife", "aalen"]), default="jackknife", show_default=True,
              help="aalen: as R's cmprsk, for independent rows.")  # fmt: skip
@_AT
def cif(columns: Columns, as_json: bool, conf_level: float, errors: Errors, at: str | None) -> None:
    """Cumulative incidence of each cause (Aalen-Johansen); --event contains the first event of each row.

    \b
    Examples:
      hdrplan survival cif sample/lesions.csv --time days --event status --at 365
      hdrplan survival cif sample/lesions.csv --time days --event status --group type --cluster patient --json
    """
    from hdrplan.outcomes import aalen_johansen

    every = tuple(sorted(set(columns.causes().tolist()) - {columns.names.censored}))
    groups, lines = [], [f"{'group':<16}{'cause':<12}{'time':>8}{'incidence':>11}  interval"]
    for label, group in columns.groups():
        curve = aalen_johansen(group.competing_risks(every), conf_level=conf_level, errors=errors)
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
    head = {"conf_level": conf_level, "errors": errors, "groups": groups}
    print_result("cif", columns, head, lines, as_json=as_json)


@click.command(short_help="Turnbull's curve from intervals.")
@table_command("left", "right", "group", blank_allowed=("right",))
@_AT
def npmle(columns: Columns, as_json: bool, at: str | None) -> None:
    """Turnbull's estimate from intervals (left, right]: left without, right with the event; blank right: no event seen.

    \b
    Examples:
      hdrplan survival npmle sample/lesions.csv --left last_clean --right first_bad --at 365
      hdrplan survival npmle sample/lesions.csv --left last_clean --right first_bad --group type --json
    """
    from hdrplan.outcomes import turnbull

    times = numbers_of(at or "", "--at")
    groups, lines = [], []
    for label, group in columns.groups():
        fit = turnbull(group.intervals())
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
    print_result("npmle", columns, {"groups": groups}, lines, as_json=as_json)
