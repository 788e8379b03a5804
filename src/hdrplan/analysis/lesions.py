"""The rows of the dose-recurrence analysis: one treated lesion, its dose, its interval to recurrence, its patient."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hdrplan.analysis.accumulate import d100_bounds, lower_bounds
from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.cohort import Cohort, Derived, baseline_mm
from hdrplan.errors import InputError

__all__ = ["METRICS", "LesionTable", "lesion_table"]

# Metrics that are compared side by side, in the order of the DVH.
METRICS = (
    "d100_gy", "d98_gy", "d95_gy", "d90_gy", "d50_gy", "d2_gy", "v100_pct", "v150_pct", "v200_pct",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LesionTable:
    """Analysed lesions, a row each.

    Parameters
    ----------
    lesion_id, patient_id, tumour_type, sex : tuples of str
    months, left_months, right_months : (n,) arrays
        Time for right-censored methods; last clean and first bad scan (right infinite where none).
    status : (n,) array
        0 censored, 1 local recurrence, 2 death first.
    d100_gy, diameter_mm, age_years : (n,) arrays
        D100 (of several sessions: the single-session dose of the lower bound), diameter before treatment, age.
    n_sessions, n_lesions : (n,) arrays
        Sessions of the lesion; lesions treated in its cycle.
    d100_eqd2_bounds_gy : (n, 2) array
        Bounds of D100 in EQD2 over the sessions.
    metrics : mapping of str to (n,) array
        All DVH metrics; NaN where unknown.
    alpha_beta_gy : float
    left_out : tuple of (lesion_id, reason)
        Treated lesions that are not analysed.
    """

    lesion_id: tuple[str, ...]
    patient_id: tuple[str, ...]
    tumour_type: tuple[str, ...]
    sex: tuple[str, ...]
    months: FloatArray
    left_months: FloatArray
    right_months: FloatArray
    status: IntArray
    d100_gy: FloatArray
    diameter_mm: FloatArray
    age_years: FloatArray
    n_sessions: IntArray
    n_lesions: IntArray
    d100_eqd2_bounds_gy: FloatArray
    metrics: Mapping[str, FloatArray]
    alpha_beta_gy: float
    left_out: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        n = len(self.lesion_id)
        for name in ("months", "left_months", "d100_gy", "diameter_mm", "age_years"):
            freeze(self, name, (n,))
        freeze(self, "right_months", (n,), finite=False)
        freeze(self, "d100_eqd2_bounds_gy", (n, 2), finite=False)
        for name in ("status", "n_sessions", "n_lesions"):
            freeze(self, name, (n,), dtype=np.int64)

    @property
    def event(self) -> FloatArray:
        """1 where local recurrence was seen, 0 where follow-up ended or death came first."""
        flags: FloatArray = (self.status == 1).astype(np.float64)
        return flags

    @property
    def n(self) -> int:
        """Lesions."""
        return len(self.lesion_id)

    @property
    def n_patients(self) -> int:
        """Patients."""
        return len(set(self.patient_id))

    @property
    def n_events(self) -> int:
        """Local recurrences."""
        return int((self.status == 1).sum())


def lesion_table(cohort: Cohort, derived: Derived, *, alpha_beta_gy: float = 10.0) -> LesionTable:
    """Return the analysed lesions: first treatment of each, with dose and a diameter before it.

    Raises
    ------
    InputError
        No lesion has both a dose and follow-up.
    """
    patients = {p.patient_id: p for p in cohort.patients}
    doses: dict[str, dict[str | None, Mapping[str, float]]] = defaultdict(dict)
    for dose in cohort.doses:
        doses[dose.lesion_id][dose.session_id] = dose.metrics
    month = derived.rules.days_per_month
    rows, left_out, seen = [], [], set()
    for record in derived.lesions:
        if record.lesion_id in seen:
            left_out.append((record.lesion_id, "second treatment of a lesion that is analysed already"))
            continue
        seen.add(record.lesion_id)
        patient = patients[record.patient_id]
        cycle = derived.cycles[record.patient_id][record.cycle - 1]
        sessions = [s.session_id for s in cycle.sessions_of(record.lesion_id)]
        given = doses.get(record.lesion_id, {})
        known = [given[s] for s in sessions if s in given] or ([given[None]] if None in given else [])
        size = baseline_mm(patient.lesions[record.lesion_id], cycle.sessions_of(record.lesion_id)[0].day)
        why = (
            "no dose" if not known or (None not in given and len(known) < len(sessions))
            else "no diameter before treatment" if size is None
            else "age unknown" if not np.isfinite(patient.age_years)
            else ""
        )  # fmt: skip
        if why:
            left_out.append((record.lesion_id, why))
            continue
        rows.append((record, patient, size, known, len(sessions), len(cycle.lesion_ids)))
    if not rows:
        raise InputError(
            "expected lesions with a dose and follow-up",
            got="; ".join(f"{n} lesions: {why}" for why, n in Counter(w for _, w in left_out).items()) or "no lesion",
            remedy="Give dose_metrics(lesion_id, d100_gy, ...); `hdrplan cohort validate` names what is missing.",
        )
    metrics = [lower_bounds(known, alpha_beta_gy) for *_, known, _, _ in rows]
    return LesionTable(
        tuple(r.lesion_id for r, *_ in rows),
        tuple(r.patient_id for r, *_ in rows),
        tuple(p.tumour_type for _, p, *_ in rows),
        tuple(p.sex for _, p, *_ in rows),
        np.array([r.days / month for r, *_ in rows]),
        np.array([r.left_days / month for r, *_ in rows]),
        np.array([r.right_days / month for r, *_ in rows]),
        np.array([r.status for r, *_ in rows]),
        np.array([m["d100_gy"] for m in metrics]),
        np.array([size for _, _, size, *_ in rows], dtype=np.float64),
        np.array([p.age_years for _, p, *_ in rows]),
        np.array([n for *_, n, _ in rows]),
        np.array([n for *_, n in rows]),
        np.array([d100_bounds(known, alpha_beta_gy) for *_, known, _, _ in rows]),
        {name: np.array([m.get(name, np.nan) for m in metrics]) for name in (*METRICS, "ctv_cm3")},
        alpha_beta_gy,
        tuple(left_out),
    )
