"""Virtual patients: lesions, scans, recurrences, deaths, as the values that the outcome analysis reads.

Every patient has latent times of local recurrence (each lesion), distant and extrahepatic progression, death and loss,
with Weibull hazards that share one gamma frailty. What the study sees are scans: an event appears on the first scan
attended after it. Patients are drawn one by one from a generator keyed by (seed, patient), so a cohort does not depend
on how many workers draw it.

The model and its fitted values reproduce the printed results of Xu et al., Ther Adv Med Oncol 2021;13, doi
10.1177/17588359211042304 (docs/measurements/calibration.md). That paper holds no doses: the distribution of
D100 and its effect are assumptions, named so in :data:`ASSUMPTIONS`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdrplan.cohort import Cohort, Dose, Finding, Lesion, Measurement, Patient, Scan, Session
from hdrplan.errors import InputError

__all__ = ["ASSUMPTIONS", "CRLM", "HCC", "DoseModel", "Entity", "TrueLesion", "simulate_cohort", "simulate_patient"]

DAYS_PER_MONTH = 30.4375
# First day of enrolment; the paper treated from January 2016 to January 2018 and locked the data in June 2020.
_ENROLMENT = dt.date(2016, 1, 1).toordinal()
_LOCK = dt.date(2020, 6, 15).toordinal()
_ENROLMENT_DAYS = 731

ASSUMPTIONS = (
    "D100 is normal around 20 Gy, lower for large lesions, SD 3 Gy, between 6 and 32 Gy: the paper has no doses.",
    "The hazard of local recurrence falls by 10 % per Gy of D100, alike for all tumour types, unless given otherwise.",
    "One gamma frailty of variance 0.8 is shared by all processes of a patient.",
    "28 % of the scans after the first are missed; loss to follow-up rises after the first detected progression.",
)


@dataclass(frozen=True, slots=True)
class DoseModel:
    """D100 of planned lesions and what it does.

    Parameters
    ----------
    mean_gy, sd_gy : float
        At a diameter of 38 mm.
    slope_gy_per_mm : float
        Larger lesions get less.
    hazard_ratio_per_gy : float
        Of local recurrence; 1 is the null hypothesis.
    threshold_gy : float or None
        With a threshold the hazard is ``threshold_ratio`` above it and 1 below, and the slope above is not used.
    threshold_ratio : float
    """

    mean_gy: float = 20.0
    sd_gy: float = 3.0
    slope_gy_per_mm: float = -0.05
    hazard_ratio_per_gy: float = 0.90
    threshold_gy: float | None = None
    threshold_ratio: float = 0.5

    def ratio(self, d100_gy: float) -> float:
        """Factor of the hazard of local recurrence, 1 at 20 Gy (or below the threshold)."""
        if self.threshold_gy is not None:
            return self.threshold_ratio if d100_gy >= self.threshold_gy else 1.0
        return float(self.hazard_ratio_per_gy ** (d100_gy - 20.0))


@dataclass(frozen=True, slots=True)
class Entity:
    """One tumour type: who the patients are, and their hazards.

    Hazards are per month at 12 months; a Weibull hazard is ``scale (t / 12)^(shape - 1)``. Ages, diameters and lesion
    numbers are the paper's Table 1; hazards are fitted to its results (docs/measurements/calibration.md).
    """

    tumour_type: Literal["HCC", "CRLM"]
    age_years: tuple[float, float]
    male_frac: float
    diameter_mm: tuple[float, float]
    lesions_frac: tuple[float, ...]
    local: tuple[float, float]
    distant: tuple[float, float]
    extrahepatic: float
    death: float
    loss: tuple[float, float]  # before and after the first detected progression


HCC = Entity(
    tumour_type="HCC",
    age_years=(69.97, 10.75),
    male_frac=90 / 114,
    diameter_mm=(36.78, 23.00),
    lesions_frac=(0.79, 0.18, 0.03),
    local=(0.0184, 0.94),
    distant=(0.0749, 1.08),
    extrahepatic=0.0031,
    death=0.0095,
    loss=(0.014, 0.013),
)
CRLM = Entity(
    tumour_type="CRLM",
    age_years=(66.30, 12.63),
    male_frac=36 / 50,
    diameter_mm=(40.00, 24.07),
    lesions_frac=(0.64, 0.20, 0.08, 0.06, 0.02),
    local=(0.057, 0.76),
    distant=(0.0645, 1.09),
    extrahepatic=0.0144,
    death=0.0165,
    loss=(0.0071, 0.155),
)

FRAILTY_VARIANCE = 0.8
MEAN_AGE_YEARS, MEAN_DIAMETER_MM = 69.0, 38.0
# Hazard ratios of the paper's Table 4 (univariate): age 1.026 (local) and 1.028 (distant) a year, diameter 1.013 a mm.
LOG_HR_AGE_LOCAL, LOG_HR_AGE_DISTANT, LOG_HR_DIAMETER = np.log(1.026), np.log(1.028), np.log(1.013)
MISSED_FRAC = 0.28
SECOND_CYCLE_FRAC = 0.28
_VISITS_MONTHS = (56 / DAYS_PER_MONTH, 3.0, 6.0, 9.0, 12.0, *np.arange(18.0, 61.0, 6.0))


@dataclass(frozen=True, slots=True)
class TrueLesion:
    """What the simulation knows of a treated lesion and a study does not."""

    lesion_id: str
    diameter_mm: float
    d100_gy: float
    recurrence_day: float


def simulate_cohort(
    n_hcc: int = 114,
    n_crlm: int = 50,
    *,
    seed: int,
    dose: DoseModel | None = None,
    entities: tuple[Entity, Entity] = (HCC, CRLM),
    d100_gy: Callable[[str, float, float], float] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Cohort, tuple[TrueLesion, ...]]:
    """Draw a cohort.

    Parameters
    ----------
    n_hcc, n_crlm : int
        Patients of each type; the paper analysed 114 and 50.
    seed : int
    dose : DoseModel, optional
    entities : pair of Entity
    d100_gy : callable, optional
        ``(lesion_id, diameter_mm, drawn_gy) -> Gy``: delivered D100 of a lesion that was to get ``drawn_gy``, from a
        plan for example; else what was drawn is what is delivered.
    on_progress : callable, optional

    Returns
    -------
    Cohort
        As read from tables.
    tuple of TrueLesion
    """
    if min(n_hcc, n_crlm) < 0 or n_hcc + n_crlm == 0:
        raise InputError("a cohort needs at least one patient", got=(n_hcc, n_crlm))
    model = dose or DoseModel()
    patients: list[Patient] = []
    doses: list[Dose] = []
    truth: list[TrueLesion] = []
    kinds = [entities[0]] * n_hcc + [entities[1]] * n_crlm
    for number, entity in enumerate(kinds):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        patient, lesions = simulate_patient(f"P{number + 1:05d}", entity, model, rng, d100_gy=d100_gy)
        patients.append(patient)
        truth += lesions
        doses += [Dose(x.lesion_id, None, {"d100_gy": round(x.d100_gy, 3), "prescription_gy": 20.0}) for x in lesions]
        if on_progress is not None:
            on_progress(number + 1, len(kinds))
    study = {"data_lock_date": _LOCK, "rules": "recommended", "prescription_gy": 20.0}
    return Cohort(tuple(patients), tuple(doses), study), tuple(truth)


def simulate_patient(
    patient_id: str,
    entity: Entity,
    dose: DoseModel,
    rng: np.random.Generator,
    *,
    d100_gy: Callable[[str, float, float], float] | None = None,
) -> tuple[Patient, tuple[TrueLesion, ...]]:
    """Draw one patient: see :func:`simulate_cohort`."""
    story = _Story(patient_id, entity, dose, rng, d100_gy)
    story.first_cycle()
    story.later_cycle()
    return story.patient(), tuple(story.truth)


class _Story:
    """One patient under construction; all times in days after the completion of the first treatment."""

    def __init__(
        self,
        patient_id: str,
        entity: Entity,
        dose: DoseModel,
        rng: np.random.Generator,
        d100_gy: Callable[[str, float, float], float] | None,
    ) -> None:
        self.patient_id, self.entity, self.dose, self.rng, self.d100_gy = patient_id, entity, dose, rng, d100_gy
        self.age = float(np.clip(rng.normal(*entity.age_years), 25.0, 95.0))
        self.sex = "M" if rng.random() < entity.male_frac else "F"
        self.z = float(rng.gamma(1.0 / FRAILTY_VARIANCE, FRAILTY_VARIANCE))
        self.start = _ENROLMENT + int(rng.integers(0, _ENROLMENT_DAYS))
        self.lock = _LOCK - self.start
        self.death = self._exponential(entity.death)
        self.loss = self._exponential(entity.loss[0], shared=False)
        self.truth: list[TrueLesion] = []
        self.sessions: list[tuple[int, list[str]]] = []
        self.seen: dict[str, int] = {}
        self.scans: list[int] = []
        self.latent: list[tuple[float, str]] = []
        self.end = 0

    # -- latent times ---------------------------------------------------------------------------------------------

    def _weibull(self, scale_per_month: float, shape: float, factor: float) -> float:
        """Draw from hazard ``z factor scale (t / 12)^(shape - 1)`` per month; returns days."""
        total = self.rng.exponential() / (self.z * factor)
        # Cumulative hazard: 12 scale / shape (t / 12)^shape.
        return float(12.0 * (total * shape / (12.0 * scale_per_month)) ** (1.0 / shape) * DAYS_PER_MONTH)

    def _exponential(self, per_month: float, *, shared: bool = True) -> float:
        return float(self.rng.exponential() / (per_month * (self.z if shared else 1.0)) * DAYS_PER_MONTH)

    def _new_lesion(self, first_seen: int) -> TrueLesion:
        mean, sd = self.entity.diameter_mm
        log_variance = np.log1p((sd / mean) ** 2)
        diameter = float(np.exp(self.rng.normal(np.log(mean) - log_variance / 2, np.sqrt(log_variance))))
        # 10 mm: the least that RECIST 1.1 measures.
        diameter = float(np.clip(diameter, 10.0, 200.0))
        lesion_id = f"{self.patient_id}-L{len(self.truth) + 1}"
        drawn = self.rng.normal(
            self.dose.mean_gy + self.dose.slope_gy_per_mm * (diameter - MEAN_DIAMETER_MM), self.dose.sd_gy
        )
        d100 = float(np.clip(drawn, 6.0, 32.0))
        if self.d100_gy is not None:
            d100 = self.d100_gy(lesion_id, diameter, d100)
        factor = np.exp(
            LOG_HR_AGE_LOCAL * (self.age - MEAN_AGE_YEARS) + LOG_HR_DIAMETER * (diameter - MEAN_DIAMETER_MM)
        ) * self.dose.ratio(d100)
        lesion = TrueLesion(lesion_id, diameter, d100, self._weibull(*self.entity.local, float(factor)))
        self.truth.append(lesion)
        self.seen[lesion_id] = first_seen
        return lesion

    # -- cycles ---------------------------------------------------------------------------------------------------

    def first_cycle(self) -> None:
        """Treat the first lesions, in up to four sessions, and follow them."""
        n = 1 + int(self.rng.choice(len(self.entity.lesions_frac), p=self.entity.lesions_frac))
        baseline = -int(self.rng.integers(3, 29))
        first = [self._new_lesion(0) for _ in range(n)]
        n_sessions = 1 if n == 1 else int(self.rng.integers(1, min(n, 4) + 1))
        gaps = self.rng.integers(28, 43, n_sessions - 1) if n_sessions > 1 else np.zeros(0, dtype=int)
        days = (-np.concatenate((np.cumsum(gaps[::-1])[::-1], [0]))).astype(int)
        baseline += int(days[0])
        for lesion in first:
            self.seen[lesion.lesion_id] = baseline
        for k, day in enumerate(days):
            self.sessions.append((int(day), [x.lesion_id for x in first[k::n_sessions]]))
        self.baseline = baseline
        self._follow(0, first)

    def later_cycle(self) -> None:
        """Treat some distant progressors again: a new lesion, a new cycle."""
        new = [day for day, name in self._detected() if name == "new_intrahepatic"]
        if not new or self.rng.random() >= SECOND_CYCLE_FRAC:
            return
        day = max(new[0] + int(self.rng.integers(7, 29)), 57 + self.sessions[-1][0] - self.sessions[0][0])
        if day >= self.end:
            return
        lesion = self._new_lesion(new[0])
        self.sessions.append((day, [lesion.lesion_id]))
        self._follow(day, [lesion])

    def _follow(self, origin: int, lesions: Sequence[TrueLesion]) -> None:
        """Draw progression after ``origin`` and the scans that follow it."""
        self.latent += [(origin + x.recurrence_day, x.lesion_id) for x in lesions]
        ageing = float(np.exp(LOG_HR_AGE_DISTANT * (self.age - MEAN_AGE_YEARS)))
        self.latent.append((origin + self._weibull(*self.entity.distant, ageing), "new_intrahepatic"))
        self.latent.append((origin + self._exponential(self.entity.extrahepatic), "new_extrahepatic"))
        attended = [*(s for s in self.scans if s < origin), *self._attended(origin)]
        first_scan = next(s for s in attended if s >= origin)
        if origin == 0:
            # The first scan is part of being in the study: nobody dies or is lost before it.
            self.death, self.loss = max(self.death, first_scan + 1.0), max(self.loss, first_scan + 1.0)
        last = min(self.lock, self.death, self.loss)
        progressed = min((s for day, _ in self.latent for s in attended if s >= max(day, origin)), default=np.inf)
        if progressed < last:
            # Whoever has progressed leaves the study's follow-up sooner.
            last = min(last, progressed + self._exponential(self.entity.loss[1], shared=False))
        self.end = int(max(last, first_scan if origin == 0 else origin))
        self.scans = [s for s in attended if s <= self.end]

    def _detected(self) -> list[tuple[int, str]]:
        """Scan day and name of every event that a scan has shown."""
        found = []
        for day, name in self.latent:
            seen = next((s for s in self.scans if s >= day), None)
            if seen is not None and (seen, name) not in found:
                found.append((seen, name))
        return sorted(found)

    def _attended(self, origin: int) -> list[int]:
        """Days of the scans this patient would come to, the first one always (the paper's inclusion rule)."""
        days: list[int] = []
        for k, month in enumerate(_VISITS_MONTHS):
            jitter = self.rng.normal(0.0, 0.25 if month <= 12 else 0.45)
            missed = self.rng.random() < MISSED_FRAC
            day = origin + max(round((month + jitter) * DAYS_PER_MONTH), 36)
            if (k == 0 or not missed) and (not days or day > days[-1] + 14):
                days.append(day)
        return days

    # -- what the study sees ----------------------------------------------------------------------------------------

    def patient(self) -> Patient:
        """Return the patient with dates, diameters and findings."""
        detected = self._detected()
        at = {day: Scan(f"{self.patient_id}-S{k + 1}", self.start + day, True) for k, day in enumerate(self._days())}
        lesions = {
            x.lesion_id: Lesion(
                x.lesion_id,
                self.start + self.seen[x.lesion_id],
                self._diameters(x, at, dict((name, day) for day, name in reversed(detected))),
            )
            for x in self.truth
        }
        dead = self.death <= min(self.lock, self.end + 1)
        last = int(min(self.lock, self.death)) if dead else self.end
        sessions = tuple(
            Session(f"{self.patient_id}-T{k + 1}", self.start + day, tuple(ids))
            for k, (day, ids) in enumerate(self.sessions)
        )
        return Patient(
            patient_id=self.patient_id,
            tumour_type=self.entity.tumour_type,
            sex=self.sex,
            age_years=round(self.age, 1),
            last_contact=self.start + max(last, max(at)),
            death=self.start + max(last, max(at)) if dead else None,
            sessions=sessions,
            lesions=lesions,
            scans=tuple(at.values()),
            findings=tuple(Finding(at[day], name) for day, name in detected if name.startswith("new_")),
            treatments=(),
        )

    def _days(self) -> list[int]:
        return [self.baseline, *self.scans]

    def _diameters(self, lesion: TrueLesion, at: dict[int, Scan], first: dict[str, int]) -> tuple[Measurement, ...]:
        """Shrinks after treatment; grows past 1.3 times the nadir and 6 mm on the scan that detects recurrence."""
        recurred = first.get(lesion.lesion_id)
        treated = next(day for day, ids in self.sessions if lesion.lesion_id in ids)
        size, shrink = lesion.diameter_mm, float(self.rng.uniform(0.80, 1.0))
        nadir, found = size, []
        for day, scan in at.items():
            if day < self.seen[lesion.lesion_id]:
                continue
            if recurred is not None and day >= recurred:
                size = max(1.3 * nadir, nadir + 6.0) if day == recurred else size * 1.02
            elif day > treated:
                size = max(size * shrink**0.5, 6.0)
            nadir = min(nadir, size)
            found.append(Measurement(scan, round(size, 1)))
        return tuple(found)
