"""All problems of all tables at once, and the cohort they make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from hdrplan.cohort.cells import typed_tables
from hdrplan.cohort.checks import id_problems, order_problems
from hdrplan.cohort.model import Cohort
from hdrplan.cohort.problems import Problem, raise_errors
from hdrplan.cohort.rows import RawTable
from hdrplan.cohort.rules import Rules
from hdrplan.cohort.stories import cohort_of, full_tables
from hdrplan.cohort.story_checks import story_problems
from hdrplan.cohort.tables import TABLES
from hdrplan.cohort.units import dose_problems, size_problems

__all__ = ["checked_cohort", "validate"]


def validate(
    raw: Mapping[str, RawTable], rules: Rules, *, today: dt.date, of_files: Iterable[Problem] = ()
) -> tuple[Cohort, tuple[Problem, ...]]:
    """Return the cohort as far as it can be read, and everything that is wrong or worth knowing.

    Parameters
    ----------
    raw : mapping of table name to RawTable
    rules : Rules
        Their windows and gaps are part of the checks.
    today : datetime.date
        Dates after it are errors.
    of_files : iterable of Problem
        What the reader of the files noted already.

    Returns
    -------
    cohort : Cohort
    problems : tuple of Problem
        Errors first, then by table and row.
    """
    typed, cells = typed_tables(raw, today=today)
    tables = full_tables(typed)
    cohort = cohort_of(tables)
    problems = [*of_files, *cells, *id_problems(tables), *order_problems(tables)]
    problems += [*size_problems(tables), *dose_problems(tables), *story_problems(tables, cohort, rules)]
    order = {name: i for i, name in enumerate(TABLES)}
    problems.sort(key=lambda p: (not p.is_error, order.get(p.table, 99), p.row or 0))
    return cohort, tuple(problems)


def checked_cohort(
    raw: Mapping[str, RawTable],
    rules: Rules,
    *,
    today: dt.date,
    accept: Iterable[str] = (),
    of_files: Iterable[Problem] = (),
) -> tuple[Cohort, tuple[Problem, ...]]:
    """Return the cohort and its warnings.

    Parameters
    ----------
    raw : mapping of table name to RawTable
    rules : Rules
        Their windows and gaps are part of the checks.
    today : datetime.date
        Dates after it are errors.
    accept : iterable of str
        Errors that were checked and are true.
    of_files : iterable of Problem
        What the reader of the files noted already.

    Returns
    -------
    cohort : Cohort
    problems : tuple of Problem

    Raises
    ------
    InputError
        An error that was not accepted by name.
    """
    cohort, problems = validate(raw, rules, today=today, of_files=of_files)
    raise_errors(problems, accept)
    return cohort, problems
