"""``hdrplan survival``: survival statistics of any tidy CSV table, as text or JSON."""

from __future__ import annotations

import click

from hdrplan.cli.survival import curves, cutoff, models, predict, scores, tests

__all__ = ["command"]


@click.group()
def command() -> None:
    """Compute survival statistics of a tidy CSV table with one row for each patient or lesion.

    Times may have any unit, the same in all rows. Results agree with R (docs/reference/statistics.md). Rows with
    missing values are an error unless you pass --drop-missing.

    \b
    Examples:
      hdrplan survival km sample/lesions.csv --time days --event recurred --group type
      hdrplan survival cox sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm \\
          --cluster patient
      hdrplan survival cutoff sample/lesions.csv --time days --event recurred --covariates d100_gy,diameter_mm
      hdrplan survival npmle sample/lesions.csv --left last_clean --right first_bad --json
    """


for _module in (curves, tests, models, predict, scores, cutoff):
    for _name in _module.__all__:
        command.add_command(getattr(_module, _name))
