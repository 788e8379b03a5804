"""The commands that benchmarks kill, and end on full disks, are all that write."""

from __future__ import annotations

from collections.abc import Iterator

import click
from benchmarks.fault_commands import COMMANDS, aimed

from hdrplan.cli import cli
from hdrplan.cli.inputs import InputPath
from hdrplan.cli.outputs import KEY_FILE, OutputPath

# A server: it is killed by benchmarks/live_faults.py.
_SERVERS = {("live", "--saves")}


def _writers(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield each command with each of its options that names what is written."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _writers(inner, (*words, name))
    for parameter in command.params:
        kind = parameter.type
        if isinstance(kind, click.Path) and not isinstance(kind, InputPath) and kind is not KEY_FILE:
            yield " ".join(words), parameter.opts[-1]


def test_every_command_that_writes_is_killed_and_filled_up() -> None:
    tried = set()
    for arguments, _, _ in COMMANDS.values():
        flag = aimed(arguments, "out")[-2]
        words = arguments[0]
        if len(arguments) > 1 and isinstance(cli.get_command(click.Context(cli), words), click.Group):
            words = " ".join(arguments[:2])
        tried.add((words, "--output" if flag == "-o" else flag))
    assert tried == set(_writers(cli)) - _SERVERS


def test_an_option_that_writes_says_so_by_its_type() -> None:
    """The rule of outputs, and the test above, see types."""
    others = {
        (name, flag)
        for name, flag in _writers(cli)
        for parameter in [_parameter(name, flag)]
        if not isinstance(parameter.type, OutputPath)
    }
    assert others == _SERVERS


def _parameter(name: str, flag: str) -> click.Parameter:
    command: click.Command = cli
    for word in name.split():
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), word)
        assert inner is not None
        command = inner
    return next(parameter for parameter in command.params if flag in parameter.opts)
