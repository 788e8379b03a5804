"""Help texts: every command has one with examples, and the lines of an example stay apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hdrplan.cli import COMMANDS, cli

NAMES = [name for section in COMMANDS.values() for name in section]


def all_commands() -> list[tuple[str, ...]]:
    """Commands and the commands of groups."""
    found: list[tuple[str, ...]] = []
    for name in NAMES:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        found.append((name,))
        if isinstance(command, click.Group):
            found += [(name, sub) for sub in command.list_commands(click.Context(command))]
    return found


@pytest.mark.parametrize("path", all_commands(), ids="-".join)
def test_help_has_examples_on_lines_of_their_own(path: tuple[str, ...], run) -> None:
    ran = run(*path, "--help")
    assert ran.code == 0
    assert "\\b" not in ran.out, "write the help as a plain docstring: in a raw one click does not see its mark"
    assert "hdrplan " + path[0] in ran.out, "a help text shows how the command is called"
    for line in ran.out.splitlines():
        assert line.count("hdrplan " + path[0]) <= 1 or "Usage" in line, f"examples run into each other: {line}"


def test_help_lists_every_command_once(run) -> None:
    out = run("--help").out
    assert len(NAMES) == len(set(NAMES))
    for name in NAMES:
        assert f"  {name} " in out


@pytest.mark.parametrize(("typed", "meant"), [("pln", "plan"), ("exprot", "export"), ("compar", "compare")])
def test_a_misspelt_command_is_answered_with_the_nearest(typed: str, meant: str, run) -> None:
    refused = run(typed, "phantoms")
    assert refused.code == 2
    assert f"got '{typed}'. Did you mean {meant}" in refused.err


def test_a_word_near_no_command_is_refused_without_a_guess(run) -> None:
    refused = run("frobnicate")
    assert refused.code == 2
    assert "Did you mean" not in refused.err
    assert "hdrplan --help" in refused.err


def test_help_imports_no_heavy_library() -> None:
    """The reason that --help is quick; the time itself is no test, for machines differ."""
    code = (
        "import sys; sys.argv = ['hdrplan', '--help']\n"
        "from hdrplan.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'numba', 'pandas', 'matplotlib', 'SimpleITK') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_usage_error(run) -> None:
    ran = run("paln")
    assert ran.code == 2
    assert "Traceback" not in ran.err
