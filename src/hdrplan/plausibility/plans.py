"""Whether a plan belongs to a case: its dwells on the case's catheters, its source and strength the case's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Catheter, Dwells
from hdrplan.plan import Case, Plan
from hdrplan.sources import Strength, TG43Source

__all__ = ["doubts_of_dwells", "doubts_of_plan", "is_off_catheters"]

# The width of a 6F catheter: dwells of a plan lie on the catheter's line to rounding.
_OFF_MM = 2.0
_STRENGTH_FRAC = 0.01


def doubts_of_dwells(dwells: Dwells) -> list[Caution]:
    """Say in which catheters the source points away from the tip, by its own dwells' order."""
    doubts = []
    for k, name in enumerate(dwells.catheter_names):
        rows = np.flatnonzero(dwells.catheter == k)
        rows = rows[np.argsort(dwells.offset_mm[rows], kind="stable")]
        if len(rows) < 2:
            continue
        to_tip = dwells.positions_mm[rows[:-1]] - dwells.positions_mm[rows[1:]]
        against = ((to_tip * dwells.axes[rows[1:]]).sum(axis=1) < 0).sum()
        if against:
            doubts.append(caution("plan-axes-reversed", catheter=name, count=int(against), of=len(rows)))
    return doubts


def doubts_of_plan(plan: Plan, case: Case, source: TG43Source, strength: Strength) -> list[Caution]:
    """Say what of a plan does not fit the case that it is used with.

    Parameters
    ----------
    plan : Plan
    case : Case
    source : TG43Source
        The case's.
    strength : Strength
        The case's.
    """
    doubts = _catheters(plan.dwells, case.catheters)
    if plan.source.model != source.model:
        doubts.append(caution("plan-other-source", plan=plan.source.name, case=source.name))
    if abs(plan.strength_u / strength.value_u - 1.0) > _STRENGTH_FRAC:
        doubts.append(caution("plan-other-strength", plan_u=plan.strength_u, case_u=strength.value_u))
    return doubts


def _catheters(dwells: Dwells, catheters: Sequence[Catheter]) -> list[Caution]:
    if not catheters:
        return []
    lines = {catheter.name: catheter for catheter in catheters}
    doubts: list[Caution] = []
    off: list[FloatArray] = []
    for k, name in enumerate(dwells.catheter_names):
        positions_mm = dwells.positions_mm[dwells.catheter == k]
        if not len(positions_mm):
            continue
        if name not in lines:
            doubts.append(caution("plan-other-catheters", name=name))
            continue
        off.append(_off_mm(lines[name], positions_mm))
    away = np.concatenate(off) if off else np.empty(0)
    if (away > _OFF_MM).any():
        doubts.append(caution("plan-off-catheters", count=int((away > _OFF_MM).sum()), mm=float(away.max())))
    return doubts


def is_off_catheters(dwells: Dwells, catheters: Sequence[Catheter]) -> bool:
    """Whether no dwell of a plan lies on any catheter of a case: it is a plan for another case.

    Parameters
    ----------
    dwells : Dwells
    catheters : sequence of Catheter
        None tell nothing.
    """
    if not catheters or not len(dwells):
        return False
    return all((_off_mm(catheter, dwells.positions_mm) > _OFF_MM).all() for catheter in catheters)


def _off_mm(catheter: Catheter, positions_mm: FloatArray) -> FloatArray:
    """Distance of dwells from the catheter's line, to half a millimetre."""
    path = catheter.points_mm
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    at = np.linspace(0.0, along[-1], max(2, int(2 * along[-1])))
    line = np.column_stack([np.interp(at, along, path[:, k]) for k in range(3)])
    return np.asarray(cKDTree(line).query(positions_mm)[0])
