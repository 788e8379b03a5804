"""What makes a virtual lesion recur sooner or later: laws of one draw, the same chance under another condition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.simulate import CRLM, HCC, DoseModel
from hdrplan.simulate.course import DAYS_PER_MONTH, LOCK_DAY, Chance, _attended, _new_lesion, drawn_course
from hdrplan.simulate.patients import Person, TrueLesion, shown

FLAT = DoseModel(hazard_ratio_per_gy=1.0)


def lesion(
    *, dose: DoseModel = FLAT, diameter_mm: float = 38.0, age_years: float = 69.0, frailty: float = 1.0, seed: int = 0
) -> TrueLesion:
    """A lesion of exactly this diameter: the entity's has no spread."""
    entity = replace(HCC, diameter_mm=(diameter_mm, 0.0))
    person = Person(patient_id="P", entity=entity, age_years=age_years, sex="M", frailty=frailty, treated=736_000)
    return _new_lesion(person, 1, Chance(np.random.default_rng(seed), dose))


def hazard_ratio(a: TrueLesion, b: TrueLesion) -> float:
    """Of b against a, from the same exponential draw: days grow with the hazard to the power of -1 / shape."""
    return float((a.recurrence_day / b.recurrence_day) ** HCC.local[1])


def test_larger_lesions_and_older_patients_recur_as_the_paper_prints() -> None:
    """Table 4 of Xu 2021: 1.013 a millimetre, 1.026 a year (local recurrence)."""
    assert hazard_ratio(lesion(diameter_mm=30.0), lesion(diameter_mm=31.0)) == pytest.approx(1.013)
    assert hazard_ratio(lesion(diameter_mm=30.0), lesion(diameter_mm=60.0)) == pytest.approx(1.013**30)
    assert hazard_ratio(lesion(age_years=60.0), lesion(age_years=61.0)) == pytest.approx(1.026)


def test_frailty_is_a_factor_of_the_hazard() -> None:
    assert hazard_ratio(lesion(), lesion(frailty=3.0)) == pytest.approx(3.0)


@pytest.mark.parametrize("seed", range(5))
def test_larger_lesions_get_less_dose_by_the_stated_slope(seed: int) -> None:
    small, large = (lesion(diameter_mm=d, seed=seed) for d in (30.0, 50.0))
    assert large.d100_gy - small.d100_gy == pytest.approx(20.0 * FLAT.slope_gy_per_mm)
    assert FLAT.slope_gy_per_mm < 0.0
    steep = DoseModel(hazard_ratio_per_gy=1.0, slope_gy_per_mm=-0.1)
    assert lesion(dose=steep, diameter_mm=58.0, seed=seed).d100_gy == pytest.approx(
        lesion(dose=steep, seed=seed).d100_gy - 2.0
    )


@pytest.mark.parametrize("seed", range(5))
def test_dose_slows_recurrence_by_the_stated_ratio(seed: int) -> None:
    model = DoseModel(hazard_ratio_per_gy=0.9)
    d100_gy = lesion(dose=model, seed=seed).d100_gy
    assert hazard_ratio(lesion(seed=seed), lesion(dose=model, seed=seed)) == pytest.approx(0.9 ** (d100_gy - 20.0))
    step = DoseModel(threshold_gy=d100_gy, threshold_ratio=0.4)
    assert hazard_ratio(lesion(seed=seed), lesion(dose=step, seed=seed)) == pytest.approx(0.4)
    missed = replace(step, threshold_gy=d100_gy + 0.01)
    assert hazard_ratio(lesion(seed=seed), lesion(dose=missed, seed=seed)) == pytest.approx(1.0)


