"""What a clinician reads first, against closed forms; sentences that follow from the data and not from habit."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hdrplan.analysis import (
    Correlation,
    LesionTable,
    Settings,
    answer_table,
    clinical_answer,
    correlate,
    lesion_table,
    plain_words,
)
from hdrplan.analysis.benefit import dose_benefit
from hdrplan.analysis.effects import d100_model
from hdrplan.analysis.lesions import SECOND_TREATMENT
from hdrplan.analysis.text_table import control_text
from hdrplan.cohort import Rules, checked_cohort, derive
from hdrplan.io import write_pdf
from hdrplan.outcomes import CoxFit, aalen_johansen, competing_risks, cox, follow_up, intervals, predicted_incidence
from hdrplan.report import correlation_html, on_paper
from hdrplan.report.cohort_answer import benefit_figure
from synthetic_cohort import synthetic_cohort


def lesions(seed: int, n: dict[str, int], log_hr_per_gy: float) -> LesionTable:
    made = synthetic_cohort(np.random.default_rng(seed), n, log_hr_per_gy=log_hr_per_gy, frailty_variance=0.0)
    cohort, _ = checked_cohort(made.raw, Rules(), today=dt.date(2026, 1, 1), accept=("treated_without_plan",))
    return lesion_table(cohort, derive(cohort, Rules()))


@pytest.fixture(scope="module")
def strong() -> Correlation:
    return correlate(lesions(5, {"HCC": 150, "CRLM": 80}, math.log(0.8)), Settings(n_resamples=99, n_bootstrap=40))


def product_limit(fit: CoxFit, x: list[float], at: float, stratum: object = None) -> float:
    """Survival as the product of 1 - jump over the event times of the hazard at x."""
    times, hazard = fit.cumulative_hazard(stratum, x)
    return float(np.prod([1 - jump for t, jump in zip(times, np.diff(hazard, prepend=0.0), strict=True) if t <= at]))


def test_the_predicted_incidence_is_the_closed_form_of_constant_hazards() -> None:
    """Exponential recurrence (hazard 0.05 e^x) and death (0.02): risk r / (r + d) (1 - e^(-(r + d) t))."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 2, 20000).astype(np.float64)
    recurrence, death = rng.exponential(1 / (0.05 * np.exp(0.7 * x))), rng.exponential(1 / 0.02, x.size)
    time = np.minimum(recurrence, death)
    first = follow_up(time, recurrence < death)
    models = cox(first, x), cox(follow_up(time, death < recurrence), x)
    got = predicted_incidence(*models, [[0.0], [1.0]], [6.0, 12.0])
    for row, r in enumerate((0.05, 0.05 * math.exp(0.7))):
        for column, t in enumerate((6.0, 12.0)):
            exact = r / (r + 0.02) * (1 - math.exp(-(r + 0.02) * t))
            # 10,000 rows each: a standard error of at most 0.5 %.
            assert got[row, column] == pytest.approx(exact, abs=0.015)
    alone = predicted_incidence(models[0], None, [[0.0]], [12.0])
    assert alone[0, 0] == pytest.approx(1 - product_limit(models[0], [0.0], 12.0), rel=1e-12)


def test_without_covariates_the_predicted_incidence_is_aalen_johansen() -> None:
    rng = np.random.default_rng(2)
    time, cause = rng.exponential(10, 3000), rng.integers(0, 3, 3000)
    nothing = np.empty((3000, 0))
    models = cox(follow_up(time, cause == 1), nothing), cox(follow_up(time, cause == 2), nothing)
    own = predicted_incidence(*models, np.empty((1, 0)), [5.0, 15.0])[0]
    whole = aalen_johansen(competing_risks(time, cause)).incidence_at([5.0, 15.0])[:, 0]
    np.testing.assert_allclose(own, whole, rtol=1e-12)


def test_strata_have_their_own_risk_and_unknown_ones_are_refused() -> None:
    rng = np.random.default_rng(3)
    time, where = rng.exponential(10, 400), np.repeat(["A", "B"], 200)
    event, x = rng.random(400) < 0.7, rng.normal(size=400)
    both = cox(follow_up(time, event), x, strata=where)
    got = predicted_incidence(both, None, [[0.3], [0.3]], [8.0], strata=["B", "A"])[:, 0]
    for risk, name in zip(got, ("B", "A"), strict=True):
        assert risk == pytest.approx(1 - product_limit(both, [0.3], 8.0, name), rel=1e-12)
    with pytest.raises(Exception, match="every stratum"):
        predicted_incidence(both, None, [[0.3]], [8.0], strata=["C"])


