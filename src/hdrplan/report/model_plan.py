"""A plan under the dose in the patient's media: which dose its certificate is about, and what became of its factor."""

from __future__ import annotations

from hdrplan.report.model_text import minimum_text
from hdrplan.workflow import FactorChange, ModelPlan

__all__ = ["model_plan_lines", "model_plan_table"]


def model_plan_lines(result: ModelPlan) -> list[str]:
    """Return which dose the figures and the proof are about, how far the factor has settled, and D100's error."""
    lines = [
        "Doses are D_m,m: TG-43 times a correction by Monte Carlo in the patient's media. The correction is that of "
        "the dwell times as they are written; figures, goals, the proof at every point and the bound are all of this "
        "dose. Within a CTV it is straight between nodes 2 mm apart."
    ]
    if result.reserve_frac > 0.0:
        lines.append(
            f"The correction changes a little with the times: plan {result.plans} was asked for up to "
            f"{100 * result.reserve_frac:.2g} % more than the goals, so that they hold."
        )
    if result.scale != 1.0:
        way = "longer" if result.scale > 1.0 else "shorter"
        lines.append(
            "The correction changes a little with the times: all times were made "
            f"{100 * abs(result.scale - 1.0):.2g} % {way}, so that the goals hold."
        )
    lines += [_change_text(change) for change in result.changes]
    if not result.settled:
        lines.append(
            f"The correction has NOT settled after {result.plans} plans: noise does not explain the changes above, and "
            "another plan may lie nearer to the bound."
        )
    return lines + [_capital(minimum_text(minimum, result.own)) for minimum in result.own.minima]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _change_text(change: FactorChange) -> str:
    return (
        f"{change.structure}: from the plan before to this one the correction changes by "
        f"{100 * change.rms_frac:.2g} % (root mean square; {100 * change.largest_frac:.2g} % at most), its standard "
        f"error is {100 * change.noise_frac:.2g} %."
    )


def model_plan_table(result: ModelPlan) -> dict[str, object]:
    """Return the same as numbers."""
    return {
        "dose": "D_m,m",
        "plans": result.plans,
        "settled": result.settled,
        "reserve_frac": result.reserve_frac,
        "time_scale": result.scale,
        "changes": [
            {
                "structure": change.structure,
                "rms_frac": change.rms_frac,
                "largest_frac": change.largest_frac,
                "standard_error_frac": change.noise_frac,
            }
            for change in result.changes
        ],
    }
