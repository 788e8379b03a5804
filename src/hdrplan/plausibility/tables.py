"""Whether the columns of a study's table can be what they are taken for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from math import gcd

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution

__all__ = ["doubts_of_groups", "doubts_of_rows", "doubts_of_times"]

_FEWEST_ROWS, _FEWEST_DIFFERENT, _MOST_EQUAL = 20, 10, 1.5
# Of a table of a million rows these are looked for first.
_LOOKED_FOR = 50
# 1970 and 2050 as days since 1900, as Excel counts.
_CALENDAR = (25569.0, 55153.0)
_NINES = re.compile(r"9{2,6}")
_FAR = 3.0
_MANY_GROUPS, _FEW_ROWS = 10, 3


def doubts_of_rows(columns: Mapping[str, Sequence[str]]) -> list[Caution]:
    """Say where a table was pasted twice.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        Cells by column.
    """
    rows = len(next(iter(columns.values()), ()))
    if rows < _FEWEST_ROWS:
        return []
    first = set(islice(zip(*columns.values(), strict=True), _LOOKED_FOR))
    found = Counter(row for row in zip(*columns.values(), strict=True) if row in first)
    if min(found.values()) == 1:
        return []
    counts = Counter(zip(*columns.values(), strict=True))
    # Rows that were equal before stand there four times where the others stand twice; coarse columns have many such.
    times = gcd(*counts.values())
    if times == 1 or len(counts) < _FEWEST_DIFFERENT or rows > _MOST_EQUAL * times * len(counts):
        return []
    return [caution("rows-all-twice", times=times, rows=rows, different=len(counts))]


def doubts_of_times(times: FloatArray, column: str) -> list[Caution]:
    """Say where follow-up times are dates, or hold a code for what is missing.

    Parameters
    ----------
    times : (n,) array
        NaN where missing.
    column : str
        Its name.
    """
    known = np.unique(times[np.isfinite(times)])
    if len(known) < 2:
        return []
    doubts = []
    if known[0] >= _CALENDAR[0] and known[-1] <= _CALENDAR[1]:
        doubts.append(caution("times-of-calendar", column=column, low=float(known[0]), high=float(known[-1])))
    if _NINES.fullmatch(f"{known[-1]:g}") and known[-1] > _FAR * known[-2] > 0:
        doubts.append(caution("code-for-missing", column=column, value=float(known[-1]), next=float(known[-2])))
    return doubts


def doubts_of_groups(labels: Sequence[str], column: str) -> list[Caution]:
    """Say where groups are one group written in two ways, or a quantity.

    Parameters
    ----------
    labels : sequence of str
        Of each row.
    column : str
        Its name.
    """
    groups = sorted(set(labels))
    if len(groups) > _MANY_GROUPS and len(labels) < _FEW_ROWS * len(groups):
        return [caution("groups-many", column=column, groups=len(groups), rows=len(labels))]
    spelt: dict[str, str] = {}
    doubts = []
    for group in groups:
        other = spelt.setdefault("".join(group.split()).casefold(), group)
        if other != group:
            doubts.append(caution("groups-alike", one=other, other=group))
    return doubts
