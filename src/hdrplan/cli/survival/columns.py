"""The columns that the options of ``hdrplan survival`` name, as the values that the estimators take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hdrplan.cli.survival.names import ColumnNames
from hdrplan.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from hdrplan.arrays import BoolArray, FloatArray
    from hdrplan.io import Table
    from hdrplan.outcomes import CompetingRisks, FollowUp, Intervals

__all__ = ["Columns"]

_COLUMNS = ("time", "event", "group", "cluster", "strata", "case_weight", "entry", "left", "right", "score", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table with the rows in use, and what the options name in it.

    Parameters
    ----------
    table : Table
        Rows in use.
    names : ColumnNames
        What the options name.
    n_dropped : int
        Rows left out for missing values.
    """

    table: Table
    names: ColumnNames
    n_dropped: int

    @classmethod
    def of(
        cls, table: Table, names: ColumnNames, *, drop_missing: bool, blank_allowed: tuple[str, ...] = ()
    ) -> Columns:
        """Take a table; rows with missing values in the columns in use are refused, or left out and counted.

        Parameters
        ----------
        table : Table
        names : ColumnNames
            What the options name.
        drop_missing : bool
            Leave out rows with missing values.
        blank_allowed : tuple of str
            Options whose column may have blank cells.

        Raises
        ------
        InputError
            Missing values, or no row left.
        """
        used = [getattr(names, key) for key in _COLUMNS if getattr(names, key) and key not in blank_allowed]
        used += names.covariate_names
        keep: BoolArray | None = ~table.missing(used[0]) if used else None
        for name in used:
            gone = table.missing(name)
            if gone.any() and not drop_missing:
                line = table.lines[int(gone.argmax())]
                raise InputError(
                    f"column {name} has {int(gone.sum())} missing values",
                    where=f"{table.path}, line {line}",
                    remedy="Fill them, or leave those rows out with --drop-missing; the result says how many.",
                )
            assert keep is not None
            keep &= ~gone
        if keep is None or keep.all():
            return cls(table=table, names=names, n_dropped=0)
        if not keep.any():
            raise InputError("no row has all the values in use", where=table.path)
        return cls(table=table.chosen(keep), names=names, n_dropped=int((~keep).sum()))

    def name(self, option: str) -> str:
        """Return the name of the column that an option must give."""
        name = getattr(self.names, option)
        if not name:
            raise InputError(f"--{option} is needed here: the name of a column", where=self.table.path)
        return str(name)

    def numbers(self, option: str) -> FloatArray:
        """Return the column an option names, as numbers."""
        return self.table.numbers(self.name(option))

    def labels(self, option: str) -> npt.NDArray[Any] | None:
        """Return the column an option names as numbers or else text; None where the option is not given."""
        import numpy as np

        name = getattr(self.names, option)
        if not name:
            return None
        if self.table.is_numeric(name) and name not in self.table.words:
            values = self.table.numbers(name)
            return values.astype(np.int64) if (values == np.round(values)).all() else values
        return np.array(self.table.texts(name))

    def needed_labels(self, option: str) -> npt.NDArray[Any]:
        """Return :meth:`labels` of an option that must be given."""
        self.name(option)
        values = self.labels(option)
        assert values is not None
        return values

    def groups(self) -> Iterator[tuple[object, Columns]]:
        """Yield the label and the rows of each group; one group without a label where none are asked for."""
        import numpy as np

        labels = self.labels("group")
        if labels is None:
            yield None, self
            return
        for label in np.unique(labels):
            yield label.item(), replace(self, table=self.table.chosen(labels == label), n_dropped=0)

    def event(self) -> FloatArray:
        """Return 0 or 1 of each row."""
        import numpy as np

        counted = self.names.event_value
        if counted is not None:
            name = self.name("event")
            cells = zip(self.table.cells(name), self.table.texts(name), strict=True)
            return np.array([float(_same(code, counted) or _same(word, counted)) for code, word in cells])
        values = self.numbers("event")
        strange = sorted(set(values.tolist()) - {0.0, 1.0})
        if strange:
            raise InputError(
                f"column {self.name('event')} must be 0 (censored) or 1 (event)",
                got=", ".join(f"{v:g}" for v in strange[:4]),
                where=self.table.path,
                remedy="Say which value is the event with --event-value.",
            )
        return values

    def causes(self) -> npt.NDArray[Any]:
        """Return the label of what happened in each row; numbers in their shortest form."""
        import numpy as np

        return np.array([_short(cell) for cell in self.table.cells(self.name("event"))])

    def follow_up(self) -> FollowUp:
        """Return time, event, late entry and clusters of the rows."""
        from hdrplan.outcomes import follow_up

        return follow_up(self.numbers("time"), self.event(), entry=self._entry(), cluster=self.labels("cluster"))

    def competing_risks(self, causes: tuple[object, ...] | None = None) -> CompetingRisks:
        """Return time and cause of the rows; ``causes`` are those to report, if not those that occur."""
        from hdrplan.outcomes import competing_risks

        return competing_risks(
            self.numbers("time"),
            self.causes(),
            censored=self.names.censored,
            causes=causes,
            entry=self._entry(),
            cluster=self.labels("cluster"),
        )

    def intervals(self) -> Intervals:
        """Return the intervals of --left and --right; of --time and --event, exact times and right-censored ones."""
        import numpy as np

        from hdrplan.outcomes import intervals

        if self.names.time and not self.names.left:
            left = self.numbers("time")
            right = np.where(self.event() == 1, left, np.inf)
        else:
            left, right = self.numbers("left"), self.table.numbers(self.name("right"), unbounded=True)
        return intervals(left, right, cluster=self.labels("cluster"))

    def covariates(self, leave_out: str | None = None) -> dict[str, FloatArray]:
        """Return covariates by name; text as indicators against its reference level."""
        from hdrplan.outcomes import indicator_columns

        reference = self.names.reference_levels
        columns: dict[str, FloatArray] = {}
        for name in self.names.covariate_names:
            if name == leave_out:
                continue
            if self.is_category(name):
                columns |= indicator_columns(name, self.table.texts(name), reference.get(name))
            else:
                columns[name] = self.table.numbers(name)
        return columns

    def is_category(self, name: str) -> bool:
        """Whether a covariate is a category: text, codes that the file explains, or what --reference names.

        Raises
        ------
        FormatError
            Numbers and text in one column.
        """
        if name in self.names.reference_levels or self.table.is_coded(name):
            return True
        self.table.check_words(name)
        return not self.table.is_numeric(name)

    def categories(self) -> dict[str, dict[str, int]]:
        """Return the covariates in use that are categories: rows by level, the reference level first."""
        used: dict[str, dict[str, int]] = {}
        for name in self.names.covariate_names:
            if name != self.names.value and self.is_category(name):
                counts = Counter(self.table.texts(name))
                first = self.names.reference_levels.get(name) or min(counts)
                used[name] = {level: counts[level] for level in (first, *sorted(set(counts) - {first}))}
        return used

    def case_weights(self) -> FloatArray | None:
        """Return the column of --case-weight; None where it is not given."""
        return self.numbers("case_weight") if self.names.case_weight else None

    def needed_covariates(self) -> dict[str, FloatArray]:
        """Return :meth:`covariates`, at least one."""
        self.name("covariates")
        return self.covariates()

    @property
    def first_covariate(self) -> str:
        """Name of the first of --covariates."""
        self.name("covariates")
        return self.names.covariate_names[0]

    def _entry(self) -> FloatArray | None:
        return self.numbers("entry") if self.names.entry else None


def _short(cell: str) -> str:
    try:
        return f"{float(cell):g}"
    except ValueError:
        return cell.strip()


def _same(cell: str, counted: str) -> bool:
    return _short(cell) == _short(counted)