def test_the_benefit_is_the_average_over_lesions_and_follows_the_true_effect(strong: Correlation) -> None:
    table, b = strong.table, strong.benefit
    assert b is not None
    assert not strong.models.curved
    fit = cox(table.follow_up.independent, np.column_stack((table.d100_gy, table.diameter_mm, table.age_years,
              np.array(table.tumour_type) == "CRLM")).astype(np.float64))  # fmt: skip
    death = cox(follow_up(table.follow_up.time, table.status == 2), fit.data.covariates)
    more = fit.data.covariates + np.array([2.0, 0, 0, 0])
    by_hand = [predicted_incidence(fit, death, x, [12.0]).mean() for x in (fit.data.covariates, more)]
    assert (b.now, b.then) == (pytest.approx(by_hand[0], rel=1e-6), pytest.approx(by_hand[1], rel=1e-6))
    assert b.difference[1] < b.difference[0] < b.difference[2]
    assert b.ratio[0] == pytest.approx(b.then / b.now)
    # A hazard ratio of 0.8 per Gy: 0.64 for 2 Gy, less apart in risks; the interval must hold what is between.
    assert b.ratio[1] < 0.75 < b.ratio[2] < 1.0
    assert (np.diff(b.risk) < 0).all()


def test_the_first_sentence_says_the_effect_and_the_second_what_cannot_be_shown(strong: Correlation) -> None:
    effect, cannot = clinical_answer(strong)
    assert effect.startswith("2 Gy more D100:")
    assert "% fewer local recurrences within 12 months (95 % CI" in effect
    assert cannot.startswith("This cohort cannot show whether dose is the cause")
    assert plain_words(strong)[:2] == (effect, cannot)
    assert answer_table(strong).rows[0] == (
        "Lesions (patients)",
        f"{strong.table.n} ({strong.table.n_patients})",
        "",
        "",
    )


def test_no_effect_is_not_called_one() -> None:
    result = correlate(lesions(3, {"HCC": 90, "CRLM": 40}, 0.0), Settings(n_resamples=99, n_bootstrap=30))
    effect, _ = clinical_answer(result)
    assert result.benefit is not None
    if result.benefit.difference[1] < 0 < result.benefit.difference[2]:
        assert effect.startswith("These data do not show that 2 Gy more D100 changes")
    words = " ".join(plain_words(result))
    assert "immortal" not in words, "these rules exclude nobody for want of a scan"
    assert "Xu 2021" not in words


def test_immortal_time_is_said_where_the_rules_make_it(strong: Correlation) -> None:
    needed = dataclasses.replace(strong, settings=dataclasses.replace(strong.settings, week8_needed=True))
    assert "immortal time. From that scan on, the effect of D100 is: hazard ratio" in " ".join(plain_words(needed))


def shaped(table: LesionTable, log_hazard: np.ndarray, seed: int) -> LesionTable:
    """The same lesions with exponential recurrences of a known shape, seen at once and never censored before 24."""
    latent = np.random.default_rng(seed).exponential(30.0 / np.exp(log_hazard))
    seen = latent <= 36.0
    time = np.minimum(latent, 36.0)
    return dataclasses.replace(
        table,
        follow_up=follow_up(time, seen, cluster=table.patient_id),
        intervals=intervals(np.maximum(time - 1, 0), np.where(seen, time, np.inf), cluster=table.patient_id),
        status=seen.astype(np.int64),
    )


def step_row(result: Correlation) -> tuple[str, ...]:
    return next(row for row in answer_table(result).rows if row[0] == "Step beside a straight line?")


