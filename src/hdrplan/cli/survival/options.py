"""The options of ``hdrplan survival`` that name columns."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.common import strict_option, warn
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.survival.columns import Columns
from hdrplan.cli.survival.names import ColumnNames
from hdrplan.cli.text_options import text_options
from hdrplan.door import number_in
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.cautions import Caution

__all__ = ["COX_OPTIONS", "MODEL_OPTIONS", "numbers_of", "table_command"]

COX_OPTIONS = ("time", "event", "event_value", "covariates", "reference", "ties", "cluster", "strata", "entry")
MODEL_OPTIONS = (*COX_OPTIONS, "case_weight")

_OPTIONS = {
    "time": click.option("--time", metavar="COL", help="Time of the event or of the last observation."),
    "event": click.option("--event", metavar="COL", help="0: censored, 1: event (or see --event-value)."),
    "event_value": click.option(
        "--event-value", metavar="V", help="Value of --event that counts as event; others are censored."
    ),
    "cause": click.option("--cause", metavar="V", default="1", show_default=True, help="Cause of interest."),
    "censored": click.option(
        "--censored", metavar="V", default="0", show_default=True, help="Value of --event for censored."
    ),
    "group": click.option("--group", metavar="COL", help="Groups to compare."),
    "covariates": click.option("--covariates", metavar="A,B", help="Covariates; text becomes indicator columns."),
    "reference": click.option(
        "--reference", metavar="COL=LEVEL", multiple=True, help="Reference level of a text covariate."
    ),
    "ties": click.option(
        "--ties", type=click.Choice(["efron", "breslow", "exact"]), default="efron", show_default=True
    ),
    "cluster": click.option("--cluster", metavar="COL", help="Patient of each row, for clustered standard errors."),
    "strata": click.option("--strata", metavar="COL", help="Strata."),
    "case_weight": click.option("--case-weight", metavar="COL", help="How many rows each row stands for."),
    "entry": click.option("--entry", metavar="COL", help="Time of late entry."),
    "left": click.option("--left", metavar="COL", help="Last time without the event."),
    "right": click.option("--right", metavar="COL", help="First time with the event; blank: no event seen."),
    "score": click.option("--score", metavar="COL", help="Risk score; default: the Cox model of --covariates."),
    "conf_level": click.option(
        "--conf-level", type=NUMBER, default=0.95, show_default=True, help="Level of confidence intervals."
    ),
    "seed": click.option("--seed", type=int, default=0, show_default=True, help="Seed of resampling."),
}


def table_command(*names: str, blank_allowed: tuple[str, ...] = ()) -> Callable[[Callable[..., None]], Any]:
    """Add DATA, the named options, ``--drop-missing`` and ``--json`` to a command.

    The command is called with ``columns`` (a :class:`Columns`: the rows in use) in place of the options that name
    columns, and with every other option under its own name.

    Parameters
    ----------
    *names : str
        Options, as in ``_OPTIONS``.
    blank_allowed : tuple of str
        Options whose column may have blank cells.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def call(data: Path, drop_missing: bool, encoding: str, decimal: str, **options: Any) -> None:
            from hdrplan.io import TextForm, read_table

            # Whatever is not finite is said in words where it is printed, never by Python.
            warnings.simplefilter("ignore", RuntimeWarning)
            named = ColumnNames(**{f.name: options.pop(f.name) for f in fields(ColumnNames) if f.name in options})
            table = read_table(data, TextForm(encoding, decimal))
            warn(table.warnings)
            columns = Columns.of(table, named, drop_missing=drop_missing, blank_allowed=blank_allowed)
            warn(_doubts(columns))
            function(columns=columns, **options)

        command = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(text_options(call))
        command = strict_option(command)
        command = click.option(
            "--drop-missing", is_flag=True, help="Leave out rows with missing values, and count them."
        )(command)
        for name in reversed(names):
            command = _OPTIONS[name](command)
        return click.argument("data", metavar="DATA", type=IN_FILE)(command)

    return add


def _doubts(columns: Columns) -> list[Caution]:
    from hdrplan.plausibility import doubts_of_groups, doubts_of_rows, doubts_of_times

    table, names = columns.table, columns.names
    doubts = doubts_of_rows(table.columns)
    if names.time and table.is_numeric(names.time):
        doubts += doubts_of_times(table.numbers(names.time), names.time)
    if names.group:
        doubts += doubts_of_groups(table.texts(names.group), names.group)
    return doubts


def numbers_of(text: str, option: str) -> list[float]:
    """Return the numbers of a comma-separated option."""
    try:
        return [number_in(number) for number in text.split(",") if number.strip()]
    except ValueError:
        raise InputError(f"{option} takes numbers separated by commas", got=text) from None
