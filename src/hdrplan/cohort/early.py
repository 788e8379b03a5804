"""Progressions that a scan showed between the first and the last session of a treatment."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.cohort.cycles import Cycle
from hdrplan.cohort.model import Finding, Patient, Scan, iso
from hdrplan.cohort.progression import Judged, judged_scans
from hdrplan.cohort.rules import Rules

__all__ = ["EarlyProgression", "Source", "early_growth", "early_progressions", "elsewhere_words", "grown_elsewhere"]


# What shows a progression: a finding, the scan and lesion of a measurement, or a lesion by its first-seen date.
Source = Finding | tuple[Scan, str] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyProgression:
    """One progression after the first session of a treatment and not after its last one.

    Parameters
    ----------
    kind : {"local", "elsewhere", "new_intrahepatic", "new_extrahepatic"}
    day : int
    reason : str
    source : Source
    """

    kind: str
    day: int
    reason: str
    source: Source


def early_progressions(patient: Patient, cycle: Cycle, rules: Rules) -> tuple[EarlyProgression, ...]:
    """Return what progressed before the completion of a treatment, the earliest first.

    New findings, lesions outside the treatment by their first-seen date, and lesions that grew: treated ones, and known
    ones that are no targets. A lesion first seen between two sessions and treated in the later one belongs to the
    treatment (``cycle_min_days``).
    """
    until = f", before completion on {iso(cycle.completion)}"
    early = [
        EarlyProgression(kind=f.kind, day=f.scan.day, reason=f"{f.kind} on {iso(f.scan.day)}{until}", source=f)
        for f in patient.findings
        if f.scan.adequate and cycle.first_day < f.scan.day <= cycle.completion
    ]
    for x in patient.lesions.values():
        if x.lesion_id not in cycle.lesion_ids and cycle.first_day < x.first_seen <= cycle.completion:
            reason = f"new intrahepatic lesion {x.lesion_id} first seen {iso(x.first_seen)}{until}"
            early.append(EarlyProgression(kind="new_intrahepatic", day=x.first_seen, reason=reason, source=x.lesion_id))
    targets = tuple(x for x in cycle.lesion_ids if x in patient.lesions)
    together = [targets] if rules.unit == "sum" and targets else [(x,) for x in targets]
    early += [grown for ids in together if (grown := early_growth(patient, cycle, ids, rules))]
    early += [
        EarlyProgression(kind="elsewhere", day=j.scan.day, reason=f"{elsewhere_words(j)}{until}", source=(j.scan, x))
        for x, j in grown_elsewhere(patient, cycle, cycle.first_day, rules)
        if j.scan.day <= cycle.completion
    ]
    return tuple(sorted(early, key=lambda e: e.day))


def grown_elsewhere(patient: Patient, cycle: Cycle, after: int, rules: Rules) -> list[tuple[str, Judged]]:
    """Return the first growth of each lesion that was known on a day and is no target of the treatment.

    Growth is judged against what the lesion was when the treatment began: a lesion of an earlier treatment that had
    recurred by then progresses anew only if it grows further.

    Parameters
    ----------
    patient : Patient
    cycle : Cycle
    after : int
        Lesions first seen later are new lesions; only later scans count.
    rules : Rules

    Returns
    -------
    list of (lesion_id, Judged)
    """
    if rules.growth_elsewhere == "ignore":
        return []
    known = [x for x in patient.lesions.values() if x.lesion_id not in cycle.lesion_ids and x.first_seen <= after]
    judged = {x.lesion_id: judged_scans([x], [cycle.first_day], after, rules) for x in known}
    return [(x, j) for x, scans in judged.items() if (j := next((j for j in scans if j.grown), None))]


def elsewhere_words(grown: Judged) -> str:
    """Return the growth of a lesion that is no target in words."""
    return f"intrahepatic progression of a lesion that is no target: {grown.reason}"


def early_growth(patient: Patient, cycle: Cycle, ids: tuple[str, ...], rules: Rules) -> EarlyProgression | None:
    """Return the first growth of treated lesions, one or the sum of several, before the treatment was complete.

    Parameters
    ----------
    patient : Patient
    cycle : Cycle
    ids : tuple of str
        Lesions of the cycle.
    rules : Rules

    Returns
    -------
    EarlyProgression or None
    """
    treated = [cycle.sessions_of(x)[0].day for x in ids]
    judged = judged_scans([patient.lesions[x] for x in ids], treated, max(treated), rules)
    grown = next((j for j in judged if j.grown and j.scan.day <= cycle.completion), None)
    if grown is None:
        return None
    reason = f"local progression on {iso(grown.scan.day)}, before completion on {iso(cycle.completion)}: {grown.reason}"
    return EarlyProgression(kind="local", day=grown.scan.day, reason=reason, source=(grown.scan, ids[0]))
