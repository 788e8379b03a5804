"""The check of a user's own plan: what its folder says, computed again from its dwells and times."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hdrplan.door import Entries
from hdrplan.io import CaseFile
from hdrplan.validate.grid_search import worst_voxel
from hdrplan.validate.own_conformity import own_conformity
from hdrplan.validate.own_metrics import metric_of, metrics_of
from hdrplan.validate.own_plan import Delivered, OwnPlan, PlannedCase
from hdrplan.validate.row import Aim, Question, Row, judged

__all__ = [
    "PLAIN",
    "SECTION",
    "case_row",
    "conformity_rows",
    "delivery_rows",
    "goals_row",
    "grid_row",
    "metric_rows",
    "total_rows",
]

SECTION = "Plan"
PLAIN = "TG-43U1 eq. 1, written plainly"
# Sums in another order, and the roundoff of the formula near the axis.
_SAME_PCT = 1e-5
# Two codes may put one of ten thousand points on either side of a dose: its volume is a few thousandths of a percent.
_METRIC_PCT = 0.01
_GRID_PCT = 0.1
# CN is another name of COIN.
_INDEX_KEYS = {"COIN": "coin", "CN": "coin", "HTCI": "htci", "PITV": "pitv"}
# Below these a figure is nothing: a relative difference of it would alarm without reason.
_SMALLEST = 1e-3


def case_row(record: Entries, file: CaseFile) -> Row:
    """Say whether the case is the one that was planned, by the hashes of its files in the record of the run."""
    recorded = record.table("inputs_sha256").values
    other = sorted(name for name, digest in file.inputs.items() if recorded.get(name, digest) != digest)
    absent = sorted(set(recorded) ^ set(file.inputs))
    row = judged(
        Question(
            section=SECTION,
            what=f"files of the case, {len(recorded)} recorded",
            source="SHA-256 in run.json",
            method="files that are not those that were planned",
        ),
        float(len(other)),
        Aim(value=0.0, unit="files"),
    )
    if other:
        return _noted(row, f"Others than planned: {', '.join(other)}.")
    if absent:
        return _noted(row, f"Recorded or given, but not both: {', '.join(absent)}.", explained=True)
    return row


def _noted(row: Row, note: str, *, explained: bool = False) -> Row:
    state = "explained" if explained else row.state
    return Row(question=row.question, tolerance=row.tolerance, result=row.result, state=state, note=note)


def delivery_rows(own: OwnPlan) -> list[Row]:
    """Check times, their sums, and whether an afterloader can deliver them."""
    plan, by_catheter = own.plan, own.metrics.table("plan").table("catheters")
    apart_s = max(
        (
            abs(by_catheter.table(name).number("time_s") - float(plan.times_s[plan.dwells.catheter == k].sum()))
            for k, name in enumerate(plan.dwells.catheter_names)
        ),
        default=0.0,
    )
    of_catheters = judged(
        Question(
            section=SECTION,
            what="times of the catheters",
            source="sums of the dwell times of plan.json",
            method="largest difference to metrics.json",
        ),
        apart_s,
        Aim(value=1e-6, unit="s"),
    )
    return [*total_rows(own, {"metrics.json": own.metrics.table("plan")}), of_catheters]


def total_rows(own: Delivered, others: Mapping[str, Entries]) -> list[Row]:
    """Check the sums of the times, and whether an afterloader can deliver these.

    Parameters
    ----------
    own : Delivered
    others : mapping
        Name of a file beside plan.json that states the total time too, and maybe the air kerma -> what it says.
    """
    plan, named = own.plan, " and ".join(("plan.json", *others))
    tables = (own.stated, *others.values())
    total_s = float(sum(plan.times_s.tolist()))
    trak_gy = plan.strength_u * total_s / 3600.0 / 1e6
    total_off_s = max(abs(table.number("total_time_s") - total_s) for table in tables)
    trak_off = max(abs(table.number("trak_gy") - trak_gy) for table in tables if "trak_gy" in table.values)
    used = f"{int((plan.times_s > 0).sum())} stops"
    compared = [
        (f"total time {total_s:.1f} s of {used}", "sum of the dwell times of plan.json",
         f"difference to {named}", total_off_s, Aim(value=1e-6, unit="s")),
        (f"total reference air kerma {1e6 * trak_gy:.1f} uGy at 1 m", "strength times total time (ICRU 89)",
         f"difference to {named}", 100 * trak_off / max(trak_gy, 1e-12), Aim(value=_SAME_PCT)),
        ("dwell times that the afterloader can deliver", "options of run.json",
         "farthest from a whole step, below the shortest or above the longest time", _undeliverable_s(own),
         Aim(value=1e-6, unit="s")),
    ]  # fmt: skip
    return [
        judged(Question(section=SECTION, what=subject, source=truth, method=method), off, aim)
        for subject, truth, method, off, aim in compared
    ]


def _undeliverable_s(own: Delivered) -> float:
    options, times_s = own.options, np.delete(own.plan.times_s, own.locked)
    times_s = times_s[times_s > 0]
    step_s = options.time_step_s
    off = np.abs(times_s - step_s * np.rint(times_s / step_s)) if step_s else np.zeros(len(times_s))
    off = np.maximum(off, options.min_dwell_s - times_s)
    off = np.maximum(off, times_s - options.max_dwell_s - step_s)
    return float(off.max(initial=0.0))


def grid_row(own: OwnPlan) -> Row:
    """Compare the dose grid with the formula, where a search finds it worst."""
    field, plan = own.results.dose, own.plan
    worst = worst_voxel(field, plan.dwells, plan.source, own.dose_gy)
    return judged(
        Question(
            section=SECTION,
            what=f"dose.nrrd, {field.grid.size:,} voxels; worst of {worst.looked_at:,} looked at, on the axes too",
            source=PLAIN,
            method="largest deviation beyond 1 mm from every capsule",
        ),
        100 * worst.deviation_frac,
        Aim(value=_GRID_PCT),
    )


def metric_rows(own: OwnPlan, planned: PlannedCase) -> list[Row]:
    """Compute every dose-volume figure of metrics.json and the curves of dvh.csv again."""
    structures = own.metrics.table("structures")
    rows = []
    for name in structures:
        stated = structures.table(name)
        if name not in planned.points.names:
            rows.append(_of_structure(name, 0, np.inf))
            continue
        ours = metrics_of(*planned.of_structure(name), planned.prescription_gy(name))
        rows_of = planned.points.rows(name)
        ours["extrapolated_pct"] = own.unpublished_pct(
            planned.points.points_mm[rows_of], planned.points.volume_cc[rows_of]
        )
        ours["points"] = float(len(planned.of_structure(name)[0]))
        both = [key for key in ours if stated.values.get(key) is not None]
        off = max((_apart(stated.number(key), ours[key]) for key in both), default=np.inf)
        rows.append(_of_structure(name, len(both), 100 * off))
    return [*rows, _dvh_row(own, planned)]


def _of_structure(name: str, figures: int, off_pct: float) -> Row:
    return judged(
        Question(
            section=SECTION,
            what=f"{name}: {figures} figures of metrics.json",
            source=f"{PLAIN}, at the sample points; points sorted and summed",
            method="largest relative difference",
        ),
        off_pct,
        Aim(value=_METRIC_PCT),
    )


def _apart(stated: float, ours: float) -> float:
    return abs(stated - ours) / max(abs(ours), _SMALLEST)


def _dvh_row(own: OwnPlan, planned: PlannedCase) -> Row:
    off = 0.0
    for name, (levels_gy, stated_cc) in own.results.dvh.items():
        if name not in planned.points.names:
            off = np.inf
            continue
        dose_gy, volume_cc = planned.of_structure(name)
        order = np.argsort(dose_gy)
        below_cc = np.concatenate(([0.0], np.cumsum(volume_cc[order])))
        # Doses in the file have six digits: the curve may lie anywhere between those of neighbouring ones.
        at = [np.searchsorted(dose_gy[order], levels_gy * (1 + side * 1e-5), side="left") for side in (-1, 1)]
        highest_cc, lowest_cc = (volume_cc.sum() - below_cc[k] for k in at)
        outside = np.maximum(stated_cc - highest_cc, lowest_cc - stated_cc)
        off = max(off, float(outside.max(initial=0.0) / volume_cc.sum()))
    return judged(
        Question(
            section=SECTION,
            what=f"dvh.csv, {len(own.results.dvh)} curves",
            source=f"{PLAIN}, at the sample points; points sorted and summed",
            method="largest difference, of the structure's volume",
        ),
        100 * off,
        Aim(value=_METRIC_PCT),
    )


def conformity_rows(own: OwnPlan, planned: PlannedCase) -> list[Row]:
    """Compute the prescription isodose and the conformity indices of every CTV again."""
    rows = []
    for prescription in planned.goals.doses:
        name = prescription.structure
        stated = own.metrics.table("structures").table(name)
        if stated.values.get("isodose_cc") is None:
            continue
        ours, isodose_cc = own_conformity(own, planned, name), stated.number("isodose_cc")
        indices = ours.indices(isodose_cc)
        off = max(_apart(stated.number(key), value) for key, value in indices.items())
        compared = [
            (f"{name}: {isodose_cc:.2f} cc receive {prescription.dose_gy:g} Gy", f"{PLAIN}, at the voxels of dose.nrrd",
             "distance from the volumes at 0.999 and 1.001 of the dose", 100 * ours.off_cc(isodose_cc) / isodose_cc),
            (f"{name}: {', '.join(key.upper() for key in indices)}", "definitions, with volumes of the sample points",
             "largest relative difference", 100 * off),
        ]  # fmt: skip
        rows += [
            judged(Question(section=SECTION, what=asked, source=truth, method=method), off_pct, Aim(value=_METRIC_PCT))
            for asked, truth, method, off_pct in compared
        ]
    return rows


def goals_row(own: OwnPlan, planned: PlannedCase) -> Row:
    """Judge every goal again: the value reached, and whether it is met.

    Where D100 is proven, its goal speaks of the D100 that stands beside its interval.
    """
    structures = own.metrics.table("structures")
    goals = [p.goal for p in planned.goals.prescriptions] + list(planned.goals.goals)
    off, judged_otherwise = 0.0, []
    for goal, stated in zip(goals, own.metrics.tables("goals"), strict=True):
        if goal.metric.kind == "total_time":
            ours = own.plan.total_time_s
        elif goal.metric.kind == "conformity":
            isodose_cc = structures.table(goal.structure).number("isodose_cc")
            ours = own_conformity(own, planned, goal.structure).indices(isodose_cc)[_INDEX_KEYS[goal.metric.text]]
        elif goal.metric.text == "D100" and "d100_lower_gy" in structures.table(goal.structure):
            ours = structures.table(goal.structure).number("d100_gy")
        else:
            ours = metric_of(
                goal.metric, *planned.of_structure(goal.structure), planned.prescription_gy(goal.structure)
            )
        reached = stated.number("reached") / (100.0 if stated.values.get("unit") == "%" else 1.0)
        off = max(off, _apart(reached, ours))
        slack = 1e-6 * abs(goal.value)
        met = reached >= goal.value - slack if goal.sense == ">=" else reached <= goal.value + slack
        if met != stated.values.get("met"):
            judged_otherwise.append(f"{goal.structure} {goal.text}")
    row = judged(
        Question(
            section=SECTION,
            what=f"{len(goals)} prescriptions and goals: what is reached, and whether that is met",
            source=f"{PLAIN}; a proven D100 beside its interval",
            method="largest relative difference; infinite where a goal is judged otherwise",
        ),
        np.inf if judged_otherwise else 100 * off,
        Aim(value=_METRIC_PCT),
    )
    return _noted(row, f"Judged otherwise: {'; '.join(judged_otherwise)}.") if judged_otherwise else row
