"""What the data say of D100, in sentences: effect, power, confounding, shape, cut-offs, dose response."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hdrplan.analysis.answer import counted, detectable_ratio, p_words, ratio_text, ratio_words
from hdrplan.analysis.correlation import Correlation
from hdrplan.analysis.dose_shape import SPLINE_KNOTS
from hdrplan.analysis.effects import adjusted_words

__all__ = ["dose_words"]

# A logistic curve has two parameters: five events, and five others, for each (as for a Cox model).
_EVENTS_FOR_A_CURVE = 10
_LEVEL = 0.05


def dose_words(r: Correlation) -> Iterator[str]:
    """Yield what the data say of D100; nothing where the recurrences are too few for a model."""
    if not r.models.carried:
        return
    for part in (_dose, _confounding, _robust, _error, _shape, _types, _hazards, _threshold, _cutoffs, _response):
        yield from part(r)


def _dose(r: Correlation) -> Iterator[str]:
    e, words, spline = r.models.headline, adjusted_words(r.table), r.models.spline
    if e is None:
        return
    if r.models.curved and spline is not None:
        each = "; ".join(
            f"{c.d100_gy:.1f} Gy {ratio_text(c.hazard_ratio)} ({ratio_text(c.lower)} to {ratio_text(c.upper)})"
            for c in spline.contrasts
        )
        yield (
            f"No single ratio per Gy describes the effect of D100: a straight line is rejected "
            f"({p_words(r.models.linear_p or 0.0)}). "
            f"Hazard ratios against {spline.contrasts[0].against_gy:.1f} Gy, {words}: {each}."
        )
        return
    direction = "less" if e.hazard_ratio < 1 else "MORE"
    yield f"D100, {words}: {ratio_words(e)} per Gy. " + (
        f"In these data, a higher D100 goes with {direction} local recurrence."
        if e.p < _LEVEL
        else "These data do not show an effect of D100. That is not proof that there is none."
    )
    weakest = detectable_ratio(e)
    yield (
        f"Power: with this spread of D100 and {r.table.n_events} recurrences, 80 % of such studies would detect a true "
        f"hazard ratio of {weakest:.2f} per Gy, or of {1 / weakest:.2f}. Of effects between the two they would miss "
        "more than 20 %."
    )


def _confounding(r: Correlation) -> Iterator[str]:
    e, words = r.models.headline, adjusted_words(r.table)
    alone = next((u for u in r.models.univariate if e is not None and u.term == e.term), None)
    if e is None or alone is None or words == "not adjusted":
        return
    yield (
        f"Confounding: the correlation of D100 and diameter is {r.d100_with_diameter:+.2f} (Spearman). Without "
        f"adjustment the hazard ratio per Gy{_of_line(r)} is {alone.hazard_ratio:.3f} ({p_words(alone.p)}), {words} "
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
                f"A confounder that multiplies the chance of a {dose} dose and the risk of recurrence each by less "
                f"than {u.estimate:.2f} (the E-value) cannot explain all of it, and by less than {u.limit:.2f} cannot "
                "bring its interval to 1."
                if u.limit > 1
                else "Its interval holds 1, so no confounder is needed to explain it."
            )
        )
    one, e = r.one_patient, r.models.headline
    if one is not None and e is not None and (one.p < _LEVEL) != (e.p < _LEVEL):
        yield (
            f"One patient decides: {one.model} the hazard ratio per Gy{_of_line(r)} is {one.hazard_ratio:.3f} "
            f"({p_words(one.p)}), with all {e.hazard_ratio:.3f} ({p_words(e.p)})."
        )
    if groups:
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
        why = r.failed.get("error of D100", "").rstrip(".")
        yield (
            "The error of D100 (reconstruction, delivery, dose model) is not taken into account: through a dose that "
            "is recorded with an error, an effect appears weaker than it is."
            if r.settings.dose_error is None and not r.settings.expected_dose
            else f"The effect could not be corrected for the error of D100: {why}."
        )
        return
    each = "; ".join(f"{e.hazard_ratio:.3f} by {e.model} ({e.lower:.3f} to {e.upper:.3f})" for e in corrected)
    error = r.settings.dose_error
    known = "" if error is None else f" with an SD of {error:g} Gy" if isinstance(error, float) else f" from {error}"
    yield (
        f"The error of D100{known}: the hazard ratio per Gy{_of_line(r)} is {naive.hazard_ratio:.3f} with D100 as "
        f"recorded, and {each}. The corrections hold as far as the size of the error does."
    )


def _shape(r: Correlation) -> Iterator[str]:
    spline, step = r.models.spline, r.cuts.beyond_line
    if spline is None or r.models.linear_p is None:
        return
    against = f"against a curve {p_words(spline.nonlinear.p)}"
    if step is not None:
        against += f", against a step {p_words(step.p.resampled)}, corrected for both {p_words(r.models.linear_p)}"
    yield (
        f"Shape: a straight line, tested on the log hazard: {against}. The test for an effect of any shape gives "
        f"{p_words(spline.overall.p)}."
    )


def _types(r: Correlation) -> Iterator[str]:
    found = r.models.interaction
    if found is not None:
        each = "; ".join(
            f"{kind} {e.hazard_ratio:.3f} ({counted(e.n_events, 'event')})" for kind, e in found.by_type.items()
        )
        beside = "beside a curve that they share" if r.models.curved else "for a difference"
        yield (
            f"Tumour types: the hazard ratio per Gy{_of_line(r)} is {each}. The test {beside} gives "
            f"{p_words(found.test.p)}."
        )
        return
    kinds = set(r.table.tumour_type)
    with_event = sorted({kind for kind, had in zip(r.table.tumour_type, r.table.follow_up.event, strict=True) if had})
    if len(kinds) > 1 and len(with_event) == 1:
        yield f"Tumour types: only {with_event[0]} recurred, so a difference between the types cannot be seen."


def _hazards(r: Correlation) -> Iterator[str]:
    proportional = r.models.proportional
    if proportional is not None and proportional.overall.p < _LEVEL:
        yield (
            f"Hazards are not proportional ({p_words(proportional.overall.p)}): a hazard ratio is then an average over "
            "the time observed and not a constant."
        )


def _threshold(r: Correlation) -> Iterator[str]:
    t = r.cuts.threshold
    if t is not None:
        yield (
            f"Fixed threshold of {t.at_gy:g} Gy: {ratio_words(t.adjusted)} adjusted, {ratio_words(t.unadjusted)} "
            f"unadjusted. The log-rank test, which treats lesions as independent, gives {p_words(t.test.test.p)}."
        )


def _cutoffs(r: Correlation) -> Iterator[str]:
    c = r.cuts.adjusted
    if c is None:
        return
    where = "" if c.interval is None else f", bootstrap interval {c.interval[0]:.1f} to {c.interval[1]:.1f} Gy"
    yield (
        f"Best cut-off: {c.best:.1f} Gy{where}. Corrected for the search and adjusted, {p_words(c.p.resampled)}. "
        f"Without the correction it would be {p_words(c.p.naive)}, which is not a valid test. {_step(r)}"
    )


def _step(r: Correlation) -> str:
    """Whether there is a step, by the tests of a cut-off alone, beside a straight line and beside a curve."""
    cut, beyond, curve = r.cuts.adjusted, r.cuts.beyond_line, r.cuts.beyond_curve
    if cut is None or cut.p.resampled >= _LEVEL:
        return "There is no evidence for a cut-off: do not use this number."
    if beyond is None:
        return "Whether it is a step or a smooth effect could not be tested."
    if not r.models.curved:
        return (
            f"Beside a straight line no step is shown (corrected {p_words(beyond.p.resampled)}"
            + (", not enough for two tests of a straight line" if beyond.p.resampled < _LEVEL else "")
            + "): the cut-off shows that dose matters, and is no evidence of a step. Report the interval and not the "
            "number."
        )
    if curve is None:
        return "A straight line is rejected; whether a step or a bend explains it could not be tested."
    if curve.p.resampled < _LEVEL:
        return (
            f"A step at {curve.best:.1f} Gy explains what the smooth curve does not (corrected "
            f"{p_words(curve.p.resampled)}): a step, or a bend sharper than a curve of {SPLINE_KNOTS} knots. Report "
            "the interval, and confirm it in other data."
        )
    return (
        f"A straight line is rejected, but beside a smooth curve no step is shown (corrected "
        f"{p_words(curve.p.resampled)}): read the curve and not the cut-off."
    )


def _response(r: Correlation) -> Iterator[str]:
    fit, months = r.response.curves.get("logistic"), f"{r.settings.horizon_months:g} months"
    if fit is None:
        return
    (d50, low, high), _ = fit.d50_gamma50()
    if not math.isfinite(d50):
        return
    if not fit.slope_p < _LEVEL:
        yield (
            f"The logistic curve of control at {months}, not adjusted, does not show a dose-response "
            f"({p_words(fit.slope_p)}): a D50 would mean nothing."
        )
        return
    if fit.n_events < _EVENTS_FOR_A_CURVE or fit.n - fit.n_events < _EVENTS_FOR_A_CURVE:
        yield (
            f"By {months} {counted(fit.n_events, 'lesion')} had recurred and {fit.n - fit.n_events} were known to be "
            "controlled: too few for a D50."
        )
        return
    e, spline = r.models.headline, r.models.spline
    p = spline.overall.p if r.models.curved and spline is not None else e.p if e is not None else 1.0
    if p >= _LEVEL:
        yield (
            f"The logistic curve of control at {months}, not adjusted, rises with dose (D50 {d50:.1f} Gy), but D100 "
            f"{adjusted_words(r.table)} shows no effect ({p_words(p)}): the curve may be that of what goes with dose, "
            "and its D50 is no dose that lesions need."
        )
        return
    lowest, highest = float(r.table.d100_gy.min()), float(r.table.d100_gy.max())
    inside = lowest - 0.05 <= d50 <= highest + 0.05
    yield (
        f"D50 is {d50:.1f} Gy (95 % CI {low:.1f} to {high:.1f}): the D100 at which half of such lesions would be "
        f"controlled at {months}, by the logistic curve, not adjusted. "
        + (
            "Doses on both sides of it were given."
            if inside
            else f"It lies outside the doses that were given ({lowest:.1f} to {highest:.1f} Gy), where only the "
            "formula of the curve speaks."
        )
    )
