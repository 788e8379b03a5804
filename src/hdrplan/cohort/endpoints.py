"""Endpoints derived, never typed in: every time carries its reason and the scan that decided it.

Day 0 is the completion of a treatment. Patients: OS, PFS, PFS_local, PFS_distant after their first treatment. Cycles:
TTP, TTP_local, TTP_distant. Lesions: local recurrence in (last clean scan, first bad scan], death competing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hdrplan.cohort.course import Course
from hdrplan.cohort.cycles import Cycle, Retreatment, cycles_of
from hdrplan.cohort.model import Cohort, Patient
from hdrplan.cohort.records import Derived, Endpoint, Exclusion, LesionRecord
from hdrplan.cohort.rules import Rules
from hdrplan.errors import InputError

__all__ = ["derive"]


def derive(cohort: Cohort, rules: Rules, *, on_progress: Callable[[int, int], None] | None = None) -> Derived:
    """Return cycles, endpoints, lesion records and exclusions of a validated cohort.

    Parameters
    ----------
    cohort : Cohort
    rules : Rules
    on_progress : callable, optional
        Called with the number of patients done and their total.

    Returns
    -------
    Derived

    Raises
    ------
    InputError
        Progression follow-up that outlasts survival follow-up.
    """
    cycles: dict[str, tuple[Cycle, ...]] = {}
    again: dict[str, tuple[Retreatment, ...]] = {}
    endpoints: list[Endpoint] = []
    lesions: list[LesionRecord] = []
    exclusions: list[Exclusion] = []
    analysed = set()
    for i, patient in enumerate(cohort.patients):
        if on_progress:
            on_progress(i, len(cohort.patients))
        who = patient.patient_id
        cycles[who], again[who] = cycles_of(patient, rules)
        if reason := _exclusion_reason(patient, cycles[who], rules):
            exclusions.append(Exclusion(unit="patient", id=who, cycle=None, endpoints="all", reason=reason))
            continue
        analysed.add(who)
        for cycle in cycles[who]:
            course = Course(patient, cycle, again[who], rules)
            endpoints += course.endpoints()
            left_out = course.exclusions()
            exclusions += left_out
            without = {x.id for x in left_out if x.unit == "lesion"}
            lesions += [course.lesion_record(x) for x in course.targets if x not in without]
    endpoints += [_as_endpoint(x) for x in lesions]
    _check_against_survival(endpoints, cycles)
    return Derived(
        rules=rules,
        cycles=cycles,
        retreatments=again,
        endpoints=tuple(endpoints),
        lesions=tuple(lesions),
        exclusions=tuple(exclusions),
        analysed=frozenset(analysed),
    )


def _exclusion_reason(patient: Patient, cycles: tuple[Cycle, ...], rules: Rules) -> str:
    """Say why a patient is not analysed; empty if analysed."""
    if not cycles:
        return "no brachytherapy session"
    end = cycles[0].completion
    early = [s for s in patient.scans if rules.week8_from_days <= s.day - end <= rules.week8_to_days and s.adequate]
    if "no_8_week_scan" in rules.exclude and not early:
        return "no cross-sectional imaging at 8 weeks"
    near = [
        t
        for t in patient.treatments
        if t.kind != "systemic"
        and t.lesion_id in cycles[0].lesion_ids
        and cycles[0].first_day - rules.combined_days <= t.day <= end + rules.combined_days
    ]
    if "combined_treatment" in rules.exclude and near:
        return "combined loco-regional treatment of target"
    return ""


def _as_endpoint(x: LesionRecord) -> Endpoint:
    return Endpoint(
        unit="lesion",
        id=x.lesion_id,
        cycle=x.cycle,
        endpoint="local_recurrence",
        days=x.days,
        event=x.status,
        reason=x.reason,
        scan_date=x.scan_date,
    )


def _check_against_survival(endpoints: Iterable[Endpoint], cycles: Mapping[str, tuple[Cycle, ...]]) -> None:
    """No progression follow-up may outlast survival follow-up (it does in the paper's TTP_local: 50.13 > 48.30)."""
    rows = [e for e in endpoints if e.unit in ("patient", "cycle")]
    end = {e.id: cycles[e.id][0].completion + e.days for e in rows if e.endpoint == "OS"}
    for e in rows:
        if cycles[e.id][e.cycle - 1].completion + e.days > end[e.id]:
            raise InputError(
                f"{e.endpoint} cannot end after survival follow-up",
                got=f"{e.reason}, day {e.days}",
                where=f"patient {e.id} cycle {e.cycle}",
                remedy="Correct last_contact_date or death_date.",
            )
