"""``hdrplan dvh``: dose-volume histograms of any stored dose and any structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.common import echo_lines, exit_if_lost, json_option, quiet_option, strict_option, warn
from hdrplan.cli.flags import in_flags, number_flag
from hdrplan.cli.inputs import IN_FILE, IN_PATH
from hdrplan.cli.names import names_hidden
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import KEY_FILE, OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page, refuse_pdf
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import Output
    from hdrplan.workflow import DosePair, DVHOptions, DVHResult, DVHRow

__all__ = ["command"]

_PICTURES = ("png", "svg", "pdf")


@click.command("dvh", short_help="Compute DVHs of any stored dose and any structures.")
@click.argument("dose", type=IN_PATH)
@click.argument("structures", type=IN_PATH, required=False)
@click.option("-o", "--output", type=OUT_FOLDER, help="Folder for page, pictures and tables; must not exist.")
@click.option("--unit", type=click.Choice(["Gy", "cGy"]), help="Unit of a dose image; an RT Dose states its own.")
@click.option("--names", type=IN_FILE, help="JSON file of the names in a label map.")
@click.option("--only", multiple=True, metavar="NAME", help="Structure to compute; repeatable. Without it, all.")
@click.option(
    "--metrics", metavar="D95,D2cc,V20Gy,...",
    help="Metrics, as in goals; default: D98, D95, D50, D2, D2cc, D1cc, D0.1cc, Dmean, Dmin, Dmax.",
)  # fmt: skip
@click.option("--prescription", type=NUMBER, metavar="GY", help="Prescribed dose, for V100, V150 and V200.")
@number_flag("alpha_beta_gy", None, "GY", "Add each dose as EQD2 with this alpha/beta.")
@click.option("--fractions", type=click.IntRange(1), default=1, show_default=True, help="Equal fractions, for EQD2.")
@number_flag("geud_a", None, "A", "Add the generalised EUD with this volume parameter.")
@click.option(
    "--between", type=click.Choice(["interpolated", "slabs"]), default="interpolated", show_default=True,
    help="Between contours (voxels): interpolated shapes, or slabs (boxes).",
)  # fmt: skip
@click.option(
    "--ends", type=click.Choice(["continued", "half-slice", "none"]), default="continued", show_default=True,
    help="Beyond the last contours: areas go on as before, half a slice, or nothing.",
)  # fmt: skip
@click.option(
    "--errors/--no-errors", default=True, show_default=True,
    help="Tell how far each metric may be off because of the computation; takes longer.",
)  # fmt: skip
@click.option("--dicom", is_flag=True, help="Also write the RT Dose with these DVHs in it; it names the patient.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes for a folder; default: all processors.")
@click.option("--key", type=KEY_FILE, help="Key file of a folder's pseudonyms, created if missing.")
@click.option("--identify", is_flag=True, help="Write patient IDs and file names of a folder instead of pseudonyms.")
@click.option("--accept-other-patient", is_flag=True, help="Take files of different PatientID or frame of reference.")
@pdf_option
@writes
@strict_option
@json_option
@quiet_option
def command(dose: Path, structures: Path | None, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Compute dose-volume histograms of structures in a dose that any system computed, with their errors.

    DOSE is an RT Dose or an image (NIfTI, NRRD, MetaImage; give --unit). STRUCTURES is an RT Structure Set, a DICOM
    Segmentation, a .seg.nrrd, a label map, a mask or a folder of masks. Each metric has an error: how far it may be off
    because of the dose grid, the distance of the slices, the ends of the structure and the number of points.

    DOSE alone may be a folder: every RT Dose in it with the structures that belong to it, as tables. A stopped run
    continues where it stopped.

    \b
    Examples:
      hdrplan dvh demo-dicom/RD.dcm demo-dicom/RS.dcm -o dvh
      hdrplan dvh demo-dicom/RD.dcm demo-dicom/RS.dcm --prescription 20 --only lesion_B --metrics D98,V100 --json
      hdrplan dvh demo-slicer/dose.nrrd demo-slicer/structures.seg.nrrd --unit Gy --alpha-beta 3 --fractions 5 -o dvh
      hdrplan dvh demo-dicom/RD.dcm demo-dicom/RS.dcm --only liver --no-errors -o dvh --pdf A4
      hdrplan dvh demo-dicom -o tables
    """
    if dose.is_dir() != (structures is None):
        raise InputError(
            "expected DOSE and STRUCTURES, or a folder of DICOM files alone",
            got="a folder and STRUCTURES" if dose.is_dir() else "a DOSE alone",
            where=dose,
        )
    options = _options(flags)
    if structures is None:
        _folder(dose, options, flags, as_json=as_json, quiet=quiet)
    else:
        _only_of_folders(flags)
        _pair(dose, structures, options, flags, as_json=as_json, quiet=quiet)


