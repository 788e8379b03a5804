"""Prescriptions that hold where the catheters, the source or the contours lie elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.optimize.program.cubes import cubes_of
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.point_rows import LimitedPoints
from hdrplan.optimize.proof import InScenario

__all__ = ["Scenario", "scenario_rows"]

# CTV -> (n_points of the CTV, n_dwells) rates in Gy/s, rows as in the problem's points.
Scenario = Mapping[str, FloatArray]


def scenario_rows(
    program: Program, scenarios: Sequence[Scenario], which: Sequence[int], *, missable: bool = False
) -> list[list[LimitedPoints]]:
    """Return for each scenario the points of some requirements at its rates; they are not entered yet.

    Parameters
    ----------
    program : Program
    scenarios : sequence of Scenario
    which : sequence of int
        Numbers of the requirements, prescriptions.
    missable : bool
        Whether a requirement's miss counts in the scenarios too.

    Returns
    -------
    list of lists of LimitedPoints
        For each scenario one for each requirement.

    Raises
    ------
    InputError
        A matrix of another shape.
    """
    return [
        [_points(program, rates, k, number, missable=missable) for k in which] for number, rates in enumerate(scenarios)
    ]


def _points(program: Program, rates: Scenario, k: int, number: int, *, missable: bool) -> LimitedPoints:
    requirement = program.requirements[k]
    matrix, rows = rates[requirement.structure], requirement.rows
    if matrix.shape != (rows.stop - rows.start, program.columns.n_dwells):
        raise InputError(
            f"a scenario needs the rates of all points of {requirement.structure}", got=matrix.shape, where=number
        )
    return LimitedPoints(
        owner=InScenario(number, requirement.id),
        gy_per_s=matrix,
        limit_gy=requirement.limit,
        sense=1,
        cubes=cubes_of(program.problem.points.points_mm[rows]),
        n_columns=program.columns.count,
        earlier_gy=np.zeros(len(matrix)),
        miss_column=program.columns.n_dwells + k if missable else None,
    )
