"""``hdrplan paper-check``: whether the numbers of a published survival table can be true together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option
from hdrplan.cli.inputs import IN_FILE
from hdrplan.errors import FormatError, InputError

if TYPE_CHECKING:
    from hdrplan.outcomes import Finding

__all__ = ["command"]


@click.command("paper-check")
@click.argument("table", required=False, metavar="[TABLE.csv]", type=IN_FILE)
@click.option("--markdown", is_flag=True, help="Print the page docs/measurements/paper-check.md.")
@json_option
def command(table: Path | None, markdown: bool, as_json: bool) -> None:
    """Check printed survival tables for contradictions; without a file, those of Xu et al. 2021 (26 inconsistencies).

    TABLE.csv has one printed quantity in each row, as text with its decimals: a column row (its name), and any of
    ratio, lower, upper, p; count, total, percent; n, mean, sd, sum, ones; median, minimum, maximum. Rounding alone is
    no contradiction: each number stands for all values that would be printed like this.

    \b
    Examples:
      hdrplan paper-check
      hdrplan paper-check --json
      hdrplan paper-check printed.csv
    """
    from hdrplan.io import json_text

    if table is not None:
        findings = _findings(table)
        if as_json:
            click.echo(json_text({"findings": [asdict(f) for f in findings]}), nl=False)
        else:
            echo_lines(_finding_lines(findings))
    elif as_json:
        click.echo(json_text(_paper_table()), nl=False)
    elif markdown:
        from hdrplan.report import paper_check_page

        click.echo(paper_check_page(), nl=False)
    else:
        echo_lines(_inconsistency_lines())


def _paper_table() -> dict[str, object]:
    from hdrplan.outcomes import XU2021_DOI, hazard_ratio_findings, inconsistencies

    return {
        "doi": XU2021_DOI,
        "inconsistencies": [asdict(i) for i in inconsistencies()],
        "hazard_ratios": [asdict(f) for f in hazard_ratio_findings()],
    }


def _findings(path: Path) -> list[Finding]:
    from hdrplan.io import read_table
    from hdrplan.outcomes import PRINTED_COLUMNS, check_row

    table = read_table(path)
    if not set(PRINTED_COLUMNS) & set(table.columns):
        raise FormatError(
            "no column to check",
            got=", ".join(table.columns),
            where=path,
            remedy=f"Columns: row, {', '.join(PRINTED_COLUMNS)}.",
        )
    findings: list[Finding] = []
    for k, line in enumerate(table.lines):
        row = {name: cells[k] for name, cells in table.columns.items() if name in PRINTED_COLUMNS}
        where = table.columns["row"][k] if "row" in table.columns else f"line {line}"
        try:
            findings += check_row(row, where)
        except InputError as error:
            raise FormatError(str(error), where=f"{path}, line {line}") from None
    return findings


def _inconsistency_lines() -> Iterator[str]:
    from hdrplan.outcomes import XU2021_DOI, inconsistencies

    rows = inconsistencies()
    for row in rows:
        mark = {True: "contradiction", False: "NOT CONFIRMED", None: "text"}[row.confirmed]
        yield f"{row.number:>2}. {row.title} [{mark}]"
        yield from (f"    printed:  {row.printed}", f"    computed: {row.computed}", f"    instead:  {row.instead}")
    confirmed, text = sum(r.confirmed is True for r in rows), sum(r.confirmed is None for r in rows)
    yield f"{confirmed} contradictions computed, {text} matters of text. DOI {XU2021_DOI}"


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for f in findings:
        yield from (f"{f.where}: {f.rule}", f"    printed:  {f.printed}", f"    computed: {f.computed}")
    yield f"{len(findings)} findings" if findings else "no contradiction found"
