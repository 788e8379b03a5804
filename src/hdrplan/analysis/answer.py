"""The answer of a correlation in two sentences: what a clinician reads first."""

from __future__ import annotations

import math

import numpy as np

from hdrplan.analysis.correlation import EVENTS_FOR_A_MODEL, Correlation
from hdrplan.analysis.effects import Effect, adjusted_words
from hdrplan.analysis.lesions import SECOND_TREATMENT

__all__ = [
    "EVENTS_PER_PARAMETER",
    "clinical_answer",
    "counted",
    "detectable_ratio",
    "p_words",
    "ratio_text",
    "ratio_words",
]

# Events a parameter below which Cox estimates are unstable (Peduzzi 1995, DOI 10.1016/0895-4356(95)00048-8).
EVENTS_PER_PARAMETER = 10
_Z = 1.959963984540054
_LEVEL = 0.05
# Share of the variance of D100 above which its errors are inflated more than tenfold (D. W. Marquardt, Technometrics
# 1970;12:591-612, DOI 10.1080/00401706.1970.10488699).
_ENTANGLED = 0.9
# Lesions at risk below which a share is not reliable, as in the table of control.
_FOLLOWED = 10
# Lesions that lack a value are said where so many could move a share of all by five points.
_LACKING = 0.05
# An interval of risks that is narrower has no width.
_NOTHING = 1e-9
_POWER_Z = _Z + 0.8416212335729143  # two-sided 5 %, power 80 %


def clinical_answer(r: Correlation) -> tuple[str, ...]:
    """Return what more dose would mean for patients, and what this cohort cannot show."""
    return tuple([_effect(r), _cannot(r)])


def detectable_ratio(effect: Effect) -> float:
    """Return the hazard ratio below 1 that four of five such studies would detect (two-sided 5 %)."""
    se = (math.log(effect.upper) - math.log(effect.lower)) / (2.0 * _Z)
    return math.exp(-_POWER_Z * se)


def _effect(r: Correlation) -> str:
    b = r.benefit
    if b is None or not r.models.carried:
        return _no_effect(r)
    gy, months = f"{b.added_gy:g} Gy", f"{b.horizon_months:g} months"
    now, then = f"{100 * b.now:.1f}", f"{100 * b.then:.1f}"
    figures = f"{now} of 100 lesions recur with the D100 that was given, {then} with {gy} more"
    fewer = "fewer" if b.difference[0] >= 0 else "MORE"
    curve = _caveats(r)
    if not math.isfinite(b.difference[1]):
        drawn = r.settings.n_bootstrap
        if b.n_bootstrap < drawn:
            why = f"Of {drawn} bootstrap samples only {b.n_bootstrap} gave an answer, too few for an interval"
        else:
            why = f"{drawn} bootstrap samples are too few for an interval" if drawn else "There is no interval"
        return f"{figures[0].upper()}{figures[1:]}. {why}: by itself this figure does not show an effect.{curve}"
    if b.difference[2] - b.difference[1] < _NOTHING:
        return (
            f"Within {months} {now} of 100 lesions recur, whatever their D100: nothing can be seen at that time. "
            "Choose another time."
        )
    seen = b.difference[1] > 0 or b.difference[2] < 0
    change = f"a difference of {100 * b.difference[0]:+.1f} with a 95 % CI of {100 * b.difference[1]:+.1f} to "
    change += f"{100 * b.difference[2]:+.1f} (plus: fewer)"
    p = _p_of_effect(r)
    if seen and p < _LEVEL:
        relative = [100.0 * (1.0 - ratio) for ratio in b.ratio]
        low, high = sorted(abs(relative[k]) for k in (1, 2))
        return (
            f"{gy} more D100: {_shown(abs(relative[0]))} % {fewer} local recurrences within {months} "
            f"(95 % CI {_shown(low)} to {_shown(high)} %); {figures}.{curve}"
        )
    verb = "hint, and do not show," if seen else "do not show"
    tested = f"; the test of D100 gives p = {p:.3f}" if seen else ""
    return (
        f"These data {verb} that {gy} more D100 changes how many lesions recur within {months}: {figures}, {change}"
        f"{tested}.{curve}"
    )


def _caveats(r: Correlation) -> str:
    """Return what one number for all lesions hides."""
    said = []
    if r.models.curved:
        said.append("The effect is not the same at every dose: read the curve.")
    if r.models.differs:
        said.append(_types_words(r))
    followed = int((r.table.follow_up.time >= r.settings.horizon_months).sum())
    if followed < _FOLLOWED:
        said.append(f"Only {counted(followed, 'lesion')} were followed as long: the figures are not reliable.")
    return "".join(f" {sentence}" for sentence in said)


def _types_words(r: Correlation) -> str:
    """Return that the effect of D100 differs between tumour types, with the ratio of each; empty without a test."""
    found = r.models.interaction
    if found is None:
        return ""
    each = ", ".join(f"{kind} {e.hazard_ratio:.2f}" for kind, e in found.by_type.items())
    return (
        f"The effect differs between the tumour types ({p_words(found.test.p)}; hazard ratio per Gy {each}): one "
        "number for all may mislead."
    )


