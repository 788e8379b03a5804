"""The options that say how tables of text are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["text_options"]

F = TypeVar("F", bound=Callable[..., Any])


def text_options(function: F) -> F:
    """Add ``--encoding`` and ``--decimal``; the command gets them under these names."""
    decimal = click.option(
        "--decimal", type=click.Choice([".", ","]), default=".", show_default=True,
        help="Decimal mark of numbers in CSV files.",
    )  # fmt: skip
    encoding = click.option(
        "--encoding", metavar="NAME", default="utf-8", show_default=True,
        help="Encoding of CSV files: latin-1, cp1252, utf-16, ...",
    )  # fmt: skip
    return encoding(decimal(function))