def _options(flags: dict[str, Any]) -> DVHOptions:
    from hdrplan.workflow import DVHOptions

    return DVHOptions(
        metrics=tuple(word.strip() for word in (flags["metrics"] or "").split(",") if word.strip()),
        prescription_gy=flags["prescription"],
        **{name: flags[name] for name in ("alpha_beta_gy", "fractions", "geud_a", "between", "ends", "errors")},
    )


def _pair(
    dose: Path, structures: Path, options: DVHOptions, flags: dict[str, Any], *, as_json: bool, quiet: bool
) -> None:
    """Compute the DVHs of two files."""
    from hdrplan.io import json_text
    from hdrplan.report import dvh_json, dvh_lines
    from hdrplan.workflow import dvh_of_pair, read_pair

    output: Output | None = flags["output"]
    with names_hidden(dose, structures, identify=flags["identify"]):
        pair = read_pair(
            dose, structures,
            unit=flags["unit"], names=flags["names"], accept_other_patient=flags["accept_other_patient"],
        )  # fmt: skip
        if flags["dicom"]:
            _check_dicom(pair, output)
        with steps_bar(quiet=quiet or as_json) as on_progress:
            result = dvh_of_pair(pair, options, only=flags["only"], on_progress=on_progress)
    warn(result.warnings)
    if output is not None:
        _write(output, pair, result, dicom=flags["dicom"])
    if as_json:
        click.echo(json_text(dvh_json(result)), nl=False)
        return
    echo_lines(dvh_lines(result))
    if output is not None:
        click.echo(f"Wrote {output.path}: look at {output.path / 'dvh.html'}. Research use only, never for treatment.")


def _check_dicom(pair: DosePair, output: Output | None) -> None:
    """Refuse to write DVHs into what is no RT Dose, or of what has no ROI numbers, before the work."""
    if output is None:
        raise InputError("`dicom` writes into a folder", got="no `output`", remedy="Add -o FOLDER.")
    if pair.dose.file is None or not pair.regions.numbers:
        raise InputError(
            "`dicom` needs an RT Dose and an RT Structure Set", got=f"{pair.dose.kind} and {pair.regions.kind}"
        )


def _write(output: Output, pair: DosePair, result: DVHResult, *, dicom: bool) -> None:
    from hdrplan import __version__
    from hdrplan.io import new_folder, sha256, write_dose_with_dvh, write_json, write_rows, write_run
    from hdrplan.report import dvh_figure, dvh_html, dvh_json
    from hdrplan.workflow import CURVE_COLUMNS, dvh_curve_rows, dvh_row

    with new_folder(output) as draft:
        _write_table(draft / "metrics.csv", [dvh_row(s) for s in result.structures])
        points = (row.values() for s in result.structures for row in dvh_curve_rows(s))
        write_rows(draft / "dvh.csv", CURVE_COLUMNS, points, for_spreadsheets=True)
        write_json(draft / "dvh.json", dvh_json(result))
        for ending in _PICTURES:
            dvh_figure(result, draft / f"dvh.{ending}")
        title = f"{len(result.structures)} structure{'s' if len(result.structures) > 1 else ''} in a stored dose"
        about = {"Dose": sha256(pair.files["dose"]), "Structures": sha256(pair.files["structures"])}
        page = dvh_html(result, title=title, version=__version__, about=about)
        (draft / "dvh.html").write_text(page, encoding="utf-8")
        print_page(draft / "dvh.html", "page.pdf")
        if dicom:
            whole = [s for s in result.structures if s.in_grid_frac >= 0.999]
            curves = [(pair.regions.numbers[s.name], *s.steps()) for s in whole]
            written = datetime.now(UTC).replace(tzinfo=None)
            write_dose_with_dvh(draft / "RD.dcm", pair.files["dose"], pair.regions.uid, curves, written=written)
        write_run(draft, run_record(options=asdict(result.options), facts=dict(result.facts)))


