"""What several commands share: lines, warnings, verbosity."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from hdrplan.cautions import Caution, each_once
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.flags import in_flags
from hdrplan.errors import InputError, fitted

__all__ = [
    "echo_lines",
    "exit_if_lost",
    "is_strict",
    "json_option",
    "other_case_is_refused",
    "other_case_option",
    "printed_warnings",
    "quiet_option",
    "strict_option",
    "warn",
]

_PRINTED, _STRICT, _OTHER_CASE = "hdrplan.warnings", "hdrplan.strict", "hdrplan.other-case"
# Sixty catheters with one fault are one fault; run.json lists them all.
_MAXIMUM_PER_KIND = 5

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
            click.echo(f"warning [{caution.id}]: {in_flags(fitted(caution.sentence, caution.remedy))}", err=True)
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


def exit_if_lost(count: int, of: str, remedy: str) -> None:
    """End with :attr:`ExitCode.LOST` where work is lost to the machine: everything else is done and written.

    Parameters
    ----------
    count : int
    of : str
        What they are, in the plural.
    remedy : str
    """
    if count:
        click.echo(f"hdrplan: {count} {of} are lost to the machine: their processes died twice. {remedy}", err=True)
        sys.exit(ExitCode.LOST)


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


def is_strict() -> bool:
    """Whether ``--strict`` is given: for commands that hand the refusal on to many pieces of work."""
    return bool(click.get_current_context().meta.get(_STRICT))


def other_case_option(command: F) -> F:
    """Add ``--accept-other-case``: a plan of another case is refused without it."""
    option = click.option(
        "--accept-other-case",
        is_flag=True,
        expose_value=False,
        callback=_kept_other_case,
        help="Use a plan that was made on another CT or for other catheters.",
    )
    return option(command)


def _kept_other_case(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_OTHER_CASE] = value


def other_case_is_refused() -> bool:
    """Whether the command has ``--accept-other-case`` and it is not given."""
    return click.get_current_context().meta.get(_OTHER_CASE) is False


def quiet_option(command: F) -> F:
    """Add ``--quiet``."""
    return click.option("--quiet", "-q", is_flag=True, help="Print results and errors only.")(command)


def json_option(command: F) -> F:
    """Add ``--json`` (parameter ``as_json``)."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)
