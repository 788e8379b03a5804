"""Five priority levels, four of them not convex: 34 cc and 270 cc, what each level reached and what is proven of it.

``python -m benchmarks.levels [-o benchmarks/results/levels.json] [--write docs/measurements/optimiser.md]``

The goals are meant to bind: limits that trials report where there are any, and none of them can be reached beside the
prescription. The rate matrix is there beforehand.
"""

from __future__ import annotations

from functools import partial

from benchmarks.lesions import Layout, lesion
from benchmarks.record import command_line, measured, put_table, timed
from hdrplan.optimize import optimize_times
from hdrplan.plan import Goals, Prescription, parse_goal

# Name, lesion, seconds on two processors that were the goal.
CASES = (
    ("34 cc", Layout(diameter_mm=40.0, catheters=4, step_mm=6.0, organ_gap_mm=6.0), 2.0),
    ("270 cc", Layout(diameter_mm=80.0, catheters=12, step_mm=7.0), 10.0),
)
# Structure, goal, source.
LEVELS = (
    ("duodenum", "D1cc <= 10 Gy", "below the 14 Gy of Mohnike 2016, Strahlenther Onkol 192:288"),
    ("liver", "V5Gy <= 16 %", "mean of Ricke 2004, PubMed 15050329"),
    ("lesion", "V200 <= 40 %", "benchmark"),
    ("liver", "D2cc <= 20 Gy", "benchmark"),
    ("plan", "time <= 844 s", "shortest session of Luedemann 2011, Radiat Oncol 6:107"),
)


def goals() -> Goals:
    """Return the prescription, and one goal on each level."""
    listed = (parse_goal(text, structure=s, source=source, level=k + 1) for k, (s, text, source) in enumerate(LEVELS))
    return Goals((Prescription("lesion", 20.0),), tuple(listed))


def result(name: str, layout: Layout, goal_s: float, repeats: int) -> dict:
    """Plan one lesion."""
    case = lesion(layout)
    problem = case.problem(goals())
    optimum, spent = timed(lambda: optimize_times(problem), repeats)
    return {
        "case": name,
        "dwells": len(optimum.times_s),
        "points": len(case.points),
        **spent,
        "goal_seconds": goal_s,
        "status": optimum.status,
        "violation_frac": optimum.certificate.violation_frac,
        "rows_used": optimum.certificate.rows_used,
        "levels": [[level.text, level.value, level.bound, level.unit] for level in optimum.levels],
    }


def table(record: dict) -> str:
    """Return the results as Markdown."""
    lines = [f"{record['machine']['processors']} processors; {record['machine']['solver']}.", ""]
    lines += ["| lesion | dwells | points | target (s) | s | CPU s | load | rows |", "|" + 8 * "---|"]
    lines += [
        f"| {r['case']} | {r['dwells']} | {r['points']:,} | {r['goal_seconds']:g} | {r['seconds']:.1f} | "
        f"{r['cpu_seconds']:.1f} | {r['load']} | {r['rows_used']} |"
        for r in record["rows"]
    ]
    lines += ["", "| lesion | level | reached | proven bound |", "|" + 4 * "---|"]
    for r in record["rows"]:
        lines += [f"| {r['case']} | {text} | {v:.4g} {unit} | {b:.4g} {unit} |" for text, v, b, unit in r["levels"]]
    return "\n".join(lines)


def main() -> None:
    parser = command_line(__doc__, "levels")
    parser.add_argument("--only", choices=[name for name, _, _ in CASES])
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    cases = [case for case in CASES if given.only in (None, case[0])]
    record = measured(given, (partial(result, *case, given.repeats) for case in cases))
    put_table(given.write, "levels", table(record))


if __name__ == "__main__":
    main()
