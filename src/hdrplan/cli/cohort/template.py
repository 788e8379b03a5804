"""``hdrplan cohort template``: empty tables."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["template"]


@click.command("template")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option("--compact", is_flag=True, help="The compact form: scans are implied, one session row a lesion.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "xlsx"]), default="csv", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
def template(output: Path, compact: bool, form: str, overwrite: bool) -> None:
    """Write empty tables, their JSON Schemas and the data dictionary.

    \b
    Examples:
      hdrplan cohort template -o my-cohort
      hdrplan cohort template -o my-cohort --compact --format xlsx
    """
    from hdrplan.io import new_folder, write_run, write_template

    with new_folder(output, overwrite=overwrite) as draft:
        write_template(draft, compact=compact, form=form)
        write_run(draft, inputs={}, options={"compact": compact, "format": form})
    click.echo(f"Wrote {output}: fill in the tables, schema/data-dictionary.md says what each column means.")