def _write_table(path: Path, rows: Sequence[DVHRow], first: Sequence[str] = ()) -> None:
    """Write rows under all of their columns."""
    from hdrplan.io import write_rows

    columns = tuple(dict.fromkeys((*first, *(column for row in rows for column in row))))
    write_rows(path, columns, ([row.get(column) for column in columns] for row in rows), for_spreadsheets=True)


def _folder(folder: Path, options: DVHOptions, flags: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Compute the DVHs of every dose of a folder."""
    from hdrplan.io import json_text, new_folder, open_journal, read_key, write_key, write_run
    from hdrplan.threads import thread_count
    from hdrplan.workflow import CURVE_COLUMNS, FinishedDose, Labour, folder_dvhs, indexed_doses

    output: Output | None = flags["output"]
    if output is None:
        raise InputError("the DVHs of a folder are written as tables", got="no `output`", remedy="Add -o FOLDER.")
    _only_of_pairs(flags)
    workers, partial = flags["jobs"] or thread_count(), output.beside(".partial")
    record = asdict(options) | {"identify": flags["identify"]}
    with names_hidden(folder, identify=flags["identify"]), steps_bar(quiet=quiet or as_json) as on_progress:
        index = indexed_doses(folder, workers=workers, on_progress=on_progress)
    options_of_journal = {k: list(v) if isinstance(v, tuple) else v for k, v in record.items()}
    with open_journal(partial, FinishedDose, options=options_of_journal, secret=read_key(flags["key"])) as journal:
        with steps_bar(quiet=quiet or as_json) as on_progress:
            labour = Labour(workers)
            tables = folder_dvhs(
                index, options, journal, identify=flags["identify"], labour=labour, on_progress=on_progress
            )
        warn(tables.warnings)
        errors = [row | {"error": in_flags(str(row["error"]))} for row in tables.errors]
        who = ("patient", "dose", "structures")
        with new_folder(output) as draft:
            _write_table(draft / "metrics.csv", tables.metrics, (*who, "structure"))
            _write_table(draft / "dvh.csv", tables.curves, (*who, *CURVE_COLUMNS))
            _write_table(draft / "errors.csv", errors, (*who, "error"))
            counts = {"doses": len(index.pairs) + len(index.alone), "files": index.files}
            write_run(draft, run_record(options=record | counts))
        if flags["key"] is not None:
            write_key(flags["key"], journal.secret, tables.patients)
    counts = {"pairs": len(index.pairs), "structures": len(tables.metrics), "errors": len(errors)}
    if as_json:
        click.echo(json_text(counts | {"output": output.path.name}), nl=False)
    else:
        words = f"{counts['pairs']} doses with structures, {counts['structures']} DVHs, {counts['errors']} errors"
        click.echo(f"{words}: wrote {output.path}. Research use only, never for treatment.")
    exit_if_lost(tables.lost, "doses", f"Run again with --overwrite to try them; {partial} keeps the rest.")


def _only_of_pairs(flags: dict[str, Any]) -> None:
    """Refuse flags that are about one dose."""
    for name in ("unit", "names", "only", "dicom", "accept_other_patient"):
        if flags[name]:
            raise InputError(f"`{name}` is for one dose and its structures", got="a folder")
    refuse_pdf("goes with one dose, whose page it prints")


def _only_of_folders(flags: dict[str, Any]) -> None:
    """Refuse flags that are about a folder of doses."""
    for name in ("jobs", "key"):
        if flags[name] is not None:
            raise InputError(f"`{name}` is for a folder of doses", got="one dose and its structures")
