"""Messages of the library speak Python; the command line turns their parameters into flags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import hdrplan
from hdrplan.cli import cli
from hdrplan.cli.flags import in_flags

ROOT = Path(hdrplan.__file__).parent
# A flag of another program.
_NOT_OURS = "gdcmconv --raw"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Take fewer points (larger `sample_mm`).", "Take fewer points (larger --sample)."),
        ("Use `overwrite=True` or another name.", "Use --overwrite or another name."),
        ('Run with `accept=["cm_for_mm"]`.', "Run with --accept cm_for_mm."),
        ('now 5 mm: `margins_mm["left colon"]`', "now 5 mm: --avoid left colon=MM"),
        ("Slower: `source_speed_mm_per_s`.", "Slower: --transit-speed."),
        ('Name the lesion with `role="CTV"`.', "Name the lesion with --ctv or in [roles] of case.toml."),
        ("`source`; see `hdrplan sources list`", "--source; see `hdrplan sources list`"),
        ("case.toml: step_mm must lie between 0.5 and 50", "case.toml: step_mm must lie between 0.5 and 50"),
    ],
)
def test_quoted_parameters_become_flags(message: str, shown: str) -> None:
    assert in_flags(message) == shown


def test_every_parameter_that_the_library_quotes_has_a_flag() -> None:
    flags = set(_flags(cli))
    shown = {text: in_flags(text) for text in _library_texts() if re.search(r"`[a-z0-9_]+(=[^`]*)?`", text)}
    assert len(shown) > 10
    missing = {
        flag: text for text, words in shown.items() for flag in re.findall(r"--[a-z-]+", words) if flag not in flags
    }
    assert missing == {}


def test_the_library_names_no_flag() -> None:
    # What begins with a flag is no message: an argument of a program that is called.
    texts = (text for text in _library_texts() if _NOT_OURS not in text and not text.startswith("--"))
    assert [text for text in texts if re.search(r"(?<![-\w])--[a-z]", text)] == []


def _library_texts() -> Iterator[str]:
    """All strings of the rooms that raise: not the command line, no pages, no docstrings."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.is_relative_to(ROOT / "cli") or path.is_relative_to(ROOT / "report"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
                yield node.value


def _flags(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _flags(below)
