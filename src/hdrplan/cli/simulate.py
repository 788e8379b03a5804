"""``hdrplan simulate``: virtual cohorts, written as the tables that the outcome analysis reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from hdrplan.cli.common import progress_bar, quiet_option
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.cohort import Cohort
    from hdrplan.simulate import DoseModel, LesionTask, PlannedLesion, TrueLesion

    # Lesion -> its plan, and lesion -> why there is none.
    Plans: TypeAlias = tuple[dict[str, PlannedLesion], dict[str, str]]

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
@click.option("--threshold", type=click.FloatRange(1.0, 50.0), help="Effect of D100 as a threshold at this dose, Gy.")
@click.option(
    "--plans", "anatomy", metavar="CASE", type=click.Path(path_type=Path), help="Plan every lesion in this liver."
)
@click.option(
    "--catheter-mm", type=click.FloatRange(0.0, 50.0), default=5.5, show_default=True, help="See hdrplan robust."
)
@click.option("--workers", type=click.IntRange(1, 4096), help="Processes; default: all processors.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, tcp://host:8786, instead of this machine.")
@click.option("--shard", "share", metavar="K/N", help="Plan only share K of N (job arrays); a run without it gathers.")
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
    anatomy: Path | None,
    catheter_mm: float,
    workers: int | None,
    scheduler: str | None,
    share: str | None,
    seed: int,
    form: str,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a virtual cohort of the paper's kind: tables that `hdrplan cohort` and `hdrplan correlate` read.

    With --plans every lesion is placed in the liver of CASE, gets catheters by rule, a plan with proof, and a delivery
    that differs; plans aim at the D100 that a clinic's spread gives them, recurrence follows the delivered dose, the
    tables hold the planned one. Results are kept in OUT.tasks
    and found again: a run that was stopped goes on where it was. The same seed gives the same cohort, whatever the
    number of workers.

    \b
    Examples:
      hdrplan simulate cohort -o virtual-cohort
      hdrplan simulate cohort --hcc 330 --crlm 150 --hazard-ratio 1 --seed 7 -o null-cohort
      hdrplan simulate cohort --plans phantoms/liver-lesion-b --hcc 6 --crlm 4 -o planned-cohort
      hdrplan simulate cohort --plans phantoms/liver-lesion-b --shard 1/4 -o planned-cohort
    """
    from hdrplan.io import check_free
    from hdrplan.simulate import DoseModel, simulate_cohort

    check_free(output, overwrite)
    model = DoseModel(hazard_ratio_per_gy=hazard_ratio, threshold_gy=threshold)
    options: dict[str, Any] = {"hcc": hcc, "crlm": crlm, "hazard_ratio_per_gy": hazard_ratio, "threshold_gy": threshold}
    if anatomy is None:
        if share or scheduler:
            raise click.UsageError("--shard and --scheduler go with --plans.")
        with progress_bar("patients", quiet=quiet) as tell:
            drawn, truth = simulate_cohort(hcc, crlm, seed=seed, dose=model, on_progress=tell)
        _write(output, overwrite, drawn, truth, None, options, seed, form)
    else:
        study = _Study(output, anatomy, hcc, crlm, model, catheter_mm, seed, workers, scheduler, share, quiet)
        drawn, truth, plans = study.run()
        if share is not None:
            click.echo(f"Share {share} is planned. When all shares are, run without --shard to gather them.")
            return
        options |= {"anatomy": anatomy.name, "catheter_mm": catheter_mm}
        _write(output, overwrite, drawn, truth, plans, options, seed, form)
    if not quiet:
        from hdrplan.simulate import ASSUMPTIONS

        click.echo(f"Wrote {output}: {hcc + crlm} patients, {len(truth)} treated lesions. Virtual, not real.")
        for text in ASSUMPTIONS:
            click.echo(f"assumed: {text}")


