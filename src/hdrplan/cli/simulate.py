"""``hdrplan simulate``: virtual cohorts, written as the tables that the outcome analysis reads."""

from __future__ import annotations

from pathlib import Path

import click

from hdrplan.cli.common import progress_bar, quiet_option

__all__ = ["command"]


@click.group("simulate", short_help="Virtual cohorts: patients, plans, scans, recurrences.")
def command() -> None:
    """Simulate cohorts.

    \b
    Examples:
      hdrplan simulate cohort -o virtual-cohort
      hdrplan cohort derive virtual-cohort -o endpoints
    """


@command.command("cohort")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of tables; must not exist."
)
@click.option("--hcc", type=click.IntRange(0, 1_000_000), default=114, show_default=True, help="Patients with HCC.")
@click.option("--crlm", type=click.IntRange(0, 1_000_000), default=50, show_default=True, help="Patients with CRLM.")
@click.option(
    "--hazard-ratio",
    type=click.FloatRange(0.1, 10.0),
    default=0.9,
    show_default=True,
    help="Of recurrence per Gy of D100; 1: none (an assumption).",
)
@click.option(
    "--threshold", type=click.FloatRange(1.0, 50.0), help="Effect of D100 as a threshold at this dose instead."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "xlsx"]), default="csv", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@quiet_option
def cohort(
    output: Path,
    hcc: int,
    crlm: int,
    hazard_ratio: float,
    threshold: float | None,
    seed: int,
    form: str,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a virtual cohort of the paper's kind: tables that `hdrplan cohort` and `hdrplan correlate` read.

    \b
    Examples:
      hdrplan simulate cohort -o virtual-cohort
      hdrplan simulate cohort --hcc 330 --crlm 150 --hazard-ratio 1 --seed 7 -o null-cohort
    """
    from hdrplan.io import check_free, json_text, new_folder, run_record, write_csv, write_tables
    from hdrplan.simulate import ASSUMPTIONS, DoseModel, TrueLesion, cohort_tables, simulate_cohort

    check_free(output, overwrite)
    model = DoseModel(hazard_ratio_per_gy=hazard_ratio, threshold_gy=threshold)
    with progress_bar("patients", quiet=quiet) as tell:
        drawn, truth = simulate_cohort(hcc, crlm, seed=seed, dose=model, on_progress=tell)
    with new_folder(output, overwrite=overwrite) as draft:
        write_tables(draft, cohort_tables(drawn), form)
        (draft / "truth").mkdir()
        write_csv(draft / "truth" / "lesions.csv", truth, TrueLesion)
        options = {"hcc": hcc, "crlm": crlm, "hazard_ratio_per_gy": hazard_ratio, "threshold_gy": threshold}
        record = run_record(inputs={}, options=options, seed=seed) | {"assumptions": list(ASSUMPTIONS)}
        (draft / "run.json").write_text(json_text(record), encoding="utf-8")
    if not quiet:
        click.echo(f"Wrote {output}: {hcc + crlm} patients, {len(truth)} treated lesions. Virtual, not real.")
        for text in ASSUMPTIONS:
            click.echo(f"assumed: {text}")
