"""``hdrplan import``: a clinic's DICOM export becomes a case folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import quiet_option, strict_option, warn
from hdrplan.cli.inputs import IN_DICOM, IN_FILE, IN_SOURCE
from hdrplan.cli.names import names_hidden
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("import", short_help="Turn a DICOM export into a case folder.")
@click.argument("folder", type=IN_DICOM)
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Output case folder; must not exist.")
@click.option("--ctv", multiple=True, metavar="ROI", help="ROI to treat; repeatable. Without it, the rules choose.")
@click.option("--oar", multiple=True, metavar="ROI", help="Organ at risk; repeatable.")
@click.option("--healthy", metavar="ROI", help="Organ whose mean dose is minimised [the liver].")
@click.option("--prescription", type=NUMBER, metavar="GY", help="Prescription, if the exported plan has none.")
@click.option(
    "--source", type=IN_SOURCE, metavar="NAME|FILE", help="Source model, if the plan does not name a known one."
)
@click.option("--plan", metavar="LABEL|FILE", help="Plan to use, if there are several.")
@click.option("--rules", type=IN_FILE, help="TOML file of rules from ROI names to roles; see docs/howto/dicom.md.")
@click.option("--name", default="imported", show_default=True, help="Name of the case; do not name the patient.")
@click.option("--accept-other-patient", is_flag=True, help="Take files of different PatientID or study.")
@writes
@strict_option
@quiet_option
def command(
    folder: Path,
    output: Output,
    ctv: tuple[str, ...],
    oar: tuple[str, ...],
    healthy: str | None,
    prescription: float | None,
    source: str | None,
    plan: str | None,
    rules: Path | None,
    name: str,
    accept_other_patient: bool,
    quiet: bool,
) -> None:
    """Read a folder of DICOM files (CT, RTSTRUCT, RTPLAN, RTDOSE) and write a case folder.

    Files that belong together are recognised by their UIDs. No name, ID, date of birth or institution is written.

    \b
    Examples:
      hdrplan import demo-dicom -o case --ctv lesion_B --healthy liver
      hdrplan import demo-dicom -o case --rules sample/our_names.toml
      hdrplan plan case -o plan
    """
    from hdrplan.io import (
        ImportChoices,
        new_folder,
        read_dicom_folder,
        read_role_rules,
        read_source,
        write_imported_case,
        write_run,
    )

    with names_hidden(folder), progress_bar("read", quiet=quiet) as on_progress:
        export = read_dicom_folder(
            folder, plan=plan, accept_other_patient=accept_other_patient, on_progress=on_progress
        )
    with new_folder(output) as draft:
        choices = ImportChoices(
            name=name,
            rules=read_role_rules(rules),
            ctv=ctv,
            oar=oar,
            healthy=healthy,
            prescription_gy=prescription,
            source=read_source(source) if source else None,
        )
        with names_hidden(folder):
            warnings = write_imported_case(draft, export, choices)
        warn(warnings)
        facts = {"not_modelled": export.plan.unmodelled if export.plan else ()}
        write_run(draft, run_record(inputs=export.hashes, options={"command": "import"}, facts=facts))
    click.echo(f"Wrote {output.path / 'case.toml'}. Next: hdrplan plan {output.path} -o plan")
