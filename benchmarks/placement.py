"""Placement on the liver phantom's lesions and on synthetic ones of 2 to 12 cm: what is reached, and what is proven.

``python -m benchmarks.placement [-o benchmarks/results/placement.json]
[--write docs/measurements/placement.md] [--only NAME ...]``

Doses and bounds, once proven to the gap asked for, do not depend on the machine; times do, so load and processor
seconds stand beside them.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.record import command_line, kept, put_table, save
from hdrplan.errors import InfeasibleError
from hdrplan.geometry import LesionShape, synthetic_case
from hdrplan.io import CaseFile, read_anatomy, read_case
from hdrplan.plan import Case, Goals, Prescription
from hdrplan.workflow import PlaceOptions, default_obstacles, place_case

PHANTOM = Path(__file__).resolve().parents[1] / "phantoms" / "liver-lesion-b"


@dataclass(frozen=True)
class Task:
    """One row: a lesion of the phantom by name, or a ball of a diameter where the liver is deepest."""

    name: str
    lesion: str | float
    dose_gy: float = 20.0
    most: int = 6
    limit_s: float = 60.0
    gap_frac: float = 1e-3
    conflicts: bool = True


TASKS = (
    *(Task(name, name) for name in ("lesion_A", "lesion_B", "lesion_C")),
    Task("2 cm", 20.0),
    Task("4 cm", 40.0),
    Task("8 cm", 80.0),
    Task("12 cm", 120.0),
    Task("12 cm, 15 Gy", 120.0, dose_gy=15.0, most=8, limit_s=300.0),
    # The targets: at most 5 of 50 for 34 cc to 0.1 %, 6 of 50 for 270 cc to 1 %, both in 60 s.
    Task("34 cc", 40.2, most=5),
    Task("34 cc, no two exclude each other", 40.2, most=5, conflicts=False),
    Task("270 cc", 87.6, gap_frac=0.01),
    Task("270 cc, no two exclude each other", 87.6, gap_frac=0.03, limit_s=600.0, conflicts=False),
)


def case_of(task: Task) -> tuple[CaseFile, Case, Goals]:
    """Return the phantom with the task's lesion, and its goals."""
    name = task.lesion if isinstance(task.lesion, str) else "lesion_B"
    found = read_case(PHANTOM, {"roles": {name: "CTV"}, "prescription_gy": {name: task.dose_gy}}, before_puncture=True)
    case = replace(found.case, name=task.name)
    if not isinstance(task.lesion, str):
        ct, structures, healthy = read_anatomy(PHANTOM)
        made = synthetic_case(ct, structures, healthy, LesionShape(task.lesion))
        # The phantom's own lesions are liver again, whatever their role.
        case = Case(name=task.name, ct=ct, structures=made.structures, catheters=(), healthy=healthy)
        name = made.structures[0].name
    return found, case, Goals((Prescription(name, task.dose_gy),), found.goals.goals)


def result(task: Task, limit_s: float) -> dict[str, Any]:
    """Place and measure."""
    found, case, goals = case_of(task)
    options = PlaceOptions(
        margins_mm=default_obstacles(case), most=task.most, time_limit_s=min(task.limit_s, limit_s),
        gap_frac=task.gap_frac, **({} if task.conflicts else {"apart_mm": 0.0, "spread_deg": 180.0}),
    )  # fmt: skip
    row: dict[str, Any] = {
        "name": task.name,
        "cc": round(case.ctvs[0].volume_cc, 1),
        "dose_gy": task.dose_gy,
        "most": task.most,
        "gap_asked_frac": task.gap_frac,
        "limit_s": options.time_limit_s,
        "load": round(os.getloadavg()[0], 1),
        "processors": os.cpu_count(),
    }
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        placed = place_case(case, goals, found.source, found.strength, options=options)
    except InfeasibleError as error:
        row["none"] = str(error)
    else:
        placement, ctv = placed.placement, placed.case.ctvs[0]
        row |= {
            "lines": placed.trajectories.tried,
            "free": placed.n_free,
            "candidates": len(placed.trajectories),
            "curve": [
                {
                    "count": best.count,
                    "value": _number(best.cost.value),
                    "bound": _number(best.cost.bound),  # null beside no value: proven that there is none
                    "gap_frac": _number(best.cost.gap_frac),
                    "d100_gy": _number(best.d100.value),
                    "d100_bound_gy": _number(best.d100.bound),
                    "proof_s": round(best.seconds, 2),
                }
                for best in placement.curve
            ],
            "all": placement.with_all.value,
            "chosen": len(placed.chosen.candidates),
            "d100_gy": round(placed.planned.score.target(ctv.name).d100_gy, 3),
            "linear_programs": placement.solves,
            "seconds": placed.seconds,
        }
    row |= {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}
    return row


def _number(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None


def _cell(best: dict[str, Any]) -> str:
    if best["value"] is None:
        reached = "" if best["d100_gy"] is None else f", D100 {best['d100_gy']:.2f} Gy"
        return f"{best['count']}: none {'exists' if best['bound'] is None else 'found'}{reached}"
    return f"{best['count']}: {best['value']:.3f} ({100 * best['gap_frac']:.1f} %)"


def table(rows: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| lesion | cc | paths free | catheters: liver mean Gy (gap to the bound) | all | chosen | D100 (Gy) "
        "| choice (s) | in all: wall, processor (s) | load |",
        "|" + 10 * "---|",
    ]
    for r in rows:
        timed = f"{r['wall_s']:.0f}, {r['cpu_s']:.0f} | {r['load']:.1f} |"
        if "none" in r:
            lines.append(f"| {r['name']} | {r['cc']} | | {r['none'].split(' Lower the')[0]} | | | | | {timed}")
            continue
        curve = "; ".join(_cell(best) for best in r["curve"])
        lines.append(
            f"| {r['name']} | {r['cc']} | {r['free']} of {r['lines']} | {curve} | {r['all']:.3f} | {r['chosen']} | "
            f"{r['d100_gy']:.2f} | {r['seconds']['choice']:.0f} of {r['limit_s']:.0f} | {timed}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = command_line(__doc__, "placement")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="; ".join(task.name for task in TASKS))
    parser.add_argument("--time-limit", type=float, default=600.0, help="most seconds for a choice")
    given = parser.parse_args()
    record = kept(given.output) if given.table_only or (given.only and given.output.is_file()) else {"rows": []}
    if not given.table_only:
        # Rows that are not made anew stay.
        rows = {row["name"]: row for row in record["rows"]} if given.only else {}
        for task in (t for t in TASKS if given.only is None or t.name in given.only):
            rows[task.name] = result(task, given.time_limit)
            print(json.dumps(rows[task.name]), flush=True)
            record = {"rows": [rows[t.name] for t in TASKS if t.name in rows]}
            save(given.output, record)
    put_table(given.write, "placement", table(record["rows"]))


if __name__ == "__main__":
    main()
