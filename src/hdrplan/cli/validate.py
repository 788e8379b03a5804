"""``hdrplan validate``: the validation dossier of this installation, or of one plan."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, read_case_from
from hdrplan.cli.common import json_option, quiet_option
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.flags import in_flags
from hdrplan.cli.inputs import IN_DICOM, IN_PLANNED
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.progress import work_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import CaseFile, Output, RunRecord
    from hdrplan.validate import Row

__all__ = ["command"]

_SECTIONS = ("dose", "volumes", "optimum", "claims", "statistics", "exchange", "plans")


@click.command("validate", short_help="Validate this installation, or one plan: page and JSON.")
@click.option(
    "-o", "--output", type=OUT_FOLDER, help="Output folder for validation.html and validation.json; must not exist."
)
@click.option("--only", multiple=True, type=click.Choice(_SECTIONS), help="Run only this section; repeatable.")
@click.option("--plans", type=IN_DICOM, help="Folder of DICOM RT Plans to recompute.")
@click.option("--plan", "plan_path", type=IN_PLANNED, help="Output folder of a plan or of sessions to check.")
@json_option
@quiet_option
@case_options()
@pdf_option
@writes
def command(
    output: Output | None,
    only: tuple[str, ...],
    plans: Path | None,
    plan_path: Path | None,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Compare this installation with published tables, closed formulas, another solver, R and its own files.

    Every row states its reference, method, tolerance and result. "explained" rows exceed the tolerance, within a wider
    limit whose reason the row gives. All sections take some minutes. With --plans, each RT Plan (*RP*.dcm) of a folder
    is recomputed; plans are numbered, not named.

    With --plan, one output folder of `hdrplan plan` or `hdrplan sessions` is checked instead, by code that shares
    nothing with the planner: doses by a plain TG-43 program, the minimum dose of each CTV by search, the bound by
    another linear program, times, metrics, goals and curves. CASE, or flags that make one, is the case that was
    planned. Without its structures only times and grid can be checked.

    Exit code 0: every row passes, is explained or could not be run here; 1: a row fails.

    \b
    Examples:
      hdrplan validate --only dose --only statistics -o validation
      hdrplan validate --only plans --plans demo-dicom --json
      hdrplan validate phantoms/liver-lesion-b --plan demo-output -o validation
      hdrplan validate sample/two-lesions --plan sessions
    """
    from hdrplan.io import json_text, new_folder, write_json, write_run
    from hdrplan.validate import dossier, plan_dossier

    started = time.perf_counter()
    file = _case_file(flags, plan_path, only, plans)
    with work_bar(quiet=quiet or as_json) as on_progress:
        if plan_path is None:
            rows = dossier(sections=only, plans=plans, on_progress=on_progress)
        else:
            rows = plan_dossier(plan_path, file, on_progress=on_progress)
    rows = [replace(row, note=in_flags(row.note)) for row in rows]
    record = run_record(
        inputs={} if file is None else file.inputs,
        options={"only": list(only), "plans": plans is not None, "plan": plan_path is not None},
        seconds={"all": round(time.perf_counter() - started, 1)},
    )
    table = _table(rows, record)
    if output is not None:
        with new_folder(output) as draft:
            page = draft / "validation.html"
            page.write_text(_page(table, record, plan_path is not None), encoding="utf-8")
            print_page(page)
            write_json(draft / "validation.json", table)
            write_run(draft, record)
    if as_json:
        click.echo(json_text(table), nl=False)
    else:
        _print(rows, quiet)
        if output is not None:
            click.echo(f"Wrote {output.path / 'validation.html'}. Research use only, never for treatment.")
    sys.exit(ExitCode.FAILED if any(row.state == "fail" for row in rows) else ExitCode.DONE)


def _case_file(
    flags: dict[str, Any], plan_path: Path | None, only: tuple[str, ...], plans: Path | None
) -> CaseFile | None:
    """Read the case of a plan; None where none is named."""
    named = flags["case"] is not None or any(value not in (None, (), False) for value in flags.values())
    if plan_path is None and named:
        raise click.UsageError(
            "expected --plan OUT beside a case: the output folder of the plan that is to be checked."
        )
    if plan_path is not None and (only or plans):
        raise click.UsageError("expected --plan without --only and --plans, which are about this installation.")
    return read_case_from(flags) if named else None


def _page(table: dict[str, Any], record: RunRecord, of_plan: bool) -> str:
    from hdrplan import __version__
    from hdrplan.report import validation_html

    title = "Validation of a plan" if of_plan else "Validation of this installation"
    return validation_html(table["rows"], _facts(record), version=__version__, title=title)


def _table(rows: list[Row], record: RunRecord) -> dict[str, Any]:
    counts = {state: sum(row.state == state for row in rows) for state in ("pass", "explained", "fail", "skipped")}
    return {
        "schema": "hdrplan.validation/1",
        "purpose": "research use only, never for treatment",
        "passed": counts["fail"] == 0,
        "counts": counts,
        "rows": [_entry(row) for row in rows],
        "versions": record.versions,
        "platform": record.platform,
    }


def _entry(row: Row) -> dict[str, str]:
    """Return a row as one flat JSON object."""
    question, values = asdict(row.question), asdict(row)
    del values["question"]
    return question | values


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    return [
        ("Made", record.written.isoformat(timespec="seconds")),
        ("Versions", versions),
        ("Platform", record.platform),
        ("Wall time", f"{record.seconds['all']:g} s"),
    ]


def _print(rows: list[Row], quiet: bool) -> None:
    section = ""
    for row in rows:
        if quiet and row.state == "pass":
            continue
        if row.question.section != section:
            section = row.question.section
            click.echo(f"\n{section}")
        click.echo(f"  {row.state:<10}{row.question.what[:86]:<88}{row.result:>14}  of {row.tolerance or '-'}")
        if row.note and row.state in ("fail", "skipped"):
            click.echo(f"            {row.note}")
    counts = {state: sum(row.state == state for row in rows) for state in ("pass", "explained", "fail", "skipped")}
    click.echo("\n" + ", ".join(f"{n} {state}" for state, n in counts.items() if n))
