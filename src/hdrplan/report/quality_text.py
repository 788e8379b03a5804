"""A plan beside the best of its case, in words and numbers: lines for the terminal, the table of optimum.json.

Gains are rounded to their safe side: what is possible downward, what is impossible upward.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hdrplan.plan import Goal
from hdrplan.workflow import CoverageGain, PlanQuality, SparingGain

__all__ = ["limit_rows", "optimum_sentences", "quality_lines", "quality_sentences", "quality_table"]


def quality_sentences(quality: PlanQuality) -> list[str]:
    """Return what is proven, one statement each."""
    sentences = [_coverage(gain, quality) for gain in quality.coverage]
    sentences.append(_sparing(quality.sparing))
    if quality.broken:
        goals = "; ".join(f"{goal.structure} {goal.text}" for goal in quality.broken)
        sentences.append(f"The plan itself breaks these limits, which the better plans keep: {goals}.")
    return sentences


def _down(value: float, digits: int) -> str:
    return f"{math.floor(value * 10**digits + 1e-9) / 10**digits:.{digits}f}"


def _up(value: float, digits: int) -> str:
    return f"{math.ceil(value * 10**digits - 1e-9) / 10**digits:.{digits}f}"


def _coverage(gain: CoverageGain, quality: PlanQuality) -> str:
    same = f"the same {quality.sparing.objective}"
    if len(quality.coverage) > 1:
        same += ", with the other CTVs within 0.2 % of their D100"
    lead = f"{gain.structure}: D100 is {_down(gain.plan_lower_gy, 2)} to {_up(gain.plan_upper_gy, 2)} Gy."
    if gain.bound_gy < gain.plan_lower_gy:
        found = "no plan was" if math.isnan(gain.possible_gy) else f"{_down(gain.possible_gy, 2)} Gy was"
        best = f"at most {_up(gain.bound_gy, 2)} Gy is possible, proven"
        return f"{lead} Within the limits, at {same}, {best}; {found} found."
    more, most = _down(gain.at_least_gy, 2), _up(gain.at_most_gy, 2)
    if float(more) == 0.0:
        no_more = "" if math.isinf(gain.bound_gy) else f"; more than {most} Gy more is not possible, proven"
        return f"{lead} No plan with more D100 at {same} was found{no_more}."
    proof = ": proven" if math.isinf(gain.bound_gy) else f", more than {most} Gy is not: both proven"
    return f"{lead} {more} Gy more D100 at {same} is possible{proof}."


def _sparing(gain: SparingGain) -> str:
    if math.isinf(gain.bound):
        return "No plan from these positions has the same D100 within the limits: proven."
    less, most = _down(100 * gain.at_least_frac, 1), _up(100 * gain.at_most_frac, 1)
    if float(less) == 0.0:
        no_less = "" if gain.bound <= 0 else f"; more than {most} % less is not possible, proven"
        return f"No plan with the same D100 and less {gain.objective} was found{no_less}."
    proof = ": proven" if gain.bound <= 0 else f", more than {most} % less is not: both proven"
    change = f"{gain.possible:.2f} instead of {gain.plan:.2f} {gain.unit}"
    return f"The same D100 with {less} % less {gain.objective} ({change}) is possible{proof}."


def _limits_text(quality: PlanQuality) -> str:
    if quality.as_in_plan:
        return "no organ at risk gets more than in the plan (mean dose, D1cc, and maximum or D0.1cc)"
    return f"the {len(quality.limits)} limits that were given hold"


def quality_lines(quality: PlanQuality) -> list[str]:
    """Return the comparison as a terminal shows it."""
    lines = [
        f"Compared with the best plans from the plan's {quality.offered} dwell positions ({quality.active} in use), "
        f"with its source and strength; {_limits_text(quality)}.",
        *quality_sentences(quality),
    ]
    binding = dict.fromkeys(label for gain in quality.coverage for label in gain.binding)
    if binding:
        lines.append(f"What keeps D100 from being higher: {'; '.join(list(binding)[:4])}.")
    return lines


def optimum_sentences(groups: Sequence[Mapping[str, str | float | None]]) -> list[str]:
    """Return the gains of a whole archive: a sentence for each organ, or the time, that its plans spared.

    Parameters
    ----------
    groups : sequence of rows
        Of the table optimum_by_planner.
    """
    if not groups:
        return ["No plan could be compared with the best of its case: see errors.csv."]
    return [_of_archive(group) for group in groups if group["planner"] == group["year"] == "all"]


def _of_archive(group: Mapping[str, str | float | None]) -> str:
    more, less = (
        [_down(float(group[f"{column}_{kind}"] or 0.0), digits) for kind in ("median", "p25", "p75")]
        for column, digits in (("more_d100_at_least_gy", 2), ("less_at_least_pct", 1))
    )
    lesions, plans = (f"{group[key]} {key if group[key] != 1 else key[:-1]}" for key in ("lesions", "plans"))
    spared = group["spared"]
    return (
        f"{lesions} of {plans} beside the best of {'their cases' if group['plans'] != 1 else 'its case'}. Possible and "
        f"proven, medians (quartiles): {more[0]} Gy ({more[1]} to {more[2]}) more D100 at the same {spared}; "
        f"{less[0]} % ({less[1]} to {less[2]}) less {spared} at the same D100."
    )


def limit_rows(quality: PlanQuality) -> list[dict[str, str | float | bool]]:
    """Return each limit with what the plan and the better plans give, and whether it binds one of them.

    Fractions come as percent; "of" is the plan with the best D100 of its first CTV.
    """
    binding = {*quality.sparing.binding, *(label for gain in quality.coverage for label in gain.binding)}
    first = quality.coverage[0].structure
    rows: list[dict[str, str | float | bool]] = []
    for goal in quality.limits:
        scale, unit = (100.0, "%") if goal.metric.unit == "frac" else (1.0, goal.metric.unit)
        values = {kind: quality.doses[kind].reached(goal) * scale for kind in ("plan", first, "sparing")}
        rows.append(
            {
                "structure": goal.structure,
                "metric": goal.metric.text,
                "sense": goal.sense,
                "limit": goal.value * scale,
                "unit": unit,
                "plan": values["plan"],
                "best_d100": values[first],
                "best_sparing": values["sparing"],
                "binds": _label(goal) in binding,
            }
        )
    return rows


def _label(goal: Goal) -> str:
    return f"{goal.structure} {goal.text}"


def quality_table(quality: PlanQuality) -> dict[str, object]:
    """Return what optimum.json holds; numbers that are not known are null."""
    sparing = quality.sparing
    return {
        "schema": "hdrplan.optimum/1",
        "purpose": "research use only, never for treatment",
        "limits": "as in the plan" if quality.as_in_plan else "given",
        "positions": {"offered": quality.offered, "in_use": quality.active, "longest_s": quality.longest_s},
        "coverage": [
            {
                "structure": gain.structure,
                "d100_lower_gy": gain.plan_lower_gy,
                "d100_upper_gy": gain.plan_upper_gy,
                "possible_d100_gy": gain.possible_gy,
                "bound_d100_gy": gain.bound_gy,
                "more_at_least_gy": gain.at_least_gy,
                "more_at_most_gy": gain.at_most_gy,
                "binding": list(gain.binding),
                "times_s": gain.times_s.tolist(),
            }
            for gain in quality.coverage
        ],
        "sparing": {
            "objective": sparing.objective,
            "unit": sparing.unit,
            "plan": sparing.plan,
            "possible": sparing.possible,
            "bound": sparing.bound,
            "less_at_least_pct": 100 * sparing.at_least_frac,
            "less_at_most_pct": 100 * sparing.at_most_frac,
            "binding": list(sparing.binding),
            "times_s": sparing.times_s.tolist(),
        },
        "organ_limits": limit_rows(quality),
        "limits_broken_by_plan": [_label(goal) for goal in quality.broken],
        "trade_off": {
            name: [
                {"d100_gy": float(limits[0]), "minimum": plan and plan.cost.value, "bound": plan and plan.cost.bound}
                for limits, plan in zip(front.limits, front.combinations, strict=True)
            ]
            for name, front in quality.fronts.items()
        },
        "sentences": quality_sentences(quality),
        "seconds": quality.seconds,
    }
