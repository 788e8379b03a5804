"""What several commands share: progress, lines, verbosity."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from hdrplan.cautions import Caution, each_once
from hdrplan.cli.flags import in_flags
from hdrplan.errors import InputError

__all__ = [
    "Progress",
    "echo_lines",
    "exit_if_lost",
    "json_option",
    "printed_warnings",
    "progress_bar",
    "quiet_option",
    "steps_bar",
    "strict_option",
    "warn",
    "work_bar",
]

_PRINTED, _STRICT = "hdrplan.warnings", "hdrplan.strict"
# Sixty catheters with one fault are one fault; run.json lists them all.
_MAXIMUM_PER_KIND = 5
_LINE = 300

Progress = Callable[[int, int], None]
F = TypeVar("F", bound=Callable[..., Any])


def echo_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line)


def warn(cautions: Iterable[Caution]) -> None:
    """Print warnings, one a line and each once in a run; with ``--strict``, refuse them.

    Raises
    ------
    InputError
        A warning under ``--strict``, after all were printed.
    """
    meta = click.get_current_context().meta
    before: tuple[Caution, ...] = meta.get(_PRINTED, ())
    meta[_PRINTED] = each_once((*before, *cautions))
    new = meta[_PRINTED][len(before) :]
    seen: Counter[str] = Counter()
    for caution in new:
        seen[caution.id] += 1
        if seen[caution.id] <= _MAXIMUM_PER_KIND:
            click.echo(f"warning [{caution.id}]: {in_flags(_short(caution.text))}", err=True)
    for id_, count in seen.items():
        if count > _MAXIMUM_PER_KIND:
            click.echo(f"warning [{id_}]: {count - _MAXIMUM_PER_KIND} more of this kind", err=True)
    if new and meta.get(_STRICT):
        kinds = ", ".join(seen)
        raise InputError(
            "with --strict no warning may be left",
            got=f"{len(new)} ({kinds})",
            remedy=f"Correct the input, or leave --strict out; `hdrplan explain {next(iter(seen))}` says more.",
        )


def _short(text: str) -> str:
    """Return a line that a terminal can hold; report and JSON hold all of it."""
    return text if len(text) <= _LINE else f"{text[: _LINE - 4]} ..."


def exit_if_lost(count: int, of: str, remedy: str) -> None:
    """End with code 3 where work is lost to the machine: everything else is done and written.

    Parameters
    ----------
    count : int
    of : str
        What they are, in the plural.
    remedy : str
    """
    if count:
        click.echo(f"hdrplan: {count} {of} are lost to the machine: their processes died twice. {remedy}", err=True)
        sys.exit(3)


def printed_warnings() -> tuple[Caution, ...]:
    """Return the warnings that this run has printed, for its report and its JSON."""
    cautions: tuple[Caution, ...] = click.get_current_context().meta.get(_PRINTED, ())
    return cautions


def strict_option(command: F) -> F:
    """Add ``--strict``: :func:`warn` refuses."""
    option = click.option(
        "--strict", is_flag=True, expose_value=False, callback=_kept_strict, help="Refuse input that gives a warning."
    )
    return option(command)


def _kept_strict(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_STRICT] = value


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


# Before this the time left is a guess from too little.
_GUESS_AFTER_S = 3.0


@contextmanager
def work_bar(*, quiet: bool = False) -> Iterator[Callable[[str, float], None]]:
    """Show what is done and the time left on one line of a terminal; yields ``on_progress(step, share of all)``."""
    err = sys.stderr
    if quiet or not err.isatty():
        yield lambda step, share: None
        return
    started = time.monotonic()

    def _show(step: str, share: float) -> None:
        spent_s = time.monotonic() - started
        left_s = spent_s * (1.0 - share) / share if share > 0.0 and spent_s > _GUESS_AFTER_S else None
        left = (
            "" if left_s is None else f"  about {left_s / 60:.0f} min left" if left_s > 90 else f"  {left_s:.0f} s left"
        )
        err.write(f"\r{step:<12} {100 * share:>3.0f} %{left}\x1b[K")
        err.flush()

    try:
        yield _show
    finally:
        err.write("\r\x1b[K")
        err.flush()


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
