"""``hdrplan prepare``: a CT and its segmentations become a case."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option, quiet_option, strict_option, warn
from hdrplan.cli.inputs import IN_FILE, IN_PATH, IN_SOURCE
from hdrplan.cli.names import names_hidden
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.records import run_record
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Margin
    from hdrplan.io import Output, Scan
    from hdrplan.workflow import PreparedCase

__all__ = ["command"]

_SIDES = ("left", "right", "posterior", "anterior", "superior", "inferior")


@click.command("prepare", short_help="Turn a CT and its segmentations into a case.")
@click.argument("sources", type=IN_PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Output case folder; must not exist.")
@click.option("--ctv", multiple=True, metavar="NAME", help="Lesion to treat; repeatable. Without it, names decide.")
@click.option("--pick", multiple=True, metavar="X,Y,Z", help="Point (LPS, mm) in a lesion to grow on the CT.")
@click.option("--margin", default="0", metavar="MM", help="Lesion to CTV: 5, or left=5,right=3,... [0].")
@click.option("--smooth", type=NUMBER, default=0.0, metavar="MM", help="Smooth the CTV; its volume stays [0].")
@click.option("--union", is_flag=True, help="All lesions together are one CTV.")
@click.option("--healthy", metavar="NAME", help="Organ whose mean dose is minimised [the liver].")
@click.option("--oar", multiple=True, metavar="NAME", help="One more organ at risk; repeatable.")
@click.option("--prescription", type=NUMBER, metavar="GY", help="D100 for every CTV.")
@click.option("--source", type=IN_SOURCE, metavar="NAME|FILE", help="Source model; see `hdrplan sources list`.")
@click.option("--strength", metavar="U", help='Source strength at treatment: 40700, or "10 Ci apparent".')
@click.option("--names", type=IN_FILE, help="JSON of label values and names, if the label map has none of its own.")
@click.option("--segment", metavar="TASK,...", help="Run TotalSegmentator first: total, liver_vessels, ...")
@click.option("--name", default="prepared", show_default=True, help="Name of the case; do not name the patient.")
@click.option("--accept-other-patient", is_flag=True, help="Take files of different PatientID or study.")
@writes
@strict_option
@json_option
@quiet_option
def command(
    sources: tuple[Path, ...],
    output: Output,
    ctv: tuple[str, ...],
    pick: tuple[str, ...],
    margin: str,
    smooth: float,
    union: bool,
    healthy: str | None,
    oar: tuple[str, ...],
    prescription: float | None,
    source: str | None,
    strength: str | None,
    names: Path | None,
    segment: str | None,
    name: str,
    accept_other_patient: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a case of a CT and whatever was segmented on it: files and folders in any order.

    Label maps of TotalSegmentator, MONAI and nnU-Net, masks, segmentations of 3D Slicer, DICOM Segmentations and RT
    Structure Sets are read, and catheters drawn in 3D Slicer as curves (.mrk.json). Names decide what each structure
    becomes: lesion, healthy organ, organ at risk, obstacle of needles. The table says why; prepare.png shows the
    targets on the CT.

    \b
    Examples:
      hdrplan prepare phantoms/liver-lesion-b/ct.nii.gz phantoms/liver-lesion-b/labels.nii.gz -o case
      hdrplan prepare phantoms/liver-lesion-b -o case-b --margin 5 --prescription 20 --strength 40700
      hdrplan place case-b -o placed

    A folder with an RTPLAN is read by `hdrplan import`.
    """
    from hdrplan.io import (
        json_text,
        new_folder,
        read_source,
        strength_values,
        write_prepared_case,
        write_run,
        write_source,
    )
    from hdrplan.report import prepared_figure, prepared_lines, prepared_table
    from hdrplan.sources import strength_from_text
    from hdrplan.workflow import PrepareOptions, prepare_case

    options = PrepareOptions(
        name=name,
        ctv=ctv,
        oar=oar,
        healthy=healthy,
        picks_mm=tuple(_point(text) for text in pick),
        margin=_margin(margin),
        smooth_mm=smooth,
        union=union,
    )
    model = read_source(source) if source is not None else None
    at_treatment = strength_from_text(strength) if strength is not None else None
    with names_hidden(*sources):
        scan = _scan(sources, names, segment, accept_other_patient=accept_other_patient)
        warn(scan.warnings)
        prepared = prepare_case(scan.ct, scan.structures, options)
    warn(prepared.warnings)
    rest = _given(prepared, prescription)
    table = {"files": [{"name": file, "kind": kind} for file, kind in scan.kinds]} | prepared_table(prepared)
    with new_folder(output) as draft:
        entry = (write_source(draft, model) if model else {}) | (strength_values(at_treatment) if at_treatment else {})
        write_prepared_case(
            draft,
            name=name,
            ct=prepared.ct,
            structures=prepared.structures,
            healthy=prepared.healthy,
            catheters=scan.catheters,
            rest=rest | ({"source": entry} if entry else {}),
        )
        prepared_figure(prepared, draft / "prepare.png")
        write_run(draft, run_record(inputs=scan.hashes, options=asdict(options), facts={"prepared": table}))
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    if not quiet:
        echo_lines(f"{file}: {kind}" for file, kind in scan.kinds)
        echo_lines(prepared_lines(prepared))
        _echo_left_out(scan)
    click.echo(f"Wrote {output.path}: look at {output.path / 'prepare.png'}. {_next(prepared, output.path, scan)}")