def test_a_step_and_a_curve_are_told_from_a_line() -> None:
    """A U has no ratio per Gy: the curve is the answer. A step of six times explains what a line does not."""
    table = lesions(9, {"HCC": 250}, 0.0)
    quick = Settings(n_resamples=199, n_bootstrap=0)
    u = correlate(shaped(table, 0.08 * (table.d100_gy - 20.0) ** 2, 1), quick)
    assert u.models.curved
    words = " ".join(plain_words(u))
    assert "No single ratio per Gy describes the effect of D100: a straight line is rejected" in words
    rows = [row[0] for row in answer_table(u).rows]
    assert "Hazard ratio per Gy D100" not in rows
    assert sum(row.startswith("Hazard ratio of") for row in rows) == 4
    step = correlate(shaped(table, np.where(table.d100_gy < 19.0, 1.8, 0.0), 2), quick)
    assert step.cuts.beyond_line is not None
    assert step.cuts.beyond_line.p.resampled < 0.05
    assert step.cuts.beyond_line.best == pytest.approx(19.0, abs=0.5)
    words = " ".join(plain_words(step))
    assert step_row(step)[1] == f"shown; best at {step.cuts.beyond_line.best:.1f} Gy"
    assert (
        "A step at 19.0 Gy explains what the smooth curve does not" in words or "A straight line is rejected" in words
    )
    line = correlate(shaped(table, -0.25 * (table.d100_gy - 20.0), 3), quick)
    assert "no step is shown" in " ".join(plain_words(line))
    assert step_row(line)[1].startswith("not shown; best at")


def test_without_bootstrap_samples_the_answer_has_no_interval(strong: Correlation) -> None:
    b = dose_benefit(strong.table, horizon_months=12.0, curved=True, rng=np.random.default_rng(0), n_bootstrap=0)
    assert b.curved
    assert math.isnan(b.difference[1])
    alone = dataclasses.replace(strong, benefit=b, settings=dataclasses.replace(strong.settings, n_bootstrap=0))
    assert "There is no interval: by itself this figure does not show an effect" in clinical_answer(alone)[0]
    asked = dataclasses.replace(strong, benefit=b)
    assert "Of 40 bootstrap samples only 0 gave an answer, too few for an interval" in clinical_answer(asked)[0]
    five = dataclasses.replace(strong.settings, n_bootstrap=5)
    few = dataclasses.replace(strong, benefit=dataclasses.replace(b, n_bootstrap=5), settings=five)
    assert "5 bootstrap samples are too few for an interval: by itself" in clinical_answer(few)[0]


def changed(table: LesionTable, recurs: np.ndarray, d100_gy: np.ndarray | None = None) -> LesionTable:
    """The same lesions, of which only these recur, with another D100."""
    event = recurs & (table.status == 1)
    return dataclasses.replace(
        table,
        d100_gy=table.d100_gy if d100_gy is None else d100_gy,
        status=np.where(event, 1, np.where(table.status == 1, 0, table.status)),
        follow_up=follow_up(table.follow_up.time, event, cluster=table.patient_id),
        intervals=intervals(
            table.intervals.left, np.where(event, table.intervals.right, math.inf), cluster=table.patient_id
        ),
    )


def test_a_tumour_type_without_recurrence_leaves_the_others_an_answer(strong: Correlation) -> None:
    """Its ratio has no finite estimate: the effect of dose is that of the other type alone."""
    of_hcc = np.array(strong.table.tumour_type) == "HCC"
    table = changed(strong.table, ~of_hcc)
    assert table.silent_levels == {"tumour_type": ("HCC",)}
    fit = d100_model(table)
    alone = cox(
        follow_up(table.follow_up.time[~of_hcc], table.status[~of_hcc] == 1),
        np.column_stack((table.d100_gy, table.diameter_mm, table.age_years))[~of_hcc],
    )
    assert fit.names == ("D100, per Gy", "diameter, per 10 mm", "age, per 10 years")
    assert fit.coef[0] == pytest.approx(alone.coef[0], rel=1e-6)
    result = correlate(table, Settings(n_resamples=19, n_bootstrap=0))
    words = " ".join(plain_words(result))
    assert "No lesion recurred where tumour type is HCC" in words
    assert "adjusted for size, tumour type and age: hazard ratio" in words


def test_what_the_data_cannot_carry_is_said_and_nothing_else(strong: Correlation) -> None:
    same = correlate(
        changed(strong.table, strong.table.status == 1, np.full(strong.table.n, 20.0)),
        Settings(n_resamples=19, n_bootstrap=0),
    )
    assert clinical_answer(same)[0] == (
        f"All {strong.table.n} lesions have a D100 of 20.0 Gy: these data cannot show whether dose matters."
    )
    none = correlate(changed(strong.table, np.zeros(strong.table.n, bool)), Settings(n_resamples=19, n_bootstrap=0))
    assert clinical_answer(none)[0].startswith(f"No recurrence in {strong.table.n} lesions: these data cannot show")
    for result in (same, none):
        words = " ".join(plain_words(result))
        assert "physicians chose" not in words, "there is no model whose confounding could be told"
        assert "hazard ratio" not in words.replace("Fixed threshold", "")


