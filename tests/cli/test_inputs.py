"""A wrong path is refused at once, by every command, before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from hdrplan.cli import COMMANDS, cli
from hdrplan.cli.inputs import InputPath
from hdrplan.cli.outputs import OutputPath

# Files that a command reads where they are, and writes where they are not.
READ_OR_WRITTEN = {("metrics", "key")}


def parameters() -> list[tuple[str, click.Parameter]]:
    """Command and parameter, of all commands and commands of groups."""
    found = []
    for name in (name for section in COMMANDS.values() for name in section):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        group = command.commands.values() if isinstance(command, click.Group) else ()
        found += [(name, parameter) for each in (command, *group) for parameter in each.params]
    return found


def test_every_path_is_an_input_or_an_output() -> None:
    paths = [(name, p) for name, p in parameters() if isinstance(p.type, click.Path)]
    unknown = {(name, p.name) for name, p in paths if not isinstance(p.type, InputPath | OutputPath)}
    assert unknown == READ_OR_WRITTEN
    assert len(paths) > 60


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "MISSING", "-o", "x"],
        ["plan", "--ct", "MISSING", "--ctv", "lesion", "-o", "x"],
        ["evaluate", ".", "--plan", "MISSING"],
        ["export", "MISSING", "--case", ".", "-o", "x"],
        ["compare", "MISSING", "-o", "x.html"],
        ["survival", "km", "MISSING"],
        ["cohort", "validate", "MISSING"],
    ],
    ids=" ".join,
)
def test_a_wrong_path_is_refused_without_numpy(arguments: list[str]) -> None:
    """The command line waited 1.8 CPU seconds for imports before it looked; this asks for work, not for seconds."""
    code = (
        "import sys; from hdrplan.cli import main\n"
        f"sys.argv = ['hdrplan', *{arguments!r}]\n"
        "try:\n    main()\nfinally:\n    print('numpy' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("hdrplan: MISSING: expected a ")
    assert "none of that name" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stdout.strip() == "False"


def test_planning_does_not_import_what_only_cohorts_need() -> None:
    """``scipy.stats`` and ``scipy.optimize`` took a third of the CPU seconds before a plan began."""
    code = (
        "import sys, hdrplan.io, hdrplan.report, hdrplan.workflow\n"
        "print(sorted({'scipy.stats', 'scipy.optimize', 'matplotlib', 'pandas'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
