"""Prescriptions that hold where the catheters, the source or the contours lie elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.point_rows import EveryPoint, cubes_of

__all__ = ["Scenario", "scenario_name", "scenario_rows"]

# CTV -> (n_points of the CTV, n_dwells) rates in Gy/s, rows as in the problem's points.
Scenario = Mapping[str, FloatArray]


def scenario_name(number: int) -> str:
    """Name under which the rows of a scenario stand in a program, and their multipliers in its solutions."""
    return f"scenario {number}"


def scenario_rows(
    program: Program, scenarios: Sequence[Scenario], which: Sequence[int], *, missable: bool = False
) -> list[list[EveryPoint]]:
    """Return for each scenario some requirements of a program as rows of its rates; they are not entered yet.

    Parameters
    ----------
    program : Program
    scenarios : sequence of Scenario
    which : sequence of int
        Numbers of the requirements, prescriptions.
    missable : bool
        Whether a requirement's miss counts in the scenarios too.

    Raises
    ------
    InputError
        A matrix of another shape.
    """
    listed: list[list[EveryPoint]] = []
    for number, rates in enumerate(scenarios):
        families = []
        for k in which:
            requirement = program.listed[k]
            matrix, rows = rates[requirement.structure], requirement.rows
            if matrix.shape != (rows.stop - rows.start, program.n):
                raise InputError(
                    f"a scenario needs the rates of all points of {requirement.structure}",
                    got=matrix.shape,
                    where=number,
                )
            cubes, slack_column = cubes_of(program.points.points_mm[rows]), program.n + k if missable else None
            families.append(
                EveryPoint(
                    scenario_name(number), matrix, requirement.limit, 1, cubes, program.columns,
                    slack_column=slack_column,
                )
            )  # fmt: skip
        listed.append(families)
    return listed