def test_a_confounder_of_a_harmful_effect_raises_the_chance_of_a_high_dose(strong: Correlation) -> None:
    assert "multiplies the chance of a low dose and the risk" in " ".join(plain_words(strong))
    assert strong.unmeasured is not None
    harmful = dataclasses.replace(strong.unmeasured, hazard_ratio=1.8, lower=1.4, upper=2.2)
    words = " ".join(plain_words(dataclasses.replace(strong, unmeasured=harmful)))
    assert "multiplies the chance of a high dose and the risk" in words


def test_monotone_transforms_of_a_metric_are_one_question(strong: Correlation) -> None:
    by_name = {m.name: m for m in strong.metrics}
    eqd2 = by_name["eqd2_d100_gy (alpha/beta 10)"]
    assert eqd2.same_as == "d100_gy"
    assert math.isnan(eqd2.p_holm)
    counted = [m for m in strong.metrics if not m.same_as]
    smallest = min(counted, key=lambda m: m.p)
    assert smallest.p_holm == pytest.approx(min(1.0, smallest.p * len(counted)))


def test_few_recurrences_are_said_on_the_first_screen(strong: Correlation) -> None:
    parameters = len(strong.models.adjusted)
    assert strong.table.n_events >= 10 * parameters
    assert "how large the effect is" not in clinical_answer(strong)[1]
    times = strong.models.n_patients_recurred // (7 * parameters)  # between 5 and 10 recurrences a parameter
    few = dataclasses.replace(strong.models, adjusted=strong.models.adjusted * times)
    said = clinical_answer(dataclasses.replace(strong, models=few))[1]
    recurred = strong.models.n_patients_recurred
    assert f"({strong.table.n_events} recurrences of {recurred} patients for {times * parameters} parameters" in said
    none = dataclasses.replace(strong.models, adjusted=strong.models.adjusted * 10)
    words = plain_words(dataclasses.replace(strong, models=none))
    assert "no model of D100 can be relied on: these data cannot show whether dose matters" in words[0]
    assert not any(text in " ".join(words) for text in ("Power", "hazard ratio per Gy", "Best cut-off"))


def test_the_first_table_says_how_few_recurrences_a_tumour_type_has(strong: Correlation) -> None:
    assert strong.models.interaction is not None
    fewest = min(strong.models.interaction.by_type.values(), key=lambda e: e.n_events)
    row = next(r for r in answer_table(strong).rows if r[0] == "Same effect in all tumour types?")
    assert row[1].endswith(f"{fewest.n_events} recurrences {fewest.term.split(', ')[-1]}")


def test_control_without_event_has_no_interval_that_hides_how_few_there_were() -> None:
    assert control_text(1.0, 1.0, 1.0) == "100.0 (no event)"
    assert control_text(0.0, float("nan"), float("nan")) == "0.0 (nobody left)"
    assert control_text(0.951, 0.9, 0.98) == "95.1 (90.0-98.0)"


QUICK = Settings(n_resamples=19, n_bootstrap=0)


def said(result: Correlation) -> str:
    return " ".join(plain_words(result))


def test_a_type_without_recurrence_has_no_interaction_and_that_is_said(strong: Correlation) -> None:
    """The reason named the diameter: a slope within a type of which none recurred has no information at all."""
    of_hcc = np.array(strong.table.tumour_type) == "HCC"
    result = correlate(changed(strong.table, ~of_hcc), QUICK)
    assert "interaction" not in result.failed
    assert result.models.interaction is None
    assert "Tumour types: only CRLM recurred, so a difference between the types cannot be seen." in said(result)


def test_predictions_where_a_type_has_no_recurrence_are_penalised_and_not_0(strong: Correlation) -> None:
    """Its own baseline would predict a risk of exactly 0, whose log odds made the calibration curve an artefact."""
    of_hcc = np.array(strong.table.tumour_type) == "HCC"
    quality = correlate(changed(strong.table, ~of_hcc), Settings(n_resamples=19, n_bootstrap=3)).quality
    assert quality is not None
    assert quality.silent == {"tumour_type": ("HCC",)}
    assert quality.n_bootstrap == 3
    assert quality.calibration is not None
    assert quality.calibration.predicted[0] > 1e-5
    assert 0.5 < quality.calibration.slope < 2.0
    assert quality.scores[2].brier[0] < quality.scores[0].brier[0]


