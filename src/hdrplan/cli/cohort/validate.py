"""``hdrplan cohort validate``: everything that is wrong with the tables."""

from __future__ import annotations

import click

from hdrplan.cli.cohort.lines import problem_lines, problem_table
from hdrplan.cli.cohort.opening import CohortRequest, cohort_options, problems_in_flags
from hdrplan.cli.common import echo_lines, is_strict, json_option
from hdrplan.errors import InputError

__all__ = ["validate"]


@click.command("validate")
@cohort_options
@json_option
def validate(request: CohortRequest, as_json: bool) -> None:
    """List all errors and warnings in all tables: table, row, rule, remedy. Exit code 2 if there is an error.

    Rows are counted as in a spreadsheet: the header is row 1. With --strict a warning gives exit code 2, too.

    \b
    Examples:
      hdrplan cohort validate sample/cohort
      hdrplan cohort validate sample/cohort.xlsx --json
      hdrplan cohort validate sample/cohort --accept treated_without_plan
    """
    from hdrplan.cohort import raise_errors
    from hdrplan.cohort import validate as problems_of
    from hdrplan.io import json_text

    raw, noted = request.tables()
    problems = problems_in_flags(problems_of(raw, request.rules(raw), today=request.day(), of_files=noted)[1])
    if as_json:
        click.echo(json_text(problem_table(problems, request.accept)), nl=False)
    else:
        echo_lines(problem_lines(problems, request.accept, len(raw)))
    raise_errors(problems, request.accept)
    if problems and is_strict():
        raise InputError(
            "with --strict no warning may be left",
            got=f"{len(problems)}",
            where=request.path,
            remedy="Correct the tables, or leave --strict out.",
        )
