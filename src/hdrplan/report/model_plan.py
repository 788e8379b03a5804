"""A plan under the dose in the patient's media: which dose its certificate is about, and what became of its factor."""

from __future__ import annotations

from hdrplan.report.model_text import minimum_text
from hdrplan.workflow import FactorChange, ModelPlan

__all__ = ["model_plan_lines", "model_plan_table"]


def model_plan_lines(result: ModelPlan) -> list[str]:
    """Return which dose the figures and the proof are about, how far the factor has settled, and D100 with its own."""
    lines = [
        "Doses are D_m,m: TG-43 times a correction by Monte Carlo in the patient's media. Prescriptions, limits and "
        f"the proof are of this dose. The certificate holds for the correction of plan {result.plans - 1} of "
        f"{result.plans}, a dose linear in the times; within a CTV it is straight between nodes 2 mm apart."
    ]
    lines += [_change_text(change) for change in result.changes]
    if not result.settled:
        lines.append(
            f"The correction has NOT settled after {result.plans} plans: noise does not explain the changes above."
        )
    return lines + [
        f"With the correction of its own times, {minimum_text(minimum, result.own)}" for minimum in result.own.minima
    ]


def _change_text(change: FactorChange) -> str:
    return (
        f"{change.structure}: the final times change the correction by {100 * change.rms_frac:.2g} % (root mean "
        f"square; {100 * change.largest_frac:.2g} % at most), its standard error is {100 * change.noise_frac:.2g} %."
    )


def model_plan_table(result: ModelPlan) -> dict[str, object]:
    """Return the same as numbers."""
    return {
        "dose": "D_m,m",
        "plans": result.plans,
        "settled": result.settled,
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
