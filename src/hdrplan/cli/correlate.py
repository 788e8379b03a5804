"""``hdrplan correlate``: raw cohort tables to a report on dose and local recurrence, in one command."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.cohort import cohort_options, open_cohort
from hdrplan.cli.common import json_option, progress_bar, quiet_option
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.analysis import Correlation

__all__ = ["command"]


@click.command("correlate", short_help="Dose against local recurrence: report, figures, tables.")
@cohort_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option("--mode", type=click.Choice(["recommended", "paper"]), default="recommended", show_default=True,
              help="paper: the paper's rules of derivation and its model building beside ours.")  # fmt: skip
@click.option("--threshold", "threshold_gy", type=float, default=20.0, show_default=True, help="Fixed D100, Gy.")
@click.option("--horizon", "horizon_months", type=float, default=12.0, show_default=True, help="Control at, months.")
@click.option("--alpha-beta", "alpha_beta_gy", type=float, default=10.0, show_default=True, help="For EQD2, BED; Gy.")
@click.option("--resamples", type=int, default=1999, show_default=True, help="Behind corrected p values.")
@click.option("--bootstrap", type=int, default=200, show_default=True, help="Samples of patients behind intervals.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@quiet_option
@json_option
def command(
    cohort: Path,
    output: Path,
    mode: str,
    threshold_gy: float,
    horizon_months: float,
    alpha_beta_gy: float,
    resamples: int,
    bootstrap: int,
    seed: int,
    overwrite: bool,
    rule_set: str | None,
    changes: tuple[str, ...],
    accept: tuple[str, ...],
    today: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Link each lesion's dose to its local recurrence: report.html, figures, tables, correlate.json.

    D100 comes first as a continuous covariate, adjusted for size, tumour type and age, with errors by patient; cut-offs
    only with a p that is corrected for the search.

    \b
    Examples:
      hdrplan correlate my-cohort -o dose-report
      hdrplan correlate my-cohort -o dose-report --mode paper
      hdrplan correlate my-cohort.xlsx -o dose-report --threshold 18 --horizon 24 --json
    """
    from hdrplan import __version__
    from hdrplan.analysis import Settings, correlate, correlation_tables, lanes, lesion_table, plain_words
    from hdrplan.cohort import Endpoint, derive, flow
    from hdrplan.io import (
        cohort_sha256,
        json_text,
        new_folder,
        write_json,
        write_rows,
        write_run,
        write_values,
    )
    from hdrplan.report.cohort_figures import correlation_figures
    from hdrplan.report.cohort_html import correlation_html
    from hdrplan.report.figures import figure_bytes

    if min(threshold_gy, horizon_months, alpha_beta_gy) <= 0 or resamples < 19 or bootstrap < 0:
        raise InputError("threshold, horizon and alpha/beta must be positive, at least 19 resamples")
    rule_set = rule_set or ("paper" if mode == "paper" else None)
    checked, problems, rules = open_cohort(cohort, rule_set, changes, accept, today)
    derived = derive(checked, rules)
    table = lesion_table(checked, derived, alpha_beta_gy=alpha_beta_gy)
    settings = Settings(
        mode=mode,  # type: ignore[arg-type]
        threshold_gy=threshold_gy,
        horizon_months=horizon_months,
        alpha_beta_gy=alpha_beta_gy,
        landmark_months=rules.week8_to_days / rules.days_per_month,
        n_resamples=resamples,
        n_bootstrap=bootstrap,
        seed=seed,
    )
    with progress_bar("analysis", quiet=quiet or as_json) as progress:
        result = correlate(table, settings, on_progress=progress)
    sentences, steps, tables = plain_words(result), flow(checked, derived), correlation_tables(result)
    figures = correlation_figures(result, lanes(checked, derived), rules.days_per_month)
    choices = {**asdict(settings), **rules.table(), "accept": list(accept)}
    kinds = sorted({p.rule for p in problems})
    warnings = f"{len(problems)} warnings of the tables ({', '.join(kinds)})." if kinds else ""
    page = correlation_html(
        title="D100 and local recurrence", mode=mode, sentences=sentences, flow=steps, figures=figures, tables=tables,
        settings=choices, warnings=warnings, version=__version__,
    )  # fmt: skip
    summary = _summary(result, sentences)
    with new_folder(output, overwrite=overwrite) as draft:
        (draft / "report.html").write_text(page, encoding="utf-8")
        write_json(draft / "correlate.json", {**summary, "settings": choices})
        write_values(draft / "endpoints.csv", derived.endpoints, Endpoint)
        for t in tables:
            write_rows(draft / f"{t.name}.csv", t.columns, t.rows)
        (draft / "figures").mkdir()
        for name, figure in figures.items():
            for form in ("svg", "png", "pdf"):
                (draft / "figures" / f"{name}.{form}").write_bytes(figure_bytes(figure, form, dpi=300))
        write_run(draft, inputs=cohort_sha256(cohort), options=choices, seed=seed)
    if as_json:
        click.echo(json_text({**summary, "output": str(output)}), nl=False)
        return
    for text in sentences:
        click.echo(f"- {text}")
    click.echo(f"Wrote {output}; open {output / 'report.html'}. Research use only, never for treatment.")


def _summary(result: Correlation, sentences: tuple[str, ...]) -> dict[str, object]:
    """Return the numbers of the result as plain values."""
    from hdrplan.analysis import correlation_tables

    t, models, cut, threshold = result.table, result.models, result.cuts.adjusted, result.cuts.threshold
    lower, upper = (cut.interval if cut else None) or (None, None)
    return {
        "lesions": t.n,
        "patients": t.n_patients,
        "recurrences": t.n_events,
        "deaths_before": int((t.status == 2).sum()),
        "left_out": [{"lesion": lesion, "reason": why} for lesion, why in t.left_out],
        "headline": asdict(models.headline) if models.headline else None,
        "spline": {
            "p_overall": models.spline.overall.p, "p_nonlinear": models.spline.nonlinear.p
        } if models.spline else None,
        "interaction_p": models.interaction.test.p if models.interaction else None,
        "cutoff": {
            "best_gy": cut.best, "p_corrected": cut.p.resampled, "p_naive": cut.p.naive, "lower_gy": lower,
            "upper_gy": upper, "critical": cut.critical,
        } if cut else None,
        "threshold": asdict(threshold.adjusted) if threshold else None,
        "metrics": [asdict(m) for m in result.metrics],
        "tables": {x.name: {"columns": x.columns, "rows": x.rows} for x in correlation_tables(result)},
        "could_not_compute": dict(result.failed),
        "sentences": list(sentences),
    }  # fmt: skip
