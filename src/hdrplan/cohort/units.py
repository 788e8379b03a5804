"""Units mixed up and dose-volume numbers that contradict each other."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from hdrplan.cohort.cells import Row, Tables
from hdrplan.cohort.problems import Problem, problem

__all__ = ["dose_problems", "size_problems"]

# A cm among mm is a factor of 10; a caliper and true change leave room around it.
_TENFOLD = (8.0, 12.5)
# Below this median a whole table of lesions is in cm: RECIST measures from 10 mm up, the paper's mean is 37 mm.
_TABLE_IN_CM_MM = 9.0
# Hardly anybody treats a lesion this small: on every scan below it, the lesion may be in cm.
_LESION_IN_CM_MM = 5.5
# A D100 below this is a part of the prescription; nobody treats with 3 Gy.
_LEAST_GY = 3.0
_DOSES = ("d100_gy", "d98_gy", "d95_gy", "d90_gy", "d50_gy", "d2_gy")
_VOLUMES = ("v100_pct", "v150_pct", "v200_pct")
# D_x of a sampled DVH: half a percent of volume, 1 % of dose.
_DOSE_SLACK = 0.01
_VOLUME_SLACK_PCT = 0.5


def size_problems(tables: Tables) -> Iterator[Problem]:
    """Diameters in cm: the whole table, or single rows tenfold off the lesion's others."""
    rows = [r for r in tables["measurements"] if r["longest_diameter_mm"]]
    if not rows:
        return
    middle = statistics.median(r["longest_diameter_mm"] for r in rows)
    if middle < _TABLE_IN_CM_MM:
        yield problem("measurements", None, "cm_for_mm", f"half of all diameters are below {middle:g} mm")
        return
    by_lesion: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_lesion[row["lesion_id"]].append(row)
    for lesion, story in by_lesion.items():
        for row in story:
            size = row["longest_diameter_mm"]
            others = [r["longest_diameter_mm"] for r in story if r is not row]
            typical = statistics.median(others) if others else float("nan")
            if others and _TENFOLD[0] <= typical / size <= _TENFOLD[1]:
                found = f"lesion {lesion}: {size:g} mm, its other scans {typical:g} mm"
                yield problem(row.table, row.number, "cm_for_mm", found)
            elif row is story[0] and max(size, *others, 0.0) < _LESION_IN_CM_MM:
                yield problem(row.table, row.number, "tiny_lesion", f"lesion {lesion}: {size:g} mm, never larger")


def dose_problems(tables: Tables) -> Iterator[Problem]:
    """Doses in cGy or as fractions, percent as fractions, DVHs that rise, lesions without dose."""
    of_plan = {(r["plan_id"], r["lesion_id"]): r["prescription_gy"] for r in tables["session_lesions"] if r["plan_id"]}
    of_lesion = {r["lesion_id"]: r["prescription_gy"] for r in tables["session_lesions"]}
    study = tables["study"][0]["prescription_gy"] if tables["study"] else None
    for row in [*tables["session_lesions"], *tables["dose_metrics"]]:
        if row["prescription_gy"] is not None and 0 < row["prescription_gy"] < _LEAST_GY:
            found = f"prescription_gy is {row['prescription_gy']:g}"
            yield problem(row.table, row.number, "fraction_for_gy", found)
    for row in tables["dose_metrics"]:
        yield from _of_curve(row)
        given = (
            row["prescription_gy"]
            or of_plan.get((row["plan_id"], row["lesion_id"]))
            or of_lesion.get(row["lesion_id"])
            or study
        )
        yield from _of_prescription(row, given or 20.0, "v100_contradicts_dose" if given else "v100_against_20_gy")
    for row in tables["oar_metrics"]:
        if None not in (row["d0_1cc_gy"], row["d1cc_gy"]) and row["d1cc_gy"] > row["d0_1cc_gy"]:
            found = f"{row['organ']}: D1cc {row['d1cc_gy']:g} > D0.1cc {row['d0_1cc_gy']:g}"
            yield problem(row.table, row.number, "dvh_not_monotone", found)
        if None not in (row["v5gy_pct"], row["v10gy_pct"]) and row["v10gy_pct"] > row["v5gy_pct"]:
            found = f"{row['organ']}: V10Gy {row['v10gy_pct']:g} > V5Gy {row['v5gy_pct']:g}"
            yield problem(row.table, row.number, "dvh_not_monotone", found)
    yield from _of_plans(tables)


