"""``hdrplan dose``: the dose of given dwell times, at points or on a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import json_option, progress_bar, quiet_option
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Grid
    from hdrplan.plan import Plan

__all__ = ["command"]

_FILE = click.Path(path_type=Path)


@click.command("dose")
@click.argument("plan", required=False, type=_FILE)
@click.option("--dwells", type=_FILE, help="CSV: x_mm, y_mm, z_mm, tip_x, tip_y, tip_z, time_s [, catheter].")
@click.option(
    "--source", "source_name", help="Source model (hdrplan sources list) or a source file; default: the plan's."
)
@click.option(
    "--strength", help='Air-kerma strength: "40700", "40.7 mGy m2/h", "10 Ci apparent"; default: the plan\'s.'
)
@click.option("--points", type=_FILE, help="CSV: x_mm, y_mm, z_mm [, more]; the output has the same rows.")
@click.option("--grid", "grid_like", type=_FILE, help="Image (NRRD, NIfTI, MHA, DICOM folder) whose grid to take.")
@click.option("--spacing", type=float, help="Voxel size in mm of a grid around the dwells.")
@click.option("--margin", type=float, default=60.0, show_default=True, help="Margin in mm of that grid.")
@click.option("-o", "--output", type=_FILE, required=True, help="dose.csv for points; dose.nrrd, .nii.gz for a grid.")
@click.option("--exact", is_flag=True, help="Grid: every dwell at every voxel in float64 (default: within 0.1 %).")
@click.option("--dry-run", is_flag=True, help="Check the input, say what would be computed, write nothing.")
@quiet_option
@json_option
def command(
    plan: Path | None,
    dwells: Path | None,
    source_name: str | None,
    strength: str | None,
    points: Path | None,
    grid_like: Path | None,
    spacing: float | None,
    margin: float,
    output: Path,
    exact: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Dose (TG-43U1) of given dwell times, at points or on a grid.

    PLAN is a plan.json or the folder that holds one; without it give --dwells, --source and --strength. Lengths are
    in mm in patient space (LPS); tip_x, tip_y, tip_z point from the source's centre to its tip.

    \b
    Examples:
      hdrplan dose --source gammamed-plus --strength 40700 --dwells dwells.csv --points points.csv -o dose.csv
      hdrplan dose demo-output --points points.csv -o dose.csv
      hdrplan dose demo-output --grid ct.nrrd -o dose.nrrd
      hdrplan dose demo-output --spacing 2 --margin 80 -o dose.nii.gz
    """
    from hdrplan.dose import dose_at_points, dose_field
    from hdrplan.io import json_text, read_points_csv, write_point_doses, write_volume

    if sum(x is not None for x in (points, grid_like, spacing)) != 1:
        raise InputError("say where: exactly one of --points, --grid and --spacing")
    given = _plan(plan, dwells, source_name, strength)
    source = given.source
    summary: dict[str, object] = {
        "source": source.name,
        "strength_u": given.strength_u,
        "dwells": len(given.dwells),
        "total_time_s": given.total_time_s,
        "output": output.name,
    }
    if points is not None:
        table = read_points_csv(points)
        summary["points"] = len(table.rows)
        if not dry_run:
            with progress_bar("Dose at points", quiet=quiet) as on_progress:
                dose = dose_at_points(
                    given.dwells, given.times_s, table.points_mm, source,
                    strength_u=given.strength_u, on_progress=on_progress,
                )  # fmt: skip
            write_point_doses(output, table, dose.gy, dose.extrapolated)
            summary |= {
                "min_gy": float(dose.gy.min()),
                "max_gy": float(dose.gy.max()),
                "extrapolated_points": int(dose.extrapolated.sum()),
            }
    else:
        grid = _grid(given, grid_like, spacing, margin)
        summary |= {"shape_zyx": grid.shape_zyx, "spacing_mm": grid.spacing_mm}
        if not dry_run:
            with progress_bar("Dose on the grid", quiet=quiet) as on_progress:
                volume = dose_field(
                    given.dwells, given.times_s, grid, source,
                    strength_u=given.strength_u, exact=exact, on_progress=on_progress,
                )  # fmt: skip
            write_volume(output, volume)
            summary["max_gy"] = float(volume.values_zyx.max())
    if as_json:
        click.echo(json_text(summary), nl=False)
    elif not quiet:
        done = "would write" if dry_run else "wrote"
        what = f"{summary['points']} points" if points is not None else f"{' x '.join(map(str, grid.shape_zyx))} voxels"
        click.echo(f"{done} {output}: {what}, {len(given.dwells)} dwells, {source.name}, {given.strength_u:g} U")
        if summary.get("extrapolated_points"):
            click.echo(f"{summary['extrapolated_points']} points lie outside the source's published table")


def _plan(path: Path | None, dwells: Path | None, source_name: str | None, strength: str | None) -> Plan:
    """Return the plan of a file, or one made of the CSV and the flags."""
    from dataclasses import replace

    from hdrplan.io import read_dwells_csv, read_plan, read_source
    from hdrplan.plan import Plan
    from hdrplan.sources import strength_from_text

    if (path is None) == (dwells is None):
        raise InputError("say which dwells: either a PLAN or --dwells")
    if path is not None:
        plan, _ = read_plan(path)
        if source_name:
            plan = replace(plan, source=read_source(source_name))
        return replace(plan, strength=strength_from_text(strength)) if strength else plan
    assert dwells is not None
    if source_name is None or strength is None:
        raise InputError("dwells of a CSV file need --source and --strength")
    positions, times_s = read_dwells_csv(dwells)
    source = read_source(source_name)
    return Plan(dwells=positions, times_s=times_s, source=source, strength=strength_from_text(strength))


def _grid(plan: Plan, like: Path | None, spacing: float | None, margin: float) -> Grid:
    """Return the grid of an image, or one along the patient axes around the dwells."""
    import numpy as np

    from hdrplan.geometry import Grid
    from hdrplan.io import read_volume

    if like is not None:
        return read_volume(like).grid
    assert spacing is not None
    if not (0.1 <= spacing <= 50.0 and 0.0 <= margin <= 500.0):
        raise InputError("--spacing must lie in 0.1 to 50 mm, --margin in 0 to 500 mm", got=f"{spacing:g}, {margin:g}")
    low = plan.dwells.positions_mm.min(axis=0) - margin
    count = np.ceil((plan.dwells.positions_mm.max(axis=0) + margin - low) / spacing).astype(int) + 1
    return Grid(shape_zyx=(int(count[2]), int(count[1]), int(count[0])), origin_mm=low, spacing_mm=np.full(3, spacing))
