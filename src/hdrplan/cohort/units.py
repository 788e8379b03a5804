"""Mixed-up units, and dose-volume numbers that contradict each other."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from hdrplan.cohort.problems import Problem, problem
from hdrplan.cohort.rows import Row, Tables

__all__ = ["dose_problems", "size_problems"]

# A cm among mm is a factor of 10; a caliper and true change leave room around it.
_TENFOLD = (8.0, 12.5)
# Below this median a whole table of lesions is in cm: RECIST measures from 10 mm up, the paper's mean is 37 mm.
_TABLE_IN_CM_MM = 9.0
# Hardly anybody treats a lesion this small: on every scan below it, the lesion is in cm.
_LESION_IN_CM_MM = 5.5
# Nor is a CTV five times as wide as its lesion ever was: 7 "mm" in a CTV of 150 cm3 (66 mm across) are cm.
_CTV_ACROSS = 5.0
# A D100 below this is a fraction of the prescription; nobody treats with 3 Gy.
_MINIMUM_GY = 3.0
# A least dose of more prescriptions than this is a percentage of it: 50 % for 20 Gy. A CTV is prescribed at its edge.
_MOST_PRESCRIPTIONS = 2.5
_DOSES = ("d100_gy", "d98_gy", "d95_gy", "d90_gy", "d50_gy", "d2_gy")
_VOLUMES = ("v100_pct", "v150_pct", "v200_pct")
# D_x of a sampled DVH: half a percent of volume, 1 % of dose.
_DOSE_SLACK = 0.01
_VOLUME_SLACK_PCT = 0.5


def size_problems(tables: Tables) -> Iterator[Problem]:
    """Yield diameters in cm: the whole table, or single rows tenfold off the lesion's others."""
    sized = [(r, size) for r in tables["measurements"] if (size := r.value("longest_diameter_mm"))]
    if not sized:
        return
    middle = statistics.median(size for _, size in sized)
    if middle < _TABLE_IN_CM_MM:
        yield problem("measurements", None, "cm_for_mm", f"half of all diameters are below {middle:g} mm")
        return
    by_lesion: dict[str, list[Row]] = defaultdict(list)
    for row in tables["measurements"]:
        if row.value("longest_diameter_mm") is not None:
            by_lesion[row.text("lesion_id") or ""].append(row)
    scanned_on = {r.text("scan_id"): r.day("scan_date") for r in tables["scans"]}
    ctv_cm3 = {r.text("lesion_id"): v for r in tables["dose_metrics"] if (v := r.value("ctv_cm3"))}
    for lesion, rows in by_lesion.items():
        rows.sort(key=lambda r: scanned_on.get(r.text("scan_id")) or dt.date.min)
        yield from _of_lesion(lesion, rows, ctv_cm3.get(lesion))


def _of_lesion(lesion: str, rows: list[Row], ctv_cm3: float | None) -> Iterator[Problem]:
    """Single scans tenfold off their neighbours, and a lesion that is in cm on every scan; 0 mm parts the story."""
    sizes = [row.value("longest_diameter_mm") or 0.0 for row in rows]
    largest = max(sizes)
    across_mm = (6.0 / math.pi * ctv_cm3 * 1e3) ** (1.0 / 3.0) if ctv_cm3 else 0.0
    if 0.0 < largest < max(_LESION_IN_CM_MM, across_mm / _CTV_ACROSS):
        volume = f"; its CTV of {ctv_cm3:g} cm3 is a sphere of {across_mm:.0f} mm" if across_mm else ""
        first = next(row for row, size in zip(rows, sizes, strict=True) if size)
        yield problem(first.table, first.number, "lesion_in_cm", f"lesion {lesion}: at most {largest:g} mm{volume}")
        return
    begun = 0  # of the present run of scans without a tenfold step
    from_above = False
    for i, (size, after) in enumerate(pairwise([*sizes, 0.0])):
        down, up = _tenfold(size, after), _tenfold(after, size)
        last = i == len(sizes) - 1
        if not (down or up or last or after == 0.0 or size == 0.0):
            continue
        run = range(begun, i + 1)
        if up or (from_above and last and len(run) == 1 and size):
            beside = after if up else sizes[begun - 1]
            for k in run:
                got = f"lesion {lesion}: {sizes[k]:g} mm, {beside:g} mm on the scan beside it"
                yield problem(rows[k].table, rows[k].number, "cm_for_mm", got)
        elif from_above and size:
            got = f"lesion {lesion}: {sizes[begun]:g} mm after {sizes[begun - 1]:g} mm"
            yield problem(rows[begun].table, rows[begun].number, "tenfold_shrinkage", got)
        begun, from_above = i + 1, down


