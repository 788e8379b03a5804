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
        "Linking dose to recurrence is hdrplan's own analysis: the paper it follows (Xu 2021) reports no dose metric, "
        "so nothing here reproduces or contradicts one of its results."
    )


def _size(r: Correlation) -> Iterator[str]:
    t = r.table
    deaths = int((t.status == 2).sum())
    yield (
        f"{t.n} treated lesions of {t.n_patients} patients: {t.n_events} local recurrences, {deaths} deaths "
        f"before one. Lesions of one patient are not independent; all intervals below treat the patient as the unit."
    )
    if t.left_out:
        reasons: dict[str, int] = {}
        for _, why in t.left_out:
            reasons[why] = reasons.get(why, 0) + 1
        yield "Not analysed: " + "; ".join(f"{n} lesions ({why})" for why, n in reasons.items()) + "."
    several = int((t.n_sessions > 1).sum())
    if several:
        yield (
            f"{several} lesions were treated in several sessions; their D100 is the lower bound of the sum in EQD2 "
            f"(alpha/beta {t.alpha_beta_gy:g} Gy), as a single-session dose, unless one accumulated dose was given."
        )
    adjusted = r.models.adjusted
    per = t.n_events / max(len(adjusted), 1)
    if adjusted and per < _EVENTS_PER_PARAMETER:
        yield (
            f"Only {per:.1f} recurrences a model parameter (10 are the usual minimum): estimates are unstable, read "
            "them as hints."
        )


def _dose(r: Correlation) -> Iterator[str]:
    e = r.models.headline
    if e is None:
        yield "The adjusted model of D100 could not be fitted: these data cannot tell whether dose matters."
        return
    sure = e.p < 0.05
    yield (
        f"D100, adjusted for size, tumour type and age: {_hr(e)} per Gy. "
        + (
            f"Higher D100 goes with {'less' if e.hazard_ratio < 1 else 'MORE'} local recurrence in these data."
            if sure
            else "These data do not show an effect of D100. That is not proof that there is none."
        )
    )
    se = (math.log(e.upper) - math.log(e.lower)) / (2.0 * 1.959963984540054)
    yield (
        f"What could have been found: with this spread of D100 and {r.table.n_events} recurrences, a true hazard ratio "
        f"of {math.exp(-_POWER_Z * se):.2f} per Gy or further from 1 would have been detected in 80 % of such studies. "
        "Weaker effects would mostly be missed."
    )
    alone = next((u for u in r.models.univariate if u.term == e.term), None)
    if alone is not None:
        yield (
            f"Confounding: D100 and diameter correlate by {r.d100_with_diameter:+.2f} (Spearman). Without adjustment "
            f"the hazard ratio per Gy would read {alone.hazard_ratio:.3f} ({_p(alone.p)}). What is not in the tables "
            "(position, vessels, systemic therapy) is not adjusted for: dose was chosen by people, not by lot."
        )


def _shape(r: Correlation) -> Iterator[str]:
    spline, interaction, proportional = r.models.spline, r.models.interaction, r.models.proportional
    if spline is not None:
        yield (
            f"Shape: the test that the effect of D100 is not a straight line (log hazard) has "
            f"{_p(spline.nonlinear.p)}; that D100 matters in any shape, {_p(spline.overall.p)}."
        )
    if interaction is not None:
        each = "; ".join(
            f"{kind} {e.hazard_ratio:.3f} ({e.n_events} events)" for kind, e in interaction.by_type.items()
        )
        yield f"Tumour types: hazard ratio per Gy {each}; test that they differ, {_p(interaction.test.p)}."
    if proportional is not None and proportional.overall.p < 0.05:
        yield (
            f"Hazards are not proportional ({_p(proportional.overall.p)}): a hazard ratio is an average over the "
            "time seen, not a constant."
        )


def _cutoffs(r: Correlation) -> Iterator[str]:
    t = r.cuts.threshold
    if t is not None:
        yield (
            f"Fixed threshold of {t.at_gy:g} Gy: {_hr(t.adjusted)} adjusted, {_hr(t.unadjusted)} alone; "
            f"log-rank {_p(t.test.test.p)} (treats lesions as independent)."
        )
    c = r.cuts.adjusted
    if c is None:
        return
    where = "" if c.interval is None else f", bootstrap interval {c.interval[0]:.1f} to {c.interval[1]:.1f} Gy"
    yield (
        f"Best cut-off: {c.best:.1f} Gy{where}. p corrected for having searched and adjusted: {_p(c.p.resampled)}; "
        f"without correction it would read {_p(c.p.naive)}, which is no test at all. "
        + (
            "Dose matters on some scale, but a smooth effect gives the same picture: this is no evidence of a step, "
            "and the interval, not the number, is the result."
            if c.p.resampled < 0.05
            else "There is no evidence for a cut-off: do not use this number."
        )
    )


def _limits(r: Correlation) -> Iterator[str]:
    median = r.control.follow_up.median
    if np.isfinite(median.estimate):
        yield f"Median follow-up of lesions {median.estimate:.1f} months (reverse Kaplan-Meier)."
    if r.performance is not None:
        p = r.performance
        yield (
            f"Prediction: C = {p.with_d100.corrected:.2f} with and {p.without_d100.corrected:.2f} without D100 after "
            f"correction for optimism (0.5 is chance); calibration slope {p.slope_corrected:.2f}."
        )
    yield (
        "Recurrence is known only at scans; medians and early times are coarse. The 8-week scan as a condition of "
        "inclusion makes the first weeks immortal: see the landmark analysis."
    )
    if r.failed:
        yield "Could not be computed: " + "; ".join(r.failed) + "."
