"""What whole dwell times cost on the demo, and how much of each dose relies on unpublished source data.

``python -m benchmarks.whole_times [-o benchmarks/results/whole_times.json] [--write docs/measurements/optimiser.md]``

``hdrplan plan`` of the liver phantom with the steps of two afterloaders. The loss is what the mean liver dose
of the whole times lies above that of the real times. No whole times within two steps of the real ones lose less than
the bound of the search.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.record import command_line, measured, put_table
from hdrplan.io import read_case
from hdrplan.optimize.notes import Rounded
from hdrplan.options import PlanOptions
from hdrplan.workflow import plan_case

CASE, STEPS_S = "phantoms/liver-lesion-b", (0.1, 1.0)
# Two thirds of its points lie beyond the table of some dwell, and little of its dose comes from there.
ORGAN = "stomach"


def result(step_s: float) -> dict:
    """Plan the demo with one step of the dwell times."""
    case = read_case(CASE)
    planned = plan_case(
        case.case, case.goals, case.source, case.strength, options=PlanOptions(time_step_s=step_s, proof_s=0.0)
    )
    assert planned.optimum is not None
    (rounded,) = (note for note in planned.optimum.notes if isinstance(note, Rounded))
    whole = np.round(planned.plan.times_s / step_s) * step_s
    (scored,) = (s for s in planned.score.structures if s.name == ORGAN)
    return {
        "step_s": step_s,
        "real_gy": rounded.before,
        "whole_gy": rounded.after,
        "bound_gy": rounded.bound,
        "off_grid_s": float(np.abs(whole - planned.plan.times_s).max()),
        "gap_frac": planned.optimum.certificate.main.gap_frac,
        "organ_gy": scored.mean_gy,
        "extrapolated_frac": planned.extrapolated_frac[ORGAN],
    }


def table(rows: list[dict]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| step (s) | loss (%) | cannot be less than (%) | gap of the whole times (%) | gap of the written plan (%) | "
        f"{ORGAN}: mean (Gy) | of it extrapolated (%) |",
        "|" + 7 * "---|",
    ]
    lines += [
        f"| {r['step_s']:g} | {100 * (r['whole_gy'] / r['real_gy'] - 1):.3f} | "
        f"{100 * max(0.0, r['bound_gy'] / r['real_gy'] - 1):.3f} | {100 * (r['whole_gy'] / r['bound_gy'] - 1):.3f} | "
        f"{100 * r['gap_frac']:.2f} | {r['organ_gy']:.2f} | {100 * r['extrapolated_frac']:.1f} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    given = command_line(__doc__, "whole_times").parse_args()
    record = measured(given, (partial(result, step_s) for step_s in STEPS_S))
    put_table(given.write, "whole-times", table(record["rows"]))


if __name__ == "__main__":
    main()
