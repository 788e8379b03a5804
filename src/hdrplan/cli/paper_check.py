"""``hdrplan paper-check``: whether the numbers of a published survival table can be true together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import echo_lines, json_option, strict_option, warn
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.text_options import text_options
from hdrplan.errors import FormatError, InputError

if TYPE_CHECKING:
    from hdrplan.outcomes import Finding

__all__ = ["command"]


@click.command("paper-check")
@click.argument("table", required=False, metavar="[TABLE.csv]", type=IN_FILE)
@click.option("--markdown", is_flag=True, help="Print the page docs/measurements/paper-check.md.")
@text_options
@strict_option
@json_option
def command(table: Path | None, markdown: bool, encoding: str, decimal: str, as_json: bool) -> None:
    """Check printed survival tables for contradictions; without a file, those of Xu et al. 2021.

    TABLE.csv has one printed quantity in each row, as text with its decimals: a column row (its name), and any of
    ratio, lower, upper (or interval), p, events; count, total, percent; n, mean, sd, sum, ones, whole; median, minimum,
    maximum, component_of, subset_of. Rounding alone is no contradiction: each number stands for all values that would
    be printed like this.

    \b
    Examples:
      hdrplan paper-check
      hdrplan paper-check --json
      hdrplan paper-check sample/printed.csv
    """
    from hdrplan.io import json_text

    if table is not None:
        findings, left_out = _findings(table, encoding, decimal)
        if as_json:
            unread = [{"where": where, "columns": columns} for where, columns in left_out.items()]
            click.echo(json_text({"findings": [asdict(f) for f in findings], "unchecked": unread}), nl=False)
        else:
            echo_lines(_finding_lines(findings, left_out))
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


def _findings(path: Path, encoding: str, decimal: str) -> tuple[list[Finding], dict[str, tuple[str, ...]]]:
    """All findings, and by row the columns that no check reads because a cell beside them is blank."""
    from hdrplan.io import TextForm, read_table
    from hdrplan.outcomes import check_columns, check_nested, check_row, unchecked

    table = read_table(path, TextForm(encoding, decimal))
    warn(table.warnings)
    try:
        check_columns(tuple(table.columns))
    except InputError as error:
        raise FormatError(str(error), where=path) from None
    findings: list[Finding] = []
    left_out: dict[str, tuple[str, ...]] = {}
    rows: dict[str, dict[str, str]] = {}
    for k, line in enumerate(table.lines):
        row = {name: table.printed(name, k) for name in table.columns if name != "row"}
        where = table.columns["row"][k] if "row" in table.columns else f"line {line}"
        try:
            findings += check_row(row, where)
            left = unchecked(row)
        except InputError as error:
            raise FormatError(str(error), where=f"{path}, line {line}") from None
        if left or not any(cell.strip() for cell in row.values()):
            left_out[where] = left
        rows[where] = row
    try:
        findings += check_nested(rows)
    except InputError as error:
        raise FormatError(str(error), where=path) from None
    return findings, left_out


def _inconsistency_lines() -> Iterator[str]:
    from hdrplan.outcomes import XU2021_DOI, inconsistencies

    rows = inconsistencies()
    for row in rows:
        mark = {True: "contradiction", False: "NOT CONFIRMED", None: "not decided by arithmetic"}[row.confirmed]
        yield f"{row.number:>2}. {row.title} [{mark}]"
        yield from (f"    printed:  {row.printed}", f"    computed: {row.computed}", f"    instead:  {row.instead}")
    confirmed, text = sum(r.confirmed is True for r in rows), sum(r.confirmed is None for r in rows)
    yield f"{confirmed} contradictions computed, {text} not decided by arithmetic. DOI {XU2021_DOI}"


def _finding_lines(findings: Sequence[Finding], left_out: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for f in findings:
        yield from (f"{f.where}: {f.rule}", f"    printed:  {f.printed}", f"    computed: {f.computed}")
    for where, columns in left_out.items():
        yield f"{where}: not checked, as cells beside are blank: {', '.join(columns) or 'the whole row'}"
    if findings:
        yield f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
    else:
        yield "no contradiction found" + (" in the cells that could be checked" if left_out else "")
