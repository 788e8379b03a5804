"""RECIST response of each treatment at the visits of the paper.

References
----------
Eisenhauer EA et al., RECIST 1.1, Eur J Cancer 2009;45:228: CR all targets gone; PR sum at least 30 % below baseline;
    PD sum at least 20 % and 5 mm above the nadir, or a new lesion; SD otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from hdrplan.analysis.groups import patient_groups, share_text
from hdrplan.analysis.text_table import TextTable
from hdrplan.cohort import Cohort, Cycle, Derived, Patient, Rules, baseline_mm, judged_scans

__all__ = ["RESPONSES", "response_table", "responses"]

RESPONSES = ("CR", "PR", "SD", "PD")


def response_table(cohort: Cohort, derived: Derived) -> TextTable:
    """Return Table 2: RECIST response of each treatment at 8 weeks and 3 months."""
    groups = [g for g in patient_groups(cohort, derived) if g != "all"]
    treatments = responses(cohort, derived)
    columns, cells = [""], {r: [r] for r in (*RESPONSES, "evaluated", "not evaluated")}
    for visit in ("8 weeks", "3 months"):
        for group in groups:
            every = [response[visit] for kind, response in treatments if kind == group]
            done = [r for r in every if r is not None]
            columns.append(f"{visit}, {group}")
            for r in RESPONSES:
                cells[r].append(share_text(done.count(r), len(done)))
            cells["evaluated"].append(str(len(done)))
            cells["not evaluated"].append(str(len(every) - len(done)))
    rules = derived.rules
    return TextTable(
        name="table2-response",
        title="Table 2. Response of treatments (RECIST 1.1, sum of target diameters)",
        columns=tuple(columns),
        rows=tuple(tuple(v) for v in cells.values()),
        notes=(
            f"Last adequate scan {rules.week8_from_days} to {rules.week8_to_days} and {rules.month3_from_days} to "
            f"{rules.month3_to_days} days after completion. PD is cumulative: progression at or before that scan, new "
            "lesions included. Shares are of the evaluated treatments.",
        ),
    )


def responses(cohort: Cohort, derived: Derived) -> list[tuple[str, dict[str, str | None]]]:
    """Return (tumour type, visit -> response or None) of each analysed treatment."""
    rules = derived.rules
    visits = {
        "8 weeks": (rules.week8_from_days, rules.week8_to_days),
        "3 months": (rules.month3_from_days, rules.month3_to_days),
    }
    return [
        (p.tumour_type, {name: _response(p, cycle, window, rules) for name, window in visits.items()})
        for p in cohort.patients
        if p.patient_id in derived.analysed
        for cycle in derived.cycles[p.patient_id]
    ]


def _response(patient: Patient, cycle: Cycle, window: tuple[int, int], rules: Rules) -> str | None:
    end = cycle.completion
    seen = [s for s in patient.scans if s.adequate and window[0] <= s.day - end <= window[1]]
    if not seen:
        return None
    scan = seen[-1]
    targets = [patient.lesions[x] for x in cycle.lesion_ids if x in patient.lesions]
    treated = [cycle.sessions_of(x.lesion_id)[0].day for x in targets]
    # RECIST judges the sum against the nadir, whatever the rules of recurrence say.
    recist = replace(rules, recurrence="recist11", min_growth_mm=5.0, reference="nadir")
    judged = [j for j in judged_scans(targets, treated, end, recist) if j.scan.day <= scan.day] if targets else []
    new = any(f.scan.adequate and end < f.scan.day <= scan.day for f in patient.findings) or any(
        x.lesion_id not in cycle.lesion_ids and end < x.first_seen <= scan.day for x in patient.lesions.values()
    )
    if new or any(j.grown for j in judged):
        return "PD"
    at = next((j for j in judged if j.scan == scan), None)
    start = [baseline_mm(x, day) for x, day in zip(targets, treated, strict=True)]
    known = [v for v in start if v is not None]
    if at is None or len(known) < len(targets):
        return None
    if at.size_mm == 0.0:
        return "CR"
    return "PR" if at.size_mm <= 0.7 * sum(known) + 1e-9 else "SD"
