"""``hdrplan info``: what programs ask before they call hdrplan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import click

from hdrplan import catalogue
from hdrplan.cautions import REGISTER
from hdrplan.cli.common import echo_lines, json_option
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.interface import command_row, parameter_row
from hdrplan.options import PLAN_OPTIONS

__all__ = ["command"]


@click.command("info", short_help="Tell programs what hdrplan can do: commands, goals, files, exit codes.")
@json_option
def command(as_json: bool) -> None:
    """Tell a program or a coding agent everything that it needs to call hdrplan.

    With --json: every command with its arguments, options, defaults and examples; metrics, the grammar of goals,
    entries of case.toml, sources, file formats, exit codes, warnings and versions. Nothing is computed.

    \b
    Examples:
      hdrplan info
      hdrplan info --json
    """
    table = _table()
    if as_json:
        click.echo(json.dumps(table, indent=1, ensure_ascii=False))
        return
    echo_lines(_lines(table))


def _table() -> dict[str, object]:
    context = click.get_current_context().find_root()
    root = context.command
    assert isinstance(root, click.Group)
    return {
        "schema": "hdrplan.info/1",
        "purpose": "research use only, never for treatment",
        "versions": catalogue.installed_versions(),
        "units": "LPS mm, Gy, s, cc; strength in U = cGy cm2/h; fractions in percent where a key ends in _pct",
        "environment": {
            "HDRPLAN_THREADS": "number of threads",
            "HDRPLAN_MEMORY_MB": "memory that a command may take",
            "HDRPLAN_PROGRESS_S": "seconds between two lines of progress where stderr is no terminal [30]; 0: none",
            "NUMBA_CACHE_DIR": "folder of the compiled kernels",
        },
        "exit_codes": [
            {
                "code": int(code),
                "name": code.name,
                "meaning": code.meaning,
                "remedy": code.remedy,
                "commands": code.commands,
            }
            for code in ExitCode
        ],
        "global_options": [parameter_row(parameter) for parameter in root.get_params(context)],
        "commands": _commands(root, context),
        "goals": _goals(),
        "metrics": dict(catalogue.RESULT_METRICS),
        "case_entries": {
            **catalogue.CASE_ENTRIES,
            "[source]": {"name": "packaged source", "file": "your own", **catalogue.STRENGTH_ENTRIES},
            "[dwells]": {name: asdict(option) for name, option in PLAN_OPTIONS.items() if option.in_case},
        },
        "sources": [
            {"name": name, **{key: record[key] for key in ("model", "manufacturer", "aliases") if key in record}}
            for name, record in catalogue.sources_by_name().items()
        ],
        "default_source": catalogue.DEFAULT_SOURCE,
        "files": {name: {"endings": ends, "holds": text} for name, (ends, text) in catalogue.FILES.items()},
        "warnings": list(REGISTER),
    }


def _commands(root: click.Group, context: click.Context) -> list[dict[str, object]]:
    from hdrplan.cli import COMMANDS

    rows = []
    for section, names in COMMANDS.items():
        for name in names:
            found = root.get_command(context, name)
            assert found is not None
            rows.append({"section": section} | command_row(found, (name,), context))
    return rows


def _goals() -> dict[str, object]:
    return {
        "grammar": "METRIC >= VALUE UNIT, or METRIC <= VALUE UNIT; every goal names its structure and its source",
        "levels": "0: hard, always holds; 1, 2, ...: wishes, met in this order as closely as possible",
        "pattern": catalogue.GOAL_PATTERN,
        "metric_pattern": catalogue.METRIC_PATTERN,
        "ignore_case": True,
        "metrics": [asdict(metric) for metric in catalogue.GOAL_METRICS],
    }


def _lines(table: Mapping[str, object]) -> list[str]:
    lines = ["  ".join(f"{name} {number}" for name, number in catalogue.installed_versions().items())]
    lines += [f"{len(catalogue.sources_by_name())} sources, {len(REGISTER)} kinds of warnings", "", "Exit codes"]
    lines += [f"  {int(code):>3}  {code.meaning}" for code in ExitCode]
    lines += ["", "Goals"]
    for metric in catalogue.GOAL_METRICS:
        lines.append(f"  {metric.written:<24} {metric.meaning}, such as {metric.example}")
    return [*lines, "", "`hdrplan info --json` lists commands, options, files and metrics for programs."]
