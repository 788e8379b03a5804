"""``hdrplan catheters``: catheters found on the planning CT."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option, quiet_option, strict_option, warn
from hdrplan.cli.inputs import IN_FILE, IN_PATH
from hdrplan.cli.names import names_hidden
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FILE, output_at, writes
from hdrplan.cli.records import run_record
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Volume
    from hdrplan.io import Output
    from hdrplan.tracing import TracedCatheter

__all__ = ["command"]


@click.command("catheters", short_help="Find the catheters on a planning CT.")
@click.argument("ct", type=IN_PATH)
@click.option("-o", "--output", type=OUT_FILE, required=True, help="Catheters to write: .mrk.json.")
@click.option("--click", "clicks", multiple=True, metavar="X,Y,Z", help="Point (LPS, mm) on a catheter; repeatable.")
@click.option("--rough", type=IN_FILE, help="Rough catheters (hub and tip): .mrk.json, .json or .csv; they snap.")
@click.option("--within", type=NUMBER, default=10.0, show_default=True, metavar="MM", help="How far rough ones snap.")
@click.option(
    "--closed-end", type=NUMBER, default=1.0, show_default=True, metavar="MM", help="Plastic beyond the lumen."
)
@click.option("--picture", type=OUT_FILE, help="Picture to confirm them by [beside the output: .png].")
@writes
@strict_option
@json_option
@quiet_option
def command(
    ct: Path,
    output: Output,
    clicks: tuple[str, ...],
    rough: Path | None,
    within: float,
    closed_end: float,
    picture: Output | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Find the catheters on a CT that was taken after the punctures; or those that you point at.

    Every catheter crosses the skin: thin lines that do are followed to their tips. --click traces the catheters that
    points lie on, --rough moves a rough hub and tip onto the tube. Look at the picture before you plan: a wire, a
    drain or a calcified vessel can look like a catheter. Offsets of the first dwell count from the tip that is found.

    \b
    Examples:
      hdrplan phantom implant phantoms/liver-lesion-b -o implanted.nii.gz
      hdrplan catheters implanted.nii.gz -o found.mrk.json
      hdrplan plan phantoms/liver-lesion-b --catheters found.mrk.json -o plan-found

    Synthetic implants, not clinical ones, are what its errors were measured on.
    """
    from hdrplan.io import json_text, new_file, read_scan, write_traced
    from hdrplan.report import traced_figure, traced_lines, traced_table
    from hdrplan.tracing import doubts_of_traced

    shown = picture or output_at(_beside(output.path), folder=False)
    with names_hidden(ct):
        scan = read_scan([ct])
        warn(scan.warnings)
        found = _found(scan.ct, clicks, rough, within_mm=within, closed_end_mm=closed_end)
    if not found:
        raise InputError(
            "expected catheters that cross the skin",
            got="none found in this CT",
            where="CT",
            remedy="Is it the scan after the punctures? Point at them: --click X,Y,Z, or --rough FILE.",
        )
    doubts = doubts_of_traced(found)
    warn(doubts)
    table = traced_table(found, doubts)
    options = {"click": list(clicks), "within_mm": within, "closed_end_mm": closed_end}
    record = run_record(inputs=scan.hashes, options=options, facts={"catheters": table["catheters"]})
    with new_file(output, record) as draft:
        write_traced(draft, found)
    with new_file(shown, record) as draft:
        traced_figure(scan.ct, found, draft)
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    if not quiet:
        echo_lines(traced_lines(found))
    click.echo(f"Wrote {output.path}. Look at {shown.path}, then: hdrplan plan CASE --catheters {output.path}")


def _beside(path: Path) -> Path:
    name = path.name
    for ending in (".mrk.json", ".json"):
        if name.lower().endswith(ending):
            return path.with_name(name[: -len(ending)] + ".png")
    raise InputError("catheters are written as .mrk.json", got=name, where="--output")


def _found(
    ct: Volume, clicks: tuple[str, ...], rough: Path | None, *, within_mm: float, closed_end_mm: float
) -> tuple[TracedCatheter, ...]:
    from hdrplan.io import read_catheters
    from hdrplan.tracing import find_catheters, snap_catheters, trace_from

    if clicks and rough is not None:
        raise InputError("give --click or --rough", got="both")
    if not (0.0 <= closed_end_mm <= 20.0 and 2.0 <= within_mm <= 40.0):
        raise InputError(
            "--closed-end is 0 to 20 mm, --within 2 to 40 mm", got=f"{closed_end_mm:g} and {within_mm:g} mm"
        )
    if clicks:
        return trace_from(ct, [_point(text) for text in clicks], closed_end_mm=closed_end_mm)
    if rough is not None:
        return snap_catheters(ct, read_catheters(rough), within_mm=within_mm, closed_end_mm=closed_end_mm)
    return find_catheters(ct, closed_end_mm=closed_end_mm)


def _point(text: str) -> tuple[float, float, float]:
    try:
        x, y, z = (number_in(word) for word in text.split(","))
    except ValueError:
        raise InputError("expected --click X,Y,Z in mm (LPS)", got=repr(text)) from None
    return x, y, z