def p_words(p: float) -> str:
    """Return p as it stands in a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def ratio_text(ratio: float) -> str:
    """Return a hazard ratio with two digits; what rounds to 0 or is beyond a thousand is said to be so."""
    return "< 0.01" if ratio < 0.005 else "> 1000" if ratio > 1000 else f"{ratio:.2f}"


def ratio_words(e: Effect) -> str:
    """Return a hazard ratio with its interval and p as it stands in a sentence."""
    return f"hazard ratio {e.hazard_ratio:.3f} (95 % CI {e.lower:.3f} to {e.upper:.3f}, {p_words(e.p)})"


def _p_of_effect(r: Correlation) -> float:
    """P of an effect of D100: of the curve where a straight line is rejected."""
    spline, e = r.models.spline, r.models.headline
    if r.models.curved and spline is not None:
        return spline.overall.p
    return e.p if e is not None else 1.0


def _no_effect(r: Correlation) -> str:
    """Why there is no answer."""
    t, parameters, recurred = r.table, len(r.models.adjusted), r.models.n_patients_recurred
    shows = "these data cannot show whether dose matters"
    if np.ptp(t.d100_gy) == 0 and t.n > 1:
        return f"All {t.n} lesions have a D100 of {t.d100_gy[0]:.1f} Gy: {shows}."
    if not t.n_events:
        return f"No recurrence in {counted(t.n, 'lesion')}: {shows}."
    had = f"{counted(t.n_events, 'recurrence')} of {counted(t.n, 'lesion')}"
    if r.models.headline is None:
        why = r.failed.get("adjusted model", "").rstrip(".")
        return f"A model of D100 could not be fitted to {had}" + (f" ({why}): {shows}." if why else f": {shows}.")
    if recurred < EVENTS_FOR_A_MODEL * parameters:
        who = counted(t.n_events, "recurrence")
        who += f" of {counted(recurred, 'patient')}" if recurred < t.n_events else ""
        return (
            f"With {who} for {counted(parameters, 'parameter')} (fewer than {EVENTS_FOR_A_MODEL} for each) no model of "
            f"D100 can be relied on: {shows}."
        )
    if not r.models.carried:
        return (
            f"D100 varies with what the model is adjusted for, and hardly beside it ({100 * r.models.explained:.1f} % "
            f"of its variance): what dose does cannot be told from what that does, and {shows}."
        )
    why = r.failed.get("risk with more dose", "").rstrip(".")
    return (
        f"What more D100 would change within {r.settings.horizon_months:g} months could not be predicted from {had}"
        + (f": {why}." if why else ".")
    )


def _cannot(r: Correlation) -> str:
    if not r.models.carried:
        return "They show how often lesions recurred, and neither an effect of D100 nor that there is none."
    low, high = np.quantile(r.table.d100_gy, (0.05, 0.95))
    parts = []
    parameters = len(r.models.adjusted)
    recurred = r.models.n_patients_recurred
    if recurred < EVENTS_PER_PARAMETER * parameters:
        of = f" of {recurred} patients" if recurred < r.table.n_events else ""
        parts.append(
            f"how large the effect is ({r.table.n_events} recurrences{of} for {parameters} parameters of the model, "
            f"fewer than {EVENTS_PER_PARAMETER} for each: its estimates are no more than hints)"
        )
    parts += [
        *_entangled(r),
        f"whether dose is the cause where physicians chose it (the model is {adjusted_words(r.table)}, no more)",
        f"what D100 outside {low:.0f} to {high:.0f} Gy does",
    ]
    lacking = sum(why != SECOND_TREATMENT for _, why in r.table.left_out)
    every = lacking + r.table.n
    if lacking >= _LACKING * every:
        parts.append(f"whether it holds for the {lacking} of {every} lesions that lack a value and are not analysed")
    e = r.models.headline
    if e is not None and not r.models.curved:
        weakest = detectable_ratio(e)
        parts.append(
            f"effects between hazard ratios of {weakest:.2f} and {1 / weakest:.2f} per Gy, which such cohorts miss "
            "more often than one time in five"
        )
    if r.models.linear_p is None:
        parts.append("whether the effect is a straight line, which could not be tested")
    elif not r.models.curved:
        parts.append("whether the effect is a straight line, a curve or a step")
    return "This cohort cannot show " + "; ".join(parts[:-1]) + (f"; or {parts[-1]}." if len(parts) > 1 else ".")


def _entangled(r: Correlation) -> list[str]:
    if r.models.explained <= _ENTANGLED:
        return []
    return [
        f"what D100 does apart from its adjusters ({100 * r.models.explained:.0f} % of how it varies goes with them)"
    ]


def counted(n: int, what: str) -> str:
    """Return a number with its noun, in the plural where it is not one.

    Parameters
    ----------
    n : int
    what : str
        The noun; its plural has an s.
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _shown(value: float) -> str:
    """Return a percentage: whole numbers from ten on, one digit below."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
