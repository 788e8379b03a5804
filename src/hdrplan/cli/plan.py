"""``hdrplan plan``: the walk, from a case to a folder of results."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, number_option, plan_options, read_case_from
from hdrplan.cli.common import json_option, quiet_option, steps_bar, warn

if TYPE_CHECKING:
    from hdrplan.io import CaseFile
    from hdrplan.options import PlanOptions
    from hdrplan.plan import Plan
    from hdrplan.workflow import PlanResult

__all__ = ["command"]

_FILE = click.Path(path_type=Path)


@click.command("plan", short_help="Plan a case: dwell positions, times, dose, report.")
@case_options
@click.option(
    "--every-point/--samples-only",
    default=True,
    show_default=True,
    help="Prove D100 at every point of the CTVs (0.1 % more dose), or on sample points only.",
)
@number_option("proof_s", show_default=True)
@click.option("--fewest-dwells", is_flag=True, help="Leave out dwells that are not needed.")
@click.option("--lock", "locked", type=_FILE, help="Plan whose times above 0 stay; the rest is optimised anew.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write; must not exist.")
@click.option("--overwrite", is_flag=True, help="Replace an output folder that hdrplan wrote.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, say what would be done, write nothing.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Also print the dwell times, the sampling and the time of each step."
)
@json_option
@quiet_option
def command(
    every_point: bool,
    proof_s: float,
    fewest_dwells: bool,
    locked: Path | None,
    output: Path | None,
    overwrite: bool,
    dry_run: bool,
    verbose: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Plan dwell positions and times for a case, with proof of optimality.

    CASE is a folder with a case.toml. Without one, flags name the files. Flags also change what a case says.

    \b
    Examples:
      hdrplan plan phantoms/liver-lesion-b -o demo-output
      hdrplan plan phantoms/liver-lesion-b --prescription lesion_B=15 --strength 30000 -o plan-15gy
      hdrplan plan phantoms/liver-lesion-b --samples-only --step 2.5 -o plan-quick
      hdrplan plan --ct ct.nii.gz --labels totalseg.nii.gz --names labels.json --ctv lesion --healthy liver \\
          --oar stomach --oar duodenum --catheters catheters.mrk.json --prescription 20 --strength 40700 -o out

    The folder holds plan.json, dose.nrrd (Gy), dvh.csv, metrics.json, report.html and run.json. Research use only.
    """
    from hdrplan.io import check_free, read_plan

    started = time.perf_counter()
    found = read_case_from(flags)
    options = replace(plan_options(found), every_point=every_point, proof_s=proof_s, fewest_dwells=fewest_dwells)
    fixed = None if locked is None else read_plan(locked)[0]
    warn(found.warnings)
    if dry_run:
        _say_what_would_be_done(found, options)
        return
    if output is None:
        raise click.UsageError("expected -o FOLDER, got none. Name the folder to write, or add --dry-run.")
    check_free(output, overwrite)
    seconds = {"read": round(time.perf_counter() - started, 4)}
    result = _planned(found, options, fixed, quiet)
    seconds |= result.seconds
    _write(result, found, options, output, overwrite, seconds)
    if verbose and not as_json:
        _print_details(result, seconds)
    _print(result, output, as_json, quiet)


def _say_what_would_be_done(found: CaseFile, options: PlanOptions) -> None:
    """Print the case and the size of the work."""
    from hdrplan.dose import sample_points
    from hdrplan.memory import available_bytes
    from hdrplan.workflow import candidate_dwells, dose_grid, plan_memory_bytes

    case = found.case
    dwells = candidate_dwells(case, options)
    grid = dose_grid(case, dwells, margin_mm=options.dose_margin_mm)
    click.echo(f"case         {case.name}")
    for prescription in found.goals.prescriptions:
        volume_cc = case.structure(prescription.structure).volume_cc
        click.echo(f"CTV          {prescription.structure}, {volume_cc:.1f} cc, D100 >= {prescription.dose_gy:g} Gy")
    for goal in found.goals.goals:
        click.echo(
            f"goal         {goal.structure}: {goal.text} ({'hard' if goal.level == 0 else f'level {goal.level}'})"
        )
    click.echo(f"source       {found.source.model}, {found.strength.value_u:g} U")
    number = f"{len(case.catheters)} catheter{'s' * (len(case.catheters) > 1)}"
    click.echo(f"dwells       {len(dwells)} positions in {number}, step {options.step_mm:g} mm")
    nz, ny, nx = grid.shape_zyx
    spacing = " x ".join(f"{s:.3g}" for s in grid.spacing_mm)
    click.echo(f"dose grid    {nx} x {ny} x {nz} voxels of {spacing} mm, {grid.size * 4 / 1e6:.0f} MB")
    points = sample_points(case.dosed_structures(found.goals), spacing_mm=options.sample_mm, healthy=case.healthy)
    needed, free = plan_memory_bytes(points, dwells, grid), available_bytes()
    click.echo(f"rate matrix  {len(points)} sample points x {len(dwells)} dwells")
    click.echo(
        f"memory       at most {needed / 1e9:.2f} GB"
        + (
            ""
            if free is None
            else f" of {free / 1e9:.2f} GB free: {'enough' if needed <= 0.9 * free else 'TOO LITTLE'}"
        )
    )
    click.echo("Nothing was planned and nothing was written (--dry-run).")


