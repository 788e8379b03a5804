"""Warnings in a table's cells, as text, and how many rows have each kind: whoever reads a table of many is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from hdrplan.cautions import Caution, each_once

__all__ = ["warning_cell", "warning_counts"]

_ID = re.compile(r"(?:^|; )\[([a-z0-9-]+)\] ")


def warning_cell(cautions: Iterable[Caution]) -> str:
    """Return a row's warnings, each once: "[id] sentence; [id] sentence".

    Parameters
    ----------
    cautions : iterable of Caution
    """
    return "; ".join(f"[{caution.id}] {caution.sentence}" for caution in each_once(tuple(cautions)))


def warning_counts(cells: Iterable[str]) -> list[tuple[str, int]]:
    """Return in how many cells each kind of warning stands, by the kinds' ids.

    Parameters
    ----------
    cells : iterable of str
        Of :func:`warning_cell`.
    """
    return sorted(Counter(kind for cell in cells for kind in set(_ID.findall(cell))).items())
