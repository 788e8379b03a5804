"""Write docs/reference/cli.md from the help texts: python tools/make_cli_page.py. A test compares."""

from __future__ import annotations

from pathlib import Path

import click

from hdrplan.cli import COMMANDS, cli

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"


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
        "Made from the help texts by `python tools/make_cli_page.py`. Exit codes: 0 done, 2 input that cannot be right",
        "or a plan that cannot be (one line says what and the remedy), 130 stopped by the user.",
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


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
