"""The answer of a correlation in two sentences and one table: what a clinician reads first."""

from __future__ import annotations

import math

import numpy as np

from hdrplan.analysis.benefit import Benefit
from hdrplan.analysis.correlation import EVENTS_FOR_A_MODEL, Correlation
from hdrplan.analysis.effects import D100, Effect, adjusted_words
from hdrplan.analysis.text_table import TextTable, p_text

__all__ = [
    "EVENTS_PER_PARAMETER",
    "answer_table",
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


def answer_table(r: Correlation) -> TextTable:
    """Return the table of the first screen: each question with its answer, interval and p."""
    t = r.table
    rows = [
        ("Lesions (patients)", f"{t.n} ({t.n_patients})", "", ""),
        ("Local recurrences; deaths before one", f"{t.n_events}; {int((t.status == 2).sum())}", "", ""),
    ]
    months = f"{r.settings.horizon_months:g} months"
    incidence = r.control.incidence
    if 1 in incidence.causes and r.table.known_until(r.settings.horizon_months):
        k, at = incidence.causes.index(1), [r.settings.horizon_months]
        low, high = incidence.interval_at(at)
        rows.append(
            (
                f"Recurred within {months}, death competing",
                f"{100 * incidence.incidence_at(at)[0, k]:.1f} %",
                _interval(100 * float(low[0, k]), 100 * float(high[0, k]), 1),
                "",
            )
        )
    if r.benefit is not None:
        rows.append(_benefit_row(r.benefit))
    rows += _dose_rows(r)
    if r.models.interaction is not None and r.models.carried:
        test, fewest = r.models.interaction.test, min(r.models.interaction.by_type.values(), key=lambda e: e.n_events)
        verdict = "no, they differ" if r.models.differs else "no difference shown"
        found = f"{verdict}; {counted(fewest.n_events, 'recurrence')} {fewest.term.removeprefix(D100).strip(', ')}"
        rows.append(("Same effect in all tumour types?", found, "", p_text(test.p)))
    if r.cuts.beyond_line is not None and r.models.carried:
        step = r.cuts.beyond_line
        verdict = "shown" if r.models.curved and step.p.resampled < _LEVEL else "not shown"
        found = f"{verdict}; best at {step.best:.1f} Gy"
        rows.append(("Step beside a straight line?", found, "", p_text(step.p.resampled)))
    return TextTable(
        name="answer",
        title="The answer in numbers",
        columns=("Question", "Answer", "95 % CI", "p"),
        rows=tuple(rows),
        notes=_notes(r),
    )


def _notes(r: Correlation) -> tuple[str, ...]:
    """Return what the rows of the table rest on."""
    notes = ["Patients, not lesions, are the unit of every interval and p."]
    if r.models.carried:
        notes.append(f"Dose effects are {adjusted_words(r.table)}.")
    if r.benefit is not None:
        notes.append("What recurred is as observed; with other doses, and above with the dose given, by the model.")
    if r.models.carried and r.cuts.beyond_line is not None:
        notes.append(
            "The p of the step is corrected for the search; that of the straight line for two tests, against a curve "
            "and against a step."
        )
    return (" ".join(notes),)


def _benefit_row(b: Benefit) -> tuple[str, str, str, str]:
    value, low, high = (100.0 * v for v in b.difference)
    question = f"Fewer recurrences of 100 lesions within {b.horizon_months:g} months with {b.added_gy:g} Gy more D100"
    return question, f"{value:.1f}", _interval(low, high, 1), ""


def _dose_rows(r: Correlation) -> list[tuple[str, str, str, str]]:
    spline, e = r.models.spline, r.models.headline
    rows = []
    if r.models.curved and spline is not None:
        rows += [
            (
                f"Hazard ratio of {c.d100_gy:.1f} Gy against {c.against_gy:.1f} Gy",
                ratio_text(c.hazard_ratio),
                f"{ratio_text(c.lower)} to {ratio_text(c.upper)}",
                "",
            )
            for c in spline.contrasts
        ]
        rows.append(("Any effect of D100?", "test of the curve", "", p_text(spline.overall.p)))
    elif e is not None and r.models.carried:
        rows.append(("Hazard ratio per Gy D100", f"{e.hazard_ratio:.3f}", _interval(e.lower, e.upper, 3), p_text(e.p)))
    if spline is not None and r.models.carried:
        verdict = "rejected: read the curve" if r.models.curved else "not rejected"
        p = spline.nonlinear.p if r.models.linear_p is None else r.models.linear_p
        rows.append(("Straight line?", verdict, "", p_text(p)))
    return rows


def _interval(low: float, high: float, digits: int) -> str:
    return f"{low:.{digits}f} to {high:.{digits}f}" if math.isfinite(low) and math.isfinite(high) else ""


def _shown(value: float) -> str:
    """Return a percentage: whole numbers from ten on, one digit below."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
