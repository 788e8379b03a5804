"""``hdrplan check``: an independent second check of a clinical plan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.common import echo_lines, json_option, quiet_option, strict_option, warn
from hdrplan.cli.dose_mc import ModelFlags, model_options, refuse_idle
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.inputs import IN_EXPORT, IN_FILE, IN_SOURCE
from hdrplan.cli.names import names_hidden
from hdrplan.cli.optimum import optimum_of, optimum_options, optimum_page
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hdrplan.io import ClinicalPlan, Output, RunRecord
    from hdrplan.plan import TreatmentRecord
    from hdrplan.report import CheckedFiles
    from hdrplan.sources import TG43Source
    from hdrplan.workflow import MediaCheck, ModelOptions, SecondCheck

__all__ = ["command"]


@click.command("check", short_help="Recompute a clinical plan by TG-43 and compare.")
@click.argument("plan", type=IN_EXPORT)
@click.option("--dose", type=IN_FILE, help="RT Dose of the plan.")
@click.option("--structures", type=IN_FILE, help="RT Structure Set of the plan: channel paths, DVH metrics.")
@click.option(
    "--source", type=IN_SOURCE, metavar="NAME|FILE", help="Source model, if the plan does not name a known one."
)
@click.option("--tolerances", type=IN_FILE, help="TOML file of tolerances; see docs/howto/dicom.md.")
@click.option("--tip", type=click.Choice(["as-read", "reversed"]), help="Override the direction of the sources.")
@click.option(
    "--treated",
    type=click.DateTime(),
    help="Time of treatment: decays the strength, prints how much longer times become.",
)
@click.option(
    "--record", "records", type=IN_FILE, multiple=True, help="RT Brachy Treatment Record of a fraction; repeatable."
)
@model_options
@optimum_options
@click.option("-o", "--output", type=OUT_FOLDER, help="Write check.html, check.json and run.json into this new folder.")
@click.option("--accept-other-patient", is_flag=True, help="Take files of different PatientID or study.")
@pdf_option
@writes
@click.option("--identify", is_flag=True, help="Include the plan's label and file names in the output.")
@strict_option
@json_option
@quiet_option
def command(plan: Path, output: Output | None, identify: bool, as_json: bool, quiet: bool, **asked: Any) -> None:
    """Recompute the dose of a DICOM plan by TG-43 and compare it with the stated dose.

    The plan's own source, strength and times are used. Reference points, the dose grid (difference and 3D gamma) and
    DVH metrics are judged by tolerances. Voxels at the full scale of the grid are left out. PLAN is a DICOM file, or a
    folder from which the files of one plan are selected.

    Files of another plan or patient never pass; two frames of reference are refused.

    With --model mc the stated dose stands beside that in the patient's media (D_m,m) as well: planning systems compute
    either. It is judged by the one whose shape it has, and the output says which. PLAN is then a folder with the CT.

    Exit code 0: pass; 1: fail, or nothing to compare; 2: invalid input.

    \b
    Examples:
      hdrplan check demo-dicom/RP.dcm --dose demo-dicom/RD.dcm --structures demo-dicom/RS.dcm -o check
      hdrplan check demo-dicom -o check --tolerances sample/tolerances.toml --pdf A4
      hdrplan check demo-dicom --source flexisource --tip reversed --json
      hdrplan check demo-dicom --optimum --healthy liver -o check
      hdrplan check demo-dicom --model mc
    """
    from hdrplan.io import json_text, read_clinical_plan
    from hdrplan.report import check_table, media_check_lines, media_check_table, quality_lines, quality_table
    from hdrplan.workflow import judged_by_shape

    refuse_idle(asked["model"])
    model = _model(asked)
    dose, structures = asked["dose"], asked["structures"]
    with names_hidden(plan, dose, structures, *asked["records"], identify=identify):
        clinical = read_clinical_plan(
            plan,
            dose=dose,
            structures=structures,
            records=asked["records"],
            accept_other_patient=asked["accept_other_patient"],
        )
    compare = optimum_of(clinical, asked, quiet=quiet or as_json)
    check, files = _checked(clinical, asked, identify=identify, quiet=quiet or as_json)
    warn(check.warnings)
    in_media = None if model is None else _in_media(clinical, check, model)
    if in_media is not None:
        check = judged_by_shape(check, in_media)
    table = check_table(check, clinical.brachy, files, in_media)
    quality = None if compare is None else compare(check)
    if quality is not None:
        table["optimum"] = quality_table(quality)
    if in_media is not None:
        table["media"] = media_check_table(in_media)
    if output is not None:
        options = {"source": check.source.name, "tip": asked["tip"] or "as the plan states"}
        options |= (
            {} if model is None else {"model": "mc", "seed": model.seed, "uncertainty_frac": model.uncertainty_frac}
        )
        pages = {"check.html": _page(clinical, check, files, in_media)}
        if quality is not None:
            pages["optimum.html"] = optimum_page(quality, clinical, identify=identify)
        _write(output, pages, table, record=run_record(inputs=files.sha256, options=options))
    if as_json:
        click.echo(json_text(table), nl=False)
    else:
        _print(check, quiet)
        echo_lines(() if quality is None else quality_lines(quality))
        echo_lines(() if in_media is None else media_check_lines(in_media))
        if output is not None:
            click.echo(f"Wrote {output.path / 'check.html'}. Research use only, never for treatment.")
    sys.exit(ExitCode.DONE if check.passed else ExitCode.FAILED)


def _model(asked: dict[str, Any]) -> ModelOptions | None:
    """Return the options of the dose in media; None without --model mc."""
    if asked["model"] != "mc":
        return None
    flags = ModelFlags(uncertainty=asked["uncertainty"], rules=asked["media_rules"], seed=asked["seed"])
    return flags.options()


def _in_media(clinical: ClinicalPlan, check: SecondCheck, model: ModelOptions) -> MediaCheck:
    """Return the stated dose beside that in the patient's media, and print warnings of the media."""
    from hdrplan.io import read_ct_slices
    from hdrplan.workflow import StatedDose, check_in_media

    if clinical.dose is None or not clinical.ct_slices or not clinical.structures:
        missing = "RT Dose" if clinical.dose is None else "CT" if not clinical.ct_slices else "structures"
        raise InputError("a check in media needs RT Dose, structures and CT in the folder", got=f"no {missing}")
    stated = StatedDose(clinical.dose.volume, clinical.dose.full_scale_gy)
    ct = read_ct_slices(clinical.ct_slices).volume
    found = check_in_media(clinical.brachy, check, stated, clinical.structures, ct, model)
    warn(found.warnings)
    return found


