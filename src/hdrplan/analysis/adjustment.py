"""What the models hold beside D100: any column of the lesions, as it is, as a spline, or as strata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.outcomes import restricted_spline

__all__ = ["DEFAULT_ADJUSTERS", "Adjuster", "Column", "Term", "adjusters_from", "model_terms", "typed_column"]

# Values of one column, a lesion each: numbers, or labels of categories.
Column = FloatArray | tuple[str, ...]

_TERM = re.compile(r"(?:(spline|strata)\(\s*)?([A-Za-z_][A-Za-z0-9_ ]*?)\s*(\))?")
_MAX_CATEGORIES = 10
# Unit and centre of the columns of every cohort; others enter per unit, not centred.
_SCALE = {"diameter_mm": ("diameter, per 10 mm", 38.0, 10.0), "age_years": ("age, per 10 years", 68.0, 10.0)}
_WORDS = {"diameter_mm": "size", "tumour_type": "tumour type", "age_years": "age"}


@dataclass(frozen=True, slots=True)
class Adjuster:
    """One covariate of the models: a column of the lesions, and how it enters."""

    column: str
    form: Literal["term", "spline", "strata"] = "term"

    @property
    def words(self) -> str:
        """What the report calls it."""
        return _WORDS.get(self.column, self.column.replace("_", " "))

    @property
    def text(self) -> str:
        """What :func:`adjusters_from` reads."""
        return self.column if self.form == "term" else f"{self.form}({self.column})"


DEFAULT_ADJUSTERS = (Adjuster("diameter_mm"), Adjuster("tumour_type"), Adjuster("age_years"))


def adjusters_from(texts: Iterable[str]) -> tuple[Adjuster, ...]:
    """Return the adjusters that texts name.

    Parameters
    ----------
    texts : iterable of str
        Each one or several, separated by commas: ``column``, ``spline(column)`` or ``strata(column)``; ``none`` alone.

    Returns
    -------
    tuple of Adjuster
        The default ones (size, tumour type, age) if there is no text.

    Raises
    ------
    InputError
        A text that is none of these, or a column named twice.

    Examples
    --------
    >>> [a.text for a in adjusters_from(["diameter_mm, spline(age_years)", "strata(centre)"])]
    ['diameter_mm', 'spline(age_years)', 'strata(centre)']
    """
    terms = [term.strip() for text in texts for term in text.split(",")]
    if not terms:
        return DEFAULT_ADJUSTERS
    if terms == ["none"]:
        return ()
    found = []
    for term in terms:
        match = _TERM.fullmatch(term)
        if match is None or bool(match[1]) != bool(match[3]) or match[2] == "none":
            raise InputError(
                "an adjuster is a column, spline(column) or strata(column)",
                got=term or "nothing",
                remedy="For example: diameter_mm,spline(age_years),strata(centre); or none alone.",
            )
        form: Literal["term", "spline", "strata"] = "term"
        if match[1] == "spline":
            form = "spline"
        elif match[1] == "strata":
            form = "strata"
        found.append(Adjuster(match[2], form))
    names = [a.column for a in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError("every column adjusts once", got=", ".join(sorted(twice)))
    return tuple(found)


def typed_column(name: str, cells: Sequence[object]) -> Column:
    """Return a column of cells as numbers, or as categories if any cell is a text that is no number.

    Parameters
    ----------
    name : str
        Of the column, for messages.
    cells : sequence
        Numbers, flags (0 and 1) or texts; none is missing.

    Returns
    -------
    (n,) array, or tuple of str

    Raises
    ------
    InputError
        Texts of more than ten kinds: numbers written another way, or free text.
    """
    labels = tuple(str(cell) for cell in cells)
    try:
        # A flag is a bool, a cell of a column that the tables do not define is text.
        numbers = np.array(
            [float(cell) if isinstance(cell, bool | int | float) else float(str(cell)) for cell in cells]
        )
    except ValueError:
        numbers = np.array([np.nan])
    if np.isfinite(numbers).all():
        return numbers
    kinds = sorted(set(labels))
    if len(kinds) > _MAX_CATEGORIES:
        raise InputError(
            f"{name} must hold numbers, or texts of at most {_MAX_CATEGORIES} kinds",
            got=f"{len(kinds)} kinds: {', '.join(kinds[:3])}, ...",
            remedy="Numbers have a decimal point and no unit; free text cannot be adjusted for.",
        )
    return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One column of the design matrix: (value - centre) / unit, one term of its spline, or 1 where a level is.

    Parameters
    ----------
    label : str
        With unit or reference level.
    column : str
    level : str
        Of categories; empty for numbers.
    centre, unit : float
    knots : tuple of float
        Of the spline, on the scale of the term; empty without.
    index : int
        Which column of the spline.
    """

    label: str
    column: str
    level: str = ""
    centre: float = 0.0
    unit: float = 1.0
    knots: tuple[float, ...] = ()
    index: int = 0

    def values(self, column: Column) -> FloatArray:
        """Return the column of the design matrix (n,)."""
        if isinstance(column, tuple):
            return np.array([float(label == self.level) for label in column])
        scaled: FloatArray = (column - self.centre) / self.unit
        if not self.knots:
            return scaled
        term: FloatArray = restricted_spline(scaled, self.knots).basis(scaled)[:, self.index]
        return term


def model_terms(
    adjusters: Iterable[Adjuster],
    columns: Mapping[str, Column],
    levels: Mapping[str, Sequence[str]],
    silent: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Term, ...]:
    """Return the terms of the adjusters; constants are left out, and strata and silent levels are no terms.

    Parameters
    ----------
    adjusters : iterable of Adjuster
    columns : mapping of name to (n,) array or tuple of str
    levels : mapping of name to levels
        Order of categories whose reference is not the most frequent one.
    silent : mapping of name to levels, optional
        Levels that have a baseline of their own.

    Returns
    -------
    tuple of Term
    """
    terms: list[Term] = []
    apart = {} if silent is None else silent
    for adjuster in adjusters:
        values = columns[adjuster.column]
        if adjuster.form == "strata" or len(set(values)) < 2:
            continue
        if isinstance(values, tuple):
            present = sorted(set(values) - set(apart.get(adjuster.column, ())))
            order = [level for level in levels.get(adjuster.column, ()) if level in present]
            first = order[0] if order else max(present, key=values.count)
            terms += [
                Term(label=f"{adjuster.words}: {level} vs {first}", column=adjuster.column, level=level)
                for level in present
                if level != first
            ]
            continue
        if adjuster.column in apart:
            continue
        flag = np.isin(values, (0.0, 1.0)).all()
        plain = f"{adjuster.words}: 1 vs 0" if flag else f"{adjuster.words}, per unit"
        label, centre, unit = _SCALE.get(adjuster.column, (plain, 0.0, 1.0))
        if adjuster.form == "term":
            terms.append(Term(label=label, column=adjuster.column, centre=centre, unit=unit))
            continue
        spline = restricted_spline((values - centre) / unit)
        terms += [
            Term(
                label=name,
                column=adjuster.column,
                centre=centre,
                unit=unit,
                knots=tuple(map(float, spline.knots)),
                index=k,
            )
            for k, name in enumerate(spline.columns(label, values))
        ]
    return tuple(terms)
