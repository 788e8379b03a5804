"""``hdrplan plan --all FOLDER``: every case of a folder, as one table."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from hdrplan.cli.case_table import case_table
from hdrplan.cli.common import echo_lines, exit_if_lost, is_strict, warn
from hdrplan.cli.dose_mc import refuse_idle
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.flags import in_flags
from hdrplan.cli.inputs import InputPath
from hdrplan.cli.pdf import print_page
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["folder_options", "plan_all"]

F = TypeVar("F", bound=Callable[..., Any])

# Flags of one case that say nothing of a folder of them.
_OF_ONE_CASE = ("case", "lock", "dry_run", "verbose", "profile", "as_json", "fewest_dwells")
_OPTIONS = (
    click.option("--all", "folder", type=InputPath("a folder of case folders"), help="Plan every case of a folder."),
    click.option("--jobs", type=click.IntRange(1, 256), help="With --all: number of processes [all processors]."),
    click.option(
        "--most", type=click.IntRange(1, 20), help="With --all: maximum number of catheters of a case without any [6]."
    ),
    click.option(
        "--without", metavar="GROUP,...", help="With --all: of ribs, lungs, bowel, vessels those not segmented."
    ),
)


def folder_options(command: F) -> F:
    """Add ``--all`` and its flags; where it is given, the folder is planned instead of a case."""

    @functools.wraps(command)
    def call(**flags: Any) -> None:
        folder = flags.pop("folder")
        more = {name: flags.pop(name) for name in ("jobs", "most", "without")}
        if folder is not None:
            plan_all(folder, flags, **more)
            return
        idle = next((name for name, value in more.items() if value is not None), None)
        if idle is not None:
            raise click.UsageError(f"--{idle} goes with --all FOLDER.")
        command(**flags)

    changed: Any = call
    for option in reversed(_OPTIONS):
        changed = option(changed)
    return cast(F, changed)


def plan_all(folder: Path, flags: dict[str, Any], *, jobs: int | None, most: int | None, without: str | None) -> None:
    """Plan every case of a folder and write the tables; the exit code says whether each was planned.

    Parameters
    ----------
    folder : Path
    flags : dict
        Of the command: those of one case are refused, the others hold for every case.
    jobs : int or None
    most : int or None
    without : str or None
    """
    from hdrplan.io import ResultStore, kept_is_told
    from hdrplan.report import folder_lines
    from hdrplan.threads import thread_count
    from hdrplan.workflow import FolderOptions, Labour, PlannedCase, doubts_of_cases, plan_folder

    _refuse_media(flags)
    for name in _OF_ONE_CASE:
        if flags.pop(name):
            word = "CASE" if name == "case" else "--json" if name == "as_json" else "--" + name.replace("_", "-")
            raise click.UsageError(f"expected --all FOLDER alone, got {word} too.")
    output, quiet = flags.pop("output"), flags.pop("quiet")
    if output is None:
        raise click.UsageError("expected -o FOLDER, got none. Name the folder to write.")
    flags.pop("accept_other_patient")
    every_point, proof_s = flags.pop("every_point"), flags.pop("proof_s")
    groups = tuple(group.strip() for group in (without or "").split(",") if group.strip())
    options = FolderOptions(
        changes=case_table(flags), every_point=every_point, proof_s=proof_s, most=most or 6, without=groups,
        strict=is_strict(),
    )  # fmt: skip
    store = ResultStore(output.beside(".tasks", folder=True), PlannedCase)
    with steps_bar(quiet=quiet) as on_progress:
        outcomes = plan_folder(folder, store, options, labour=Labour(jobs or thread_count()), on_progress=on_progress)
    warn(doubts_of_cases(outcomes))
    with kept_is_told(store.folder):
        _write(output, folder, outcomes, options)
    echo_lines(in_flags(line) for line in folder_lines(outcomes))
    click.echo(f"Wrote {output.path}: look at {output.path / 'index.html'}. Research use only, never for treatment.")
    again = "Run again with --overwrite to try them once more; the others are kept."
    exit_if_lost(sum(outcome.lost for outcome in outcomes), "cases", again)
    failed = sum(outcome.result is None for outcome in outcomes)
    if failed:
        cases = f"{failed} case{'s' * (failed > 1)}"
        click.echo(f"hdrplan: {cases} could not be planned; failures.csv says why. {again}", err=True)
        sys.exit(ExitCode.PARTLY)


def _refuse_media(flags: dict[str, Any]) -> None:
    """Refuse a model-based dose: its media are made case by case, and looked at."""
    if flags["model"] != "tg43":
        raise click.UsageError("expected --all with --model tg43, got --model mc: plan the cases one by one.")
    refuse_idle(flags["model"])
    for name in ("model", "uncertainty", "seed", "media_rules"):
        flags.pop(name)


def _write(output: Output, folder: Path, outcomes: list[Any], options: Any) -> None:
    """Write results.csv, failures.csv, index.html, run.json, and for each case its plan and its catheters."""
    from hdrplan import __version__
    from hdrplan.io import new_folder, write_json, write_rows, write_run
    from hdrplan.report import FOLDER_COLUMNS, folder_cells, folder_html

    planned = [outcome.result for outcome in outcomes if outcome.result is not None]
    failures = [(outcome.case, in_flags(outcome.error)) for outcome in outcomes if outcome.result is None]
    with new_folder(output) as draft:
        write_rows(draft / "results.csv", FOLDER_COLUMNS, map(folder_cells, planned), for_spreadsheets=True)
        write_rows(draft / "failures.csv", ("case", "why"), failures, for_spreadsheets=True)
        for row in planned:
            place = draft / "plans" / row.case
            place.mkdir(parents=True)
            write_json(place / "plan.json", json.loads(row.plan))
            write_json(place / "catheters.json", json.loads(row.catheter_file))
        page = folder_html(outcomes, name=folder.name, version=__version__)
        (draft / "index.html").write_text(page, encoding="utf-8")
        print_page(draft / "index.html")
        of_cases = {"most": options.most, "without": list(options.without), "every_point": options.every_point}
        write_run(draft, run_record(options={"changes": dict(options.changes)} | of_cases))
