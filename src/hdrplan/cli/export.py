"""``hdrplan export``: a plan as DICOM-RT or for 3D Slicer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.case import read_plan_for
from hdrplan.cli.common import other_case_option, quiet_option, strict_option, warn
from hdrplan.cli.inputs import IN_CASE, IN_PATH, IN_PLAN
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from hdrplan.geometry import Volume
    from hdrplan.io import CaseFile, DicomSet, Output
    from hdrplan.plan import Plan

__all__ = ["command"]

# Files of other formats round HU; another scan differs in most voxels of the body, a tenth of the picture and more.
_SAME_HU = 1.5
_OTHER_CT_FRAC = 0.001


@click.command("export", short_help="Write a plan as DICOM-RT or for 3D Slicer.")
@click.argument("result", type=IN_PLAN)
@click.option("--case", "case_path", type=IN_CASE, required=True, help="Case folder that was planned.")
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Output folder; must not exist.")
@click.option("--format", "kind", type=click.Choice(["dicom", "slicer"]), default="dicom", show_default=True)
@click.option(
    "--link-ct", type=IN_PATH, help="DICOM series folder of the case's CT, to which the written objects refer."
)
@click.option(
    "--bits",
    type=click.Choice(["32", "16"]),
    default="32",
    show_default=True,
    help="Bits of each value in the dose grid.",
)
@click.option(
    "--treated",
    type=click.DateTime(),
    help="When the source has the plan's strength, if the plan does not say; default: now, with a warning.",
)
@click.option("--identify", is_flag=True, help="Copy the patient data of --link-ct.")
@writes
@other_case_option
@strict_option
@quiet_option
def command(
    result: Path,
    case_path: Path,
    output: Output,
    kind: str,
    link_ct: Path | None,
    bits: str,
    treated: datetime | None,
    identify: bool,
    quiet: bool,
) -> None:
    """Write the plan in RESULT, an output folder of `hdrplan plan`, for other programs.

    For DICOM: RT Structure Set, RT Plan, RT Dose with DVHs, and the CT if it did not come as DICOM. For 3D Slicer:
    structures.seg.nrrd, catheters.mrk.json, ct.nrrd, dose.nrrd. Patient data are written only with --identify.

    \b
    Examples:
      hdrplan export demo-output --case phantoms/liver-lesion-b -o demo-dicom
      hdrplan export plan --case case --link-ct demo-dicom -o out --identify
      hdrplan export demo-output --case phantoms/liver-lesion-b --format slicer -o demo-slicer
    """
    from hdrplan.io import new_folder, read_case, write_dicom_set, write_run, write_slicer_set

    if identify and link_ct is None:
        raise InputError("--identify takes patient data from a DICOM CT", got="none", remedy="Add --link-ct FOLDER.")
    case_file = read_case(case_path)
    warn(case_file.warnings)
    contents = _contents(case_file, result, link_ct)
    _date_strength(contents.plan, treated, kind)
    with new_folder(output) as draft:
        if kind == "slicer":
            names = write_slicer_set(draft, contents.case, contents.plan, dose=contents.dose)
        else:
            names = write_dicom_set(draft, contents, bits=int(bits), identify=identify, treated=treated)
        options = {"command": "export", "format": kind, "bits": int(bits)}
        write_run(draft, run_record(inputs=case_file.inputs, options=options))
    if not quiet:
        shown = [name for name in names if not name.startswith("CT_")]
        slices = len(names) - len(shown)
        click.echo(f"Wrote {', '.join(shown)}{f' and {slices} CT slices' if slices else ''} to {output.path}.")
        if contents.plan.transit is not None:
            click.echo(
                "The dose includes that of the moving source; a program that reads the dwell times leaves it out."
            )
    click.echo("Research use only, never for treatment.")


def _date_strength(plan: Plan, treated: datetime | None, kind: str) -> None:
    """Refuse a second date of the strength; say where the RT Plan gets one that nobody gave."""
    from hdrplan.cautions import caution

    if plan.strength.time is not None and treated is not None:
        raise InputError(
            "--treated is for plans that do not state when their strength holds",
            got=f"a plan for the strength of {plan.strength.time:%Y-%m-%d %H:%M}",
            remedy="Leave --treated out: the afterloader decays the source from that date.",
        )
    if kind == "dicom" and plan.strength.time is None and treated is None:
        warn([caution("strength-dated-now", strength_u=plan.strength_u)])


def _contents(case_file: CaseFile, result: Path, link_ct: Path | None) -> DicomSet:
    """Read the plan, and what of dose and DVHs lies beside it."""
    from hdrplan.io import DicomSet, read_ct_series, read_dvh, read_volume

    plan = read_plan_for(result, case_file)
    folder = result if result.is_dir() else result.parent
    dose, dvh = folder / "dose.nrrd", folder / "dvh.csv"
    series = read_ct_series(link_ct) if link_ct is not None else None
    if series is not None and case_file.case.ct is not None and not series.volume.grid.same_as(case_file.case.ct.grid):
        raise InputError("the linked CT must have the case's voxels", got="another grid", where=link_ct)
    if series is not None and case_file.case.ct is not None:
        _require_same_ct(series.volume, case_file.case.ct, link_ct)
    prescriptions = case_file.goals.prescriptions
    return DicomSet(
        case=case_file.case,
        plan=plan,
        dose=read_volume(dose) if dose.is_file() else None,
        dvh=read_dvh(dvh) if dvh.is_file() else {},
        ct_series=series,
        prescription_gy=prescriptions[0].dose_gy if prescriptions else math.nan,
    )


def _require_same_ct(linked: Volume, ct: Volume, where: object) -> None:
    """Refuse another scan on the same grid: structures and plan would link to another patient's CT."""
    import numpy as np

    differing = float((np.abs(linked.values_zyx.astype(np.float32) - ct.values_zyx) > _SAME_HU).mean())
    if differing > _OTHER_CT_FRAC:
        raise InputError(
            "the linked CT must be the case's", got=f"one that differs in {differing:.1%} of the voxels", where=where
        )
