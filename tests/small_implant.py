"""A sphere of 20 mm in a liver of 40 mm with two catheters, planned with equal times: small enough to do by hand."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Catheter, Grid, Structure, dwell_positions
from hdrplan.plan import Case, Goals, Plan, Prescription
from hdrplan.sources import Strength, load_source


def small_implant() -> tuple[Case, Goals, Plan]:
    """Return case, goals and plan."""
    grid = Grid(shape_zyx=(24, 24, 24), origin_mm=[0, 0, 0], spacing_mm=[2, 2, 2])
    distance = np.linalg.norm(grid.points_mm() - 23.0, axis=1).reshape(24, 24, 24)
    ctv = Structure(name="lesion", role="CTV", grid=grid, mask_zyx=distance < 10)
    liver = Structure(name="liver", role="OAR", grid=grid, mask_zyx=distance < 20)
    catheters = [Catheter(f"c{k}", [[18.0 + 9 * k, 23, 0], [18.0 + 9 * k, 23, 38]]) for k in range(2)]
    case = Case(name="small", ct=None, structures=(ctv, liver), catheters=tuple(catheters), healthy="liver")
    dwells = dwell_positions(case.catheters, targets=case.ctvs)
    source = load_source("gammamed-12i")
    plan = Plan(dwells=dwells, times_s=np.full(len(dwells), 20.0), source=source, strength=Strength(40700.0))
    return case, Goals((Prescription("lesion", 20.0),)), plan
