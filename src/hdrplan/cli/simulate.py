"""``hdrplan simulate``: virtual cohorts, written as the tables that the outcome analysis reads; procedures."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import exit_if_lost, quiet_option, strict_option, warn
from hdrplan.cli.inputs import IN_CASE
from hdrplan.cli.numbers import NumberRange
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.procedure import procedure
from hdrplan.cli.progress import progress_bar, steps_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import Output, ResultStore
    from hdrplan.simulate import DoseModel
    from hdrplan.workflow import Labour, PlannedCohort, PlannedLesion, StudyDesign

__all__ = ["command"]

_CATHETER_MM = NumberRange(0.0, 50.0)


@click.group("simulate", short_help="Simulate cohorts and procedures.")
def command() -> None:
    """Simulate cohorts of patients, and procedures of one patient.

    \b
    Examples:
      hdrplan simulate cohort -o virtual-cohort
      hdrplan cohort derive virtual-cohort -o endpoints
      hdrplan simulate procedure phantoms/liver-lesion-b-5mm --ctv lesion_C --prescription 20 --runs 4 -o procedures
    """


command.add_command(procedure)


@command.command("cohort")
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Output folder of tables; must not exist.")
@click.option("--hcc", type=click.IntRange(0, 1_000_000), default=114, show_default=True, help="Patients with HCC.")
@click.option("--crlm", type=click.IntRange(0, 1_000_000), default=50, show_default=True, help="Patients with CRLM.")
@click.option(
    "--hazard-ratio", type=NumberRange(0.1, 10.0), default=0.9, show_default=True,
    help="Hazard ratio of recurrence per Gy of D100 (an assumption); 1: no effect.",
)  # fmt: skip
@click.option("--threshold", type=NumberRange(1.0, 50.0), help="Let D100 act as a threshold at this dose, Gy.")
@click.option("--plans", "anatomy", metavar="CASE", type=IN_CASE, help="Plan every lesion in the liver of this case.")
@click.option(
    "--catheter-mm", type=_CATHETER_MM, default=5.5, show_default=True,
    help="Displacement of each catheter, RMS in 3D (an assumption: it spreads the delivered doses).",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 4096), help="Number of processes; default: all processors.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, tcp://host:8786, instead of this machine.")
@click.option(
    "--shard",
    "share",
    metavar="K/N",
    help="Plan only share K of N (job arrays); a run without it collects the results.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "xlsx"]), default="csv", show_default=True)
@writes
@strict_option
@quiet_option
def cohort(
    output: Output,
    hcc: int,
    crlm: int,
    hazard_ratio: float,
    threshold: float | None,
    anatomy: Path | None,
    catheter_mm: float,
    workers: int | None,
    scheduler: str | None,
    share: str | None,
    seed: int,
    form: str,
    quiet: bool,
) -> None:
    """Simulate a cohort like that of the paper, as tables for `hdrplan cohort` and `hdrplan correlate`.

    With --plans, every lesion is placed in the liver of CASE. It gets catheters by a rule, a plan with proof, and a
    delivery that differs from the plan. The D100 that plans aim at varies as in a clinic. Recurrence depends on the
    delivered dose; the tables contain the planned dose. Results are kept in OUT.tasks, so a stopped run continues where
    it was. The same seed gives the same cohort with any number of workers.

    \b
    Examples:
      hdrplan simulate cohort -o virtual-cohort
      hdrplan simulate cohort --hcc 330 --crlm 150 --hazard-ratio 1 --seed 7 -o null-cohort
      hdrplan simulate cohort --plans phantoms/liver-lesion-b --hcc 6 --crlm 4 -o planned-cohort
      hdrplan simulate cohort --plans phantoms/liver-lesion-b --shard 1/4 -o planned-cohort
    """
    from hdrplan.io import kept_is_told, new_folder, write_rows, write_run, write_tables, write_values
    from hdrplan.simulate import ASSUMPTIONS, DoseModel, TrueLesion, cohort_tables, simulate_cohort
    from hdrplan.threads import thread_count
    from hdrplan.workflow import Labour, PlannedLesion

    dose = DoseModel(hazard_ratio_per_gy=hazard_ratio, threshold_gy=threshold)
    options = {"hcc": hcc, "crlm": crlm, "hazard_ratio_per_gy": hazard_ratio, "threshold_gy": threshold}
    planned: PlannedCohort | None = None
    if anatomy is None:
        if share or scheduler:
            raise click.UsageError("--shard and --scheduler go with --plans.")
        with progress_bar("patients", quiet=quiet) as on_progress:
            drawn, truth = simulate_cohort(hcc, crlm, seed=seed, dose=dose, on_progress=on_progress)
    else:
        design = _design(anatomy, hcc, crlm, dose, catheter_mm, seed)
        labour = Labour(workers or thread_count(), scheduler)
        planned = _planned(output, design, labour, None if share is None else _share(share), quiet=quiet)
        if share is not None:
            click.echo(
                f"Share {share} is planned. When all shares are, run again without --shard to collect the results."
            )
            exit_if_lost(planned.lost, "lesions", "Run this share again to try them once more.")
            return
        drawn, truth = planned.cohort, planned.truth
    kept = nullcontext() if planned is None else kept_is_told(_store(output).folder)
    with kept, new_folder(output) as draft:
        write_tables(draft, cohort_tables(drawn), form)
        (draft / "truth").mkdir()
        write_values(draft / "truth" / "lesions.csv", truth, TrueLesion)
        if planned is not None:
            plans = [plan for _, plan in sorted(planned.plans.items())]
            write_values(draft / "truth" / "plans.csv", plans, PlannedLesion)
            write_rows(draft / "truth" / "failures.csv", ("lesion_id", "why"), sorted(planned.failures.items()))
        of_plans = {} if anatomy is None else {"anatomy": anatomy.name, "catheter_mm": catheter_mm}
        facts = {"assumptions": list(ASSUMPTIONS)}
        write_run(draft, run_record(options=options | of_plans, seed=seed, facts=facts))
    if not quiet:
        click.echo(f"Wrote {output.path}: {hcc + crlm} patients, {len(truth)} treated lesions. Virtual, not real.")
        for text in ASSUMPTIONS:
            click.echo(f"assumed: {text}")
    if planned is not None:
        exit_if_lost(planned.lost, "lesions", "Run again with --overwrite to try them once more.")


def _design(anatomy: Path, hcc: int, crlm: int, dose: DoseModel, catheter_mm: float, seed: int) -> StudyDesign:
    from hdrplan.io import read_case
    from hdrplan.simulate import Uncertainty
    from hdrplan.workflow import StudyDesign, host_organ

    case_file = read_case(anatomy)
    warn(case_file.warnings)
    return StudyDesign(
        host=host_organ(case_file.case), n_hcc=hcc, n_crlm=crlm, dose=dose,
        uncertainty=Uncertainty(catheter_mm=catheter_mm), seed=seed,
    )  # fmt: skip


def _planned(
    output: Output, design: StudyDesign, labour: Labour, share: tuple[int, int] | None, *, quiet: bool
) -> PlannedCohort:
    """Plan the study; what is done stands in OUTPUT.tasks."""
    from hdrplan.workflow import planned_cohort

    with steps_bar(quiet=quiet) as on_progress:
        return planned_cohort(design, _store(output), labour=labour, share=share, on_progress=on_progress)


def _store(output: Output) -> ResultStore[PlannedLesion]:
    """Return where the plans of lesions stand: beside the output."""
    from hdrplan.io import ResultStore
    from hdrplan.workflow import PlannedLesion

    return ResultStore(output.beside(".tasks", folder=True), PlannedLesion)


def _share(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit()):
        raise InputError("expected --shard K/N such as 1/4", got=repr(text))
    return int(number), int(of)
