"""The dwells and the grid that the flags of ``hdrplan dose`` describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hdrplan.cli.case import read_plan_for
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.geometry import Grid
    from hdrplan.plan import Plan

__all__ = ["grid_of_flags", "plan_of_flags"]


def plan_of_flags(path: Path | None, dwells: Path | None, source: str | None, strength: str | None) -> Plan:
    """Return the plan of a file, or one made from a CSV file of dwells and the flags.

    Parameters
    ----------
    path : Path or None
        plan.json, or the folder that holds one.
    dwells : Path or None
        CSV file of dwells.
    source, strength : str or None
        They replace those of the plan; the CSV file needs them.

    Raises
    ------
    InputError
        Neither or both of plan and dwells; a CSV file without source or strength.
    """
    from dataclasses import replace

    from hdrplan.io import read_dwells_csv, read_source
    from hdrplan.plan import Plan
    from hdrplan.sources import strength_from_text

    if (path is None) == (dwells is None):
        raise InputError("say which dwells: either a PLAN or --dwells")
    if path is not None:
        plan = read_plan_for(path)
        if source:
            plan = replace(plan, source=read_source(source))
        return replace(plan, strength=strength_from_text(strength)) if strength else plan
    assert dwells is not None
    if source is None or strength is None:
        raise InputError("dwells of a CSV file need --source and --strength")
    positions, times_s = read_dwells_csv(dwells)
    return Plan(dwells=positions, times_s=times_s, source=read_source(source), strength=strength_from_text(strength))


def grid_of_flags(plan: Plan, like: Path | None, spacing_mm: float | None, margin_mm: float) -> Grid:
    """Return the grid of an image, or one along the patient axes around the dwells.

    Parameters
    ----------
    plan : Plan
    like : Path or None
        Image whose grid is taken.
    spacing_mm : float or None
        Voxel size of a new grid.
    margin_mm : float
        Of the new grid, around the dwells.
    """
    from hdrplan.geometry import Grid
    from hdrplan.io import read_volume

    if like is not None:
        return read_volume(like).grid
    assert spacing_mm is not None
    return Grid.around(plan.dwells.positions_mm, spacing_mm=spacing_mm, margin_mm=margin_mm)
