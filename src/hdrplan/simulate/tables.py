"""A simulated cohort as the tables that `hdrplan cohort` reads."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.cohort import Cohort, iso

__all__ = ["cohort_tables"]


def cohort_tables(cohort: Cohort) -> dict[str, tuple[Sequence[str], Sequence[Sequence[object]]]]:
    """Return name -> (columns, rows) in the full form; reading them back gives the same cohort."""
    patients, sessions, treated, lesions = [], [], [], []
    scans, measurements, findings = [], [], []
    for p in cohort.patients:
        death = "" if p.death is None else iso(p.death)
        patients.append([p.patient_id, p.tumour_type, p.sex, p.age_years, iso(p.last_contact), death])
        for s in p.sessions:
            sessions.append([s.session_id, p.patient_id, iso(s.day)])
            treated += [[s.session_id, lesion_id, 20.0] for lesion_id in s.lesion_ids]
        for lesion in p.lesions.values():
            lesions.append([lesion.lesion_id, p.patient_id, iso(lesion.first_seen), 1])
            measurements += [[m.scan.scan_id, lesion.lesion_id, m.diameter_mm] for m in lesion.measurements]
        scans += [[s.scan_id, p.patient_id, iso(s.day), "MRI", int(s.adequate)] for s in p.scans]
        findings += [[f.scan.scan_id, f.kind] for f in p.findings]
    metrics = sorted({key for d in cohort.doses for key in d.metrics})
    doses = [[d.lesion_id, *(d.metrics.get(key, "") for key in metrics)] for d in cohort.doses]
    study = [[iso(day) if isinstance(day := cohort.study["data_lock_date"], int) else day, cohort.study["rules"], 20.0]]
    return {
        "patients": (("patient_id", "tumour_type", "sex", "age_years", "last_contact_date", "death_date"), patients),
        "sessions": (("session_id", "patient_id", "session_date"), sessions),
        "session_lesions": (("session_id", "lesion_id", "prescription_gy"), treated),
        "lesions": (("lesion_id", "patient_id", "first_seen_date", "is_target"), lesions),
        "dose_metrics": (("lesion_id", *metrics), doses),
        "scans": (("scan_id", "patient_id", "scan_date", "modality", "adequate"), scans),
        "measurements": (("scan_id", "lesion_id", "longest_diameter_mm"), measurements),
        "findings": (("scan_id", "finding"), findings),
        "study": (("data_lock_date", "rules", "prescription_gy"), study),
    }
