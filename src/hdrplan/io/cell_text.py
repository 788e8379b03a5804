"""Text of typed cells: what a CSV would hold in place of a cell of Excel or Parquet."""

from __future__ import annotations

import datetime as dt
import math

__all__ = ["cell_text"]


def cell_text(value: object) -> str:
    """Return the text of a typed cell, as a CSV would have it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        # As a spreadsheet saves it: a flag, and never the number 1.
        return str(value).upper()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