def _tenfold(large: float, small: float) -> bool:
    return small > 0.0 and _TENFOLD[0] <= large / small <= _TENFOLD[1]


def dose_problems(tables: Tables) -> Iterator[Problem]:
    """Yield doses in cGy, as fractions or in percent, percent as fractions, DVHs that rise, lesions without dose."""
    planned = [(r, r.text("plan_id"), r.text("lesion_id")) for r in tables["session_lesions"]]
    of_plan = {(plan, lesion): r.value("prescription_gy") for r, plan, lesion in planned if plan}
    of_lesion = {lesion: r.value("prescription_gy") for r, _, lesion in planned}
    study = tables["study"][0].value("prescription_gy") if tables["study"] else None
    for row in [*tables["session_lesions"], *tables["dose_metrics"]]:
        own = row.value("prescription_gy")
        if own is not None and 0 < own < _MINIMUM_GY:
            yield problem(row.table, row.number, "fraction_for_gy", f"prescription_gy is {own:g}")
    treated = Counter(lesion for _, _, lesion in planned)
    for row in tables["dose_metrics"]:
        yield from _of_curve(row)
        if zero := [name for name, dose in _known(row, _DOSES) if dose == 0.0]:
            yield problem(row.table, row.number, "dose_of_zero", f"{zero[0]} is 0")
        own, other = row.value("prescription_gy"), of_lesion.get(row.text("lesion_id"))
        if own and other and own != other and treated[row.text("lesion_id")] == 1:
            got = f"{own:g} Gy here, {other:g} Gy in session_lesions"
            yield problem(row.table, row.number, "prescriptions_differ", got)
        lesion, plan = row.text("lesion_id"), row.text("plan_id")
        of_its_plan = of_plan.get((plan, lesion)) if plan else None
        own_gy = row.value("prescription_gy") or of_its_plan or of_lesion.get(lesion) or study
        yield from _of_percent(row, own_gy or 20.0)
        yield from _of_prescription(row, own_gy or 20.0, "v100_contradicts_dose" if own_gy else "v100_against_20_gy")
    for row in tables["oar_metrics"]:
        yield from _of_organ(row)
    yield from _of_plans(tables)


def _of_percent(row: Row, prescription_gy: float) -> Iterator[Problem]:
    least = row.value("d100_gy")
    if least is not None and prescription_gy >= _MINIMUM_GY and least > _MOST_PRESCRIPTIONS * prescription_gy:
        got = f"d100_gy is {least:g} with a prescription of {prescription_gy:g} Gy"
        yield problem(row.table, row.number, "percent_for_gy", got)


def _of_organ(row: Row) -> Iterator[Problem]:
    pairs = (("d0_1cc_gy", "D0.1cc", "d1cc_gy", "D1cc"), ("v5gy_pct", "V5Gy", "v10gy_pct", "V10Gy"))
    for more_name, more, less_name, less in pairs:
        large, small = row.value(more_name), row.value(less_name)
        if large is not None and small is not None and small > large:
            got = f"{row.text('organ')}: {less} {small:g} > {more} {large:g}"
            yield problem(row.table, row.number, "dvh_not_monotone", got)


