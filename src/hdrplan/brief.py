"""How values show themselves in a console and a notebook: short, whatever arrays they hold."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["brief_html", "brief_repr", "html_table"]

_LONGEST = 60
_LISTED = 4


def brief_repr(value: Any) -> str:
    """Return class and fields of a dataclass on one line: arrays by their shapes, collections by what they hold.

    Put ``__repr__ = brief_repr`` into the class.
    """
    return f"{type(value).__name__}({', '.join(f'{name}={text}' for name, text in _rows(value))})"


def brief_html(value: Any) -> str:
    """Return the same as a table for notebooks. Put ``_repr_html_ = brief_html`` into the class."""
    return html_table(type(value).__name__, ("field", "value"), _rows(value))


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table in which every text is text.

    Parameters
    ----------
    caption : str
    head : sequence of str
    rows : iterable of sequences
    """
    lines = ["".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) for row in rows]
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>"
        + "".join(f"<th>{html.escape(name)}</th>" for name in head)
        + "</tr></thead><tbody>"
        + "".join(f"<tr>{line}</tr>" for line in lines)
        + "</tbody></table>"
    )


def _rows(value: Any) -> list[tuple[str, str]]:
    return [(field.name, _text(getattr(value, field.name))) for field in fields(value)]


def _text(value: object) -> str:
    if isinstance(value, np.ndarray):
        small = value.ndim == 1 and value.size <= _LISTED and value.dtype.kind in "fiu"
        return f"[{', '.join(f'{v:g}' for v in value)}]" if small else f"{value.dtype} array {value.shape}"
    if is_dataclass(value) and not isinstance(value, type):
        name = getattr(value, "name", None)
        return f"{type(value).__name__}({name!r})" if isinstance(name, str) else f"{type(value).__name__}(...)"
    if isinstance(value, Mapping):
        return f"{{{_listed(list(value), len(value))}}}"
    if isinstance(value, tuple | list):
        return f"({_listed([getattr(item, 'name', item) for item in value], len(value))})"
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _listed(items: list[object], count: int) -> str:
    """Short texts themselves; of others, and beyond the first few, how many there are."""
    shown = [_text(item) for item in items[:_LISTED]]
    rest = f", ... {count} in all" if count > _LISTED else ""
    return f"{', '.join(shown)}{rest}"
