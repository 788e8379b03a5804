"""``hdrplan sample``: the files that the examples of the help texts use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.outputs import OUT_FOLDER, output_at, writes
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("sample")
@click.option("-o", "--output", type=OUT_FOLDER, help="Folder to write [sample].")
@writes
def command(output: Output | None) -> None:
    """Write the sample files that the examples of all help texts use.

    A simulated cohort as tables and as a workbook, a table of lesions, two lesions in water as a case, doses of two
    sessions, a source, rules, tolerances and goals. No file is of a patient. The liver CT of the other examples is
    written by `hdrplan phantom make liver-lesion-b`.

    \b
    Examples:
      hdrplan sample
      hdrplan sample -o my-sample
    """
    from hdrplan.io import new_folder, write_run, write_samples

    place = output or output_at(Path("sample"), folder=True)
    with new_folder(place) as draft:
        write_samples(draft)
        write_run(draft, run_record(options={}))
    click.echo(f"Wrote {place.path}: its README.md says what the files are. Made up, of no patient.")
