"""Write docs/reference/cli.md and exit-codes.md from the parsers: python tools/make_cli_page.py. A test compares."""

from __future__ import annotations

from pathlib import Path

import click

from hdrplan.cli import COMMANDS, cli
from hdrplan.cli.exit_codes import ExitCode

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"


def _help(command: click.Command, path: str) -> str:
    # The width is part of the page; without it the terminal's would be.
    names = ["-h", "--help"]
    with click.Context(
        command, info_name=path, max_content_width=100, terminal_width=100, help_option_names=names
    ) as context:
        return command.get_help(context)


def page() -> str:
    """Return the page."""
    lines = [
        "# Command line",
        "",
        "Made from the help texts by `python tools/make_cli_page.py`. How commands end: [exit codes](exit-codes.md).",
        "Programs read all of this with [`hdrplan info --json`](exit-codes.md#for-programs).",
        "",
        'Shell completion: `eval "$(_HDRPLAN_COMPLETE=bash_source hdrplan)"` in `~/.bashrc` (`zsh_source` and',
        "`fish_source` for the others).",
        "",
    ]
    for section, commands in COMMANDS.items():
        if commands:
            lines += [f"## {section}", ""]
        for name in commands:
            command = cli.get_command(click.Context(cli), name)
            assert command is not None
            lines += [f"### hdrplan {name}", "", "```text", _help(command, f"hdrplan {name}"), "```", ""]
            if isinstance(command, click.Group):
                for sub in command.list_commands(click.Context(command)):
                    part = command.get_command(click.Context(command), sub)
                    assert part is not None
                    lines += [
                        f"#### hdrplan {name} {sub}",
                        "",
                        "```text",
                        _help(part, f"hdrplan {name} {sub}"),
                        "```",
                        "",
                    ]
    return "\n".join(lines)


_PROGRAMS = """
## For programs

`hdrplan info --json` prints, without a computation and in about a quarter of a second of processor time, what a program
has to know before it calls hdrplan: each command with its arguments, options, defaults, examples and exit codes; the
grammar of goals; the keys of `metrics.json`; the entries of `case.toml`; sources, file formats, warnings and versions.

```console
$ hdrplan info
$ hdrplan info --json | python -c "import json, sys; print(len(json.load(sys.stdin)['commands']), 'commands')"
```

- Results are on standard output, with `--json` as JSON and nothing else. Warnings, errors and progress are on standard
  error.
- A warning is one line, `warning [ID]: text`; `hdrplan explain ID` says more, and `--strict` makes it an error.
- An output that exists is refused before any work, unless `--overwrite` is given. A command that stops leaves no
  incomplete output.
- Coding agents find the shortest way to a plan in `AGENTS.md` beside the README.
"""


def exit_codes_page() -> str:
    """Return the page of exit codes."""
    lines = [
        "# Exit codes",
        "",
        "This page says how each command ends, and what to do then. It is made by `python tools/make_cli_page.py`.",
        "",
        "| code | meaning | what to do | commands |",
        "|---|---|---|---|",
    ]
    for code in ExitCode:
        commands = ", ".join(f"`{name}`" for name in code.commands) or "all"
        lines.append(f"| {int(code)} | {code.meaning} | {code.remedy} | {commands} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n" + _PROGRAMS


if __name__ == "__main__":
    (FOLDER / "cli.md").write_text(page(), encoding="utf-8")
    (FOLDER / "exit-codes.md").write_text(exit_codes_page(), encoding="utf-8")
