"""What a table of a cohort is made of; its JSON Schema and its page of the data dictionary.

Dates are ISO (YYYY-MM-DD), diameters mm, doses Gy, volumes percent or cm3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Column", "Table", "data_dictionary", "json_schema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Parameters
    ----------
    name : str
        With its unit, if it has one.
    kind : {"id", "text", "date", "number", "flag", "choice"}
        A flag is 0 or 1.
    meaning : str
        One line for the data dictionary.
    required : bool
        The column must be there and no cell may be empty.
    low, high : float or None
        Outside these a number is an error.
    choices : tuple of str
        Closed vocabulary.
    refers : str
        Table that must hold this id.
    also : str
        Another spelling of the name that is read too.
    or_else : str
        A required cell may be empty where this column is filled.
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    refers: str = ""
    also: str = ""
    or_else: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Parameters
    ----------
    name : str
    meaning : str
        What a row is.
    key : tuple of str
        Columns that name a row.
    columns : tuple of Column
    required : bool
        A cohort must have it.
    compact : bool
        Whether this is the table's compact form.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    required: bool = False
    compact: bool = False

    def column(self, name: str) -> Column | None:
        """Return the column of that name or other spelling."""
        return next((c for c in self.columns if name in (c.name, c.also)), None)


_JSON_TYPES: dict[str, dict[str, object]] = {
    "id": {"type": "string"},
    "text": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "number": {"type": "number"},
    "flag": {"type": "integer", "enum": [0, 1]},
    "choice": {"type": "string"},
}


def json_schema(table: Table) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of one row of a table."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table.name,
        "description": f"compact: {table.meaning}" if table.compact else table.meaning,
        "type": "object",
        "properties": {c.name: _property(c) for c in table.columns},
        "required": [c.name for c in table.columns if c.required],
        "x-key": list(table.key),
    }


def _property(c: Column) -> dict[str, object]:
    meaning = f"{c.meaning}; must be in {c.refers}" if c.refers else c.meaning
    about = {**_JSON_TYPES[c.kind], "description": meaning}
    if c.choices:
        about["enum"] = list(c.choices)
    if c.kind == "number":
        about |= {k: v for k, v in (("minimum", c.low), ("maximum", c.high)) if v is not None}
    return about


def data_dictionary(tables: Iterable[Table]) -> str:
    """Return tables and their columns as Markdown."""
    lines: list[str] = []
    for table in tables:
        form = " (compact form)" if table.compact else ""
        lines += [
            f"### {table.name}{form}",
            "",
            f"{table.meaning}; key: {' + '.join(table.key) or 'none'}",
            "",
            "| column | kind | required | meaning |",
            "|---|---|---|---|",
        ]
        for c in table.columns:
            limits = f", {c.low:g} to {c.high:g}" if c.low is not None and c.high is not None else ""
            words = f" ({', '.join(c.choices)})" if c.choices else ""
            refers = f"; in {c.refers}" if c.refers else ""
            lines.append(
                f"| `{c.name}` | {c.kind}{limits} | {'yes' if c.required else ''} | {c.meaning}{words}{refers} |"
            )
        lines.append("")
    return "\n".join(lines)
