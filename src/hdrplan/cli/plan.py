"""``hdrplan plan``: from a case to a folder of results."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, number_option, plan_options, read_case_from, read_plan_for
from hdrplan.cli.common import echo_lines, json_option, printed_warnings, quiet_option
from hdrplan.cli.dose_mc import ModelFlags, asked_model, model_options, refuse_idle, write_model_files
from hdrplan.cli.first_plan import compile_beside_plan
from hdrplan.cli.inputs import IN_PLAN
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.plan_all import folder_options
from hdrplan.cli.plan_mc import KeptPhotons, media_lines, media_tables, planned_in_media
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record
from hdrplan.costs import costs_of, measured
from hdrplan.threads import begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdrplan.costs import Costs
    from hdrplan.dose import SamplePoints
    from hdrplan.geometry import Grid
    from hdrplan.io import CaseFile, Output
    from hdrplan.options import PlanOptions
    from hdrplan.plan import Plan
    from hdrplan.report import Scenery
    from hdrplan.workflow import ModelOptions, ModelPlan, PlanResult

__all__ = ["command"]


@click.command("plan", short_help="Plan a case: dwell positions, dwell times, dose, report.")
@case_options()
@click.option(
    "--every-point/--samples-only",
    default=True,
    show_default=True,
    help="Prove D100 at every point of the CTVs (for 0.1 % more dose) or at sample points only.",
)
@number_option("proof_s", show_default=True)
@click.option("--fewest-dwells", is_flag=True, help="Omit dwells that are not needed.")
@model_options
@click.option("--lock", type=IN_PLAN, help="Plan whose times above 0 are kept; all others are optimised.")
@click.option("-o", "--output", type=OUT_FOLDER, help="Output folder; must not exist.")
@pdf_option
@writes
@click.option("--dry-run", is_flag=True, help="Read and check everything, print what would be done, write nothing.")
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Also print dwell times, every goal, losses and prices of the proof, sampling, the time of each step.",
)
@click.option("--profile", is_flag=True, help="Also print where the time went, by step and thread; run.json holds it.")
@json_option
@quiet_option
@folder_options
def command(
    every_point: bool,
    proof_s: float,
    fewest_dwells: bool,
    model: str,
    uncertainty: str,
    seed: int,
    media_rules: Path | None,
    lock: Path | None,
    output: Output | None,
    dry_run: bool,
    verbose: bool,
    profile: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Plan dwell positions and dwell times for a case, with a proof of optimality.

    CASE is a folder with a case.toml. Without it, flags name the files. Flags override the case. With --all every case
    below FOLDER is planned, after its catheters are chosen where it has none: results.csv, failures.csv, index.html and
    the plans. A case that fails ends nothing; the exit code is then 4. A stopped run goes on where it was: what is
    planned is kept in OUTPUT.tasks.

    With --model mc the plan is made under the dose in the patient's media (D_m,m, TG-186): prescriptions, limits and
    proof are of that dose. The case must be a case folder with a CT.

    \b
    Examples:
      hdrplan plan phantoms/liver-lesion-b -o demo-output
      hdrplan plan phantoms/liver-lesion-b --prescription lesion_B=15 --strength 30000 -o plan-15gy
      hdrplan plan phantoms/liver-lesion-b --samples-only --step 2.5 -o plan-quick
      hdrplan plan --ct sample/two-lesions/ct.nii.gz --labels sample/two-lesions/labels.nii.gz \\
          --names sample/two-lesions/labels.json --ctv left --ctv right --healthy liver \\
          --catheters sample/two-lesions/catheters.mrk.json --prescription 20 --strength 40700 -o out
      hdrplan plan --all sample --samples-only -o plan-all
      hdrplan plan phantoms/liver-lesion-b --model mc -o plan-mc

    The folder holds plan.json, dose.nrrd (Gy), dvh.csv, dwells.csv (for the afterloader),
    metrics.json, report.html and run.json. Research use only.
    """
    before_cpu_s = time.process_time()
    with costs_of() as costs:
        with measured("imports"):
            from hdrplan.io import json_text
            from hdrplan.report import brief_lines, cost_lines, dwell_lines, plan_lines, source_use_lines
            from hdrplan.workflow import Watch, plan_case
        if not dry_run:
            compile_beside_plan(every_point=every_point)
        if not gc.get_freeze_count():
            gc.freeze()  # what was imported stays: a look through it for garbage took 0.07 CPU s

        refuse_idle(model)
        flagged = ModelFlags(uncertainty=uncertainty, rules=media_rules, seed=seed)
        case_path = flags["case"]
        asked = asked_model(model, case_path, flagged)
        started = time.perf_counter()
        with measured("read"):
            case_file = read_case_from(flags)
        options = replace(
            plan_options(case_file), every_point=every_point, proof_s=proof_s, fewest_dwells=fewest_dwells
        )
        locked = None if lock is None else read_plan_for(lock, case_file)
        if dry_run:
            _print_size(case_file, options)
            return
        if output is None:
            raise click.UsageError("expected -o FOLDER, got none. Name the folder to write, or add --dry-run.")
        seconds = {"read": round(time.perf_counter() - started, 4)}
        of_run = asdict(options) | _locked(locked) | _model(asked)
        page = _Page(case_file=case_file, options=of_run, output=output, quiet=quiet)
        in_media = None
        if asked is not None:
            in_media = planned_in_media(
                case_path, case_file, asked, options=options, locked=locked, output=output, quiet=quiet
            )
            result = in_media.planned
        else:
            with steps_bar(quiet=quiet) as on_progress:
                result = plan_case(
                    case_file.case, case_file.goals, case_file.source, case_file.strength,
                    options=options, locked=locked,
                    watch=Watch(on_progress=on_progress, on_plan=page.before_proof, on_points=page.before_times),
                )  # fmt: skip
        seconds |= result.seconds
        page.write(result, seconds, costs if profile else None, in_media)
    if as_json:
        click.echo(json_text(_metrics(result, in_media)), nl=False)
        return
    echo_lines(dwell_lines(result, seconds) if verbose else ())
    if profile:
        echo_lines(cost_lines(costs.rows(), process_cpu_s=time.process_time(), before_cpu_s=before_cpu_s))
    echo_lines(brief_lines(result, options)[:1])
    echo_lines(plan_lines(result) if verbose else brief_lines(result, options)[1:])
    echo_lines(source_use_lines(result) if verbose else ())
    echo_lines(media_lines(in_media))
    click.echo(f"Wrote {output.path}: look at {output.path / 'report.html'}. Research use only, never for treatment.")


