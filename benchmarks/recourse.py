"""Placement that goes on while needles go in: each comes to lie elsewhere, and the rest is chosen anew.

``python -m benchmarks.recourse [-o benchmarks/results/recourse.json] [--write docs/measurements/placement.md]``

With ``--foresee`` the next needle is the one with the best expected end, and what that takes is measured instead:
``python -m benchmarks.recourse --foresee -o benchmarks/results/foresight.json --write docs/measurements/recourse.md``

Every needle is displaced as a whole by a seeded normal error of 5.5 mm RMS in space (5 to 6 mm: Luedemann 2011, Radiat
Oncol 6:107). Values and bounds do not depend on the machine; processor seconds do.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.placement import Task, case_of
from benchmarks.record import command_line, kept, machine, put_table, save
from hdrplan.geometry import Catheter
from hdrplan.workflow import PlaceOptions, PlaceResult, default_obstacles, place_case

TASKS = (Task("lesion_A", "lesion_A"), Task("lesion_B", "lesion_B"))
COUNT = 4
ERROR_MM = 5.5
SEED = 7


def row_of(result: PlaceResult, cpu_s: float, cpu: dict[str, float]) -> dict[str, Any]:
    """Return what one step chose, proved and took."""
    chosen, recourse = result.chosen, result.placement.recourse
    more = next((c for c in result.placement.curve if c.count == chosen.count + 1), None)
    first = recourse.order[0] if recourse is not None and recourse.order else None
    replaced = recourse.replaced if recourse is not None else None
    return {
        "in": result.n_given,
        "chosen": len(chosen.candidates),
        "value": round(chosen.cost.value, 4),
        "gap_frac": round(chosen.cost.gap_frac, 6),
        "one_more": None if more is None else [round(more.cost.value, 4), round(more.cost.bound, 4)],
        "next_lost": None if first is None else [_finite(first.value), round(first.d100_gy, 2)],
        "next_replaced": None if replaced is None else [_finite(replaced.value), _finite(replaced.bound)],
        "cpu_s": round(cpu_s, 1),
        "cpu_by_step_s": {name: round(s, 1) for name, s in cpu.items()},
    }


def foreseen_row(result: PlaceResult, cpu_s: float, cpu: dict[str, float]) -> dict[str, Any]:
    """Return what one step foresaw, proved and took."""
    seen = result.foreseen
    assert seen is not None
    foresight = seen.foresight
    return {
        "in": result.n_given,
        "left": seen.remaining,
        "best": [round(foresight.best.expected, 4), foresight.best.held],
        "nominal": [round(foresight.nominal.expected, 4), foresight.nominal.held],
        "exact": round(foresight.best_exact.exact, 4),
        "bound": round(foresight.bound, 4),
        "tried": [foresight.tried, len(foresight.paths), foresight.draws],
        "cpu_s": round(cpu_s, 1),
        "cpu_by_step_s": {name: round(s, 1) for name, s in cpu.items()},
    }


def _finite(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def procedure(task: Task, *, foresee: bool = False) -> list[dict[str, Any]]:
    """Insert the planned needles one after the other, each displaced; return a row for each choice."""
    found, case, goals = case_of(task)
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, Any]] = []
    left = COUNT
    while True:
        # No clock ends the foresight: that every path is tried is what is measured.
        more = {"error_mm": ERROR_MM, "foresee": True, "time_limit_s": 3600.0} if foresee else {"time_limit_s": 120.0}
        options = PlaceOptions(margins_mm=default_obstacles(case), most=left + 1, count=left, **more)
        clock = _Clock()
        result = place_case(case, goals, found.source, found.strength, options=options, on_progress=clock.tell)
        rows.append((foreseen_row if foresee else row_of)(result, *clock.ended()))
        print(task.name, rows[-1], flush=True)
        if not result.order or left == 1:
            return rows
        planned = result.case.catheters[result.n_given] if result.foreseen is None else result.foreseen.catheter
        shift_mm = rng.normal(0.0, ERROR_MM / np.sqrt(3), 3)
        case = replace(case, catheters=(*case.catheters, Catheter(f"in_{left}", planned.points_mm + shift_mm)))
        left -= 1


class _Clock:
    """Processor seconds of the steps of a walk, as it tells of them."""

    def __init__(self) -> None:
        self._began = self._last = time.process_time()
        self._step, self._spent = "", dict[str, float]()

    def tell(self, step: str, done: int, total: int) -> None:
        """Charge what was used since the last call to the step that ran.

        Parameters
        ----------
        step : str
        done, total : int
        """
        now = time.process_time()
        name = self._step or step
        self._spent[name] = self._spent.get(name, 0.0) + now - self._last
        self._last, self._step = now, step

    def ended(self) -> tuple[float, dict[str, float]]:
        """Return the seconds in all, and by step."""
        self.tell(self._step, 1, 1)
        return self._last - self._began, self._spent


def table(record: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| lesion | in | chosen | liver mean, Gy (gap) | one more: Gy (proven minimum) | next lost, no replacement "
        "| next lost, best other paths: Gy (proven minimum) | processor s: in all, choice |",
        "|" + 8 * "---|",
    ]
    for name, rows in record["cases"].items():
        for r in rows:
            lost = "" if r["next_lost"] is None else _or_d100(*r["next_lost"])
            more = "" if r["one_more"] is None else f"{r['one_more'][0]:.3f} ({r['one_more'][1]:.3f})"
            again = "" if r["next_replaced"] is None else _pair(*r["next_replaced"])
            lines.append(
                f"| {name} | {r['in']} | {r['chosen']} | {r['value']:.3f} ({100 * r['gap_frac']:.1f} %) | {more} | "
                f"{lost} | {again} | {r['cpu_s']:.0f}, {r['cpu_by_step_s'].get('choice', 0):.0f} |"
            )
    return "\n".join(lines)


def foreseen_table(record: dict[str, Any]) -> str:
    """Return what was foreseen as Markdown."""
    lines = [
        "| lesion | in | left | next, errors foreseen: expected Gy | next of the nominal choice: expected Gy "
        "| best were the rest to go in as chosen: Gy, no path below (gap) | paths, displacements "
        "| processor s: in all, foresight |",
        "|" + 8 * "---|",
    ]
    for name, rows in record["cases"].items():
        for r in rows:
            gap = f"{r['exact']:.3f}, {r['bound']:.3f} ({100 * (1 - r['bound'] / r['exact']):.1f} %)"
            lines.append(
                f"| {name} | {r['in']} | {r['left']} | {r['best'][0]:.3f} | {r['nominal'][0]:.3f} | {gap} | "
                f"{r['tried'][0]} of {r['tried'][1]}, {r['tried'][2]} | {r['cpu_s']:.0f}, "
                f"{r['cpu_by_step_s'].get('foresight', 0):.0f} |"
            )
    return "\n".join(lines)


def _or_d100(value: float | None, d100_gy: float) -> str:
    return f"D100 {d100_gy:.1f} Gy" if value is None else f"{value:.3f} Gy"


def _pair(value: float | None, bound: float | None) -> str:
    return f"{'none' if value is None else f'{value:.3f}'} ({'none exists' if bound is None else f'{bound:.3f}'})"


def main() -> None:
    parser = command_line(__doc__, "recourse")
    parser.add_argument("--foresee", action="store_true", help="choose each next catheter for the best expected end")
    parser.add_argument("--only", nargs="*", metavar="LESION", help="of lesion_A and lesion_B; others are kept")
    given = parser.parse_args()
    if given.table_only:
        record = kept(given.output)
    else:
        record = {
            "machine": machine(),
            "cases": kept(given.output)["cases"] if given.only and given.output.exists() else {},
        }
        for task in TASKS:
            if not given.only or task.name in given.only:
                record["cases"][task.name] = procedure(task, foresee=given.foresee)
                save(given.output, record)
    if given.foresee:
        put_table(given.write, "foresight", foreseen_table(record))
    else:
        put_table(given.write, "recourse", table(record))


if __name__ == "__main__":
    main()
