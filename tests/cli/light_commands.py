"""Run commands one after another in one process: what each printed on stderr, and what heavy it left imported.

Reads lists of arguments as JSON from stdin. A process of its own: pytest has imported what no command may.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

import click

from hdrplan.cli import COMMANDS, cli, main

# importlib.metadata brings the parser of e-mail: 20 of the 80 CPU ms in which a command prints its help.
HEAVY = {"importlib.metadata", "matplotlib", "numba", "numpy", "pandas", "pydicom", "scipy", "SimpleITK"}


def commands() -> list[tuple[list[str], click.Command]]:
    """All commands and commands of groups, with the words that call them."""
    called: list[tuple[list[str], click.Command]] = []
    for name in (name for section in COMMANDS.values() for name in section):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        group = command.commands if isinstance(command, click.Group) else {}
        called += [([name], command), *(([name, word], inner) for word, inner in group.items())]
    return called


def ended(arguments: list[str]) -> tuple[object, str, list[str]]:
    """Exit code, stderr, and what is imported that should not be."""
    sys.argv = ["hdrplan", *arguments]
    code: object = 0
    err = io.StringIO()
    try:
        with redirect_stderr(err), redirect_stdout(io.StringIO()):
            main()
    except SystemExit as stop:
        code = stop.code
    return code, err.getvalue(), sorted(HEAVY & set(sys.modules))


if __name__ == "__main__":
    print(json.dumps([ended(arguments) for arguments in json.load(sys.stdin)]))
