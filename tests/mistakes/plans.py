"""Mistakes with plan.json: edited, of another case, of another day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mistake import Shelf

from body_case import Given

PLANS = Shelf("Plans on a case")


@dataclass
class PlanGiven:
    """A plan.json and the case that it is used with."""

    plan: dict[str, Any]
    given: Given

    @property
    def dwells(self) -> list[dict[str, Any]]:
        """Rows of the plan."""
        rows: list[dict[str, Any]] = self.plan["dwells"]
        return rows

    def total(self) -> None:
        """State the totals that the times have."""
        self.plan["total_time_s"] = sum(row["time_s"] for row in self.dwells)
        self.plan["trak_gy"] = self.plan["total_time_s"] * 40700.0 * 1e-6 / 3600.0


@PLANS("a dwell time changed by hand", warns="plan-total-differs")
def time_by_hand(it: PlanGiven) -> None:
    it.dwells[0]["time_s"] += 30.0


@PLANS("a dwell deleted by hand", warns="plan-total-differs")
def dwell_deleted(it: PlanGiven) -> None:
    del it.dwells[2]


@PLANS("times in minutes", warns="plan-total-differs")
def times_in_minutes(it: PlanGiven) -> None:
    for row in it.dwells:
        row["time_s"] /= 60.0


@PLANS("the strength changed by hand: TRAK is that of another source", warns="plan-total-differs")
def strength_by_hand(it: PlanGiven) -> None:
    it.plan["strength"]["value_u"] = 30000.0


@PLANS("one dwell twice", warns="plan-dwell-twice")
def dwell_twice(it: PlanGiven) -> None:
    it.dwells.insert(1, dict(it.dwells[0]))
    it.total()


@PLANS("a dwell moved by hand", warns="plan-offsets-differ")
def dwell_moved(it: PlanGiven) -> None:
    it.dwells[1]["position_mm"][1] += 8.0


@PLANS("axes that point to the hub", warns="plan-axes-reversed")
def axes_reversed(it: PlanGiven) -> None:
    for row in it.dwells:
        row["axis"] = [-a for a in row["axis"]]


@PLANS("positions in RAS", refuses="the plan must be one of this case")
def positions_in_ras(it: PlanGiven) -> None:
    for row in it.dwells:
        x, y, z = row["position_mm"]
        row["position_mm"], row["axis"] = [-x, -y, z], [-row["axis"][0], -row["axis"][1], row["axis"][2]]


@PLANS("offsets counted from the hub", warns="plan-axes-reversed")
def offsets_from_hub(it: PlanGiven) -> None:
    for row in it.dwells:
        row["offset_mm"] = 100.0 - row["offset_mm"]


@PLANS("one catheter was moved after the plan", warns="plan-off-catheters")
def catheter_moved(it: PlanGiven) -> None:
    (name, points), *others = it.given.catheters
    it.given.catheters = [(name, points + 4.0), *others]


@PLANS("all catheters were moved after the plan", refuses="the plan must be one of this case")
def catheters_moved(it: PlanGiven) -> None:
    it.given.catheters = [(name, points + 4.0) for name, points in it.given.catheters]


@PLANS("a plan for other catheters", warns="plan-other-catheters")
def other_catheters(it: PlanGiven) -> None:
    it.given.catheters = [(f"needle {name}", points) for name, points in it.given.catheters]


@PLANS("a plan of an earlier scan", refuses="the plan must be one of this case")
def earlier_scan(it: PlanGiven) -> None:
    it.given.ct = it.given.ct + 1


@PLANS("a plan for a source of another day", warns="plan-other-strength")
def another_day(it: PlanGiven) -> None:
    it.given.table["source"]["strength_u"] = 33000.0


@PLANS("a plan for another source model", warns="plan-other-source")
def another_source(it: PlanGiven) -> None:
    it.given.table["source"]["name"] = "flexisource"


@PLANS("a negative dwell time", refuses="time_s")
def negative_time(it: PlanGiven) -> None:
    it.dwells[0]["time_s"] = -5.0


@PLANS("a dwell of a catheter that is not listed", refuses="named catheter")
def unlisted_catheter(it: PlanGiven) -> None:
    it.dwells[0]["catheter"] = 7


@PLANS("axes that are no unit vectors", refuses="unit vectors")
def long_axes(it: PlanGiven) -> None:
    it.dwells[0]["axis"] = [0.0, 0.0, 2.0]


@PLANS("the source's tables edited under a packaged name", refuses="source")
def tables_edited(it: PlanGiven) -> None:
    it.plan["source"]["dose_rate_constant"] = 1.5


@PLANS("times in milliseconds", warns="plan-time-long")
def milliseconds(it: PlanGiven) -> None:
    for row in it.dwells:
        row["time_s"] *= 1000.0
    it.total()


@PLANS("a plan for a source with a digit lost", warns="strength-unusual")
def plan_with_digit_lost(it: PlanGiven) -> None:
    it.plan["strength"]["value_u"] = 4070.0