def test_nothing_is_said_of_risk_beyond_the_last_lesion_that_is_followed(strong: Correlation) -> None:
    """Control at 12 months was printed, and what 2 Gy more would do to it, when all had been lost by 8."""
    t, end = strong.table, 8.0
    late = t.follow_up.time > end
    cut = dataclasses.replace(
        t,
        status=np.where(late, 0, t.status),
        follow_up=follow_up(np.minimum(t.follow_up.time, end), t.follow_up.event & ~late, cluster=t.patient_id),
        intervals=intervals(
            np.minimum(t.intervals.left, end), np.where(late, math.inf, t.intervals.right), cluster=t.patient_id
        ),
    )
    result = correlate(cut, QUICK)
    first = clinical_answer(result)[0]
    assert first.startswith("What more D100 would change within 12 months could not be predicted")
    assert "8.0 months at most" in first
    assert not any("Recurred within" in row[0] for row in answer_table(result).rows)


def test_no_event_at_all_is_an_answer_and_no_refusal(strong: Correlation) -> None:
    t = strong.table
    nothing = dataclasses.replace(changed(t, np.zeros(t.n, bool)), status=np.zeros(t.n, int))
    assert clinical_answer(correlate(nothing, QUICK))[0].startswith(f"No recurrence in {t.n} lesions")


def test_a_dose_that_is_all_size_cannot_be_told_from_it(strong: Correlation) -> None:
    """The page said a hazard ratio of 0.000 (0.000 to 44942298200910344.000)."""
    t = strong.table
    result = correlate(dataclasses.replace(t, d100_gy=30 - 0.2 * t.diameter_mm + 0.001 * t.d100_gy), QUICK)
    assert "cannot be told from what that does" in clinical_answer(result)[0]
    assert "per Gy" not in said(result)
    exact = correlate(dataclasses.replace(t, d100_gy=30 - 0.2 * t.diameter_mm), QUICK)
    assert "covariates must not be combinations of each other" in clinical_answer(exact)[0]


def test_doses_that_hardly_differ_say_nothing_of_2_gy_more(strong: Correlation) -> None:
    t = strong.table
    result = correlate(dataclasses.replace(t, d100_gy=20 + 0.05 * (t.d100_gy - 20)), QUICK)
    assert "needs doses that differ by as much" in clinical_answer(result)[0]


def test_two_doses_tell_no_step_from_a_line(strong: Correlation) -> None:
    t = strong.table
    result = correlate(dataclasses.replace(t, d100_gy=np.where(t.d100_gy > 20, 25.0, 15.0)), QUICK)
    assert result.cuts.beyond_line is None
    assert "explains what" not in said(result)


def test_one_patient_who_decides_is_named() -> None:
    """A lesion of 90 Gy turns no effect into a harmful one."""
    t = lesions(54, {"HCC": 110, "CRLM": 60}, 0.0)
    t = shaped(t, 0.0 * t.d100_gy, 54)
    result = correlate(dataclasses.replace(t, d100_gy=np.where(np.arange(t.n) == 3, 90.0, t.d100_gy)), QUICK)
    one, all_of_them = result.one_patient, result.models.headline
    assert one is not None
    assert all_of_them is not None
    assert (one.n < t.n, all_of_them.p < 0.05, one.p < 0.05) == (True, True, False)
    assert f"One patient decides: {one.model}" in said(result)


def test_recurrences_of_one_patient_are_no_evidence_for_many(strong: Correlation) -> None:
    t = strong.table
    who = np.flatnonzero(t.follow_up.event)
    names = np.array(t.patient_id, dtype=object)
    names[who[: len(who) - 3]] = "P0"
    one = tuple(str(x) for x in names)
    table = dataclasses.replace(
        t,
        patient_id=one,
        follow_up=follow_up(t.follow_up.time, t.follow_up.event, cluster=one),
        intervals=intervals(t.intervals.left, t.intervals.right, cluster=one),
    )
    first = clinical_answer(correlate(table, QUICK))[0]
    assert first.startswith(f"With {t.n_events} recurrences of 3 patients for 4 parameters (fewer than 5 for each)")


