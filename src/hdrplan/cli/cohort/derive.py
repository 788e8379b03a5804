"""``hdrplan cohort derive``: endpoints from scans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hdrplan.cli.cohort.lines import derived_lines, derived_table
from hdrplan.cli.cohort.opening import CohortRequest, OpenCohort, cohort_options, open_cohort
from hdrplan.cli.common import echo_lines, json_option, quiet_option
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.cohort import Derived
    from hdrplan.io import Output

__all__ = ["derive"]


@click.command("derive")
@cohort_options
@click.option("-o", "--output", required=True, type=OUT_FOLDER, help="Output folder; must not exist.")
@writes
@quiet_option
@json_option
def derive(request: CohortRequest, output: Output, quiet: bool, as_json: bool) -> None:
    """Derive endpoints from the tables: endpoints.csv, lesion_records.csv, cycles.csv, exclusions.csv, flow.csv.

    Every choice that the paper leaves open is a named rule. All rules are printed and written to rules.json.

    \b
    Examples:
      hdrplan cohort derive sample/cohort -o derived
      hdrplan cohort derive sample/cohort -o derived-paper --rules paper
      hdrplan cohort derive sample/cohort -o derived --set censor_date=last_contact --set unit=sum
    """
    from hdrplan.cohort import derive as endpoints_of
    from hdrplan.cohort import flow
    from hdrplan.io import json_text, new_folder

    opened = open_cohort(request)
    with progress_bar("patients", quiet=quiet or as_json) as progress:
        derived = endpoints_of(opened.cohort, opened.rules, on_progress=progress)
    other = None
    if any(p.rule == "visit_gap" for p in opened.problems):
        choice: Literal["keep", "censor"] = "keep" if opened.rules.visit_gap == "censor" else "censor"
        other = endpoints_of(opened.cohort, replace(opened.rules, visit_gap=choice))
    with new_folder(output) as draft:
        _write(draft, request, opened, derived)
    steps, rules, n_warnings = flow(opened.cohort, derived), opened.rules.table(), len(opened.problems)
    if as_json:
        table = {
            "output": str(output.path),
            **derived_table(derived, steps, other),
            "warnings": n_warnings,
            "rules": rules,
        }
        click.echo(json_text(table), nl=False)
        return
    echo_lines(derived_lines(derived, steps, other))
    if not quiet:
        click.echo("rules: " + ", ".join(f"{k}={_plain(v)}" for k, v in rules.items()))
    click.echo(f"Wrote {output.path} ({n_warnings} warnings). Research use only.")


def _write(draft: Path, request: CohortRequest, opened: OpenCohort, derived: Derived) -> None:
    from hdrplan.cohort import CycleRow, Endpoint, Exclusion, FlowStep, LesionRecord, Problem, cycle_rows, flow
    from hdrplan.io import cohort_sha256, write_json, write_run, write_values

    rules = opened.rules.table()
    write_values(draft / "endpoints.csv", derived.endpoints, Endpoint)
    write_values(draft / "lesion_records.csv", derived.lesions, LesionRecord)
    write_values(draft / "cycles.csv", cycle_rows(opened.cohort, derived), CycleRow)
    write_values(draft / "exclusions.csv", derived.exclusions, Exclusion)
    write_values(draft / "flow.csv", flow(opened.cohort, derived), FlowStep)
    write_values(draft / "warnings.csv", opened.problems, Problem)
    write_json(draft / "rules.json", rules)
    options = {"rules": rules, "accept": sorted(request.accept)}
    write_run(draft, run_record(inputs=cohort_sha256(request.path), options=options))


def _plain(value: object) -> str:
    return "+".join(map(str, value)) or "none" if isinstance(value, tuple) else f"{value}"
