"""``hdrplan dose``: the dose of given dwell times, at points or on a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import json_option, quiet_option, strict_option, warn
from hdrplan.cli.dose_input import grid_of_flags, plan_of_flags
from hdrplan.cli.dose_mc import ModelFlags, model_options, refuse_idle, write_model_dose
from hdrplan.cli.inputs import IN_FILE, IN_PATH, IN_PLAN, IN_PLAN_OR_CASE, IN_SOURCE, refuse_other_than_plan
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FILE, OUT_FOLDER, refuse_other_image, writes
from hdrplan.cli.pdf import pdf_option
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Grid
    from hdrplan.io import Output, RunRecord
    from hdrplan.plan import Plan

__all__ = ["command"]


# What --model mc does not heed: it asks a case and its plan, and writes a folder.
_OF_TG43 = ("dwells", "source", "strength", "points", "grid_like", "spacing", "margin", "exact", "dry_run")


@click.command("dose")
@click.argument("plan", required=False, metavar="[PLAN|CASE]", type=IN_PLAN_OR_CASE)
@model_options
@click.option("--plan", "of_plan", type=IN_PLAN, help="With --model mc: the plan; the argument is its case.")
@click.option("--folder", type=OUT_FOLDER, help="With --model mc: folder of dose grid, numbers and page.")
@click.option("--dwells", type=IN_FILE, help="CSV: x_mm, y_mm, z_mm, tip_x, tip_y, tip_z, time_s [, catheter].")
@click.option(
    "--source",
    type=IN_SOURCE,
    metavar="NAME|FILE",
    help="Source model (hdrplan sources list) or a source file; default: the plan's.",
)
@click.option(
    "--strength", help='Air-kerma strength: "40700", "40.7 mGy m2/h", "10 Ci apparent"; default: the plan\'s.'
)
@click.option("--points", type=IN_FILE, help="CSV: x_mm, y_mm, z_mm [, more]; the output keeps its rows.")
@click.option("--grid", "grid_like", type=IN_PATH, help="Image (NRRD, NIfTI, MHA, DICOM folder) whose grid is used.")
@click.option("--spacing", type=NUMBER, help="Voxel size in mm of a grid around the dwells.")
@click.option("--margin", type=NUMBER, default=60.0, show_default=True, help="Margin in mm of that grid.")
@click.option("-o", "--output", type=OUT_FILE, help="dose.csv for points, or dose.nrrd, .nii.gz.")
@click.option(
    "--exact", is_flag=True, help="On a grid, add every dwell at every voxel in float64 (default: within 0.1 %)."
)
@click.option("--dry-run", is_flag=True, help="Check the input, print what would be computed, write nothing.")
@pdf_option
@quiet_option
@strict_option
@json_option
@writes
def command(
    plan: Path | None,
    model: str,
    of_plan: Path | None,
    uncertainty: str,
    seed: int,
    media_rules: Path | None,
    folder: Output | None,
    dwells: Path | None,
    source: str | None,
    strength: str | None,
    points: Path | None,
    grid_like: Path | None,
    spacing: float | None,
    margin: float,
    output: Output | None,
    exact: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Compute the dose of given dwell times: by TG-43U1 at points or on a grid, or by Monte Carlo in the patient.

    PLAN is a plan.json or its folder. Without it, --dwells, --source and --strength are needed. Positions are patient
    coordinates in mm (LPS). tip_x, tip_y, tip_z point from the centre of the source to its tip.

    With --model mc the argument is a CASE with a CT. Its labels become media, the photons of --plan are followed in
    them, and --folder gets every figure by TG-43 and by Monte Carlo side by side, each with its error.

    \b
    Examples:
      hdrplan dose --source gammamed-plus --strength 40700 --dwells sample/dwells.csv \\
          --points sample/points.csv -o dose.csv
      hdrplan dose demo-output --points sample/points.csv -o dose.csv
      hdrplan dose demo-output --grid sample/session1.nrrd -o dose.nrrd
      hdrplan dose demo-output --spacing 2 --margin 80 -o dose.nii.gz
      hdrplan dose phantoms/liver-lesion-b --plan demo-output --model mc --folder model-dose
    """
    from hdrplan.io import json_text
    from hdrplan.plausibility import doubts_of_strength
    from hdrplan.sources import bounded_warnings

    refuse_idle(model, of_tg43=_OF_TG43)
    if model == "mc":
        needed = {"the CASE": plan, "--plan": of_plan, "--folder": folder}
        missing = " and ".join(name for name, given in needed.items() if given is None)
        if missing or output is not None or plan is None or of_plan is None or folder is None:
            got = f"no {missing}" if missing else "-o"
            raise InputError("--model mc needs a CASE, --plan and --folder, and writes no -o", got=got)
        asked = ModelFlags(uncertainty=uncertainty, rules=media_rules, seed=seed)
        write_model_dose(plan, of_plan, folder, asked, quiet=quiet, as_json=as_json)
        return
    if output is None or of_plan is not None or folder is not None:
        raise InputError("a TG-43 dose needs -o, and takes no --plan and --folder: they go with --model mc")
    if sum(where is not None for where in (points, grid_like, spacing)) != 1:
        raise InputError("say where: exactly one of --points, --grid and --spacing")
    if points is None:
        refuse_other_image(output)
    if plan is not None:
        refuse_other_than_plan(plan)
    chosen = plan_of_flags(plan, dwells, source, strength)
    warn((*bounded_warnings(chosen.source), *doubts_of_strength(chosen.strength)))
    summary: dict[str, object] = {
        "source": chosen.source.name,
        "strength_u": chosen.strength_u,
        "dwells": len(chosen.dwells),
        "total_time_s": chosen.total_time_s,
        "output": output.path.name,
    }
    options = {name: summary[name] for name in ("source", "strength_u")} | {"exact": exact}
    record = run_record(options=options | ({} if spacing is None else {"spacing_mm": spacing, "margin_mm": margin}))
    if points is not None:
        summary |= _at_points(chosen, points, None if dry_run else output, record, quiet)
        size = f"{summary['points']} points"
    else:
        grid = grid_of_flags(chosen, grid_like, spacing, margin)
        summary |= {"shape_zyx": grid.shape_zyx, "spacing_mm": grid.spacing_mm}
        size = f"{' x '.join(map(str, grid.shape_zyx))} voxels"
        if not dry_run:
            summary |= _on_grid(chosen, grid, output, record, exact, quiet)
    if as_json:
        click.echo(json_text(summary), nl=False)
    elif not quiet:
        done = "would write" if dry_run else "wrote"
        click.echo(
            f"{done} {output.path}: {size}, {len(chosen.dwells)} dwells, {chosen.source.name}, {chosen.strength_u:g} U"
        )
        if summary.get("extrapolated_points"):
            click.echo(f"{summary['extrapolated_points']} points lie outside the source's published table")


