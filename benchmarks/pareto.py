"""1000 plans of a trade-off surface, each proven and checked on all points: 34 cc and 270 cc.

``python -m benchmarks.pareto [-o benchmarks/results/pareto.json] [--write docs/measurements/optimiser.md]``

1200 combinations: ten values each of the lesion's D100 and the organ's Dmax, twelve of the total time; some exclude
each other. The rate matrix is there beforehand. After the clock stopped every plan is judged again by plain products
over all points.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.lesions import Layout, Lesion, lesion
from benchmarks.record import command_line, measured, put_table, timed
from hdrplan.optimize import Axis, Front, PlanProblem, optimize_times, pareto_front
from hdrplan.plan import Goals, Prescription

# Name, lesion, seconds on two processors that were the goal.
CASES = (
    ("34 cc", Layout(diameter_mm=40.0, catheters=4, step_mm=6.0, organ_gap_mm=6.0), 3.0),
    ("270 cc", Layout(diameter_mm=80.0, catheters=12, step_mm=7.0), 20.0),
)
GOALS = Goals((Prescription("lesion", 20.0),))


def axes(problem: PlanProblem) -> tuple[Axis, ...]:
    """Limits around the plan for 20 Gy alone: at the loosest corner nothing but the dose binds."""
    free = optimize_times(problem)
    hottest = float((problem.rate.gy_per_s[problem.points.rows("duodenum")] @ free.times_s).max())
    total = float(free.times_s.sum())
    return (
        Axis("lesion", "D100", np.linspace(16.0, 20.0, 10)),
        Axis("duodenum", "Dmax", np.linspace(0.85 * hottest, 1.1 * hottest, 10)),
        Axis("plan", "time", np.linspace(0.95 * total, 1.15 * total, 12)),
    )


def violation(case: Lesion, front: Front) -> float:
    """Largest violation of all plans at all points, as a fraction of the limit: plain NumPy."""
    worst = 0.0
    for first in range(0, len(front.plans), 50):
        part = front.plans[first : first + 50]
        times, limits = np.array([plan.times_s for plan in part]), np.array([plan.limits for plan in part])
        cold = (case.rate.gy_per_s[case.points.rows("lesion")] @ times.T).min(axis=0, initial=np.inf)
        hot = (case.rate.gy_per_s[case.points.rows("duodenum")] @ times.T).max(axis=0, initial=0.0)
        for missed in (1 - cold / limits[:, 0], hot / limits[:, 1] - 1, times.sum(axis=1) / limits[:, 2] - 1):
            worst = max(worst, float(missed.max(initial=0.0)))
    return worst


def result(name: str, layout: Layout, goal_s: float, repeats: int) -> dict:
    """Make the surface of one lesion."""
    case = lesion(layout)
    problem = case.problem(GOALS)
    grid = axes(problem)
    front, spent = timed(lambda: pareto_front(problem, grid), repeats)
    return {
        "case": name,
        "dwells": case.rate.gy_per_s.shape[1],
        "points": len(case.points),
        "plans": len(front.limits),
        "possible": len(front.plans),
        **spent,
        "goal_seconds": goal_s,
        "rows_used": front.rows_used,
        "gap_frac": float(f"{front.gap_frac:.2e}"),
        "violation_frac": float(f"{violation(case, front):.2e}"),
    }


def table(record: dict) -> str:
    """Return the results as Markdown."""
    lines = [
        f"{record['machine']['processors']} processors; {record['machine']['solver']}.",
        "",
        "| lesion | dwells | points | plans (possible) | target (s) | s | CPU s | load | rows | gap | violation |",
        "|" + 11 * "---|",
    ]
    lines += [
        f"| {r['case']} | {r['dwells']} | {r['points']:,} | {r['plans']} ({r['possible']}) | {r['goal_seconds']:g} | "
        f"{r['seconds']:.1f} | {r['cpu_seconds']:.1f} | {r['load']} | {r['rows_used']} | {r['gap_frac']:.0e} | "
        f"{r['violation_frac']:.0e} |"
        for r in record["rows"]
    ]
    return "\n".join(lines)


def main() -> None:
    parser = command_line(__doc__, "pareto")
    parser.add_argument("--only", choices=[name for name, _, _ in CASES])
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    cases = [case for case in CASES if given.only in (None, case[0])]
    record = measured(given, (partial(result, *case, given.repeats) for case in cases))
    put_table(given.write, "pareto", table(record))


if __name__ == "__main__":
    main()
