"""Virtual cohorts: lesions, scans, recurrences, deaths, as the values that the outcome analysis reads.

Every patient has latent times of local recurrence (each lesion), distant and extrahepatic progression, death and loss,
with Weibull hazards that share one gamma frailty. What the study sees are scans: an event appears on the first scan
attended after it. Patients are drawn one by one from a generator keyed by (seed, patient), so a cohort does not depend
on how many workers draw it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hdrplan.cohort import Cohort, Dose, Patient
from hdrplan.errors import InputError
from hdrplan.simulate.course import LOCK_DAY, Chance, DeliveredDose, drawn_course
from hdrplan.simulate.entities import CRLM, HCC, DoseModel, Entity
from hdrplan.simulate.observed import observed_patient
from hdrplan.simulate.patients import TrueLesion

__all__ = ["simulate_cohort"]


def simulate_cohort(
    n_hcc: int = 114,
    n_crlm: int = 50,
    *,
    seed: int,
    dose: DoseModel | None = None,
    entities: tuple[Entity, Entity] = (HCC, CRLM),
    d100_gy: DeliveredDose | None = None,
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

    Raises
    ------
    InputError
        No patients.
    """
    if min(n_hcc, n_crlm) < 0 or n_hcc + n_crlm == 0:
        raise InputError("a cohort needs at least one patient", got=(n_hcc, n_crlm))
    patients: list[Patient] = []
    doses: list[Dose] = []
    truth: list[TrueLesion] = []
    drawn = [entities[0]] * n_hcc + [entities[1]] * n_crlm
    for number, entity in enumerate(drawn):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        person, course = drawn_course(f"P{number + 1:05d}", entity, Chance(rng, dose or DoseModel(), d100_gy))
        patients.append(observed_patient(person, course, rng))
        lesions = [lesion.true for lesion in course.lesions]
        truth += lesions
        doses += [
            Dose(lesion.lesion_id, None, {"d100_gy": round(lesion.d100_gy, 3), "prescription_gy": 20.0})
            for lesion in lesions
        ]
        if on_progress is not None:
            on_progress(number + 1, len(drawn))
    study = {"data_lock_date": LOCK_DAY, "rules": "recommended", "prescription_gy": 20.0}
    return Cohort(tuple(patients), tuple(doses), study), tuple(truth)
