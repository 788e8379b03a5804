"""Where a dose is cut: cutoff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.survival.options import table_command
from hdrplan.cli.survival.words import p_text, print_result

if TYPE_CHECKING:
    from hdrplan.cli.survival.columns import Columns
    from hdrplan.outcomes import Cutoff

__all__ = ["cutoff"]


@click.command(short_help="Best cut-off with corrected p.")
@table_command("time", "event", "event_value", "covariates", "reference", "cluster", "strata", "seed")
@click.option("--value", metavar="COL", help="Column to cut; default: the first of --covariates.")
@click.option("--least", type=NUMBER, default=0.1, show_default=True, help="Minimum fraction of rows on either side.")
@click.option("--resamples", type=int, default=1999, show_default=True, help="Resamples of patients for the p value.")
@click.option(
    "--bootstrap", type=int, default=500, show_default=True, help="Bootstrap samples of patients; 0: no interval."
)
def cutoff(columns: Columns, as_json: bool, seed: int, least: float, resamples: int, bootstrap: int) -> None:
    """Find the best cut-off of a dose, with a p value corrected for the search and a bootstrap interval.

    The first of --covariates is cut; the test is adjusted for the others.

    \b
    Examples:
      hdrplan survival cutoff sample/lesions.csv --time days --event recurred --covariates d100_gy --cluster patient
      hdrplan survival cutoff sample/lesions.csv --time days --event recurred --value d100_gy --covariates diameter_mm
    """
    import numpy as np

    from hdrplan.cli.progress import progress_bar
    from hdrplan.outcomes import best_cutoff, cutoff_problem

    value = columns.names.value or columns.first_covariate
    adjust = columns.covariates(leave_out=value)
    problem = cutoff_problem(
        columns.follow_up(),
        columns.table.numbers(value),
        covariates=adjust or None,
        strata=columns.labels("strata"),
        minimum_frac=least,
    )
    rng = np.random.default_rng(seed)
    with progress_bar("Bootstrap", quiet=as_json) as progress:
        cut = best_cutoff(problem, rng=rng, n_resamples=resamples, n_bootstrap=bootstrap, on_progress=progress)
    table = {"value": value, "seed": seed, **_cutoff_table(cut)}
    print_result("cutoff", columns, table, _cutoff_lines(value, cut), as_json=as_json)


def _cutoff_table(cut: Cutoff) -> dict[str, object]:
    lower, upper = cut.interval or (None, None)
    return {
        "best": cut.best,
        "maximum": cut.scan.maximum,
        "p_naive": cut.p.naive,
        "p_lausen92": cut.p.lausen92,
        "p_lausen94": cut.p.lausen94,
        "p_resampled": cut.p.resampled,
        "critical": cut.critical,
        "lower": lower,
        "upper": upper,
        "adjusted_for": cut.adjusted_for,
        "n": cut.n,
        "n_events": cut.n_events,
        "n_clusters": cut.n_clusters,
        "n_movable": cut.n_movable,
        "n_resamples": cut.n_resamples,
        "cutoffs": cut.scan.cutoffs,
        "n_below": cut.scan.n_below,
        "statistic": cut.scan.statistic,
    }


def _cutoff_lines(value: str, cut: Cutoff) -> Iterator[str]:
    yield f"{value} at or below {cut.best:g} against above: standardised statistic {cut.scan.maximum:.3f}"
    yield f"p corrected for the choice, by patients: {p_text(cut.p.resampled)}"
    if cut.p.lausen92 is not None and cut.p.lausen94 is not None:
        yield (
            f"Lausen and Schumacher, as if rows were independent: {p_text(cut.p.lausen92)} (1992), "
            f"{p_text(cut.p.lausen94)} (1994)"
        )
    if cut.interval is not None:
        yield f"95 % interval of the cut-off: {cut.interval[0]:g} to {cut.interval[1]:g}"
    yield f"uncorrected p {p_text(cut.p.naive)}: no evidence, the cut-off was chosen to make it small"
    yield "adjusted for: " + (", ".join(cut.adjusted_for) or "nothing")
