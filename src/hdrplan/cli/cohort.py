"""``hdrplan cohort``: tables of a cohort, checked, and the endpoints that follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hdrplan.cli.common import json_option, progress_bar, quiet_option
from hdrplan.cli.flags import in_flags
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.cohort import Cohort, Problem, Rules

__all__ = ["cohort_options", "command", "open_cohort"]

F = TypeVar("F", bound=Callable[..., Any])


@click.group("cohort", short_help="Tables of a cohort: templates, checks, endpoints, descriptives.")
def command() -> None:
    """Work with the tables of a cohort: write empty ones, check them, derive endpoints, describe.

    \b
    Examples:
      hdrplan cohort template -o my-cohort
      hdrplan cohort validate my-cohort
      hdrplan cohort derive my-cohort -o endpoints
      hdrplan cohort describe my-cohort -o tables
    """


def cohort_options(function: F) -> F:
    """Add the cohort argument and the options that every step shares."""
    for option in (
        click.option("--today", metavar="DATE", help="Dates after this day are errors (default: today)."),
        click.option("--accept", multiple=True, metavar="RULE", help="This error was checked and is true. Repeatable."),
        click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change one rule. Repeatable."),
        click.option("--rules", "rule_set", help="Rule set: recommended (default) or paper."),
        click.argument("cohort", type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


def _rules(rule_set: str | None, changes: Sequence[str], raw: dict[str, Any]) -> Rules:
    from hdrplan.cohort import rules_from

    table = raw.get("study")
    if rule_set is None and table is not None and "rules" in table.columns and table.rows:
        rule_set = dict(zip(table.columns, table.rows[0], strict=False))["rules"].strip() or None
    pairs = {name: value for name, _, value in (c.partition("=") for c in changes)}
    return rules_from(rule_set or "recommended", pairs)


def _today(text: str | None) -> dt.date:
    if text is None:
        return dt.date.today()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError("--today must be a date YYYY-MM-DD", got=text) from None


def open_cohort(
    cohort: Path, rule_set: str | None, changes: Sequence[str], accept: Sequence[str], today: str | None
) -> tuple[Cohort, tuple[Problem, ...], Rules]:
    """Read and check a cohort for a command that needs it whole; InputError if it has errors."""
    from hdrplan.cohort import checked_cohort
    from hdrplan.io import read_cohort

    raw, noted = read_cohort(cohort)
    rules = _rules(rule_set, changes, raw)
    checked, problems = checked_cohort(raw, rules, today=_today(today), accept=accept, of_files=noted)
    return checked, _in_flags(problems), rules


def _in_flags(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems with remedies in the words of the command line."""
    return tuple(replace(problem, remedy=in_flags(problem.remedy)) for problem in problems)


@command.command("template")
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


@command.command("validate")
@cohort_options
@json_option
def validate_command(
    cohort: Path,
    rule_set: str | None,
    changes: tuple[str, ...],
    accept: tuple[str, ...],
    today: str | None,
    as_json: bool,
) -> None:
    """List ALL errors and warnings of all tables: table, row, rule, remedy. Exit code 2 if there is an error.

    Rows count as a spreadsheet does: the header is row 1.

    \b
    Examples:
      hdrplan cohort validate my-cohort
      hdrplan cohort validate my-cohort.xlsx --json
      hdrplan cohort validate my-cohort --accept treated_without_plan
    """
    from hdrplan.cohort import raise_errors, validate
    from hdrplan.io import json_text, read_cohort

    raw, noted = read_cohort(cohort)
    rules = _rules(rule_set, changes, raw)
    problems = _in_flags(validate(raw, rules, today=_today(today), of_files=noted)[1])
    errors = [p for p in problems if p.is_error and p.rule not in accept]
    if as_json:
        table = {
            "errors": len(errors),
            "warnings": len(problems) - len(errors),
            "problems": [{**asdict(p), "accepted": p.is_error and p.rule in accept} for p in problems],
        }
        click.echo(json_text(table), nl=False)
    else:
        for p in problems:
            kind = "accepted" if p.is_error and p.rule in accept else "error" if p.is_error else "warning"
            click.echo(f"{kind:<9}{p}")
        click.echo(f"{len(errors)} errors, {len(problems) - len(errors)} warnings in {len(raw)} tables")
    raise_errors(problems, accept)


