"""What a page needs to show of a session: plain values, and the dose in the pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from hdrplan.dose import dose_field
from hdrplan.geometry import Grid, Volume
from hdrplan.live.session import Session
from hdrplan.live.shown import Shown
from hdrplan.live.tables import known
from hdrplan.live.wishes import AskedPrescription, stops_of
from hdrplan.plan import Case, Plan
from hdrplan.report import live_dvh
from hdrplan.workflow import PlanResult, Score

__all__ = ["DOSE_STEP_GY", "pictured_dose", "pictured_grid", "result_of", "state_of"]

# Pictures while somebody touches the plan: linear between points 2 mm apart an isodose of 20 Gy lies a tenth of a
# millimetre off where sources are a centimetre away.
_SPACING_MM = 2.0
# Isodoses of a quarter of the prescription end within this distance of a CTV.
_MARGIN_MM = 40.0
DOSE_STEP_GY = 0.01
_COLUMNS = ("d100_gy", "d98_gy", "d90_gy", "v150_frac", "d1cc_gy", "mean_gy", "v10gy_frac")


def pictured_grid(case: Case) -> Grid:
    """Return the grid of the dose in the pictures: coarse, around the CTVs.

    Parameters
    ----------
    case : Case
    """
    frame = case.ct.grid if case.ct is not None else case.ctvs[0].grid
    near = frame.cut_to(np.concatenate([ctv.voxels_mm for ctv in case.ctvs]), _MARGIN_MM)
    nz, ny, nx = near.shape_zyx
    count = np.maximum(1, np.ceil((np.array([nx, ny, nz]) - 1) * near.spacing_mm / _SPACING_MM).astype(int) + 1)
    return Grid(
        shape_zyx=(int(count[2]), int(count[1]), int(count[0])),
        origin_mm=near.origin_mm,
        spacing_mm=np.full(3, _SPACING_MM),
        direction=near.direction,
    )


def pictured_dose(plan: Plan, grid: Grid) -> Volume:
    """Return the dose of a plan on the grid of the pictures.

    On 207,000 points all dwells take a fifth of the time of one moved catheter's rates at each point.

    Parameters
    ----------
    plan : Plan
    grid : Grid
    """
    return dose_field(plan.dwells, plan.exposure_s, grid, plan.source, strength_u=plan.strength_u)


def result_of(session: Session, shown: Shown, dose: Volume) -> PlanResult:
    """Return the plan on the screen as the value that reports are made of.

    Parameters
    ----------
    session : Session
    shown : Shown
    dose : Volume
        Gy.
    """
    not_asked = dict.fromkeys(shown.points.names, float("nan"))
    return PlanResult(
        case=session.wishes.case_of(session.case_file.case),
        goals=shown.goals,
        plan=shown.plan,
        points=shown.points,
        dose_gy=shown.dose_gy,
        dose=dose,
        in_grid_frac=not_asked,
        extrapolated_frac=not_asked,
        score=shown.score,
        optimum=shown.optimum,
        seconds=shown.seconds,
    )


def state_of(session: Session, dose: Volume) -> dict[str, Any]:
    """Return everything that is on the screen, for JSON; numbers that are not known are None.

    Parameters
    ----------
    session : Session
    dose : Volume
        Of the plan on the screen.
    """
    shown, wishes = session.shown, session.wishes
    dwells, locked = shown.plan.dwells, wishes.locked_s
    return {
        "revision": session.revision,
        "state": shown.state.value,
        "text": shown.text,
        "reference_gy": shown.goals.doses[0].dose_gy,
        "prescriptions": _prescriptions(shown.score, wishes.prescriptions),
        "goals": _goals(session, shown.score),
        "catheters": [
            {"name": c.name, "on": c.name not in wishes.off, "points": c.points_mm.round(2).tolist()}
            for c in wishes.catheters
        ],
        "dwells": [
            {
                "catheter": name,
                "offset_mm": tenths / 10,
                "at": at.round(2).tolist(),
                "time_s": round(time_s, 3),
                "locked": (name, tenths) in locked,
            }
            for (name, tenths), at, time_s in zip(
                stops_of(dwells), dwells.positions_mm, shown.plan.times_s.tolist(), strict=True
            )
        ],
        "metrics": [
            {"name": s.name, "values": [_scaled(getattr(s, key, None), key) for key in _COLUMNS]}
            for s in shown.score.structures
        ],
        "history": list(session.history),
        "at": session.at,
        "kept": list(session.kept),
        "changed": list(session.changed_files),
        "dvh": live_dvh(result_of(session, shown, dose), shown.curves),
    }


def _prescriptions(score: Score, prescriptions: tuple[AskedPrescription, ...]) -> list[dict[str, Any]]:
    """Rows of prescriptions: what is off is not judged, what is reached is said."""
    hard, lower = ([p.structure for p in prescriptions if p.on and p.is_hard == is_hard] for is_hard in (True, False))
    # The order of Wishes.active: prescriptions first, those that are goals of a level last.
    judged = dict(
        zip([*hard, *lower], [*score.goals[: len(hard)], *score.goals[len(score.goals) - len(lower) :]], strict=True)
    )
    return [
        {
            "structure": p.structure,
            "value": p.dose_gy,
            "unit": "Gy",
            "level": p.level,
            "on": p.on,
            "reached": known(score.target(p.structure).d100_gy),
            "met": judged[p.structure].met if p.on else None,
        }
        for p in prescriptions
    ]


def _goals(session: Session, score: Score) -> list[dict[str, Any]]:
    judged = iter(score.goals[sum(p.is_hard for p in session.wishes.prescriptions) :])
    rows = []
    for number, asked in enumerate(session.wishes.goals):
        goal, result = asked.goal, next(judged, None) if asked.on else None
        factor, unit = (100.0, "%") if goal.metric.unit == "frac" else (1.0, goal.metric.unit)
        rows.append(
            {
                "number": number,
                "structure": goal.structure,
                "metric": goal.metric.text,
                "sense": goal.sense,
                "value": round(factor * goal.value, 6),
                "unit": unit,
                "level": goal.level,
                "on": asked.on,
                "reached": None if result is None else known(factor * result.reached),
                "met": None if result is None else result.met,
            }
        )
    return rows


def _scaled(value: float | None, key: str) -> float | None:
    return None if value is None else known(100.0 * value if key.endswith("_frac") else value)