def _checked(
    clinical: ClinicalPlan, asked: dict[str, Any], *, identify: bool, quiet: bool
) -> tuple[SecondCheck, CheckedFiles]:
    """Check plan and records, and say what the check was made of."""
    from dataclasses import replace

    from hdrplan.cautions import each_once
    from hdrplan.io import read_source, read_tolerances
    from hdrplan.plan import doubts_of_links, source_of_brachy
    from hdrplan.report import CheckedFiles, decay_cautions
    from hdrplan.workflow import StatedDose, check_plan, delivery_check

    brachy, grid, tip = clinical.brachy, clinical.dose, asked["tip"]
    judge_by = read_tolerances(asked["tolerances"])
    model = read_source(asked["source"]) if asked["source"] else source_of_brachy(brachy)
    with progress_bar("dose", quiet=quiet) as on_progress:
        check = check_plan(
            brachy,
            model,
            stated=None if grid is None else StatedDose(grid.volume, grid.full_scale_gy, clinical.dvhs),
            structures=clinical.structures,
            tolerances=judge_by,
            reverse_tip=None if tip is None else tip == "reversed",
            on_progress=on_progress,
        )
    delivery = delivery_check(brachy, clinical.records, judge_by)
    treated = asked["treated"] or _treated(clinical.records)
    decay = decay_cautions(brachy, treated)
    links = (*clinical.links, *delivery.links)
    check = replace(
        check,
        rows=(*check.rows, *delivery.rows),
        links=links,
        warnings=each_once((*clinical.notes, *doubts_of_links(links), *decay, *check.warnings, *delivery.warnings)),
    )
    files = CheckedFiles(
        sha256=_hashes(clinical, asked, model),
        patient=clinical.patient,
        label=(brachy.label or clinical.files["plan"].name) if identify else None,
        treated=treated,
    )
    return check, files


def _treated(records: Sequence[TreatmentRecord]) -> datetime | None:
    return next((record.treated for record in records if record.treated is not None), None)


def _hashes(clinical: ClinicalPlan, asked: dict[str, Any], model: TG43Source) -> dict[str, str]:
    from hdrplan.io import sha256
    from hdrplan.sources import is_packaged, packaged_sha256

    paths = dict(clinical.files) | {f"record {k}": path for k, path in enumerate(asked["records"], start=1)}
    if asked["tolerances"] is not None:
        paths["tolerances"] = asked["tolerances"]
    own = packaged_sha256(model.name) if is_packaged(model) else sha256(Path(asked["source"]))
    return {name: sha256(path) for name, path in paths.items()} | {"source data": own}


def _write(output: Output, pages: dict[str, str], table: dict[str, object], *, record: RunRecord) -> None:
    from hdrplan.io import new_folder, write_json, write_run

    with new_folder(output) as draft:
        for name, page in pages.items():
            (draft / name).write_text(page, encoding="utf-8")
            print_page(draft / name)
        write_json(draft / "check.json", table)
        write_run(draft, record)


def _page(clinical: ClinicalPlan, check: SecondCheck, files: CheckedFiles, media: MediaCheck | None) -> str:
    from hdrplan import __version__
    from hdrplan.report import check_html

    title = "Second check of a brachytherapy plan" if files.label is None else f"Second check of {files.label}"
    return check_html(check, clinical.brachy, files, title=title, version=__version__, media=media)


def _print(check: SecondCheck, quiet: bool) -> None:
    from hdrplan.report import check_lines, verdict_text

    for line in check_lines(check):
        click.echo(line)
    if not quiet:
        click.echo(check.tip.text)
    click.echo(verdict_text(check))
