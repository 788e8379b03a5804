"""The course of one virtual patient: latent events, treatments, scans.

Days count from the completion of the first treatment. A course grows by functions that return a new one, in the order
in which the generator is asked: another order would give other patients for the same seed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from hdrplan.simulate.entities import (
    FRAILTY_VARIANCE,
    LOG_HR_AGE_DISTANT,
    LOG_HR_AGE_LOCAL,
    LOG_HR_DIAMETER,
    MEAN_AGE_YEARS,
    MEAN_DIAMETER_MM,
    SECOND_CYCLE_FRAC,
    DoseModel,
    Entity,
)
from hdrplan.simulate.patients import Course, Person, TreatedLesion, TrueLesion, shown

__all__ = ["LOCK_DAY", "Chance", "DeliveredDose", "drawn_course"]

DAYS_PER_MONTH = 30.4375
# First day of enrolment; the paper treated from January 2016 to January 2018 and locked the data in June 2020.
_ENROLMENT_DAY = dt.date(2016, 1, 1).toordinal()
LOCK_DAY = dt.date(2020, 6, 15).toordinal()
_ENROLMENT_DAYS = 731
_VISITS_MONTHS = (56 / DAYS_PER_MONTH, 3.0, 6.0, 9.0, 12.0, *np.arange(18.0, 61.0, 6.0))

# (lesion_id, diameter_mm, drawn_gy) -> delivered D100, Gy.
DeliveredDose: TypeAlias = Callable[[str, float, float], float]


@dataclass(frozen=True, slots=True)
class Chance:
    """Where a patient's events come from.

    Parameters
    ----------
    rng : numpy Generator
    dose : DoseModel
    delivered_gy : callable, optional
        ``(lesion_id, diameter_mm, drawn_gy) -> Gy``; without it what is drawn is delivered.
    """

    rng: np.random.Generator
    dose: DoseModel
    delivered_gy: DeliveredDose | None = None


def drawn_course(patient_id: str, entity: Entity, chance: Chance) -> tuple[Person, Course]:
    """Draw one patient and what happens to him.

    Parameters
    ----------
    patient_id : str
    entity : Entity
    chance : Chance
    """
    rng = chance.rng
    age_years = float(np.clip(rng.normal(*entity.age_years), 25.0, 95.0))
    sex = "M" if rng.random() < entity.male_frac else "F"
    frailty = float(rng.gamma(1.0 / FRAILTY_VARIANCE, FRAILTY_VARIANCE))
    treated = _ENROLMENT_DAY + int(rng.integers(0, _ENROLMENT_DAYS))
    person = Person(
        patient_id=patient_id, entity=entity, age_years=age_years, sex=sex, frailty=frailty, treated=treated
    )
    return person, _later_cycle(person, _first_cycle(person, chance), chance)


# -- latent times -------------------------------------------------------------------------------------------------


def _weibull_days(person: Person, rng: np.random.Generator, hazard: tuple[float, float], factor: float) -> float:
    """Draw from hazard ``frailty factor scale (t / 12)^(shape - 1)`` per month."""
    scale_per_month, shape = hazard
    total = rng.exponential() / (person.frailty * factor)
    # Cumulative hazard: 12 scale / shape (t / 12)^shape.
    return float(12.0 * (total * shape / (12.0 * scale_per_month)) ** (1.0 / shape) * DAYS_PER_MONTH)


def _exponential_days(rng: np.random.Generator, per_month: float, frailty: float = 1.0) -> float:
    return float(rng.exponential() / (per_month * frailty) * DAYS_PER_MONTH)


def _new_lesion(person: Person, number: int, chance: Chance) -> TrueLesion:
    rng, dose = chance.rng, chance.dose
    mean, sd = person.entity.diameter_mm
    log_variance = np.log1p((sd / mean) ** 2)
    diameter_mm = float(np.exp(rng.normal(np.log(mean) - log_variance / 2, np.sqrt(log_variance))))
    # 10 mm: the least that RECIST 1.1 measures.
    diameter_mm = float(np.clip(diameter_mm, 10.0, 200.0))
    lesion_id = f"{person.patient_id}-L{number}"
    drawn = rng.normal(dose.mean_gy + dose.slope_gy_per_mm * (diameter_mm - MEAN_DIAMETER_MM), dose.sd_gy)
    d100_gy = float(np.clip(drawn, 6.0, 32.0))
    if chance.delivered_gy is not None:
        d100_gy = chance.delivered_gy(lesion_id, diameter_mm, d100_gy)
    factor = np.exp(
        LOG_HR_AGE_LOCAL * (person.age_years - MEAN_AGE_YEARS) + LOG_HR_DIAMETER * (diameter_mm - MEAN_DIAMETER_MM)
    ) * dose.ratio(d100_gy)
    return TrueLesion(
        lesion_id=lesion_id,
        diameter_mm=diameter_mm,
        d100_gy=d100_gy,
        recurrence_day=_weibull_days(person, rng, person.entity.local, float(factor)),
    )


# -- cycles -------------------------------------------------------------------------------------------------------


def _first_cycle(person: Person, chance: Chance) -> Course:
    """Treat the first lesions, in up to four sessions, and follow them."""
    rng, entity = chance.rng, person.entity
    death_day = _exponential_days(rng, entity.death, person.frailty)
    loss_day = _exponential_days(rng, entity.loss[0])
    n = 1 + int(rng.choice(len(entity.lesions_frac), p=entity.lesions_frac))
    baseline_day = -int(rng.integers(3, 29))
    lesions = [_new_lesion(person, k + 1, chance) for k in range(n)]
    n_sessions = 1 if n == 1 else int(rng.integers(1, min(n, 4) + 1))
    gaps = rng.integers(28, 43, n_sessions - 1) if n_sessions > 1 else np.zeros(0, dtype=int)
    days = [int(day) for day in -np.concatenate((np.cumsum(gaps[::-1])[::-1], [0]))]
    baseline_day += days[0]
    course = Course(
        baseline_day=baseline_day,
        death_day=death_day,
        loss_day=loss_day,
        lesions=tuple(
            TreatedLesion(true=lesion, seen_day=baseline_day, treated_day=days[k % n_sessions])
            for k, lesion in enumerate(lesions)
        ),
        sessions=tuple(
            (day, tuple(lesion.lesion_id for lesion in lesions[k::n_sessions])) for k, day in enumerate(days)
        ),
    )
    return _followed(person, course, 0, lesions, rng)


def _later_cycle(person: Person, course: Course, chance: Chance) -> Course:
    """Treat some distant progressors again: a new lesion, a new cycle."""
    rng = chance.rng
    seen_days = [day for day, name in shown(course) if name == "new_intrahepatic"]
    if not seen_days or rng.random() >= SECOND_CYCLE_FRAC:
        return course
    first_cycle_days = course.sessions[-1][0] - course.sessions[0][0]
    day = max(seen_days[0] + int(rng.integers(7, 29)), 57 + first_cycle_days)
    if day >= course.end_day:
        return course
    lesion = _new_lesion(person, len(course.lesions) + 1, chance)
    course = replace(
        course,
        lesions=(*course.lesions, TreatedLesion(true=lesion, seen_day=seen_days[0], treated_day=day)),
        sessions=(*course.sessions, (day, (lesion.lesion_id,))),
    )
    return _followed(person, course, day, [lesion], rng)


def _followed(
    person: Person, course: Course, origin: int, lesions: Sequence[TrueLesion], rng: np.random.Generator
) -> Course:
    """Draw progression after ``origin`` and the scans that follow it."""
    entity, ageing = person.entity, float(np.exp(LOG_HR_AGE_DISTANT * (person.age_years - MEAN_AGE_YEARS)))
    latent = (
        *course.latent,
        *((origin + lesion.recurrence_day, lesion.lesion_id) for lesion in lesions),
        (origin + _weibull_days(person, rng, entity.distant, ageing), "new_intrahepatic"),
        (origin + _exponential_days(rng, entity.extrahepatic, person.frailty), "new_extrahepatic"),
    )
    own = [day for day, _ in latent if day > origin]
    attended = [*(s for s in course.scan_days if s < origin), *_attended(entity, origin, own, rng)]
    first_scan = next(s for s in attended if s >= origin)
    death_day, loss_day = course.death_day, course.loss_day
    if origin == 0:
        # The first scan is part of being in the study: nobody dies or is lost before it.
        death_day, loss_day = max(death_day, first_scan + 1.0), max(loss_day, first_scan + 1.0)
    last = min(LOCK_DAY - person.treated, death_day, loss_day)
    progressed = min((s for day, _ in latent for s in attended if s >= max(day, origin)), default=np.inf)
    if progressed < last:
        # Whoever has progressed leaves the study's follow-up sooner.
        last = min(last, progressed + _exponential_days(rng, entity.loss[1]))
    end_day = int(max(last, first_scan if origin == 0 else origin))
    return replace(
        course,
        death_day=death_day,
        loss_day=loss_day,
        latent=latent,
        scan_days=tuple(s for s in attended if s <= end_day),
        end_day=end_day,
    )


def _attended(entity: Entity, origin: int, progression_days: Sequence[float], rng: np.random.Generator) -> list[int]:
    """Days of the scans this patient would come to, the first one always (the paper's inclusion rule).

    Parameters
    ----------
    entity : Entity
        Its fractions of missed scans.
    origin : int
        Day of the treatment.
    progression_days : sequence of float
        Latent progressions after this treatment: the first scan after one shows it, and few follow.
    rng : numpy.random.Generator
    """
    at_3_months, later, after_progression = entity.missed_frac
    days: list[int] = []
    for k, month in enumerate(_VISITS_MONTHS):
        jitter = rng.normal(0.0, 0.25 if month <= 12 else 0.45)
        luck = rng.random()
        day = origin + max(round((month + jitter) * DAYS_PER_MONTH), 36)
        progressed = bool(days) and any(event <= days[-1] for event in progression_days)
        missed_frac = 0.0 if k == 0 else at_3_months if k == 1 else after_progression if progressed else later
        if luck >= missed_frac and (not days or day > days[-1] + 14):
            days.append(day)
    return days
