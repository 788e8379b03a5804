"""The rows of the dose-recurrence analysis: one treated lesion, its dose, its interval to recurrence, its patient."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from hdrplan.analysis.accumulate import d100_bounds, lower_bounds
from hdrplan.analysis.adjustment import DEFAULT_ADJUSTERS, Adjuster, Column, typed_column
from hdrplan.analysis.silent import asked_layers, joined, silent_columns, silent_layers, silent_levels
from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.cohort import Cohort, Cycle, Derived, LesionRecord, Patient, baseline_mm
from hdrplan.errors import InputError
from hdrplan.outcomes import CompetingRisks, FollowUp, Intervals, competing_risks, follow_up, intervals

__all__ = ["METRICS", "SECOND_TREATMENT", "LesionTable", "lesion_table"]

# Why a lesion is left out that lacks nothing.
SECOND_TREATMENT = "second treatment of a lesion that is analysed already"

# Metrics that are compared side by side, in the order of the DVH.
METRICS = (
    "d100_gy", "d98_gy", "d95_gy", "d90_gy", "d50_gy", "d2_gy", "v100_pct", "v150_pct", "v200_pct",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LesionTable:
    """Analysed lesions, a row each.

    Parameters
    ----------
    lesion_id, patient_id, tumour_type, sex : tuples of str
    follow_up : FollowUp
        Months to local recurrence, other ends censored; clusters are patients.
    intervals : Intervals
        Months of the last clean and the first bad scan; clusters are patients.
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
    treatment_year : (n,) array
        Year in which the lesion was first treated.
    adjusters : tuple of Adjuster
        What the models hold beside D100.
    columns : mapping of name to (n,) array or tuple of str
        The columns that were asked for, and the centre where the tables have one.
    alpha_beta_gy : float
    left_out : tuple of (lesion_id, reason)
        Treated lesions that are not analysed.
    """

    lesion_id: tuple[str, ...]
    patient_id: tuple[str, ...]
    tumour_type: tuple[str, ...]
    sex: tuple[str, ...]
    follow_up: FollowUp
    intervals: Intervals
    status: IntArray
    d100_gy: FloatArray
    diameter_mm: FloatArray
    age_years: FloatArray
    n_sessions: IntArray
    n_lesions: IntArray
    d100_eqd2_bounds_gy: FloatArray
    metrics: Mapping[str, FloatArray]
    treatment_year: IntArray
    adjusters: tuple[Adjuster, ...]
    columns: Mapping[str, Column]
    alpha_beta_gy: float
    left_out: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for name in ("d100_gy", "diameter_mm", "age_years"):
            freeze(self, name, (self.n,))
        freeze(self, "d100_eqd2_bounds_gy", (self.n, 2), finite=False)
        for name in ("status", "n_sessions", "n_lesions", "treatment_year"):
            freeze(self, name, (self.n,), dtype=np.int64)

    @property
    def first_events(self) -> CompetingRisks:
        """Months to recurrence or death, whichever came first; clusters are patients."""
        # Where nothing happened, recurrence is what might have.
        happened = tuple(int(cause) for cause in np.unique(self.status) if cause) or (1,)
        return competing_risks(self.follow_up.time, self.status, causes=happened, cluster=self.patient_id)

    @property
    def silent_levels(self) -> Mapping[str, tuple[str, ...]]:
        """Levels of categories and flags of which no lesion recurred, by column of the adjusters.

        Such a level has no finite hazard ratio. With a baseline of its own, all other estimates are what they tend to
        as its ratio tends to 0.
        """
        return silent_levels(self.adjusters, self.columns, self.follow_up.event)

    @property
    def strata(self) -> tuple[str, ...] | None:
        """Stratum of each lesion in every model, with the levels of which none recurred; None without strata."""
        asked = asked_layers(self.adjusters, self.columns)
        return joined([*asked, *silent_layers(self.silent_levels, self.columns)])

    @property
    def asked_strata(self) -> tuple[str, ...] | None:
        """Stratum of each lesion by the adjusters alone; None without strata."""
        return joined(asked_layers(self.adjusters, self.columns))

    @property
    def silent_columns(self) -> dict[str, FloatArray]:
        """Indicators of the levels of which none recurred, for models whose penalty keeps them finite."""
        return silent_columns(self.silent_levels, self.columns)

    def known_until(self, months: float) -> bool:
        """Return whether follow-up reaches a time, or nobody is left before it."""
        last = float(self.follow_up.time.max())
        return last >= months or not (self.status[self.follow_up.time == last] == 0).any()

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
        return self.follow_up.n_events


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesion:
    """One analysed lesion with what is known of it."""

    record: LesionRecord
    patient: Patient
    diameter_mm: float
    sessions: tuple[Mapping[str, float], ...]
    n_sessions: int
    n_lesions: int
    first_day: int
    covariates: Mapping[str, object]


def lesion_table(
    cohort: Cohort,
    derived: Derived,
    *,
    alpha_beta_gy: float = 10.0,
    adjusters: tuple[Adjuster, ...] = DEFAULT_ADJUSTERS,
    columns: tuple[str, ...] = (),
) -> LesionTable:
    """Return the analysed lesions: first treatment of each, with dose and a diameter before it.

    Parameters
    ----------
    cohort : Cohort
    derived : Derived
        Its endpoints.
    alpha_beta_gy : float
        For the sum of several sessions.
    adjusters : tuple of Adjuster
        What the models hold beside D100: columns of this table, or of the tables of patients, lesions and sessions.
    columns : tuple of str
        More columns that are wanted of every lesion.

    Returns
    -------
    LesionTable

    Raises
    ------
    InputError
        No lesion has both a dose and follow-up, or no table has a column that an adjuster names.
    """
    named = list(dict.fromkeys((*(a.column for a in adjusters), *columns)))
    lesions, left_out = _analysed(cohort, derived, named)
    if not lesions:
        reasons = Counter(why for _, why in left_out)
        unknown = [name for name in named if reasons[f"{name} unknown"]]
        raise InputError(
            "expected lesions with a dose, follow-up and all adjusters",
            got="; ".join(f"{n} lesions: {why}" for why, n in reasons.items()) or "no lesion",
            remedy=f"Fill in the column {unknown[0]}, or do not adjust for it."
            if unknown
            else "Give dose_metrics(lesion_id, d100_gy, ...); `hdrplan cohort validate` names what is missing.",
        )
    month = derived.rules.days_per_month
    records, patients = [x.record for x in lesions], [x.patient for x in lesions]
    metrics = [lower_bounds(x.sessions, alpha_beta_gy) for x in lesions]
    who = tuple(r.patient_id for r in records)
    if "centre" not in named and all(x.covariates.get("centre") is not None for x in lesions):
        named.append("centre")
    return LesionTable(
        lesion_id=tuple(r.lesion_id for r in records),
        patient_id=who,
        tumour_type=tuple(p.tumour_type for p in patients),
        sex=tuple(p.sex for p in patients),
        follow_up=follow_up([r.days / month for r in records], [r.status == 1 for r in records], cluster=who),
        intervals=intervals(
            [r.left_days / month for r in records], [r.right_days / month for r in records], cluster=who
        ),
        status=np.array([r.status for r in records]),
        d100_gy=np.array([m["d100_gy"] for m in metrics]),
        diameter_mm=np.array([x.diameter_mm for x in lesions], dtype=np.float64),
        age_years=np.array([p.age_years for p in patients]),
        n_sessions=np.array([x.n_sessions for x in lesions]),
        n_lesions=np.array([x.n_lesions for x in lesions]),
        d100_eqd2_bounds_gy=np.array([d100_bounds(x.sessions, alpha_beta_gy) for x in lesions]),
        metrics={name: np.array([m.get(name, np.nan) for m in metrics]) for name in (*METRICS, "ctv_cm3")},
        treatment_year=np.array([dt.date.fromordinal(x.first_day).year for x in lesions]),
        adjusters=adjusters,
        columns={name: typed_column(name, [x.covariates[name] for x in lesions]) for name in named},
        alpha_beta_gy=alpha_beta_gy,
        left_out=tuple(left_out),
    )


def _analysed(cohort: Cohort, derived: Derived, named: Sequence[str]) -> tuple[list[_Lesion], list[tuple[str, str]]]:
    """Lesions with dose, size, age and the named columns, and the others with the reason why they are left out."""
    patients = {p.patient_id: p for p in cohort.patients}
    doses: dict[str, dict[str | None, Mapping[str, float]]] = defaultdict(dict)
    for dose in cohort.doses:
        doses[dose.lesion_id][dose.session_id] = dose.metrics
    lesions, left_out, seen = [], [], set()
    for record in derived.lesions:
        if record.lesion_id in seen:
            left_out.append((record.lesion_id, SECOND_TREATMENT))
            continue
        seen.add(record.lesion_id)
        patient = patients[record.patient_id]
        cycle = derived.cycles[record.patient_id][record.cycle - 1]
        sessions = [s.session_id for s in cycle.sessions_of(record.lesion_id)]
        of_lesion = doses.get(record.lesion_id, {})
        known = [of_lesion[s] for s in sessions if s in of_lesion] or ([of_lesion[None]] if None in of_lesion else [])
        size = baseline_mm(patient.lesions[record.lesion_id], cycle.sessions_of(record.lesion_id)[0].day)
        if not known or (None not in of_lesion and len(known) < len(sessions)):
            left_out.append((record.lesion_id, "no dose"))
        elif size is None:
            left_out.append((record.lesion_id, "no diameter before treatment"))
        elif not np.isfinite(patient.age_years):
            left_out.append((record.lesion_id, "age unknown"))
        else:
            lesion = _lesion(record, patient, cycle, size, tuple(known))
            missing = [name for name in named if lesion.covariates.get(name, "") is None]
            if missing:
                left_out.append((record.lesion_id, f"{missing[0]} unknown"))
            else:
                lesions.append(lesion)
    _refuse_unknown(named, lesions)
    return lesions, left_out


def _lesion(
    record: LesionRecord, patient: Patient, cycle: Cycle, diameter_mm: float, sessions: tuple[Mapping[str, float], ...]
) -> _Lesion:
    own = cycle.sessions_of(record.lesion_id)
    covariates: dict[str, object] = {
        **own[0].covariates,
        **patient.covariates,
        **patient.lesions[record.lesion_id].covariates,
        "diameter_mm": diameter_mm,
        "tumour_type": patient.tumour_type,
        "age_years": patient.age_years,
        "sex": patient.sex,
        "n_sessions": len(own),
        "n_lesions": len(cycle.lesion_ids),
        "treatment_year": dt.date.fromordinal(own[0].day).year,
    }
    if "ctv_cm3" in sessions[0]:
        covariates["ctv_cm3"] = sessions[0]["ctv_cm3"]
    return _Lesion(
        record=record,
        patient=patient,
        diameter_mm=diameter_mm,
        sessions=sessions,
        n_sessions=len(own),
        n_lesions=len(cycle.lesion_ids),
        first_day=own[0].day,
        covariates=covariates,
    )


def _refuse_unknown(named: Sequence[str], lesions: list[_Lesion]) -> None:
    """Refuse a name that is no column of the lesions; nothing is known where there is no lesion."""
    every = sorted(set().union(*(x.covariates for x in lesions)) - {"is_target"})
    for name in named if lesions else ():
        if name not in every:
            near = get_close_matches(name, every, n=1)
            raise InputError(
                "a model takes columns of the patients, lesions or sessions",
                got=f"'{name}'" + (f", did you mean '{near[0]}'?" if near else ""),
                remedy=f"These columns are there: {', '.join(every)}.",
            )
