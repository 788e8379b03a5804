"""``hdrplan cohort describe``: the paper's tables and figures, as one document and one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.cohort.opening import CohortRequest, cohort_options, open_cohort, warning_words
from hdrplan.cli.common import json_option, quiet_option
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.analysis import TextTable
    from hdrplan.io import Output

__all__ = ["describe"]


@click.command("describe")
@cohort_options
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Output folder; must not exist.")
@click.option(
    "--bootstrap",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Bootstrap samples for selection frequencies.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@writes
@pdf_option
@quiet_option
@json_option
def describe(request: CohortRequest, output: Output, bootstrap: int, seed: int, quiet: bool, as_json: bool) -> None:
    """Write the paper's tables and figures for this cohort: one document, and each as files.

    report.html (with --pdf also report.pdf) holds the flow chart, Tables 1 to 4 and the survival curves. The tables
    are also CSV, Markdown, HTML and LaTeX, the figures SVG, PNG and PDF.

    \b
    Examples:
      hdrplan cohort describe sample/cohort -o tables
      hdrplan cohort describe sample/cohort -o tables-paper --rules paper --pdf A4
    """
    from hdrplan import __version__
    from hdrplan.analysis import describe as tables_of
    from hdrplan.analysis import endpoint_curves, endpoint_tests
    from hdrplan.cohort import FlowStep, derive, flow
    from hdrplan.io import cohort_sha256, joint_sha256, json_text, new_folder, write_run, write_values
    from hdrplan.report import endpoint_figures, markdown_table, paper_figures, paper_html, print_files

    opened = open_cohort(request)
    derived, rules = derive(opened.cohort, opened.rules), opened.rules.table()
    if not derived.analysed:
        raise InputError("expected patients to analyse", got="none after the exclusions", where=request.path)
    tables = tables_of(opened.cohort, derived, seed=seed, n_bootstrap=bootstrap)
    steps, curves = flow(opened.cohort, derived), endpoint_curves(opened.cohort, derived)
    figures = paper_figures(steps, curves, endpoint_tests(opened.cohort, derived))
    choices = {**rules, "bootstrap": bootstrap, "seed": seed}
    read = cohort_sha256(request.path)
    document = paper_html(
        tables,
        figures,
        settings=choices,
        warnings=warning_words(opened),
        about={"Tables": joint_sha256(read)},
        version=__version__,
    )
    with new_folder(output) as draft:
        (draft / "report.html").write_text(document, encoding="utf-8")
        print_page(draft / "report.html")
        _write_tables(draft, tables)
        write_values(draft / "flow.csv", steps, FlowStep)
        (draft / "figures").mkdir()
        for name, content in print_files({**figures, **endpoint_figures(curves)}):
            (draft / "figures" / name).write_bytes(content)
        options = {"rules": rules, "accept": sorted(request.accept), "bootstrap": bootstrap}
        write_run(draft, run_record(inputs=read, options=options, seed=seed))
    if as_json:
        click.echo(json_text({"tables": [asdict(t) for t in tables], "rules": rules}), nl=False)
        return
    for table in tables if not quiet else ():
        click.echo(markdown_table(table))
    click.echo(f"Wrote {output.path} ({len(opened.problems)} warnings of the tables); open "
               f"{output.path / 'report.html'}. Research use only.")  # fmt: skip


def _write_tables(draft: Path, tables: Sequence[TextTable]) -> None:
    from hdrplan.io import write_rows
    from hdrplan.report import html_table, latex_table, markdown_table

    for table in tables:
        write_rows(draft / f"{table.name}.csv", table.columns, table.rows)
        for form, text in (("md", markdown_table), ("html", html_table), ("tex", latex_table)):
            (draft / f"{table.name}.{form}").write_text(text(table), encoding="utf-8")
