"""Typed access to what users write in TOML and JSON: a value is read by its key and type, or refused clearly.

Files become nested tables and lists of anything (:mod:`hdrplan.io.files`). :class:`Entries` gives the values of one
table as what they are meant to be; the ``as_`` functions do so for a value that stands elsewhere. Every refusal is one
line: the file and the place in it, the key, what was expected, what came.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from hdrplan.errors import FormatError

if TYPE_CHECKING:
    from hdrplan.arrays import FloatArray

__all__ = ["Entries", "as_array", "as_list", "as_moment", "as_number", "as_table", "number_in"]

# Python's own float() reads 1_0 as 10, and digits of other scripts.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# Whole numbers of TOML and JSON have no end; floats do.
_LARGEST = 1e300


def number_in(text: str, decimal: str = ".") -> float:
    """Return the number that a text is, with a full stop or another decimal mark; blanks around it do not count.

    Raises
    ------
    ValueError
        Anything else, such as ``1_0``, ``1,5``, ``nan`` and ``inf``.

    Examples
    --------
    >>> number_in(" 2.5e1 ")
    25.0
    >>> number_in("2,5", ",")
    2.5
    """
    stripped = text.strip()
    if decimal != ".":
        # A full stop would divide thousands here: 1.500 is not 1.5.
        stripped = stripped.replace(".", "?").replace(decimal, ".")
    if not _NUMBER.fullmatch(stripped):
        raise ValueError(f"no number: {text.strip()[:40]!r}")
    return float(stripped)


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one table.

    A look-up with a default may be absent; one without must be there.

    Parameters
    ----------
    values : mapping
        As the file's parser gives it.
    where : object
        What messages name first: the file, and the place in it.
    """

    values: Mapping[str, object]
    where: object

    def __contains__(self, key: object) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Refuse keys other than the known ones, and name the nearest known key.

        Raises
        ------
        FormatError
            There are others.
        """
        names = sorted(known)
        unknown = sorted(set(self.values) - set(names))
        if unknown:
            near = difflib.get_close_matches(unknown[0][:60], names, n=1, cutoff=0.6)
            raise FormatError(
                f"known keys are {', '.join(names)}",
                got=", ".join(unknown),
                where=self.where,
                remedy=f"Did you mean {near[0]}?" if near else "",
            )

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not blank."""
        return _text(self._value(key, default), key, self.where)

    def text_or_none(self, key: str) -> str | None:
        """Return a text that is not blank, or None where the key is absent."""
        return self.text(key) if self.values.get(key) is not None else None

    def choice(self, key: str, options: Collection[str], default: str | None = None) -> str:
        """Return one of some words.

        Parameters
        ----------
        key : str
        options : collection of str
        default : str, optional
        """
        value = self._value(key, default)
        if not isinstance(value, str) or value not in options:
            raise FormatError(f"{key} must be one of {', '.join(options)}", got=_got(value), where=self.where)
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise FormatError(f"{key} must be true or false", got=_got(value), where=self.where)
        return value

    def number(
        self, key: str, *, unit: str = "", between: tuple[float, float] | None = None, default: float | None = None
    ) -> float:
        """Return a finite number.

        Parameters
        ----------
        key : str
        unit : str
            For the message.
        between : tuple of float, optional
            Smallest and largest value; the largest may be infinity.
        default : float, optional
        """
        return as_number(self._value(key, default), key, self.where, unit=unit, between=between)

    def whole(self, key: str, *, between: tuple[int, int], default: int | None = None) -> int:
        """Return a whole number; 2.0 is none.

        Parameters
        ----------
        key : str
        between : tuple of int
            Smallest and largest value.
        default : int, optional
        """
        value, (low, high) = self._value(key, default), between
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FormatError(f"{key} must be a whole number from {low} to {high}", got=_got(value), where=self.where)
        return value

    def moment(self, key: str) -> datetime:
        """Return a date and time: of TOML, or as text in ISO 8601."""
        return as_moment(self._value(key), key, self.where)

    def items(self, key: str, default: list[object] | None = None) -> list[object]:
        """Return a list of anything."""
        return as_list(self._value(key, default), key, self.where)

    def texts(self, key: str, default: list[object] | None = None) -> tuple[str, ...]:
        """Return a list of texts that are not blank."""
        return tuple(_text(value, f"each of {key}", self.where) for value in self.items(key, default))

    def array(self, key: str, shape: tuple[int | None, ...]) -> FloatArray:
        """Return a nested list of finite numbers as an array; None in the shape stands for any length."""
        return as_array(self._value(key), key, self.where, shape=shape)

    def table(self, key: str, default: Mapping[str, object] | None = None) -> Entries:
        """Return the entries of a table."""
        return as_table(self._value(key, default), key, self.where)

    def tables(self, key: str, default: list[object] | None = None) -> tuple[Entries, ...]:
        """Return the entries of each table of a list; messages count them from one."""
        return tuple(as_table(value, f"{key} {k + 1}", self.where) for k, value in enumerate(self.items(key, default)))

    def _value(self, key: str, default: object = None) -> object:
        value = self.values.get(key)
        return default if value is None else value


