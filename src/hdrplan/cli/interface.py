"""The command line as plain values, read from the parsers themselves: what ``hdrplan info --json`` prints of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import click

from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.inputs import InputPath
from hdrplan.cli.outputs import OutputPath
from hdrplan.options import PLAN_OPTIONS

__all__ = ["command_row", "parameter_row"]


def command_row(command: click.Command, words: tuple[str, ...], parent: click.Context) -> dict[str, object]:
    """Return one command and, of a group, its commands.

    Parameters
    ----------
    command : click.Command
    words : tuple of str
        As it is called: ``("sources", "list")``.
    parent : click.Context
        Of the group to which it belongs.
    """
    text, examples = _help_of(command)
    context = click.Context(command, info_name=words[-1], parent=parent)
    row: dict[str, object] = {
        "command": " ".join(("hdrplan", *words)),
        "summary": text.split("\n\n")[0],
        "description": text,
        "examples": examples,
    }
    if isinstance(command, click.Group):
        parts = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
        row["commands"] = [command_row(part, (*words, name), context) for name, part in parts if part is not None]
        return row
    rows = [parameter_row(parameter) for parameter in command.get_params(context)]
    row["arguments"] = [entry for entry in rows if not entry["flags"]]
    row["options"] = [entry for entry in rows if entry["flags"]]
    row["prints_json_with"] = next((entry["flags"] for entry in rows if entry["name"] == "as_json"), None)
    row["exit_codes"] = [int(code) for code in ExitCode.of_command(words[0])]
    return row


def parameter_row(parameter: click.Parameter) -> dict[str, object]:
    """Return an argument or option: its flags, value, default and meaning.

    A default of None: nothing is set unless the flag is given; ``else_default`` is then what the planner takes where
    the case is silent too.
    """
    option = parameter if isinstance(parameter, click.Option) else None
    row: dict[str, object] = {
        "name": parameter.name,
        "flags": [] if option is None else list(option.opts),
        "off_flags": [] if option is None else list(option.secondary_opts),
        "value": _value(parameter),
        "written": parameter.metavar or (parameter.name or "").upper() if option is None else parameter.metavar,
        "meaning": "" if option is None else option.help or "",
        "required": parameter.required,
        "repeatable": parameter.multiple if option is not None else parameter.nargs == -1,
        "default": _default(parameter),
    }
    row.update(_limits(parameter.type))
    known = PLAN_OPTIONS.get(parameter.name or "")
    if known is not None:
        row.update(unit=known.unit, minimum=known.minimum, maximum=known.maximum, else_default=known.default)
        if known.in_case:
            row["case_entry"] = f"dwells.{parameter.name}"
    return row


def _value(parameter: click.Parameter) -> str:
    """Return what a parameter takes: switch, file to read or write, number, choice, time or text."""
    kind = parameter.type
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return "switch"
    if isinstance(kind, OutputPath):
        return "folder to write" if kind.folder else "file to write"
    if isinstance(kind, InputPath):
        return f"{kind.expected.removeprefix('a ')} to read"
    if isinstance(kind, click.Path):
        return "file to read or write"
    for type_, word in (
        (click.Choice, "choice"),
        (click.types.IntParamType, "whole number"),
        (click.types.FloatParamType, "number"),
        (click.DateTime, "time"),
    ):
        if isinstance(kind, type_):
            return word
    return "text"


def _limits(kind: click.ParamType[Any]) -> Iterator[tuple[str, object]]:
    """Return choices and range of a type."""
    if isinstance(kind, click.Choice):
        yield "choices", list(kind.choices)
    if isinstance(kind, click.DateTime):
        yield "formats", list(kind.formats)
    if isinstance(kind, click.IntRange | click.FloatRange):
        yield "minimum", kind.min
        yield "maximum", kind.max
        yield "minimum_excluded", kind.min_open
        yield "maximum_excluded", kind.max_open


def _default(parameter: click.Parameter) -> object:
    """Return a default as JSON can hold it; click marks one that is not set by a value of its own."""
    default: Any = parameter.default
    if isinstance(default, list | tuple):
        return list(default)
    return default if isinstance(default, str | int | float | bool | Mapping) else None


def _help_of(command: click.Command) -> tuple[str, list[str]]:
    """Return a help text, its paragraphs on one line each, and its examples, one call each."""
    paragraphs = inspect.cleandoc(command.help or "").replace("\f", "").split("\n\n")
    text = [" ".join(part.split()) for part in paragraphs if not part.startswith("\b")]
    blocks = [part.splitlines()[1:] for part in paragraphs if part.startswith("\b")]
    lines = "\n".join(line.strip() for block in blocks for line in block).replace("\\\n", " ").splitlines()
    examples = [" ".join(line.split()) for line in lines if line.startswith("hdrplan ")]
    return "\n\n".join(text), examples
