"""``hdrplan paper-check``: whether the numbers of a published survival table can be true together."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import json_option

if TYPE_CHECKING:
    from hdrplan.outcomes import Finding

__all__ = ["command"]


@click.command("paper-check")
@click.argument("table", required=False, metavar="[TABLE.csv]", type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Print the page docs/measurements/paper-check.md.")
@json_option
def command(table: Path | None, markdown: bool, as_json: bool) -> None:
    """Check printed survival tables: without a file, Xu et al. 2021 and its 26 inconsistencies.

    TABLE.csv holds one printed quantity a row, as text with its decimals: a column row (its name), and what there is of
    ratio, lower, upper, p; count, total, percent; n, mean, sd, sum, ones; median, minimum, maximum. Rounding raises no
    finding: each number stands for all that would be printed so.

    \b
    Examples:
      hdrplan paper-check
      hdrplan paper-check --json
      hdrplan paper-check printed.csv
    """
    from hdrplan.io import json_text

    if table is not None:
        _print_findings(_findings(table), as_json)
        return
    from hdrplan.outcomes import XU2021_DOI, hazard_ratio_findings, inconsistencies

    rows, ratios = inconsistencies(), hazard_ratio_findings()
    if as_json:
        result = {
            "doi": XU2021_DOI,
            "inconsistencies": [asdict(r) for r in rows],
            "hazard_ratios": [asdict(f) for f in ratios],
        }
        click.echo(json_text(result), nl=False)
    elif markdown:
        from hdrplan.report import paper_check_page

        click.echo(paper_check_page(), nl=False)
    else:
        for row in rows:
            mark = {True: "contradiction", False: "NOT CONFIRMED", None: "text"}[row.confirmed]
            click.echo(f"{row.number:>2}. {row.title} [{mark}]\n    printed:  {row.printed}")
            click.echo(f"    computed: {row.computed}\n    instead:  {row.instead}")
        click.echo(f"{sum(r.confirmed is True for r in rows)} contradictions computed, "
                   f"{sum(r.confirmed is None for r in rows)} matters of text. DOI {XU2021_DOI}")  # fmt: skip


def _findings(path: Path) -> list[Finding]:
    from hdrplan.errors import FormatError, InputError
    from hdrplan.io import read_table
    from hdrplan.outcomes import PRINTED_COLUMNS, check_row

    table = read_table(path)
    if not set(PRINTED_COLUMNS) & set(table.columns):
        raise FormatError("no column to check", got=", ".join(table.columns), where=path,
                          remedy=f"Columns: row, {', '.join(PRINTED_COLUMNS)}.")  # fmt: skip
    found: list[Finding] = []
    for k, line in enumerate(table.lines):
        row = {name: cells[k] for name, cells in table.columns.items() if name in PRINTED_COLUMNS}
        where = table.columns["row"][k] if "row" in table.columns else f"line {line}"
        try:
            found += check_row(row, where)
        except InputError as error:
            raise FormatError(str(error), where=f"{path}, line {line}") from None
    return found


def _print_findings(found: list[Finding], as_json: bool) -> None:
    from hdrplan.io import json_text

    if as_json:
        click.echo(json_text({"findings": [asdict(f) for f in found]}), nl=False)
        return
    for f in found:
        click.echo(f"{f.where}: {f.rule}\n    printed:  {f.printed}\n    computed: {f.computed}")
    click.echo(f"{len(found)} findings" if found else "no contradiction found")