@command.command("derive")
@cohort_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@quiet_option
@json_option
def derive_command(
    cohort: Path,
    output: Path,
    overwrite: bool,
    rule_set: str | None,
    changes: tuple[str, ...],
    accept: tuple[str, ...],
    today: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Derive endpoints from the tables: endpoints.csv, lesion_records.csv, cycles.csv, exclusions.csv, flow.csv.

    Every choice the paper leaves open is a rule with a name; all are printed and stand in rules.json.

    \b
    Examples:
      hdrplan cohort derive my-cohort -o derived
      hdrplan cohort derive my-cohort -o derived-paper --rules paper
      hdrplan cohort derive my-cohort -o derived --set censor_date=last_contact --set unit=sum
    """
    from hdrplan.cohort import CycleRow, Endpoint, Exclusion, FlowStep, LesionRecord, Problem, cycle_rows, derive, flow
    from hdrplan.io import (
        cohort_sha256,
        json_text,
        new_folder,
        write_json,
        write_run,
        write_values,
    )

    checked, problems, rules = open_cohort(cohort, rule_set, changes, accept, today)
    with progress_bar("patients", quiet=quiet or as_json) as progress:
        derived = derive(checked, rules, on_progress=progress)
    steps = flow(checked, derived)
    with new_folder(output, overwrite=overwrite) as draft:
        write_values(draft / "endpoints.csv", derived.endpoints, Endpoint)
        write_values(draft / "lesion_records.csv", derived.lesions, LesionRecord)
        write_values(draft / "cycles.csv", cycle_rows(checked, derived), CycleRow)
        write_values(draft / "exclusions.csv", derived.exclusions, Exclusion)
        write_values(draft / "flow.csv", steps, FlowStep)
        write_values(draft / "warnings.csv", problems, Problem)
        write_json(draft / "rules.json", rules.table())
        options = {"rules": rules.table(), "accept": sorted(accept)}
        write_run(draft, inputs=cohort_sha256(cohort), options=options)
    summary = {
        "output": str(output),
        "flow": [asdict(s) for s in steps if s.group == "all"],
        "endpoints": _counts(derived.endpoints),
        "warnings": len(problems),
        "rules": rules.table(),
    }
    if as_json:
        click.echo(json_text(summary), nl=False)
        return
    for s in steps:
        if s.group == "all":
            click.echo(f"{s.step:<50}{s.patients:>6} patients {s.lesions:>6} lesions {s.cycles:>6} cycles")
    for name, c in summary["endpoints"].items():  # type: ignore[attr-defined]
        competing = f", {c['competing']} deaths before" if c["competing"] else ""
        click.echo(f"{name:<24}{c['n']:>6} rows {c['events']:>6} events{competing}")
    if not quiet:
        click.echo("rules: " + ", ".join(f"{k}={_plain(v)}" for k, v in rules.table().items()))
    click.echo(f"Wrote {output} ({len(problems)} warnings). Research use only.")


def _counts(endpoints: Sequence[Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for e in endpoints:
        c = counts.setdefault(f"{e.unit} {e.endpoint}", {"n": 0, "events": 0, "competing": 0})
        c["n"] += 1
        c["events"] += e.event == 1
        c["competing"] += e.event == 2
    return counts


def _plain(value: object) -> str:
    return "+".join(map(str, value)) or "none" if isinstance(value, tuple) else f"{value}"


@command.command("describe")
@cohort_options
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option("--bootstrap", type=click.IntRange(0), default=200, show_default=True, help="For selection frequencies.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@quiet_option
@json_option
def describe_command(
    cohort: Path,
    output: Path,
    bootstrap: int,
    seed: int,
    overwrite: bool,
    rule_set: str | None,
    changes: tuple[str, ...],
    accept: tuple[str, ...],
    today: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write the paper's four tables for this cohort as CSV, Markdown, HTML and LaTeX, and its survival curves.

    \b
    Examples:
      hdrplan cohort describe my-cohort -o tables
      hdrplan cohort describe my-cohort -o tables-paper --rules paper
    """
    from hdrplan.analysis import describe, endpoint_curves
    from hdrplan.cohort import FlowStep, derive, flow
    from hdrplan.io import (
        cohort_sha256,
        json_text,
        new_folder,
        write_rows,
        write_run,
        write_values,
    )
    from hdrplan.report.cohort_figures import survival_figure
    from hdrplan.report.figures import figure_bytes
    from hdrplan.report.text_tables import html_table, latex_table, markdown_table

    checked, problems, rules = open_cohort(cohort, rule_set, changes, accept, today)
    derived = derive(checked, rules)
    if not derived.analysed:
        raise InputError("expected patients to analyse", got="none after the exclusions", where=cohort)
    tables = describe(checked, derived, seed=seed, n_bootstrap=bootstrap)
    with new_folder(output, overwrite=overwrite) as draft:
        for table in tables:
            write_rows(draft / f"{table.name}.csv", table.columns, table.rows)
            for form, text in (("md", markdown_table), ("html", html_table), ("tex", latex_table)):
                (draft / f"{table.name}.{form}").write_text(text(table), encoding="utf-8")
        write_values(draft / "flow.csv", flow(checked, derived), FlowStep)
        (draft / "figures").mkdir()
        for name, curves in endpoint_curves(checked, derived).items():
            unit = "cycles" if name.startswith("TTP") else "patients"
            words = "alive" if name == "OS" else "free of the event"
            figure = survival_figure(curves, title=name, y_label=words, unit=unit)
            for form in ("svg", "png", "pdf"):
                (draft / "figures" / f"{name}.{form}").write_bytes(figure_bytes(figure, form, dpi=300))
        options = {"rules": rules.table(), "accept": sorted(accept), "bootstrap": bootstrap}
        write_run(draft, inputs=cohort_sha256(cohort), options=options, seed=seed)
    if as_json:
        click.echo(json_text({"tables": [asdict(t) for t in tables], "rules": rules.table()}), nl=False)
        return
    for table in tables if not quiet else ():
        click.echo(markdown_table(table))
    click.echo(f"Wrote {output} ({len(problems)} warnings of the tables). Research use only.")


@command.command("accumulate")
@click.argument("ctv", type=click.Path(path_type=Path))
@click.option("--dose", "doses", multiple=True, required=True, metavar="FILE[=TRANSFORM.json]",
              help="Dose of a session, with the transform from the CTV's frame to its own. Repeat.")  # fmt: skip
@click.option("--alpha-beta", "alpha_beta_gy", type=float, default=10.0, show_default=True, help="Gy.")
def accumulate_command(ctv: Path, doses: tuple[str, ...], alpha_beta_gy: float) -> None:
    """Add the doses of several sessions of one lesion voxel by voxel in EQD2; prints JSON.

    CTV is a mask in the reference frame. A transform is a JSON file with a 4 x 4 matrix that takes LPS positions (mm)
    from that frame to the session's; without one the frames must match. d100_gy and its kind are the single-session
    doses of the same EQD2: put them into dose_metrics as the lesion's one row.

    \b
    Examples:
      hdrplan cohort accumulate ctv.nii.gz --dose session1.nrrd --dose session2.nrrd
      hdrplan cohort accumulate ctv.nii.gz --dose session1.nrrd --dose session2.nrrd=to-session2.json
    """
    from hdrplan.analysis import accumulated_eqd2_gy, dose_in_session
    from hdrplan.dose import sample_points
    from hdrplan.io import json_text, read_mask, read_transform, read_volume

    if alpha_beta_gy <= 0:
        raise InputError("alpha/beta must be above 0 Gy", got=alpha_beta_gy)
    points = sample_points([read_mask(ctv, "CTV", "CTV")])
    given = []
    for text in doses:
        file, _, transform = text.partition("=")
        matrix = read_transform(Path(transform)) if transform else None
        given.append(dose_in_session(read_volume(Path(file)), points.points_mm, matrix))
    found = accumulated_eqd2_gy(given, points.volume_cc, alpha_beta_gy)
    sessions = [{"d100_gy": float(d.min())} for d in given]
    result = {"alpha_beta_gy": alpha_beta_gy, "sessions": sessions, "ctv_cm3": float(points.volume_cc.sum()), **found}
    click.echo(json_text(result), nl=False)
