"""``hdrplan cohort template``: empty tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["template"]


@click.command("template")
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Output folder; must not exist.")
@click.option("--compact", is_flag=True, help="Compact form: scans are implied, one session row for each lesion.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "xlsx"]), default="csv", show_default=True)
@writes
def template(output: Output, compact: bool, form: str) -> None:
    """Write empty tables, their JSON Schemas and the data dictionary.

    \b
    Examples:
      hdrplan cohort template -o my-cohort
      hdrplan cohort template -o my-cohort --compact --format xlsx
    """
    from hdrplan.io import new_folder, write_run, write_template

    with new_folder(output) as draft:
        write_template(draft, compact=compact, form=form)
        write_run(draft, run_record(options={"compact": compact, "format": form}))
    click.echo(f"Wrote {output.path}: fill in the tables, schema/data-dictionary.md says what each column means.")