def as_number(
    value: object, key: str, where: object, *, unit: str = "", between: tuple[float, float] | None = None
) -> float:
    """Return a value as a finite number.

    Parameters
    ----------
    value : object
        As the file's parser gives it; None where there is none.
    key : str
        What messages call the value.
    where : object
        What messages name first: the file, and the place in it.
    unit : str
        For the message.
    between : tuple of float, optional
        Smallest and largest value; the largest may be infinity.

    Raises
    ------
    FormatError
        Anything else; true and false are no numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise FormatError(f"{key} must be a finite number{f' in {unit}' * bool(unit)}", got=_got(value), where=where)
    number = float(value)
    if between is not None and not between[0] <= number <= between[1]:
        low, high = between
        expected = f"be at least {low:g}" if math.isinf(high) else f"lie between {low:g} and {high:g}"
        raise FormatError(f"{key} must {expected}{f' {unit}' * bool(unit)}", got=f"{number:g}", where=where)
    return number


def as_moment(value: object, key: str, where: object) -> datetime:
    """Return a value as date and time: of TOML, or as text in ISO 8601; a date alone means its beginning.

    Parameters
    ----------
    value, key, where
        As in :func:`as_number`.

    Raises
    ------
    FormatError
        Anything else.
    """
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise FormatError(
            f"{key} must be a date and time such as 2024-05-31T12:00:00", got=_got(value), where=where
        ) from None


def as_list(value: object, key: str, where: object) -> list[object]:
    """Return a value as a list of anything.

    Parameters
    ----------
    value, key, where
        As in :func:`as_number`.

    Raises
    ------
    FormatError
        Anything else.
    """
    if not isinstance(value, list):
        raise FormatError(f"{key} must be a list", got=_got(value), where=where)
    return value


def as_table(value: object, key: str, where: object) -> Entries:
    """Return a value as the entries of a table; their place is ``where`` and the key.

    Parameters
    ----------
    value, key, where
        As in :func:`as_number`.

    Raises
    ------
    FormatError
        Anything else.
    """
    if not isinstance(value, Mapping):
        raise FormatError(f"{key} must be a table", got=_got(value), where=where)
    return Entries(value, f"{where}, {key}")


def as_array(value: object, key: str, where: object, *, shape: tuple[int | None, ...]) -> FloatArray:
    """Return nested lists of finite numbers as an array.

    Parameters
    ----------
    value, key, where
        As in :func:`as_number`.
    shape : tuple
        None stands for any length; a list without members has each shape that allows length zero.

    Raises
    ------
    FormatError
        Rows of several lengths, another shape, anything that is no finite number.
    """
    # Commands read numbers from their flags before they import anything heavy.
    import numpy as np

    if shape:
        members = as_list(value, key, where)
        rows = [as_array(member, f"{key}[{k}]", where, shape=shape[1:]) for k, member in enumerate(members)]
        wanted = len(rows) if shape[0] is None else shape[0]
        inner = {row.shape for row in rows} or {tuple(n or 0 for n in shape[1:])}
        if len(rows) != wanted or len(inner) > 1:
            text = " x ".join("n" if n is None else str(n) for n in shape)
            raise FormatError(f"{key} must hold {text} numbers", got=_got(value), where=where)
        return np.array(rows, dtype=np.float64).reshape(len(rows), *inner.pop())
    return np.asarray(as_number(value, key, where))


def _text(value: object, key: str, where: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise FormatError(f"{key} must be text", got=_got(value), where=where)
    return value


def _got(value: object) -> str:
    """Text of what came instead; a damaged file can hold a value of a million characters."""
    if value is None:
        return "none"
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number of more than 300 digits"
    return repr(value)[:60]
