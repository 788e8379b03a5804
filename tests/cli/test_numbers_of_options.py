"""Numbers on the command line are decimal numbers: 1_0 is not 10, and nan is no number at all."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from hdrplan.cli.numbers import NUMBER, NumberRange


def _parameters(command: click.Command, words: str) -> Iterator[tuple[str, click.Parameter]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _parameters(inner, f"{words} {name}")
    else:
        for parameter in command.params:
            yield f"{words} {parameter.name}", parameter


def test_every_number_of_every_command_is_read_by_one_type() -> None:
    # Values of several numbers, such as a centre, are tuples of types.
    found = [
        (name, kind)
        for name, parameter in _parameters(cli, "hdrplan")
        for kind in getattr(parameter.type, "types", [parameter.type])
        if isinstance(kind, click.types.FloatParamType | click.FloatRange)
    ]
    assert len(found) > 40
    assert [name for name, kind in found if not isinstance(kind, type(NUMBER) | NumberRange)] == []


@pytest.mark.parametrize("text", ["1_0", "nan", "inf", "-inf", "1e999", "٣", "2,5", "0x10", ""])
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    for kind in (NUMBER, NumberRange(0.0, 50.0)):
        with pytest.raises(click.UsageError):
            kind.convert(text, None, None)
    assert CliRunner().invoke(cli, ["dose", "--spacing", text]).exit_code == 2


def test_decimal_numbers_are_read() -> None:
    assert [NUMBER.convert(text, None, None) for text in ("2.5", " 1e2", "-.5", "+3")] == [2.5, 100.0, -0.5, 3.0]
    assert NumberRange(0.0, 50.0).convert("50", None, None) == 50.0
    with pytest.raises(click.BadParameter):
        NumberRange(0.0, 50.0).convert("50.1", None, None)
