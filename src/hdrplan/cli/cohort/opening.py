"""The cohort that a command works on: which tables, by which rules, with which errors accepted."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cautions import caution
from hdrplan.cli.common import strict_option, warn
from hdrplan.cli.flags import in_flags
from hdrplan.cli.inputs import IN_COHORT
from hdrplan.cli.text_options import text_options
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.cohort import Cohort, Problem, RawTable, Rules

__all__ = ["CohortRequest", "OpenCohort", "cohort_options", "open_cohort", "problems_in_flags", "warning_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortRequest:
    """What the options say of a cohort.

    Parameters
    ----------
    path : Path
        Folder of tables, or workbook.
    rule_set : str or None
        Name of the rule set; None: what the study table says, else the recommended one.
    changes : tuple of str
        NAME=VALUE of rules.
    accept : tuple of str
        Errors that were checked and are true.
    today : str or None
        Dates after this day are errors.
    encoding, decimal : str
        How CSV files are written.
    """

    path: Path
    rule_set: str | None
    changes: tuple[str, ...]
    accept: tuple[str, ...]
    today: str | None
    encoding: str
    decimal: str

    def tables(self) -> tuple[dict[str, RawTable], list[Problem]]:
        """Return the tables, and what is wrong with their files."""
        from hdrplan.io import TextForm, read_cohort

        return read_cohort(self.path, TextForm(self.encoding, self.decimal))

    def day(self) -> dt.date:
        """Return the day after which dates are errors."""
        if self.today is None:
            return dt.date.today()
        try:
            return dt.date.fromisoformat(self.today)
        except ValueError:
            raise InputError("--today must be a date YYYY-MM-DD", got=self.today) from None

    def rules(self, raw: Mapping[str, RawTable]) -> Rules:
        """Return the rules, by the options and the cohort's own study table."""
        from hdrplan.cohort import rules_from

        rule_set, study = self.rule_set, raw.get("study")
        if rule_set is None and study is not None and "rules" in study.columns and study.rows:
            rule_set = dict(zip(study.columns, study.rows[0], strict=False))["rules"].strip() or None
        pairs = {name: value for name, _, value in (change.partition("=") for change in self.changes)}
        return rules_from(rule_set or "recommended", pairs)


@dataclass(frozen=True, slots=True)
class OpenCohort:
    """A cohort without errors that were not accepted, its warnings, and the rules it is judged by."""

    cohort: Cohort
    problems: tuple[Problem, ...]
    rules: Rules


def cohort_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the cohort argument and the options that every step shares; the command gets them as ``request``."""

    @functools.wraps(function)
    def call(cohort: Path, **options: Any) -> None:
        shared = {f.name: options.pop(f.name) for f in fields(CohortRequest) if f.name != "path"}
        function(request=CohortRequest(path=cohort, **shared), **options)

    command: Callable[..., None] = strict_option(text_options(call))
    for option in (
        click.option("--today", metavar="DATE", help="Dates after this day are errors (default: today)."),
        click.option(
            "--accept", multiple=True, metavar="RULE", help="Accept this error as checked and true; repeatable."
        ),
        click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change one rule; repeatable."),
        click.option("--rules", "rule_set", help="Rule set: recommended (default) or paper."),
        click.argument("cohort", type=IN_COHORT),
    ):
        command = option(command)
    return command


def open_cohort(request: CohortRequest) -> OpenCohort:
    """Read and check a cohort for a command that needs it whole; prints its warnings, refuses its errors."""
    from hdrplan.cohort import checked_cohort

    raw, noted = request.tables()
    rules = request.rules(raw)
    cohort, problems = checked_cohort(raw, rules, today=request.day(), accept=request.accept, of_files=noted)
    counts = Counter(problem.rule for problem in problems)
    warn(caution("tables-doubted", count=count, rule=rule) for rule, count in sorted(counts.items()))
    return OpenCohort(cohort, problems_in_flags(problems), rules)


def problems_in_flags(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems with remedies in the words of the command line."""
    return tuple(replace(problem, remedy=in_flags(problem.remedy)) for problem in problems)


def warning_words(opened: OpenCohort) -> str:
    """Return what the checks of the tables had to say, in one sentence; empty if nothing."""
    rules = sorted({p.rule for p in opened.problems})
    return f"{len(opened.problems)} warnings of the tables ({', '.join(rules)})." if rules else ""