class _Study:
    """A cohort whose doses come from plans: drawn, planned, drawn again with the doses that were delivered."""

    def __init__(
        self,
        output: Path,
        anatomy: Path,
        hcc: int,
        crlm: int,
        model: DoseModel,
        catheter_mm: float,
        seed: int,
        workers: int | None,
        scheduler: str | None,
        share: str | None,
        quiet: bool,
    ) -> None:
        from hdrplan.io import ResultStore, read_case
        from hdrplan.simulate import Uncertainty, host_organ
        from hdrplan.threads import thread_count

        case = read_case(anatomy).case
        self.host = host_organ(case, case.healthy or "liver")
        self.store = ResultStore(output.parent / f"{output.name}.tasks")
        self.hcc, self.crlm, self.model, self.seed = hcc, crlm, model, seed
        self.uncertainty = Uncertainty(catheter_mm=catheter_mm)
        self.workers = workers or thread_count()
        self.scheduler, self.share, self.quiet = scheduler, share, quiet
        self.results: dict[str, PlannedLesion] = {}
        self.failures: dict[str, str] = {}

    def run(self) -> tuple[Cohort, tuple[TrueLesion, ...], Plans]:
        """Return cohort, truth and plans; lesions of second cycles appear only once the first are delivered."""
        from dataclasses import replace

        from hdrplan.cohort import Dose
        from hdrplan.simulate import LesionTask, simulate_cohort

        while True:
            wanted: dict[str, LesionTask] = {}

            def delivered_gy(lesion_id: str, diameter_mm: float, drawn_gy: float) -> float:
                known = self.results.get(lesion_id)
                if known is None and lesion_id not in self.failures:
                    wanted[lesion_id] = LesionTask(  # noqa: B023 (called before the loop goes on)
                        lesion_id,
                        round(diameter_mm, 3),
                        self.seed,
                        prescription_gy=round(drawn_gy, 3),
                        uncertainty=self.uncertainty,
                    )
                return known.delivered_d100_gy if known else drawn_gy

            drawn, truth = simulate_cohort(self.hcc, self.crlm, seed=self.seed, dose=self.model, d100_gy=delivered_gy)
            if not wanted:
                break
            self._plan(list(wanted.values()))
            if self.share is not None:
                break
        doses = tuple(
            Dose(d.lesion_id, None, _dose_row(self.results[d.lesion_id]) if d.lesion_id in self.results else d.metrics)
            for d in drawn.doses
            if d.lesion_id not in self.failures
        )
        return replace(drawn, doses=doses), truth, (self.results, self.failures)

    def _plan(self, tasks: list[LesionTask]) -> None:
        """Plan what the store does not hold; store each result as it comes."""
        from dataclasses import asdict

        from hdrplan.simulate import PlannedLesion, TaskResult, run_tasks, shard

        if self.share is not None:
            number, _, of = self.share.partition("/")
            if not (number.isdigit() and of.isdigit()):
                raise InputError("expected --shard K/N such as 1/4", got=repr(self.share))
            tasks = shard(tasks, int(number), int(of))
        left = []
        for task in tasks:
            held = self.store.read(task.key)
            if held is None:
                left.append(task)
            else:
                self._take(task.lesion_id, held)
        with progress_bar(f"plans ({len(tasks) - len(left)} found)", quiet=self.quiet) as tell:
            done = 0

            def keep(one: TaskResult) -> None:
                nonlocal done
                done += 1
                tell(done, len(left))
                # A failure is not stored: the next run tries it again.
                if isinstance(one.result, PlannedLesion):
                    self.store.write(one.task.key, asdict(one.result))
                    self.results[one.task.lesion_id] = one.result
                else:
                    self.failures[one.task.lesion_id] = one.error

            run_tasks(left, self.host, workers=self.workers, scheduler=self.scheduler, on_result=keep)

    def _take(self, lesion_id: str, held: dict[str, Any]) -> None:
        from hdrplan.simulate import PlannedLesion

        self.results[lesion_id] = PlannedLesion(**held)


def _dose_row(plan: PlannedLesion) -> dict[str, float]:
    return {
        "ctv_cm3": round(plan.ctv_cc, 3),
        "d100_gy": round(plan.d100_gy, 4),
        "d98_gy": round(plan.d98_gy, 4),
        "d90_gy": round(plan.d90_gy, 4),
        "d50_gy": round(plan.d50_gy, 4),
        "v100_pct": round(100 * plan.v100_frac, 4),
        "prescription_gy": 20.0,
    }


def _write(
    output: Path,
    overwrite: bool,
    drawn: Cohort,
    truth: tuple[TrueLesion, ...],
    plans: Plans | None,
    options: dict[str, Any],
    seed: int,
    form: str,
) -> None:
    from hdrplan.io import (
        new_folder,
        write_rows,
        write_run,
        write_tables,
        write_values,
    )
    from hdrplan.simulate import ASSUMPTIONS, PlannedLesion, TrueLesion, cohort_tables

    with new_folder(output, overwrite=overwrite) as draft:
        write_tables(draft, cohort_tables(drawn), form)
        (draft / "truth").mkdir()
        write_values(draft / "truth" / "lesions.csv", truth, TrueLesion)
        if plans is not None:
            results, failures = plans
            write_values(draft / "truth" / "plans.csv", [results[key] for key in sorted(results)], PlannedLesion)
            write_rows(draft / "truth" / "failures.csv", ("lesion_id", "why"), sorted(failures.items()))
        write_run(draft, inputs={}, options=options, seed=seed, facts={"assumptions": list(ASSUMPTIONS)})