def _of_curve(row: Row) -> Iterator[Problem]:
    low = [n for n in _DOSES[:4] if row[n] is not None and 0 < row[n] < _LEAST_GY]
    # The minimum alone may be that low where a catheter missed; all of the DVH may not.
    if low and (len(low) > 1 or all(row[n] is None for n in _DOSES[1:])):
        yield problem(row.table, row.number, "fraction_for_gy", f"{low[0]} is {row[low[0]]:g}")
    v100 = row["v100_pct"]
    if v100 is not None and 0 < v100 <= 1.0:
        yield problem(row.table, row.number, "fraction_for_percent", f"v100_pct is {v100:g}")
    for names, rising in ((_DOSES, True), (_VOLUMES, False)):
        known = [(n, row[n]) for n in names if row[n] is not None]
        for (a, x), (b, y) in pairwise(known):
            slack = 1e-6 if not rising else 1e-6 * max(abs(x), 1.0)
            if (y < x - slack) if rising else (y > x + slack):
                found = f"{a} {x:g} against {b} {y:g}"
                yield problem(row.table, row.number, "dvh_not_monotone", found)


def _of_prescription(row: Row, prescription_gy: float, rule: str) -> Iterator[Problem]:
    v100 = row["v100_pct"]
    if v100 is None or 0 < v100 <= 1.0:
        return
    for name, percent in (("d100_gy", 100.0), ("d98_gy", 98.0), ("d95_gy", 95.0), ("d90_gy", 90.0), ("d50_gy", 50.0)):
        dose = row[name]
        if dose is None:
            continue
        above = dose > prescription_gy * (1.0 + _DOSE_SLACK) and v100 < percent - _VOLUME_SLACK_PCT
        below = dose < prescription_gy * (1.0 - _DOSE_SLACK) and v100 > percent + _VOLUME_SLACK_PCT
        if above or below:
            found = f"{name} {dose:g} with a prescription of {prescription_gy:g} Gy, but v100_pct {v100:g}"
            yield problem(row.table, row.number, rule, found)
            return


def _of_plans(tables: Tables) -> Iterator[Problem]:
    if "dose_metrics" not in tables.given:
        return
    dosed = {r["lesion_id"] for r in tables["dose_metrics"]}
    dosed_session = {(r["lesion_id"], r["session_id"]) for r in tables["dose_metrics"] if r["session_id"]}
    dosed_plan = {(r["lesion_id"], r["plan_id"]) for r in tables["dose_metrics"] if r["plan_id"]}
    sessions: dict[str, list[Row]] = defaultdict(list)
    for row in tables["session_lesions"]:
        if row["lesion_id"] is not None:
            sessions[row["lesion_id"]].append(row)
    for lesion, rows in sessions.items():
        if lesion not in dosed:
            found = f"lesion {lesion} has no row in dose_metrics"
            yield problem(rows[0].table, rows[0].number, "treated_without_plan", found)
            continue
        without = [
            r
            for r in rows
            if (lesion, r["session_id"]) not in dosed_session and (lesion, r["plan_id"]) not in dosed_plan
        ]
        named = len(without) < len(rows)
        if named and without:
            found = f"lesion {lesion} has no dose of session {without[0]['session_id']}"
            yield problem(without[0].table, without[0].number, "treated_without_plan", found)
        elif len(rows) > 1 and not named:
            found = f"lesion {lesion} in {len(rows)} sessions"
            yield problem(rows[0].table, rows[0].number, "one_dose_for_several_sessions", found)
    for row in tables["dose_metrics"]:
        if row["lesion_id"] and row["lesion_id"] not in sessions:
            yield problem("dose_metrics", row.number, "plan_without_treatment", f"lesion {row['lesion_id']}")
