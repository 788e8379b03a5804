"""The dossier of one plan: its folder's claims, each against a search, a program or a formula that is not hdrplan's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hdrplan.io import CaseFile
from hdrplan.validate.own_plan import OwnPlan, PlannedCase, read_own_plan
from hdrplan.validate.plan_bound import bound_rows, objective_rows
from hdrplan.validate.plan_rows import (
    PLAIN,
    SECTION,
    case_row,
    conformity_rows,
    delivery_rows,
    goals_row,
    grid_row,
    metric_rows,
)
from hdrplan.validate.row import Aim, Question, Row, judged, skipped
from hdrplan.validate.search import Cold, coldest
from hdrplan.validate.sessions_dossier import sessions_dossier
from hdrplan.validate.whole_times import of_plan

__all__ = ["plan_dossier"]

# (what is done, share of the work that is done).
Progress = Callable[[str, float], None]

_SEARCH = "descent from many starts on the continuous shape, TG-43 written plainly"
# A search ends a little above the true minimum: on rough surfaces it has many local ones.
_SEARCH_PCT = 0.05
_SEARCHES = 6
# Rounding of doses that two codes compute, and of the surface that two interpolations see.
_SAME_PCT = 1e-4
_NO_CASE = "Structures are needed: name the case that was planned beside its plan."


def plan_dossier(folder: Path, file: CaseFile | None, *, on_progress: Progress | None = None) -> list[Row]:
    """Check everything that the folder of a plan says.

    Parameters
    ----------
    folder : Path
        That ``hdrplan plan`` wrote, or ``hdrplan sessions``.
    file : CaseFile or None
        The case that was planned; without it only times and grid are checked.
    on_progress : callable, optional
        Called with (what is done, share of the work that is done).

    Returns
    -------
    list of Row

    Raises
    ------
    InputError
        A folder that is no plan's; a case that lacks its CTVs.
    """
    progress = on_progress or (lambda stage, share: None)
    progress("read", 0.0)
    if (folder / "sessions.json").is_file():
        return sessions_dossier(folder, file, progress)
    own = read_own_plan(folder)
    rows = delivery_rows(own)
    progress("dose grid", 0.02)
    rows.append(grid_row(own))
    if file is None:
        asked = Question(section=SECTION, what="metrics, D100, bound", source="the case")
        return [*rows, skipped(asked, why=_NO_CASE)]
    rows.insert(0, case_row(own.record, file))
    progress("metrics", 0.1)
    planned = PlannedCase.of(own, file)
    rows += [*metric_rows(own, planned), *conformity_rows(own, planned)]
    prescriptions, lowest_gy = planned.goals.doses, dict[str, float]()
    for k, prescription in enumerate(prescriptions):
        progress("D100", 0.2 + 0.1 * k / len(prescriptions))
        name = prescription.structure
        cold = _coldest(own, planned, name, seed=101 + k)
        rows += _d100_rows(own, planned, name, cold)
        lowest_gy[name] = float(planned.of_structure(name)[0].min())
        if "d100_lower_gy" in own.metrics.table("structures").table(name):
            lowest_gy[name] = min(lowest_gy[name], cold.minimum_gy)
    rows.append(goals_row(own, planned))
    progress("bound", 0.3)
    certificate = own.metrics.table("certificate", {})
    rows += objective_rows(own, planned, certificate)
    rows += bound_rows(own, planned, certificate, lambda share: progress("bound", 0.3 + 0.5 * share))
    progress("whole times", 0.8)
    return [*rows, *of_plan(own, planned, certificate, lowest_gy)]


def _coldest(own: OwnPlan, planned: PlannedCase, name: str, *, seed: int) -> Cold:
    """Search a CTV; again from other points where the proof knows a colder one, as on thin shapes with many minima."""
    stated = own.metrics.table("structures").table(name)
    enough_gy = stated.number("d100_upper_gy") * (1 + _SEARCH_PCT / 100) if "d100_upper_gy" in stated else np.inf
    cold = coldest(planned.points.shape(name), own.dose_gy, seed=seed)
    for more in range(1, _SEARCHES):
        if cold.minimum_gy <= enough_gy:
            break
        other = coldest(planned.points.shape(name), own.dose_gy, seed=seed + 1000 * more)
        cold = min(cold, other, key=lambda cold: cold.minimum_gy)
    return cold


def _d100_rows(own: OwnPlan, planned: PlannedCase, name: str, cold: Cold) -> list[Row]:
    stated = own.metrics.table("structures").table(name)
    d100_gy = stated.number("d100_gy")
    subject = f"{name}: minimum dose {cold.minimum_gy:.3f} Gy of {cold.looked_at:,} points"
    if stated.values.get("d100_lower_gy") is None:
        sampled_gy = float(planned.of_structure(name)[0].min())
        return [
            judged(
                Question(
                    section=SECTION,
                    what=f"{name}: D100 {d100_gy:.3f} Gy of the sample points",
                    source=PLAIN,
                    method="relative difference at the same points",
                ),
                100 * abs(d100_gy / sampled_gy - 1.0),
                Aim(value=_SAME_PCT),
            ),
            skipped(
                Question(section=SECTION, what=subject, source=_SEARCH),
                why=f"Nothing is claimed between the sample points, where D100 is {d100_gy:.3f} Gy.",
            ),
        ]
    lower_gy, upper_gy = stated.number("d100_lower_gy"), stated.number("d100_upper_gy")
    compared = [
        (subject, f"shortfall below the proven {lower_gy:.3f} Gy, that no point is to lie below",
         lower_gy - cold.minimum_gy, _SAME_PCT),
        (f"{name}: proven interval of D100, {lower_gy:.3f} to {upper_gy:.3f} Gy",
         "excess of the minimum dose found over the upper end of the interval",
         cold.minimum_gy - upper_gy, _SEARCH_PCT),
        (f"{name}: D100 {d100_gy:.3f} Gy", "distance from the proven interval",
         max(lower_gy - d100_gy, d100_gy - upper_gy), _SAME_PCT),
    ]  # fmt: skip
    return [
        judged(
            Question(section=SECTION, what=asked, source=_SEARCH, method=method),
            100 * max(0.0, off_gy) / max(upper_gy, 1e-3),
            Aim(value=aim),
        )
        for asked, method, off_gy, aim in compared
    ]
