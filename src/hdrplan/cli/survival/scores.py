"""How well a score ranks: cindex, auc."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.survival.fits import risk_score
from hdrplan.cli.survival.options import COX_OPTIONS, numbers_of, table_command
from hdrplan.cli.survival.words import print_result

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns

__all__ = ["auc", "cindex"]

Ties = Literal["efron", "breslow"]
Method = Literal["harrell", "uno"]


@click.command(short_help="Harrell's and Uno's concordance.")
@table_command(*COX_OPTIONS, "score")
@click.option("--method", type=click.Choice(["harrell", "uno"]), default="harrell", show_default=True)
@click.option("--tau", type=float, help="Count only events before this time.")
def cindex(columns: Columns, as_json: bool, ties: Ties, method: Method, tau: float | None) -> None:
    """Concordance of a risk --score, or of the Cox model of --covariates (fitted to the same rows, so optimistic).

    \b
    Examples:
      hdrplan survival cindex sample/lesions.csv --time days --event recurred --score diameter_mm --cluster patient
      hdrplan survival cindex sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm \\
          --method uno
    """
    from hdrplan.outcomes import concordance

    result = concordance(columns.follow_up(), risk_score(columns, ties), method=method, tau=tau)
    line = f"C {result.c:.4f}, standard error {result.std_err:.4f} ({method})"
    print_result("cindex", columns, {"method": method, "tau": tau, **asdict(result)}, [line], as_json=as_json)


@click.command(short_help="Time-dependent area under the ROC curve.")
@table_command(*COX_OPTIONS, "score")
@click.option("--at", metavar="T,T", required=True, help="Times at which the area is computed.")
def auc(columns: Columns, as_json: bool, ties: Ties, at: str) -> None:
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
    rows = [{"time": t, "auc": float(a)} for t, a in zip(times, areas, strict=True)]
    words = [f"{r['auc']:.4f}" if r["auc"] == r["auc"] else "no case or no control by then" for r in rows]
    lines = [f"at {r['time']:g}: {word}" for r, word in zip(rows, words, strict=True)]
    print_result("auc", columns, {"at": rows}, lines, as_json=as_json)
