"""``hdrplan export``: a plan as DICOM-RT or for 3D Slicer."""

from __future__ import annotations

import math
from pathlib import Path

import click

from hdrplan.cli.common import quiet_option

__all__ = ["command"]

_FILE = click.Path(path_type=Path)


@click.command("export", short_help="Write a plan as DICOM-RT or for 3D Slicer.")
@click.argument("result", type=_FILE)
@click.option("--case", "case_path", type=_FILE, required=True, help="Case folder that was planned.")
@click.option("-o", "--output", type=_FILE, required=True, help="Folder to write; must not exist.")
@click.option("--format", "kind", type=click.Choice(["dicom", "slicer"]), default="dicom", show_default=True)
@click.option("--link-ct", type=_FILE, help="DICOM series folder of the case's CT: objects refer to its slices.")
@click.option("--bits", type=click.Choice(["32", "16"]), default="32", show_default=True, help="Of the dose grid.")
@click.option("--identify", is_flag=True, help="Pass the patient data of --link-ct through.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@quiet_option
def command(
    result: Path,
    case_path: Path,
    output: Path,
    kind: str,
    link_ct: Path | None,
    bits: str,
    identify: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the plan in RESULT (a folder of `hdrplan plan`) for other programs.

    DICOM: RT Structure Set, RT Plan, RT Dose with DVHs, and the CT where it did not come as DICOM. Slicer:
    structures.seg.nrrd, catheters.mrk.json, ct.nrrd, dose.nrrd. No patient data unless --identify.

    \b
    Examples:
      hdrplan export demo-output --case phantoms/liver-lesion-b -o demo-dicom
      hdrplan export plan --case case --link-ct export/CT -o out --identify
      hdrplan export demo-output --case phantoms/liver-lesion-b --format slicer -o demo-slicer
    """
    from hdrplan.errors import InputError
    from hdrplan.io import (
        DicomSet,
        new_folder,
        read_case,
        read_ct_series,
        read_dvh,
        read_plan,
        read_volume,
        write_dicom_set,
        write_run,
        write_slicer_set,
    )

    if identify and link_ct is None:
        raise InputError("--identify takes patient data from a DICOM CT", got="none", remedy="Add --link-ct FOLDER.")
    found = read_case(case_path)
    plan, _ = read_plan(result)
    folder = result if result.is_dir() else result.parent
    dose = read_volume(folder / "dose.nrrd") if (folder / "dose.nrrd").is_file() else None
    series = read_ct_series(link_ct) if link_ct is not None else None
    if series is not None and found.case.ct is not None and not series.volume.grid.same_as(found.case.ct.grid):
        raise InputError("the linked CT must have the case's voxels", got="another grid", where=link_ct)
    prescriptions = [p.dose_gy for p in found.goals.prescriptions]
    with new_folder(output, overwrite=overwrite) as draft:
        if kind == "slicer":
            names = write_slicer_set(draft, found.case, plan, dose=dose)
        else:
            contents = DicomSet(
                case=found.case,
                plan=plan,
                dose=dose,
                dvh=read_dvh(folder / "dvh.csv") if (folder / "dvh.csv").is_file() else {},
                ct_series=series,
                prescription_gy=prescriptions[0] if prescriptions else math.nan,
            )
            names = write_dicom_set(draft, contents, bits=int(bits), identify=identify)
        write_run(draft, inputs=found.inputs, options={"command": "export", "format": kind, "bits": int(bits)})
    if not quiet:
        shown = [name for name in names if not name.startswith("CT_")]
        slices = len(names) - len(shown)
        click.echo(f"Wrote {', '.join(shown)}{f' and {slices} CT slices' if slices else ''} to {output}.")
    click.echo("Research use only, never for treatment.")
