"""``hdrplan cohort``: tables of a cohort, checked, and the endpoints that follow from them."""

from __future__ import annotations

import click

from hdrplan.cli.cohort.accumulate import accumulate
from hdrplan.cli.cohort.derive import derive
from hdrplan.cli.cohort.describe import describe
from hdrplan.cli.cohort.template import template
from hdrplan.cli.cohort.validate import validate

__all__ = ["command"]


@click.group("cohort", short_help="Work with cohort tables: templates, checks, endpoints, summaries.")
def command() -> None:
    """Work with the tables of a cohort: write empty tables, check them, derive endpoints, describe the cohort.

    \b
    Examples:
      hdrplan cohort template -o my-cohort
      hdrplan cohort validate sample/cohort
      hdrplan cohort derive sample/cohort -o endpoints
      hdrplan cohort describe sample/cohort -o tables
    """


for _step in (template, validate, derive, describe, accumulate):
    command.add_command(_step)