def _at_points(plan: Plan, points: Path, output: Output | None, record: RunRecord, quiet: bool) -> dict[str, object]:
    """Write the doses at the points of a CSV, unless there is no output; return what is to be said of them."""
    from hdrplan.dose import dose_at_points
    from hdrplan.io import read_points_csv, write_point_doses

    table = read_points_csv(points)
    if output is None:
        return {"points": len(table.rows)}
    with progress_bar("Dose at points", quiet=quiet) as on_progress:
        dose = dose_at_points(
            plan.dwells, plan.exposure_s, table.points_mm, plan.source,
            strength_u=plan.strength_u, on_progress=on_progress,
        )  # fmt: skip
    write_point_doses(output, table, dose.gy, dose.extrapolated, record)
    return {
        "points": len(table.rows),
        "min_gy": float(dose.gy.min()),
        "max_gy": float(dose.gy.max()),
        "extrapolated_points": int(dose.extrapolated.sum()),
    }


def _on_grid(plan: Plan, grid: Grid, output: Output, record: RunRecord, exact: bool, quiet: bool) -> dict[str, object]:
    """Write the dose on a grid; return what is to be said of it."""
    from hdrplan.dose import dose_field
    from hdrplan.io import new_file, write_volume

    with progress_bar("Dose on the grid", quiet=quiet) as on_progress:
        volume = dose_field(
            plan.dwells, plan.exposure_s, grid, plan.source,
            strength_u=plan.strength_u, exact=exact, on_progress=on_progress,
        )  # fmt: skip
    with new_file(output, record) as draft:
        write_volume(draft, volume)
    return {"max_gy": float(volume.values_zyx.max())}