def _print_size(case_file: CaseFile, options: PlanOptions) -> None:
    """Print the case and the size of the work."""
    from hdrplan.memory import available_bytes
    from hdrplan.report import case_lines, size_lines
    from hdrplan.workflow import plan_size

    size = plan_size(case_file.case, case_file.goals, options)
    echo_lines(case_lines(case_file.case, case_file.goals, case_file.source, case_file.strength))
    echo_lines(size_lines(case_file.case, options, size, available_bytes()))
    click.echo("Nothing was planned and nothing was written (--dry-run).")


def _locked(plan: Plan | None) -> dict[str, object]:
    """Return which dwells of the plan are not free: its bound speaks of plans with these times."""
    return {} if plan is None else {"locked_dwells": [k for k, time_s in enumerate(plan.times_s) if time_s > 0]}


def _model(asked: ModelOptions | None) -> dict[str, object]:
    """Return what the record of a run says of its dose model: nothing of TG-43."""
    if asked is None:
        return {}
    return {"model": "mc", "uncertainty_frac": asked.uncertainty_frac, "seed": asked.seed}


class _Page:
    """The folder of a plan: written when the plan is there, and once more when a long proof of it has ended.

    Parameters
    ----------
    case_file : CaseFile
    options : dict
        For the record of the run.
    output : Output
    quiet : bool
    """

    def __init__(self, *, case_file: CaseFile, options: dict[str, object], output: Output, quiet: bool) -> None:
        self.case_file, self.output, self.quiet = case_file, output, quiet
        self.options = options | {"source": case_file.source.name, "strength_u": case_file.strength.value_u}
        self.around: Callable[[], Scenery] | None = None

    def before_times(self, points: SamplePoints, grid: Grid) -> None:
        """Pack CT and structures while the times are optimised: the solver has one processor for much of it."""
        from hdrplan.report import plan_scenery

        self.around = begun(partial(plan_scenery, self.case_file.case, points, grid))

    def before_proof(self, result: PlanResult) -> None:
        """Write the plan as it is before its proof: whoever ends the proof keeps it."""
        self._write(result, dict(result.seconds), None, final=False)
        self.output = replace(self.output, overwrite=True)
        if not self.quiet:
            path = self.output.path / "report.html"
            click.echo(f"The plan is in {path}. Its proof runs on; Ctrl-C ends it and keeps the plan.", err=True)

    def write(
        self, result: PlanResult, seconds: dict[str, float], costs: Costs | None, in_media: ModelPlan | None = None
    ) -> None:
        """Write the result.

        Parameters
        ----------
        result : PlanResult
        seconds : dict
            Step -> wall time; the report's is added.
        costs : Costs or None
        in_media : ModelPlan or None
            The plan with its dose in media.
        """
        self._write(result, seconds, costs, in_media, final=True)

    def _write(
        self,
        result: PlanResult,
        seconds: dict[str, float],
        costs: Costs | None,
        in_media: ModelPlan | None = None,
        *,
        final: bool,
    ) -> None:
        from hdrplan.io import ResultFolder, dose_file, write_results
        from hdrplan.report import cost_rows, dvh_table, plan_report
        from hdrplan.threads import single_blas_thread

        # The page is made in Python, packing leaves it idle.
        packed = begun(partial(dose_file, result.dose))
        started = time.perf_counter()
        record = run_record(inputs=self.case_file.inputs, options=self.options, seconds=dict(seconds))
        with measured("report"), single_blas_thread():
            around = None if self.around is None else self.around()
            page = plan_report(result, record.table(), remarks=media_lines(in_media), around=around)
        seconds["report"] = round(time.perf_counter() - started, 4)
        results = ResultFolder(
            name=result.case.name,
            plan=result.plan,
            dose=result.dose,
            dvh=dvh_table(result),
            metrics=_metrics(result, in_media),
            ct_sha256=self.case_file.ct_sha256,
        )
        facts = {} if costs is None else {"profile": cost_rows(costs.rows())}
        with measured("write"):
            run = replace(record, seconds=seconds, facts=facts)
            write_results(
                self.output,
                results,
                report_html=page,
                run=run,
                dose=packed(),
                more=partial(self._more, in_media, final=final),
            )
        if in_media is not None:
            for path in KeptPhotons(self.output).files():
                path.unlink()

    def _more(self, in_media: ModelPlan | None, draft: Path, *, final: bool) -> None:
        if in_media is not None:
            tables = media_tables(in_media, printed_warnings())
            table = tables["model_based"] | {"plan_in_media": tables["model_plan"]}
            write_model_files(draft, in_media.own, self.case_file, table)
        if final:
            print_page(draft / "report.html")


def _metrics(result: PlanResult, in_media: ModelPlan | None) -> dict[str, object]:
    """Return what metrics.json holds; of a plan in media also what its own factor makes of it."""
    from hdrplan.report import metrics_table

    table = metrics_table(result, printed_warnings())
    return table if in_media is None else table | media_tables(in_media)