def _planned(found: CaseFile, options: PlanOptions, locked: Plan | None, quiet: bool) -> PlanResult:
    from hdrplan.workflow import plan_case

    with steps_bar(quiet=quiet) as on_progress:
        return plan_case(
            found.case,
            found.goals,
            found.source,
            found.strength,
            options=options,
            locked=locked,
            on_progress=on_progress,
        )


def _write(
    result: PlanResult, found: CaseFile, options: PlanOptions, output: Path, overwrite: bool, seconds: dict[str, float]
) -> None:
    from dataclasses import asdict

    from hdrplan.io import run_record, write_results
    from hdrplan.report import dvh_table, metrics_table, plan_report

    started = time.perf_counter()
    record = run_record(
        inputs=found.inputs,
        options=asdict(options) | {"source": found.source.name, "strength_u": found.strength.value_u},
        seconds=seconds,
    )
    page = plan_report(result, record)
    seconds["report"] = round(time.perf_counter() - started, 4)
    write_results(
        output,
        plan=result.plan,
        name=result.case.name,
        dose=result.dose,
        dvh=dvh_table(result),
        metrics=metrics_table(result),
        report_html=page,
        run=record | {"seconds": seconds},
        overwrite=overwrite,
    )


def _print_details(result: PlanResult, seconds: dict[str, float]) -> None:
    dwells, times_s = result.plan.dwells, result.plan.times_s
    click.echo(f"{'catheter':<16}{'from tip mm':>12}{'time s':>9}")
    for k in (times_s > 0).nonzero()[0]:
        name = dwells.catheter_names[dwells.catheter[k]]
        click.echo(f"{name:<16}{dwells.offset_mm[k]:>12.1f}{times_s[k]:>9.1f}")
    click.echo(f"{len(result.points):,} sample points. {result.points.method}")
    click.echo("seconds: " + ", ".join(f"{step} {value:.2f}" for step, value in seconds.items()))


def _print(result: PlanResult, output: Path, as_json: bool, quiet: bool) -> None:
    from hdrplan.io import json_text
    from hdrplan.report import goal_text, metrics_table

    if as_json:
        click.echo(json_text(metrics_table(result)), nl=False)
        return
    for target in result.score.targets:
        click.echo(
            f"{target.name}: D100 {target.d100_gy:.2f} Gy (sampling {target.d100_sampling_gy:.2f}), "
            f"D98 {target.d98_gy:.2f} Gy, D90 {target.d90_gy:.2f} Gy, D50 {target.d50_gy:.2f} Gy, "
            f"{target.volume_cc:.1f} cc"
        )
    for goal in result.score.goals:
        click.echo(goal_text(goal))
    if result.optimum is not None:
        for line in result.optimum.lines:
            click.echo(line)
    if not quiet:
        active = int((result.plan.times_s > 0).sum())
        click.echo(
            f"{active} active dwells, {result.plan.total_time_s:.0f} s in all at {result.plan.strength_u:g} U, "
            f"TRAK {result.plan.trak_gy * 100:.3f} cGy at 1 m"
        )
        beyond = {name: frac for name, frac in result.extrapolated_frac.items() if frac > 0}
        if beyond:
            parts = ", ".join(f"{name} {100 * frac:.1f} %" for name, frac in beyond.items())
            click.echo(f"source data extrapolated (nearer or farther than the published table): {parts} of the volume")
    click.echo(f"Wrote {output}: look at {output / 'report.html'}. Research use only, never for treatment.")
