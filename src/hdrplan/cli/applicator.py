"""``hdrplan applicator``: how far the first dwell lies from the drawn tip, measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option, quiet_option
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.outputs import OUT_FILE, writes
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("applicator", short_help="Measure how far the first dwell lies from the drawn tip.")
@click.argument("drawn", type=IN_FILE)
@click.argument("loaded", type=IN_FILE)
@click.option("--name", required=True, help="Maker and model of the catheter or needle.")
@click.option("--source", required=True, help="Who measured it, when, how: it stands in every plan.")
@click.option("-o", "--output", type=OUT_FILE, required=True, help="Applicator to write: .toml.")
@writes
@json_option
@quiet_option
def command(drawn: Path, loaded: Path, name: str, source: str, output: Output, as_json: bool, quiet: bool) -> None:
    """Measure an applicator: DRAWN as you digitise catheters, LOADED with a marker at the first dwell.

    Both are drawn on one CT, hub first, under the same names. The last point of each LOADED catheter is the middle of
    its first dwell, as a marker wire or the dummy source shows it. The result is the mean distance from the drawn tip
    along the catheter, and its scatter; `hdrplan plan --applicator FILE` plans with it and says so. There is no
    packaged library: no offset of a catheter was found in published text that we could verify.

    \b
    Examples:
      hdrplan applicator sample/two-lesions/catheters.mrk.json sample/loaded.mrk.json \\
          --name "Needle 6F" --source "made-up sample" -o needle.toml
    """
    from hdrplan.io import json_text, new_file, read_catheters, write_applicator
    from hdrplan.plan import measured_applicator

    applicator, offsets_mm = measured_applicator(
        read_catheters(drawn), read_catheters(loaded), name=name, source=source
    )
    record = run_record(options={"name": name, "source": source}, facts={"offsets_mm": offsets_mm})
    with new_file(output, record) as draft:
        write_applicator(draft, applicator)
    table = {
        "name": applicator.name,
        "tip_offset_mm": applicator.tip_offset_mm,
        "uncertainty_mm": applicator.uncertainty_mm,
        "source": applicator.source,
        "offsets_mm": offsets_mm,
    }
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    if not quiet:
        echo_lines([f"{catheter}: {mm:.2f} mm" for catheter, mm in offsets_mm.items()])
    echo_lines([applicator.text, f"Wrote {output.path}. Now: hdrplan plan CASE --applicator {output.path} -o PLAN"])
