"""How well a score ranks, and where a dose is cut: cindex, auc, cutoff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hdrplan.cli.survival_columns import Columns, named_options, numbers_of
from hdrplan.cli.survival_words import COX_OPTIONS, p_text, print_result, risk_score

__all__ = ["auc", "cindex", "cutoff"]


@click.command(short_help="Harrell's and Uno's concordance.")
@named_options(*COX_OPTIONS, "score")
@click.option("--method", type=click.Choice(["harrell", "uno"]), default="harrell", show_default=True)
@click.option("--tau", type=float, help="Count only events before this time.")
def cindex(data: Path, drop_missing: bool, as_json: bool, method: Any, tau: float | None, **options: Any) -> None:
    """Concordance of a risk --score, or of the Cox model of --covariates (fitted to the same rows, so optimistic).

    \b
    Examples:
      hdrplan survival cindex lesions.csv --time days --event recurred --score diameter_mm --cluster patient
      hdrplan survival cindex lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm --method uno
    """
    from hdrplan.outcomes import concordance

    columns = Columns.of(data, drop_missing, **options)
    found = concordance(columns.numbers("time"), columns.event(), risk_score(columns), method=method, tau=tau,
                        cluster=columns.labels("cluster"))  # fmt: skip
    result = {"method": method, "tau": tau, "c": found.c, "std_err": found.std_err, "concordant": found.concordant,
              "discordant": found.discordant, "tied_risk": found.tied_risk}  # fmt: skip
    print_result(
        as_json, columns, "cindex", result, [f"C {found.c:.4f}, standard error {found.std_err:.4f} ({method})"]
    )


@click.command(short_help="Time-dependent area under the ROC curve.")
@named_options(*COX_OPTIONS, "score")
@click.option("--at", metavar="T,T", required=True, help="Times.")
def auc(data: Path, drop_missing: bool, as_json: bool, at: str, **options: Any) -> None:
    """Time-dependent area under the ROC curve, weighted for censoring, of a --score or a Cox model.

    \b
    Examples:
      hdrplan survival auc lesions.csv --time days --event recurred --score diameter_mm --at 365,730
      hdrplan survival auc lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm --at 365 --json
    """
    from hdrplan.outcomes import auc_at

    columns = Columns.of(data, drop_missing, **options)
    times = numbers_of(at, "--at")
    areas = auc_at(columns.numbers("time"), columns.event(), risk_score(columns), times)
    rows = [{"time": t, "auc": float(a)} for t, a in zip(times, areas, strict=True)]
    words = [f"{r['auc']:.4f}" if r["auc"] == r["auc"] else "no case or no control by then" for r in rows]
    lines = [f"at {r['time']:g}: {word}" for r, word in zip(rows, words, strict=True)]
    print_result(as_json, columns, "auc", {"at": rows}, lines)


_CUTOFF = (
    "best", "maximum", "p_naive", "p_lausen92", "p_lausen94", "p_resampled", "critical", "lower", "upper",
    "adjusted_for", "n", "n_events", "n_clusters", "n_movable", "n_resamples", "cutoffs", "n_below", "statistic",
)  # fmt: skip


@click.command(short_help="Best cut-off with corrected p.")
@named_options("time", "event", "event_value", "covariates", "reference", "cluster", "strata", "seed")
@click.option("--value", metavar="COL", help="What is cut; default: the first of --covariates. The others adjust.")
@click.option("--least", type=float, default=0.1, show_default=True, help="Smallest share of rows on either side.")
@click.option("--resamples", type=int, default=1999, show_default=True, help="Resamples of patients for p.")
@click.option("--bootstrap", type=int, default=500, show_default=True, help="Bootstrap samples of patients; 0: none.")
def cutoff(
    data: Path, drop_missing: bool, as_json: bool, value: str | None, least: float, resamples: int, bootstrap: int,
    **options: Any,
) -> None:  # fmt: skip
    """Find the best cut-off of a dose, with p corrected for the choice and an interval by bootstrap of patients.

    The first of --covariates is cut, the others adjust.

    \b
    Examples:
      hdrplan survival cutoff lesions.csv --time days --event recurred --covariates d100_gy --cluster patient
      hdrplan survival cutoff lesions.csv --time days --event recurred --value d100_gy --covariates diameter_mm
    """
    import numpy as np

    from hdrplan.cli.common import progress_bar
    from hdrplan.outcomes import best_cutoff

    columns = Columns.of(data, drop_missing, value=value, **options)
    name = value or columns.first_covariate
    adjust = columns.covariates(leave_out=name)
    with progress_bar("Bootstrap", quiet=as_json) as on_progress:
        cut = best_cutoff(
            columns.numbers("time"), columns.event(), columns.table.numbers(name),
            rng=np.random.default_rng(options["seed"]), cluster=columns.labels("cluster"), covariates=adjust or None,
            strata=columns.labels("strata"), least_frac=least, n_resamples=resamples, n_bootstrap=bootstrap,
            on_progress=on_progress,
        )  # fmt: skip
    lines = [
        f"{name} at or below {cut.best:g} against above: standardised statistic {cut.maximum:.3f}",
        f"p corrected for the choice, by patients: {p_text(cut.p_resampled)}",
        *([f"Lausen and Schumacher, as if rows were independent: {p_text(cut.p_lausen92)} (1992), "
           f"{p_text(cut.p_lausen94)} (1994)"] if cut.p_lausen92 is not None and cut.p_lausen94 is not None else []),
        *([f"95 % interval of the cut-off: {cut.lower:g} to {cut.upper:g}"]
          if cut.lower is not None and cut.upper is not None else []),
        f"uncorrected p {p_text(cut.p_naive)}: no evidence, the cut-off was chosen to make it small",
        "adjusted for: " + (", ".join(cut.adjusted_for) or "nothing"),
    ]  # fmt: skip
    result = {"value": name, "seed": options["seed"], **{field: getattr(cut, field) for field in _CUTOFF}}
    print_result(as_json, columns, "cutoff", result, lines)
