"""What the error of D100 does to its effect, and what the corrections of ``hdrplan correlate`` give back.

Virtual cohorts whose delivered D100 is 0.62 of the planned one with an SD of 2.8 Gy, as in the study of
docs/howto/virtual-cohorts.md (19.9 +- 3.1 Gy planned, 12.3 +- 3.4 Gy delivered). The true hazard ratio is 0.90 per Gy
delivered.

Run: python -m benchmarks.dose_error [--cohorts 40] [--write]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from hdrplan.analysis import lesion_table
from hdrplan.analysis.effects import adjusters
from hdrplan.cohort import RULE_SETS, derive
from hdrplan.outcomes import cox, frailty
from hdrplan.simulate import simulate_cohort

SLOPE, SD_GY, TRUE = 0.62, 2.8, 0.90
MODELS = (
    "planned D100",
    "expected D100",
    "expected D100, gamma frailty by patient",
    "delivered D100",
    "delivered D100, gamma frailty by patient",
)


def estimates(seed: int) -> list[tuple[float, float]]:
    """Return coefficient and standard error of each model in one cohort."""
    rng, planned = np.random.default_rng(seed), {}

    def delivered(lesion: str, _: float, gy: float) -> float:
        planned[lesion] = gy
        return SLOPE * gy + rng.normal(0.0, SD_GY)

    cohort, _ = simulate_cohort(265, 115, seed=seed, d100_gy=delivered)
    table = lesion_table(cohort, derive(cohort, RULE_SETS["recommended"]))
    plan = np.array([planned[lesion] for lesion in table.lesion_id])
    beside, found = adjusters(table), []
    for dose in (plan, SLOPE * plan, table.d100_gy):
        fit = cox(table.follow_up, {"dose": dose, **beside})
        found.append((float(fit.coef[0]), float(np.sqrt(fit.inference_covariance[0, 0]))))
        if dose is not plan:
            shared = frailty(table.follow_up, {"dose": dose, **beside})
            found.append((float(shared.coef[0]), float(shared.se[0])))
    return found


def page(n: int) -> str:
    """Return the page of docs/measurements."""
    values = np.array([estimates(5000 + k) for k in range(n)])
    lines = [
        "# What the error of D100 does to its effect",
        "",
        f"{n} virtual cohorts of 265 HCC and 115 CRLM patients. The delivered D100 is {SLOPE:g} of the planned one "
        "with an SD",
        f"of {SD_GY:g} Gy, as in the study of [virtual cohorts](../howto/virtual-cohorts.md) with catheters "
        "displaced by 5.5 mm.",
        f"The true hazard ratio is {TRUE:.2f} per Gy of delivered D100, given the patient's frailty. Made by `python "
        "-m",
        f"benchmarks.dose_error --cohorts {n} --write`.",
        "",
        "| model | hazard ratio per Gy, mean | standard error of the mean | 95 % intervals that hold the true one |",
        "|---|---|---|---|",
    ]
    for k, name in enumerate(MODELS):
        coef, se = values[:, k, 0], values[:, k, 1]
        held = np.abs(coef - np.log(TRUE)) < 1.959964 * se
        mean, error = np.exp(coef.mean()), np.exp(coef.mean()) * coef.std(ddof=1) / np.sqrt(n)
        lines.append(f"| {name} | {mean:.3f} | {error:.3f} | {100 * held.mean():.0f} % |")
    lines += [
        "",
        "The planned dose makes the effect look weaker than it is. The expected dose (`--expected-dose`) undoes "
        "that. What is",
        "left is not an error of dose: patients differ in frailty, which draws every hazard ratio that ignores it "
        "towards 1. The",
        "gamma frailty by patient gives the effect within a patient back.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=40)
    parser.add_argument("--write", action="store_true", help="write docs/measurements/dose-error.md")
    options = parser.parse_args()
    made = page(options.cohorts)
    print(made)
    if options.write:
        path = Path(__file__).parents[1] / "docs" / "measurements" / "dose-error.md"
        path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
