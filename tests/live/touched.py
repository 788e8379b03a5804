"""What tests of a session touch and compare."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.dose import dose_at_points
from hdrplan.live import PlanState, Session, Shown
from tolerances import TABLE, TABLE_NEAR


def holds_together(shown: Shown) -> None:
    """Dose and metrics are those of the plan on the screen, by another way than that of the session.

    A plan of the optimiser that was not proven yet has its dose by tables: as near as these promise to be.
    """
    exact = shown.state in (PlanState.PROVEN, PlanState.BY_HAND)
    near, of_mean = (1e-9, 1e-9) if exact else (TABLE_NEAR, TABLE)
    plan = shown.plan
    dose = dose_at_points(plan.dwells, plan.times_s, shown.points.points_mm, plan.source, strength_u=plan.strength_u)
    np.testing.assert_allclose(shown.dose_gy, dose.gy, rtol=near)
    for name in shown.points.names:
        rows = shown.points.rows(name)
        mean_gy = np.average(dose.gy[rows], weights=shown.points.volume_cc[rows])
        assert shown.score.structure(name).mean_gy == pytest.approx(mean_gy, rel=of_mean)
        assert shown.dvh(name).min_gy == shown.dose_gy[rows].min()


def ctv(session: Session) -> str:
    return session.wishes.prescriptions[0].structure


def moved(point_mm: np.ndarray, *by_mm: float) -> tuple[float, ...]:
    return tuple((np.asarray(point_mm) + by_mm).tolist())


def hottest(session: Session) -> dict[str, object]:
    plan = session.shown.plan
    k = int(plan.times_s.argmax())
    name = plan.dwells.catheter_names[plan.dwells.catheter[k]]
    return {"catheter": name, "offset_mm": float(plan.dwells.offset_mm[k])}


def with_second_catheter(session: Session) -> Shown:
    first = session.wishes.catheters[0].points_mm
    return session.do("add_catheter", tip_mm=moved(first[-1], 0.0, 4.0, 4.0), entry_mm=moved(first[0], 0.0, 4.0, 4.0))
