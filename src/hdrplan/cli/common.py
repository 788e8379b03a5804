"""What several commands share: progress, lines, verbosity."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from hdrplan.cli.flags import in_flags

__all__ = ["Progress", "echo_lines", "json_option", "progress_bar", "quiet_option", "steps_bar", "warn"]

Progress = Callable[[int, int], None]
F = TypeVar("F", bound=Callable[..., Any])


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)


def warn(warnings: Iterable[str]) -> None:
    """Print warnings, one a line."""
    for warning in warnings:
        click.echo(f"warning: {in_flags(warning)}", err=True)


def quiet_option(command: F) -> F:
    """Add ``--quiet``."""
    return click.option("--quiet", "-q", is_flag=True, help="Print results and errors only.")(command)


def json_option(command: F) -> F:
    """Add ``--json`` (parameter ``as_json``)."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar on a terminal; yields ``on_progress(done, total)``, which lower rooms call."""
    err = sys.stderr
    if quiet or not err.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label=label, file=err) as bar:

        def on_progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield on_progress


@contextmanager
def steps_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show the step under way on one line of a terminal; yields ``on_progress(step, done, total)``."""
    err = sys.stderr
    if quiet or not err.isatty():
        yield lambda step, done, total: None
        return

    def _show(step: str, done: int, total: int) -> None:
        err.write(f"\r{step:<10} {100 * done // max(1, total):>3} %\x1b[K")
        err.flush()

    try:
        yield _show
    finally:
        err.write("\r\x1b[K")
        err.flush()
