"""What the data can and cannot show, in sentences: events, power, confounding, and whose analysis this is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.effects import Effect

__all__ = ["plain_words"]

# Events a parameter below which Cox estimates are unstable (Peduzzi 1995, DOI 10.1016/0895-4356(95)00048-8).
_EVENTS_PER_PARAMETER = 10
_POWER_Z = 1.959963984540054 + 0.8416212335729143  # two-sided 5 %, power 80 %


def plain_words(result: Correlation) -> tuple[str, ...]:
    """Return the sentences of the report's first page."""
    return tuple([*_whose(), *_size(result), *_dose(result), *_shape(result), *_cutoffs(result), *_limits(result)])


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _hr(e: Effect) -> str:
    return f"hazard ratio {e.hazard_ratio:.3f} (95 % CI {e.lower:.3f} to {e.upper:.3f}, {_p(e.p)})"


def _whose() -> Iterator[str]:
    yield (
        "The analysis of dose and recurrence is hdrplan's own. The paper whose rules it follows (Xu 2021) reports no "
        "dose metric, so nothing on this page reproduces or contradicts its results."
    )


def _size(r: Correlation) -> Iterator[str]:
    t = r.table
    deaths = int((t.status == 2).sum())
    yield (
        f"The data have {t.n} treated lesions of {t.n_patients} patients, with {t.n_events} local recurrences and "
        f"{deaths} deaths before a recurrence. Lesions of one patient are not independent. All intervals below treat "
        "the patient as the unit."
    )
    if t.left_out:
        reasons: dict[str, int] = {}
        for _, why in t.left_out:
            reasons[why] = reasons.get(why, 0) + 1
        yield "These were not analysed: " + "; ".join(f"{n} lesions ({why})" for why, n in reasons.items()) + "."
    several = int((t.n_sessions > 1).sum())
    if several:
        yield (
            f"{several} lesions were treated in several sessions. Unless an accumulated dose was given, their D100 is "
            f"the lower bound of the sum in EQD2 (alpha/beta {t.alpha_beta_gy:g} Gy), expressed as the dose of one "
            "session."
        )
    adjusted = r.models.adjusted
    per = t.n_events / max(len(adjusted), 1)
    if adjusted and per < _EVENTS_PER_PARAMETER:
        yield (
            f"There are only {per:.1f} recurrences per model parameter (10 are the usual minimum). The estimates are "
            "unstable and no more than hints."
        )


def _dose(r: Correlation) -> Iterator[str]:
    e = r.models.headline
    if e is None:
        yield "The adjusted model of D100 could not be fitted: these data cannot show whether dose matters."
        return
    sure = e.p < 0.05
    yield (
        f"D100, adjusted for size, tumour type and age: {_hr(e)} per Gy. "
        + (
            f"In these data, a higher D100 goes with {'less' if e.hazard_ratio < 1 else 'MORE'} local recurrence."
            if sure
            else "These data do not show an effect of D100. That is not proof that there is none."
        )
    )
    se = (math.log(e.upper) - math.log(e.lower)) / (2.0 * 1.959963984540054)
    yield (
        f"Power: with this spread of D100 and {r.table.n_events} recurrences, 80 % of such studies would detect a true "
        f"hazard ratio of {math.exp(-_POWER_Z * se):.2f} per Gy or farther from 1. Most studies would miss weaker "
        "effects."
    )
    alone = next((u for u in r.models.univariate if u.term == e.term), None)
    if alone is not None:
        yield (
            f"Confounding: the correlation of D100 and diameter is {r.d100_with_diameter:+.2f} (Spearman). Without "
            f"adjustment the hazard ratio per Gy is {alone.hazard_ratio:.3f} ({_p(alone.p)}). The dose was chosen by "
            "physicians and not at random, and what the tables do not hold (position, vessels, systemic therapy) is "
            "not adjusted for."
        )


def _shape(r: Correlation) -> Iterator[str]:
    spline, interaction, proportional = r.models.spline, r.models.interaction, r.models.proportional
    if spline is not None:
        yield (
            f"Shape: the test for a nonlinear effect of D100 on the log hazard gives {_p(spline.nonlinear.p)}. The "
            f"test for an effect of any shape gives {_p(spline.overall.p)}."
        )
    if interaction is not None:
        each = "; ".join(
            f"{kind} {e.hazard_ratio:.3f} ({e.n_events} events)" for kind, e in interaction.by_type.items()
        )
        test = _p(interaction.test.p)
        yield f"Tumour types: the hazard ratio per Gy is {each}. The test for a difference gives {test}."
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
    if c is None:
        return
    where = "" if c.interval is None else f", bootstrap interval {c.interval[0]:.1f} to {c.interval[1]:.1f} Gy"
    yield (
        f"Best cut-off: {c.best:.1f} Gy{where}. Corrected for the search and adjusted, {_p(c.p.resampled)}. Without "
        f"the correction it would be {_p(c.p.naive)}, which is not a valid test. "
        + (
            "Dose matters, but a smooth effect gives the same result: this is no evidence of a step. Report the "
            "interval and not the number."
            if c.p.resampled < 0.05
            else "There is no evidence for a cut-off: do not use this number."
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
    yield (
        "Recurrence is only seen on scans, so medians and early times are coarse. If the 8-week scan is a condition of "
        "inclusion, the first weeks are immortal time: see the landmark analysis."
    )
    if r.failed:
        yield "These could not be computed: " + "; ".join(r.failed) + "."