def _scan(sources: tuple[Path, ...], names: Path | None, tasks: str | None, *, accept_other_patient: bool) -> Scan:
    """Return CT and structures, those of TotalSegmentator among them where it was asked for."""
    from hdrplan.io import read_scan, segment

    scan = read_scan(sources, names=names, accept_other_patient=accept_other_patient)
    if tasks is None:
        return scan
    with tempfile.TemporaryDirectory(prefix="hdrplan-") as scratch:
        made = segment(scan.ct, Path(scratch), [task.strip() for task in tasks.split(",") if task.strip()])
        return read_scan([*sources, *made], names=names, accept_other_patient=accept_other_patient)


def _given(prepared: PreparedCase, prescription: float | None) -> dict[str, object]:
    from hdrplan.plan import is_lesion_name, nearest_known

    if prescription is None:
        return {}
    targets = [s.name for s in prepared.structures if s.role == "CTV"]
    if not targets:
        meant = [row.name for row in prepared.rows if is_lesion_name(nearest_known(row.name) or "")]
        raise InputError(
            "--prescription needs a CTV",
            got="no lesion",
            remedy=f"If {' or '.join(map(repr, meant[:3]))} is one: --ctv {shlex.quote(meant[0])}."
            if meant
            else "Give one with --ctv or --pick.",
        )
    if not 0 < prescription < 1000:
        raise InputError("--prescription is a dose in Gy above 0", got=f"{prescription:g}")
    return {"prescription_gy": dict.fromkeys(targets, prescription)}


def _point(text: str) -> tuple[float, float, float]:
    try:
        x, y, z = (number_in(word) for word in text.split(","))
    except ValueError:
        raise InputError("expected --pick X,Y,Z in mm (LPS)", got=repr(text)) from None
    return x, y, z


def _margin(text: str) -> Margin:
    from hdrplan.geometry import Margin

    try:
        if "=" not in text:
            return Margin.all_round(number_in(text))
        pairs = [
            (key.strip(), number_in(number)) for key, _, number in (word.partition("=") for word in text.split(","))
        ]
    except ValueError:
        raise InputError("expected --margin MM or side=MM,...", got=repr(text)) from None
    unknown = [key for key, _ in pairs if key not in _SIDES]
    if unknown or len(dict(pairs)) != len(pairs):
        raise InputError(f"sides of --margin are {', '.join(_SIDES)}, each once", got=repr(text))
    return Margin(**dict(pairs))


def _echo_left_out(scan: Scan) -> None:
    if scan.left_out:
        reasons: dict[str, list[str]] = {}
        for name, why in scan.left_out:
            reasons.setdefault(why, []).append(name)
        for why, names in reasons.items():
            shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
            click.echo(f"left out ({why}): {shown}")


def _next(prepared: PreparedCase, case: Path, scan: Scan) -> str:
    if any(s.role == "CTV" for s in prepared.structures):
        if scan.catheters:
            return f"Next: hdrplan plan {case} -o plan"
        return f"Next: hdrplan place {case} -o placed, or hdrplan plan {case} --catheters FILE -o plan"
    return (
        "No lesion is among the structures: give one with --pick X,Y,Z, or try "
        f"hdrplan phantom lesion {case} --diameter-mm 30 -o with-lesion"
    )
