"""The options of ``hdrplan survival`` that name columns, and the columns they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hdrplan.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from hdrplan.arrays import FloatArray
    from hdrplan.io import Table

__all__ = ["Columns", "named_options", "numbers_of"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = {
    "time": click.option("--time", metavar="COL", help="Time of event or of the last observation."),
    "event": click.option("--event", metavar="COL", help="0 censored, 1 event (or see --event-value)."),
    "event_value": click.option("--event-value", metavar="V", help="The value of --event that counts; others censor."),
    "cause": click.option("--cause", metavar="V", default="1", show_default=True, help="Cause of interest."),
    "censored": click.option("--censored", metavar="V", default="0", show_default=True, help="Value for censored."),
    "group": click.option("--group", metavar="COL", help="Groups to compare."),
    "covariates": click.option("--covariates", metavar="A,B", help="Covariates; text becomes indicator columns."),
    "reference": click.option("--reference", metavar="COL=LEVEL", multiple=True, help="Reference level of a text."),
    "ties": click.option("--ties", type=click.Choice(["efron", "breslow"]), default="efron", show_default=True),
    "cluster": click.option("--cluster", metavar="COL", help="Patient of each row: errors by patient."),
    "strata": click.option("--strata", metavar="COL", help="Strata."),
    "entry": click.option("--entry", metavar="COL", help="Time of late entry."),
    "left": click.option("--left", metavar="COL", help="Last time free of the event."),
    "right": click.option("--right", metavar="COL", help="First time with the event; blank: none seen."),
    "score": click.option("--score", metavar="COL", help="Risk score; default: the Cox model of --covariates."),
    "conf_level": click.option("--conf-level", type=float, default=0.95, show_default=True, help="Of intervals."),
    "seed": click.option("--seed", type=int, default=0, show_default=True, help="Seed of resampling."),
}


_COLUMNS = ("time", "event", "group", "cluster", "strata", "entry", "left", "right", "score", "value")


def named_options(*names: str) -> Callable[[F], F]:
    """Add DATA.csv, the named options, ``--drop-missing`` and ``--json`` to a command."""

    def add(function: F) -> F:
        function = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)
        function = click.option("--drop-missing", is_flag=True, help="Leave out rows with missing values; counted.")(
            function
        )
        for name in reversed(names):
            function = _OPTIONS[name](function)
        return click.argument("data", metavar="DATA.csv", type=click.Path(path_type=Path))(function)

    return add


def numbers_of(text: str, option: str) -> list[float]:
    """Return the numbers of a comma-separated option."""
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"{option} takes numbers separated by commas", got=text) from None


@dataclass(frozen=True, slots=True)
class Columns:
    """The table with the rows in use, and what the options call for."""

    table: Table
    options: dict[str, Any]
    n_dropped: int

    @classmethod
    def of(cls, data: Path, drop_missing: bool, blank_allowed: tuple[str, ...] = (), **options: Any) -> Columns:
        """Read the table; refuse rows with missing values in the columns in use, or count them out."""
        from hdrplan.io import read_table

        table = read_table(data)
        used = [options[key] for key in _COLUMNS if options.get(key) and key not in blank_allowed]
        used += _names(options.get("covariates"))
        keep = ~table.missing(used[0]) if used else None
        for name in used:
            gone = table.missing(name)
            if gone.any() and not drop_missing:
                line = table.lines[int(gone.argmax())]
                raise InputError(
                    f"column {name} has {int(gone.sum())} missing values", where=f"{data}, line {line}",
                    remedy="Fill them, or leave those rows out with --drop-missing; the result says how many.",
                )  # fmt: skip
            assert keep is not None
            keep &= ~gone
        if keep is None or keep.all():
            return cls(table, options, 0)
        if not keep.any():
            raise InputError("no row has all the values in use", where=data)
        return cls(table.chosen(keep), options, int((~keep).sum()))

    def _name(self, option: str) -> str:
        name = self.options.get(option)
        if not name:
            raise InputError(f"--{option} is needed here: the name of a column", where=self.table.path)
        return str(name)

    def numbers(self, option: str) -> FloatArray:
        """Return the column an option names, as numbers."""
        return self.table.numbers(self._name(option))

    def labels(self, option: str) -> npt.NDArray[Any] | None:
        """Return the column an option names as numbers or else text; None where the option is not given."""
        import numpy as np

        name = self.options.get(option)
        if not name:
            return None
        if self.table.is_numeric(name):
            values = self.table.numbers(name)
            return values.astype(np.int64) if (values == np.round(values)).all() else values
        return np.array([cell.strip() for cell in self.table.cells(name)])

    def needed_labels(self, option: str) -> npt.NDArray[Any]:
        """Return :meth:`labels` of an option that must be given."""
        self._name(option)
        values = self.labels(option)
        assert values is not None
        return values

    def entry(self) -> FloatArray | None:
        """Return the time of late entry, or None."""
        return self.numbers("entry") if self.options.get("entry") else None

    def groups(self) -> Iterator[tuple[object, Columns]]:
        """Yield the label and the rows of each group; one group without a label where none are asked for."""
        import numpy as np

        labels = self.labels("group")
        if labels is None:
            yield None, self
            return
        for label in np.unique(labels):
            yield label.item(), Columns(self.table.chosen(labels == label), self.options, 0)

    def event(self) -> FloatArray:
        """Return 0 or 1 of each row."""
        import numpy as np

        wanted = self.options.get("event_value")
        if wanted is not None:
            return np.array([float(_same(cell, wanted)) for cell in self.table.cells(self._name("event"))])
        values = self.numbers("event")
        strange = sorted(set(values.tolist()) - {0.0, 1.0})
        if strange:
            raise InputError(
                f"column {self._name('event')} must be 0 (censored) or 1 (event)",
                got=", ".join(f"{v:g}" for v in strange[:4]),
                where=self.table.path,
                remedy="Say which value is the event with --event-value.",
            )
        return values

    def causes(self) -> npt.NDArray[Any]:
        """Return the label of what happened in each row; numbers in their shortest form."""
        import numpy as np

        return np.array([_short(cell) for cell in self.table.cells(self._name("event"))])

    def covariates(self, leave_out: str | None = None) -> dict[str, FloatArray]:
        """Return covariates by name; text as indicators against its reference level."""
        from hdrplan.outcomes import indicator_columns

        reference = dict(_pair(text) for text in self.options.get("reference") or ())
        columns: dict[str, FloatArray] = {}
        for name in _names(self.options.get("covariates")):
            if name == leave_out:
                continue
            if self.table.is_numeric(name) and name not in reference:
                columns[name] = self.table.numbers(name)
            else:
                cells = [cell.strip() for cell in self.table.cells(name)]
                columns |= indicator_columns(name, cells, reference.get(name))
        return columns

    def needed_covariates(self) -> dict[str, FloatArray]:
        """Return :meth:`covariates`, at least one."""
        self._name("covariates")
        return self.covariates()

    @property
    def first_covariate(self) -> str:
        """Name of the first of ``--covariates``."""
        return _names(self._name("covariates"))[0]


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def _pair(text: str) -> tuple[str, str]:
    name, equals, level = text.partition("=")
    if not equals:
        raise InputError("--reference takes COLUMN=LEVEL", got=text)
    return name.strip(), level.strip()


def _short(cell: str) -> str:
    try:
        return f"{float(cell):g}"
    except ValueError:
        return cell.strip()


def _same(cell: str, wanted: str) -> bool:
    return _short(cell) == _short(wanted)
