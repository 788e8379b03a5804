"""What the data can and cannot show, in sentences: events, power, confounding, and whose analysis this is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hdrplan.analysis.answer import EVENTS_PER_PARAMETER, clinical_answer, counted, ratio_words
from hdrplan.analysis.correlation import EVENTS_FOR_A_MODEL, Correlation
from hdrplan.analysis.dose_words import dose_words

__all__ = ["plain_words"]


def plain_words(result: Correlation) -> tuple[str, ...]:
    """Return what the data can and cannot show, the answer first; each sentence follows from a number of the result."""
    r = result
    parts = (_whose, _size, dose_words, _time, _limits)
    return tuple([*clinical_answer(r), *(sentence for part in parts for sentence in part(r))])


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
        else "Lesions of one patient are not independent: intervals treat the patient as the unit, unless they say "
        "otherwise."
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
        recurred = r.models.n_patients_recurred
        per = recurred / parameters
        verdict = "That is enough for stable estimates."
        if per < EVENTS_PER_PARAMETER:
            verdict = "The estimates are unstable and no more than hints."
        if recurred < EVENTS_FOR_A_MODEL * parameters:
            verdict = "No statement about dose can rest on so few."
        yield (
            f"The model of D100 has {counted(parameters, 'parameter')}, with {per:.1f} patients with a recurrence for "
            f"each ({EVENTS_PER_PARAMETER} are the usual minimum). {verdict}"
        )


def _time(r: Correlation) -> Iterator[str]:
    width = (r.table.intervals.right - r.table.intervals.left)[r.table.status == 1]
    if width.size:
        one = "the median of these intervals is" if width.size > 1 else "this interval is"
        yield (
            f"A recurrence is known to lie between two scans: {one} {float(np.median(width)):.1f} months, and no time "
            "is more exact than its interval."
        )
    if r.settings.week8_needed and r.models.carried:
        late = r.sensitivity.get("landmark after the 8-week scan")
        yield (
            f"Patients without the 8-week scan were excluded, so the first {r.settings.landmark_months:.1f} months are "
            "immortal time. "
            + (
                f"From that scan on, the effect of D100 is: {ratio_words(late)} per Gy."
                if late
                else "A landmark analysis failed."
            )
        )


def _limits(r: Correlation) -> Iterator[str]:
    median = r.control.follow_up.median
    if np.isfinite(median.estimate):
        yield f"The median follow-up of lesions is {median.estimate:.1f} months (reverse Kaplan-Meier)."
    within = "" if r.table.strata is None else " within strata"
    if r.performance is not None and not r.performance.n_bootstrap:
        with_d100, without = r.performance.with_d100.apparent, r.performance.without_d100.apparent
        yield (
            f"Prediction: the concordance C{within} is {with_d100:.2f} with and {without:.2f} without D100 on the data "
            "of the fit (0.5 is chance). Without bootstrap samples it is not corrected for optimism, and too high."
        )
    elif r.performance is not None:
        p = r.performance
        yield (
            f"Prediction: the concordance C{within} is {p.with_d100.corrected:.2f} with and "
            f"{p.without_d100.corrected:.2f} without D100, corrected for optimism (0.5 is chance). The calibration "
            f"slope is {p.slope_corrected:.2f}."
        )
    if r.failed:
        yield "These could not be computed: " + "; ".join(r.failed) + "."
