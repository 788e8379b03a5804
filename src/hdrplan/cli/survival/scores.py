"""How well a score ranks: cindex, auc."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.survival.fits import Ties, risk_score
from hdrplan.cli.survival.options import COX_OPTIONS, numbers_of, table_command
from hdrplan.cli.survival.words import print_result

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns

__all__ = ["auc", "cindex"]

Method = Literal["harrell", "uno"]


@click.command(short_help="Harrell's and Uno's concordance.")
@table_command(*COX_OPTIONS, "score")
@click.option("--method", type=click.Choice(["harrell", "uno"]), default="harrell", show_default=True)
@click.option("--tau", type=NUMBER, help="Count only events before this time.")
def cindex(columns: Columns, as_json: bool, ties: Ties, method: Method, tau: float | None) -> None:
    """Concordance of a risk --score, or of the Cox model of --covariates (fitted to the same rows, so optimistic).

    \b
    Examples:
      hdrplan survival cindex sample/lesions.csv --time days --event recurred --score diameter_mm --cluster patient
      hdrplan survival cindex sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm \\
          --method uno
    """
    from hdrplan.outcomes import concordance

    strata = columns.labels("strata")
    result = concordance(columns.follow_up(), risk_score(columns, ties), method=method, tau=tau, strata=strata)
    within = f", pairs within {columns.names.strata}" if columns.names.strata else ""
    line = f"C {result.c:.4f}, standard error {result.std_err:.4f} ({method}{within})"
    print_result("cindex", columns, {"method": method, "tau": tau, **asdict(result)}, [line], as_json=as_json)


@click.command(short_help="Time-dependent area under the ROC curve.")
@table_command(*COX_OPTIONS, "score", "conf_level")
@click.option("--at", metavar="T,T", required=True, help="Times at which the area is computed.")
def auc(columns: Columns, as_json: bool, ties: Ties, conf_level: float, at: str) -> None:
    """Time-dependent area under the ROC curve of a --score or a Cox model, weighted for censoring.

    \b
    Examples:
      hdrplan survival auc sample/lesions.csv --time days --event recurred --score diameter_mm --at 365,730
      hdrplan survival auc sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm \\
          --at 365 --json
    """
    from hdrplan.outcomes import auc_at

    times = numbers_of(at, "--at")
    areas = auc_at(columns.follow_up(), risk_score(columns, ties), times)
    lower, upper = areas.interval(conf_level)
    values = zip(times, areas.auc, areas.std_err, lower, upper, strict=True)
    rows = [{"time": t, "auc": a, "std_err": s, "lower": low, "upper": up} for t, a, s, low, up in values]
    words = [
        f"{r['auc']:.4f} ({r['lower']:.4f} to {r['upper']:.4f}), standard error {r['std_err']:.4f}"
        if r["auc"] == r["auc"]
        else "no case or no control by then"
        for r in rows
    ]
    lines = [f"at {r['time']:g}: {word}" for r, word in zip(rows, words, strict=True)]
    print_result("auc", columns, {"conf_level": conf_level, "at": rows}, lines, as_json=as_json)