def _known(row: Row, names: tuple[str, ...]) -> list[tuple[str, float]]:
    return [(name, value) for name in names if (value := row.value(name)) is not None]


def _of_curve(row: Row) -> Iterator[Problem]:
    low = [(name, dose) for name, dose in _known(row, _DOSES[:4]) if 0 < dose < _MINIMUM_GY]
    # The minimum alone may be that low where a catheter missed; all of the DVH may not.
    if low and (len(low) > 1 or not _known(row, _DOSES[1:])):
        yield problem(row.table, row.number, "fraction_for_gy", f"{low[0][0]} is {low[0][1]:g}")
    v100 = row.value("v100_pct")
    if v100 is not None and 0 < v100 <= 1.0:
        yield problem(row.table, row.number, "fraction_for_percent", f"v100_pct is {v100:g}")
    for names, rising in ((_DOSES, True), (_VOLUMES, False)):
        for (a, x), (b, y) in pairwise(_known(row, names)):
            slack = 1e-6 if not rising else 1e-6 * max(abs(x), 1.0)
            if (y < x - slack) if rising else (y > x + slack):
                yield problem(row.table, row.number, "dvh_not_monotone", f"{a} {x:g} against {b} {y:g}")


def _of_prescription(row: Row, prescription_gy: float, rule: str) -> Iterator[Problem]:
    v100 = row.value("v100_pct")
    if v100 is None or 0 < v100 <= 1.0:
        return
    percent_of = {"d100_gy": 100.0, "d98_gy": 98.0, "d95_gy": 95.0, "d90_gy": 90.0, "d50_gy": 50.0}
    for name, dose in _known(row, tuple(percent_of)):
        percent = percent_of[name]
        above = dose > prescription_gy * (1.0 + _DOSE_SLACK) and v100 < percent - _VOLUME_SLACK_PCT
        below = dose < prescription_gy * (1.0 - _DOSE_SLACK) and v100 > percent + _VOLUME_SLACK_PCT
        if above or below:
            got = f"{name} {dose:g} with a prescription of {prescription_gy:g} Gy, but v100_pct {v100:g}"
            yield problem(row.table, row.number, rule, got)
            return


def _of_plans(tables: Tables) -> Iterator[Problem]:
    if "dose_metrics" not in tables.present:
        return
    doses = [(r.text("lesion_id"), r.text("session_id"), r.text("plan_id")) for r in tables["dose_metrics"]]
    dosed = {lesion for lesion, _, _ in doses}
    dosed_session = {(lesion, session) for lesion, session, _ in doses if session}
    dosed_plan = {(lesion, plan) for lesion, _, plan in doses if plan}
    sessions: dict[str, list[Row]] = defaultdict(list)
    for row in tables["session_lesions"]:
        if (lesion := row.text("lesion_id")) is not None:
            sessions[lesion].append(row)
    for lesion, rows in sessions.items():
        if lesion not in dosed:
            got = f"lesion {lesion} has no row in dose_metrics"
            yield problem(rows[0].table, rows[0].number, "treated_without_plan", got)
            continue
        without = [
            r
            for r in rows
            if (lesion, r.text("session_id")) not in dosed_session and (lesion, r.text("plan_id")) not in dosed_plan
        ]
        named = len(without) < len(rows)
        if named and without:
            got = f"lesion {lesion} has no dose of session {without[0].text('session_id')}"
            yield problem(without[0].table, without[0].number, "treated_without_plan", got)
        elif len(rows) > 1 and not named:
            got = f"lesion {lesion} in {len(rows)} sessions"
            yield problem(rows[0].table, rows[0].number, "one_dose_for_several_sessions", got)
    for row, (lesion_id, _, _) in zip(tables["dose_metrics"], doses, strict=True):
        if lesion_id and lesion_id not in sessions:
            yield problem("dose_metrics", row.number, "plan_without_treatment", f"lesion {lesion_id}")
