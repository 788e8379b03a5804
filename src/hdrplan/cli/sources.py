"""``hdrplan sources``: list the sources, draw one, and verify one against its published table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option
from hdrplan.cli.inputs import IN_SOURCE
from hdrplan.cli.outputs import OUT_FILE, output_at, writes
from hdrplan.cli.records import run_record
from hdrplan.places import file_stem

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.group()
def command() -> None:
    """List, draw and verify TG-43 sources.

    A source is a name from the list or your own file: JSON, NAME_g.csv with NAME_F.csv, or a spreadsheet (.xlsx, .xls)
    in the layout of ESTRO.

    \b
    Examples:
      hdrplan sources list
      hdrplan sources show gammamed-12i -o gammamed-12i.png
      hdrplan sources verify gammamed-plus
      hdrplan sources verify sample/my_source.json --json
    """


@command.command("list")
@json_option
def list_sources(as_json: bool) -> None:
    """List the packaged sources.

    \b
    Examples:
      hdrplan sources list
      hdrplan sources list --json
    """
    from hdrplan.io import json_text
    from hdrplan.report import source_facts, source_list_lines
    from hdrplan.sources import load_source, source_aliases, source_names

    sources = [load_source(name) for name in source_names()]
    if as_json:
        aliases = source_aliases()
        rows = [source_facts(s) | {"aliases": sorted(a for a, n in aliases.items() if n == s.name)} for s in sources]
        click.echo(json_text({"sources": rows}), nl=False)
        return
    echo_lines(source_list_lines(sources))


@command.command()
@click.argument("name", type=IN_SOURCE, metavar="NAME|FILE")
@click.option("-o", "--output", type=OUT_FILE, help="Picture: .png, .svg or .pdf [NAME.png].")
@writes
@json_option
def show(name: str, output: Output | None, as_json: bool) -> None:
    """Draw g(r), F(r, theta) and isodose lines of a source, and print its data.

    With --json the tables are printed, and a picture is drawn only with -o.

    \b
    Examples:
      hdrplan sources show gammamed-12i
      hdrplan sources show microselectron-v2 -o v2.svg
      hdrplan sources show sample/my_source_g.csv --json
    """
    from hdrplan.io import json_text, new_file, read_source
    from hdrplan.report import source_facts, source_lines, source_tables

    source = read_source(name)
    if output is None and not as_json:
        output = output_at(Path(f"{file_stem(source.name)}.png"), folder=False)
    if output is not None:
        from hdrplan.report import source_figure

        with new_file(output, run_record(options={"source": source.name})) as draft:
            source_figure(source, draft)
    if as_json:
        click.echo(json_text(source_facts(source) | source_tables(source)), nl=False)
        return
    echo_lines(source_lines(source))
    assert output is not None
    click.echo(f"{'picture':<14}{output.path}")


@command.command()
@click.argument("name", type=IN_SOURCE, metavar="[NAME|FILE]", required=False)
@json_option
def verify(name: str | None, as_json: bool) -> None:
    """Recompute the published along-away table of a source and print the deviations.

    Cells inside the capsule and the cable, and cells beyond the published g and F, are left out. Without a name, all
    packaged sources that have a table are summarised.

    \b
    Examples:
      hdrplan sources verify
      hdrplan sources verify gammamed-plus
      hdrplan sources verify sample/my_source_g.csv --json
    """
    from hdrplan.dose import along_away_check
    from hdrplan.io import json_text, read_source
    from hdrplan.report import along_away_lines, along_away_summary, along_away_summary_lines, along_away_table
    from hdrplan.sources import load_source, source_names

    if name is None:
        sources = [s for s in map(load_source, source_names()) if s.along_away is not None]
        checks = {source.name: along_away_check(source) for source in sources}
        if as_json:
            rows = [along_away_summary(source, checks[source.name]) for source in sources]
            click.echo(json_text({"sources": rows}), nl=False)
        else:
            echo_lines(along_away_summary_lines(checks))
        return
    source = read_source(name)
    check = along_away_check(source)
    if as_json:
        click.echo(json_text(along_away_summary(source, check) | along_away_table(check)), nl=False)
    else:
        echo_lines(along_away_lines(source, check, elsewhere="--json"))