def test_a_bend_is_not_called_a_step_nor_a_difference_between_types(strong: Correlation) -> None:
    table = lesions(9, {"HCC": 150, "CRLM": 90}, 0.0)
    u = correlate(shaped(table, 0.08 * (table.d100_gy - 20.0) ** 2, 1), Settings(n_resamples=199, n_bootstrap=0))
    assert u.models.linear_p is not None
    assert u.models.linear_p < 0.05
    assert u.cuts.beyond_curve is not None
    words = said(u)
    assert "explains what a straight line does not" not in words
    assert "beside a smooth curve no step is shown" in words or "or a bend sharper than a curve" in words
    assert u.models.interaction is not None
    assert "beside a curve that they share" in words


def test_a_dose_response_of_size_alone_has_no_d50_to_plan_with() -> None:
    """D50 of 15.4 Gy (13.9 to 17.1) stood where the adjusted model showed no effect at all (p = 0.955)."""
    made = synthetic_cohort(np.random.default_rng(19), {"HCC": 110, "CRLM": 60}, size_effect_on_dose=-0.15)
    cohort, _ = checked_cohort(made.raw, Rules(), today=dt.date(2026, 1, 1), accept=("treated_without_plan",))
    table = lesion_table(cohort, derive(cohort, Rules()))
    result = correlate(shaped(table, 0.03 * (table.diameter_mm - 38), 19), QUICK)
    assert result.models.headline is not None
    assert result.models.headline.p > 0.05
    assert "its D50 is no dose that lesions need" in said(result)
    assert "D50 is 1" not in said(result)


def test_types_that_differ_are_said_beside_the_one_number_for_all(strong: Correlation) -> None:
    table = lesions(21, {"HCC": 150, "CRLM": 90}, 0.0)
    slope = np.where(np.array(table.tumour_type) == "HCC", -0.3, 0.0)
    result = correlate(shaped(table, slope * (table.d100_gy - 20), 21), QUICK)
    assert result.models.differs
    assert (
        "The effect differs between the tumour types"
        in clinical_answer(dataclasses.replace(result, benefit=strong.benefit))[0]
    )


def test_effects_that_a_cohort_may_miss_are_told_on_both_sides_of_1(strong: Correlation) -> None:
    """'Most studies would miss weaker effects' was false: they miss just more than a fifth of the next weaker."""
    words = said(strong)
    assert "Most studies would miss" not in words
    assert "Of effects between the two they would miss more than 20 %" in words


def test_an_error_of_dose_that_is_too_large_is_not_called_unknown(strong: Correlation) -> None:
    """It was given, 6 Gy, and the page said that it was not."""
    settings = dataclasses.replace(strong.settings, dose_error=6.0)
    failed = {"error of D100": "the recorded values must vary more than their error, got 9 and 36."}
    words = said(dataclasses.replace(strong, settings=settings, dose_error=(), failed=failed))
    assert "could not be corrected for the error of D100: the recorded values must vary more" in words
    assert "is not taken into account" not in words


def test_lesions_that_lack_a_value_are_what_a_cohort_cannot_tell_of(strong: Correlation) -> None:
    """Of 20 lesions for each that lacks something nothing is said; a second treatment lacks nothing."""
    n = strong.table.n

    def cannot(*left_out: tuple[str, str]) -> str:
        return clinical_answer(dataclasses.replace(strong, table=dataclasses.replace(strong.table, left_out=left_out)))[
            1
        ]

    lacking = n // 10
    assert f"the {lacking} of {n + lacking} lesions that lack a value" in cannot(*[("L", "age unknown")] * lacking)
    assert "lack a value" not in cannot(*[("L", "no dose")] * (n // 30))
    assert "lack a value" not in cannot(*[("L", SECOND_TREATMENT)] * n)


@pytest.mark.browser
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_first_printed_page_holds_the_whole_answer(strong: Correlation, tmp_path: Path, paper: str) -> None:
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("no pdftotext on this machine (apt-get install poppler-utils)")
    assert strong.benefit is not None
    figure = benefit_figure(strong.benefit, strong.table, "adjusted for size, tumour type and age")
    html = correlation_html(
        strong, flow=(), figures={"answer": figure}, settings={}, warnings="", about={"Tables": "0"}
    )
    write_pdf(tmp_path / "page.pdf", on_paper(html, paper))
    words = subprocess.run(
        [reader, "-f", "1", "-l", "1", str(tmp_path / "page.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert " ".join(clinical_answer(strong)[0].split()) in " ".join(words.split())
    assert " ".join(answer_table(strong).notes[0].split()) in " ".join(words.split())
