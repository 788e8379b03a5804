"""What the data can and cannot show, in sentences: events, power, confounding, and whose analysis this is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hdrplan.analysis.answer import EVENTS_PER_PARAMETER, clinical_answer, counted, detectable_ratio
from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.effects import Effect, adjusted_words

__all__ = ["plain_words"]

# A logistic curve has two parameters: five events, and five others, for each (as for a Cox model).
EVENTS_FOR_A_CURVE = 10


def plain_words(result: Correlation) -> tuple[str, ...]:
    """Return what the data can and cannot show, the answer first; each sentence follows from a number of the result."""
    r = result
    parts = (_whose, _size, _dose, _robust, _error, _shape, _cutoffs, _response, _time, _limits)
    return tuple([*clinical_answer(r), *(sentence for part in parts for sentence in part(r))])


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _hr(e: Effect) -> str:
    return f"hazard ratio {e.hazard_ratio:.3f} (95 % CI {e.lower:.3f} to {e.upper:.3f}, {_p(e.p)})"


def _whose(r: Correlation) -> Iterator[str]:
    if r.settings.mode == "paper":
        yield (
            "The analysis of dose and recurrence is hdrplan's own. The paper whose rules it follows (Xu 2021) reports "
            "no dose metric, so nothing on this page reproduces or contradicts its results."
        )


def _size(r: Correlation) -> Iterator[str]:
    t = r.table
    deaths = int((t.status == 2).sum())
    each = (
        "Each patient has one lesion."
        if t.n == t.n_patients
        else "Lesions of one patient are not independent. All intervals below treat the patient as the unit."
    )
    yield (
        f"The data have {counted(t.n, 'treated lesion')} of {counted(t.n_patients, 'patient')}, with "
        f"{counted(t.n_events, 'local recurrence')} and {counted(deaths, 'death')} before a recurrence. {each}"
    )
    if t.left_out:
        reasons: dict[str, int] = {}
        for _, why in t.left_out:
            reasons[why] = reasons.get(why, 0) + 1
        each = "; ".join(f"{counted(n, 'lesion')} ({why})" for why, n in reasons.items())
        yield f"Not analysed: {each}."
    several = int((t.n_sessions > 1).sum())
    if several:
        yield (
            f"Of lesions that were treated in several sessions ({several}), D100 is the lower bound of the sum in EQD2 "
            f"(alpha/beta {t.alpha_beta_gy:g} Gy), expressed as the dose of one session, unless an accumulated dose "
            "was given."
        )
    names = {a.column: a.words for a in t.adjusters}
    for column, levels in t.silent_levels.items():
        yield (
            f"No lesion recurred where {names[column]} is {' or '.join(levels)}: such lesions have a baseline of their "
            "own, and say nothing about dose."
        )
    parameters = len(r.models.adjusted)
    if parameters:
        per = t.n_events / parameters
        verdict = "That is enough for stable estimates."
        if per < EVENTS_PER_PARAMETER:
            verdict = "The estimates are unstable and no more than hints."
        if not r.models.carried:
            verdict = "No statement about dose can rest on so few."
        yield (
            f"The model of D100 has {counted(parameters, 'parameter')}, with {per:.1f} recurrences for each "
            f"({EVENTS_PER_PARAMETER} are the usual minimum). {verdict}"
        )


def _dose(r: Correlation) -> Iterator[str]:
    e = r.models.headline
    if e is None or not r.models.carried:
        return
    words = adjusted_words(r.table)
    spline = r.models.spline
    if r.models.curved and spline is not None:
        each = "; ".join(
            f"{c.d100_gy:.1f} Gy {c.hazard_ratio:.2f} ({c.lower:.2f} to {c.upper:.2f})" for c in spline.contrasts
        )
        yield (
            f"No single ratio per Gy describes the effect of D100: a straight line is rejected "
            f"({_p(spline.nonlinear.p)}). "
            f"Hazard ratios against {spline.contrasts[0].against_gy:.1f} Gy, {words}: {each}."
        )
    else:
        direction = "less" if e.hazard_ratio < 1 else "MORE"
        yield f"D100, {words}: {_hr(e)} per Gy. " + (
            f"In these data, a higher D100 goes with {direction} local recurrence."
            if e.p < 0.05
            else "These data do not show an effect of D100. That is not proof that there is none."
        )
        yield (
            f"Power: with this spread of D100 and {r.table.n_events} recurrences, 80 % of such studies would detect a "
            f"true hazard ratio of {detectable_ratio(e):.2f} per Gy or farther from 1. Most studies would miss weaker "
            "effects."
        )
    alone = next((u for u in r.models.univariate if u.term == e.term), None)
    if alone is not None and words != "not adjusted":
        yield (
            f"Confounding: the correlation of D100 and diameter is {r.d100_with_diameter:+.2f} (Spearman). Without "
            f"adjustment the hazard ratio per Gy{_of_line(r)} is {alone.hazard_ratio:.3f} ({_p(alone.p)}), {words} "
            f"{e.hazard_ratio:.3f}. What else decided on the dose of a lesion and is no column of the model may "
            "confound the result still."
        )


def _of_line(r: Correlation) -> str:
    """Return what a ratio per Gy is where a straight line is rejected."""
    return " of a straight line, which is rejected," if r.models.curved else ""


def _robust(r: Correlation) -> Iterator[str]:
    u, groups = r.unmeasured, r.left_out_groups
    if u is not None and not r.models.curved:
        dose = "low" if u.hazard_ratio < 1 else "high"
        yield (
            f"Unmeasured confounding: the hazard ratio of {u.gy:.1f} Gy (from the first to the third quartile of "
            f"D100) is {u.hazard_ratio:.2f} ({u.lower:.2f} to {u.upper:.2f}). "
            + (
                f"Its E-value is {u.estimate:.2f}, and {u.limit:.2f} for the limit nearer to 1: a confounder that "
                f"raises both the chance of a {dose} dose and the risk of recurrence by less than that cannot explain "
                "it away."
                if u.limit > 1
                else "Its interval holds 1, so no confounder is needed to explain it."
            )
        )
    if groups and r.models.carried:
        ratios = {e.model: e.hazard_ratio for e in groups.values()}
        low, high = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
        yield (
            f"One group left out at a time: the hazard ratio per Gy{_of_line(r)} lies between {ratios[low]:.3f} "
            f"({low}) and {ratios[high]:.3f} ({high})."
            if len(ratios) > 1
            else f"Only one group can be left out: {low}, the hazard ratio per Gy{_of_line(r)} is {ratios[low]:.3f}."
        )


def _error(r: Correlation) -> Iterator[str]:
    naive, *corrected = r.dose_error or (None,)
    if naive is None:
        yield (
            "The error of D100 (reconstruction, delivery, dose model) was not given: an effect measured through an "
            "uncertain dose appears weaker than it is."
        )
        return
    each = "; ".join(f"{e.hazard_ratio:.3f} by {e.model} ({e.lower:.3f} to {e.upper:.3f})" for e in corrected)
    error = r.settings.dose_error
    known = "" if error is None else f" with an SD of {error:g} Gy" if isinstance(error, float) else f" from {error}"
    yield (
        f"The error of D100{known}: the hazard ratio per Gy is {naive.hazard_ratio:.3f} with D100 as recorded, and "
        f"{each}. The corrections hold as far as the size of the error does."
    )


def _shape(r: Correlation) -> Iterator[str]:
    spline, interaction, proportional = r.models.spline, r.models.interaction, r.models.proportional
    if not r.models.carried:
        return
    if spline is not None:
        yield (
            f"Shape: the test for a nonlinear effect of D100 on the log hazard gives {_p(spline.nonlinear.p)}. The "
            f"test for an effect of any shape gives {_p(spline.overall.p)}."
        )
    if interaction is not None:
        each = "; ".join(
            f"{kind} {e.hazard_ratio:.3f} ({counted(e.n_events, 'event')})" for kind, e in interaction.by_type.items()
        )
        test = _p(interaction.test.p)
        yield (f"Tumour types: the hazard ratio per Gy{_of_line(r)} is {each}. The test for a difference gives {test}.")
    if proportional is not None and proportional.overall.p < 0.05:
        yield (
            f"Hazards are not proportional ({_p(proportional.overall.p)}): a hazard ratio is then an average over the "
            "time observed and not a constant."
        )


def _cutoffs(r: Correlation) -> Iterator[str]:
    t = r.cuts.threshold
    if t is not None:
        yield (
            f"Fixed threshold of {t.at_gy:g} Gy: {_hr(t.adjusted)} adjusted, {_hr(t.unadjusted)} unadjusted. The "
            f"log-rank test, which treats lesions as independent, gives {_p(t.test.test.p)}."
        )
    c = r.cuts.adjusted
    if c is None or not r.models.carried:
        return
    where = "" if c.interval is None else f", bootstrap interval {c.interval[0]:.1f} to {c.interval[1]:.1f} Gy"
    yield (
        f"Best cut-off: {c.best:.1f} Gy{where}. Corrected for the search and adjusted, {_p(c.p.resampled)}. Without "
        f"the correction it would be {_p(c.p.naive)}, which is not a valid test. {_step(r)}"
    )


def _step(r: Correlation) -> str:
    """Whether there is a step, by the tests of a cut-off alone and beside a straight line."""
    cut, beyond = r.cuts.adjusted, r.cuts.beyond_line
    if cut is None or cut.p.resampled >= 0.05:
        return "There is no evidence for a cut-off: do not use this number."
    if beyond is None:
        return "Whether it is a step or a smooth effect could not be tested."
    if beyond.p.resampled < 0.05:
        return (
            f"A step at {beyond.best:.1f} Gy explains what a straight line does not (corrected "
            f"{_p(beyond.p.resampled)}): "
            "the effect is not the same at every dose. Report the interval, and confirm it in other data."
        )
    return (
        f"Beside a straight line no step adds anything (corrected {_p(beyond.p.resampled)}): the cut-off shows that "
        "dose "
        "matters, and is no evidence of a step. Report the interval and not the number."
    )


def _response(r: Correlation) -> Iterator[str]:
    fit = r.response.curves.get("logistic")
    if fit is None:
        return
    (d50, low, high), _ = fit.d50_gamma50()
    if not math.isfinite(d50):
        return
    if not fit.slope_p < 0.05:
        yield (
            f"The logistic curve of control at {r.settings.horizon_months:g} months, not adjusted, does not show a "
            f"dose-response ({_p(fit.slope_p)}): a D50 would mean nothing."
        )
        return
    if fit.n_events < EVENTS_FOR_A_CURVE or fit.n - fit.n_events < EVENTS_FOR_A_CURVE:
        yield (
            f"By {r.settings.horizon_months:g} months {counted(fit.n_events, 'lesion')} had recurred and "
            f"{fit.n - fit.n_events} were known to be controlled: too few for a D50."
        )
        return
    lowest, highest = float(r.table.d100_gy.min()), float(r.table.d100_gy.max())
    inside = lowest - 0.05 <= d50 <= highest + 0.05
    yield (
        f"D50 is {d50:.1f} Gy (95 % CI {low:.1f} to {high:.1f}): the D100 at which half of such lesions would be "
        f"controlled at {r.settings.horizon_months:g} months, by the logistic curve, not adjusted. "
        + (
            "Doses on both sides of it were given."
            if inside
            else f"It lies outside the doses that were given ({lowest:.1f} to {highest:.1f} Gy), where only the "
            "formula of "
            "the curve speaks."
        )
    )


def _time(r: Correlation) -> Iterator[str]:
    width = (r.table.intervals.right - r.table.intervals.left)[r.table.status == 1]
    if width.size:
        half = "half of these intervals are longer than" if width.size > 1 else "this interval is as long as"
        yield (
            f"A recurrence is known to lie between two scans: {half} {float(np.median(width)):.1f} months, and no time "
            "is more exact than that."
        )
    if r.settings.week8_needed:
        late = r.sensitivity.get("landmark after the 8-week scan")
        yield (
            f"Patients without the 8-week scan were excluded, so the first {r.settings.landmark_months:.1f} months are "
            "immortal time. "
            + (
                f"From that scan on, the effect of D100 is: {_hr(late)} per Gy."
                if late
                else "A landmark analysis failed."
            )
        )


def _limits(r: Correlation) -> Iterator[str]:
    median = r.control.follow_up.median
    if np.isfinite(median.estimate):
        yield f"The median follow-up of lesions is {median.estimate:.1f} months (reverse Kaplan-Meier)."
    if r.performance is not None and not r.performance.n_bootstrap:
        with_d100, without = r.performance.with_d100.apparent, r.performance.without_d100.apparent
        yield (
            f"Prediction: the concordance C is {with_d100:.2f} with and {without:.2f} without D100 on the data of the "
            "fit (0.5 is chance). Without bootstrap samples it is not corrected for optimism, and too high."
        )
    elif r.performance is not None:
        p = r.performance
        yield (
            f"Prediction: the concordance C is {p.with_d100.corrected:.2f} with and {p.without_d100.corrected:.2f} "
            f"without D100, corrected for optimism (0.5 is chance). The calibration slope is {p.slope_corrected:.2f}."
        )
    if r.failed:
        yield "These could not be computed: " + "; ".join(r.failed) + "."