def test_diameters_have_the_stated_mean_and_spread() -> None:
    """Log-normal; the clip at 10 mm, the least that RECIST measures, moves the mean up a little."""
    wide = replace(CRLM, diameter_mm=(40.0, 10.0))
    person = Person(patient_id="P", entity=wide, age_years=69.0, sex="M", frailty=1.0, treated=736_000)
    chance = Chance(np.random.default_rng(3), FLAT)
    drawn = np.array([_new_lesion(person, 1, chance).diameter_mm for _ in range(4000)])
    # 4,000 draws: standard errors of 0.4 % of the mean and of about 2 % of the spread; three of them.
    assert drawn.mean() == pytest.approx(40.0, rel=0.012)
    assert drawn.std() == pytest.approx(10.0, rel=0.06)
    doses = np.array([_new_lesion(person, 1, chance).d100_gy for _ in range(4000)])
    assert doses.mean() == pytest.approx(FLAT.mean_gy + FLAT.slope_gy_per_mm * 2.0, abs=0.15)
    assert doses.std() == pytest.approx(np.hypot(FLAT.sd_gy, 10.0 * FLAT.slope_gy_per_mm), rel=0.05)


def test_the_first_scan_comes_after_five_weeks_at_the_earliest() -> None:
    """Planned after eight weeks; the jitter may not bring it before day 36, and brings some that far."""
    first = [_attended(HCC, 100, [], np.random.default_rng(seed))[0] - 100 for seed in range(3000)]
    assert min(first) == 36
    assert np.mean(first) == pytest.approx(56.0, abs=0.6)  # a jitter of 7.6 days: three standard errors


def test_nobody_leaves_before_the_first_scan() -> None:
    """The paper's inclusion rule; also for patients who would die or be lost at once."""
    hard = replace(CRLM, death=5.0, loss=(5.0, 5.0))
    for seed in range(40):
        _, course = drawn_course("P", hard, Chance(np.random.default_rng(seed), FLAT))
        assert course.scan_days
        assert course.end_day >= course.scan_days[0]
        assert min(course.death_day, course.loss_day) > course.scan_days[0]


def test_whoever_has_progressed_is_lost_sooner() -> None:
    """With a hazard of 3 a month the follow-up ends ten days or so after the scan that showed progression."""
    quick = replace(CRLM, death=1e-6, loss=(1e-6, 3.0), distant=(0.5, 1.0), extrahepatic=1e-6)
    gaps, whole = [], []
    for seed in range(300):
        person, course = drawn_course("P", quick, Chance(np.random.default_rng(seed), FLAT))
        events = shown(course)
        if len(course.sessions) == 1 and events and course.end_day < LOCK_DAY - person.treated - 1:
            gaps.append(course.end_day - events[0][0])
        whole.append(LOCK_DAY - person.treated)
    assert len(gaps) > 100
    # Exponential of mean 10.1 days, cut to whole ones.
    assert np.mean(gaps) == pytest.approx(9.6, abs=3 * 10.1 / np.sqrt(len(gaps)))
    assert min(whole) > 800


def test_scans_come_as_the_paper_followed_its_patients() -> None:
    """After eight weeks, then every three months for a year and every six after it; some are missed."""
    at_3_months, later, after_progression = HCC.missed_frac
    came = [np.array(_attended(HCC, 0, [], np.random.default_rng(seed))) / DAYS_PER_MONTH for seed in range(1000)]

    def share(month: float) -> float:
        return float(np.mean([(np.abs(months - month) < 1.3).any() for months in came]))

    # The scan at eight weeks may take the place of one that would follow within a fortnight.
    third_month = np.mean([(months[1:2] < 4.5).any() for months in came])
    assert 1.0 - at_3_months - 0.06 < third_month < 1.0 - at_3_months + 0.04
    for month in (6.0, 9.0, 12.0, *np.arange(18.0, 61.0, 6.0)):
        assert share(month) == pytest.approx(1.0 - later, abs=0.045)
    for month in (15.0, *np.arange(21.0, 66.0, 6.0)):
        assert share(month) < 0.01
    # A progression in month 2, shown in month 3 at the latest: few later scans.
    seldom = [len(_attended(HCC, 0, [60.0], np.random.default_rng(seed))) for seed in range(1000)]
    assert np.mean(seldom) < 2.0 + 10 * (1.0 - after_progression) + 0.2
    assert np.mean(seldom) < 0.55 * np.mean([months.size for months in came])
