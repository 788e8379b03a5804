"""How long a touch of a live session takes until its answer for the page is made.

python -m benchmarks.live [CASE] [-n 20] [--write docs/measurements/live.md]
Processor and wall seconds of each kind of touch and of the proof that follows a rest, without a browser; and of goals
on volumes of dose, what a touch keeps of D100 and what the search after a rest.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.record import machine, put_table
from hdrplan.dose import dose_rate
from hdrplan.geometry import Grid
from hdrplan.live import Session
from hdrplan.live.view import pictured_dose, pictured_grid, state_of
from hdrplan.optimize import EveryPoint

CASE = Path("phantoms/liver-lesion-b")
VOLUMES = (
    "V150 <= 72 %",
    "V150 <= 70 %",
    "V150 <= 68 %",
    "V150 <= 65 %",
    "V150 <= 62 %",
    "V150 <= 50 %",
    "V200 <= 30 %",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("case", nargs="?", type=Path, default=CASE)
    parser.add_argument("-n", "--number", type=int, default=20, help="touches of each kind")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="Markdown file whose table is replaced")
    parser.add_argument("--volumes", nargs="+", default=VOLUMES, metavar="GOAL", help="goals of the first CTV")
    given = parser.parse_args()
    session = Session.open(given.case)
    lines = [*table(session, given.number), "", farthest(session)]
    searched = volumes(Session.open(given.case), given.volumes)
    print("\n".join([*lines, "", *searched]))
    if given.write:
        here = machine()
        said = f"{here['processors']} processors, load {here['load_at_start']}."
        put_table(given.write, "live", "\n".join([*lines, "", said]))
        put_table(given.write, "volumes", "\n".join([*searched, "", said]))


def table(session: Session, number: int) -> list[str]:
    grid = pictured_grid(session.case_file.case)
    rng = np.random.default_rng(1)
    ctv, catheter = session.wishes.prescriptions[0], session.wishes.catheters[0]
    dwells, times = session.shown.plan.dwells, session.shown.plan.times_s
    k = int(times.argmax())
    stop = {"catheter": dwells.catheter_names[dwells.catheter[k]], "offset_mm": float(dwells.offset_mm[k])}

    def prescribed() -> None:
        session.do("prescribe", ctv=ctv.structure, dose_gy=float(ctv.dose_gy + rng.uniform(-2, 2)))

    def set_by_hand() -> None:
        session.do("set_time", **stop, seconds=float(times[k] * rng.uniform(0.8, 1.2)))

    def moved() -> None:
        tip = catheter.points_mm[-1] + rng.uniform(-2, 2, 3)
        session.do("move_catheter", name=catheter.name, tip_mm=tuple(tip.tolist()))

    def optimised() -> None:
        session.do("optimise_rest")

    kinds: dict[str, Callable[[], object]] = {
        "prescription or goal": prescribed,
        "dwell time by hand": set_by_hand,
        "the rest optimised": optimised,
        "catheter moved": moved,
        "undo": session.undo,
        "rest: whole times, every point": session.settle,
    }
    rows = ["| touch | CPU s, median | CPU s, 95 % | wall s, median | wall s, 95 % |", "|---|---|---|---|---|"]
    for name, touch in kinds.items():
        # A plan that is proven already is not proven again.
        rests = touch == session.settle
        taken = np.array(
            [
                _seconds(session, grid, touch, before=prescribed if rests else None)
                for _ in range(3 if rests else number)
            ]
        )
        middle, late = np.percentile(taken, [50, 95], axis=0)
        rows.append(f"| {name} | {middle[0]:.2f} | {late[0]:.2f} | {middle[1]:.2f} | {late[1]:.2f} |")
    return rows


def volumes(session: Session, goals: Sequence[str]) -> list[str]:
    """Return what goals on volumes keep of the first CTV's D100, at every point after a rest, and what they take."""
    ctv = session.wishes.prescriptions[0].structure
    rows = [
        "| goal | a touch: D100 (Gy) | CPU s | wall s | after a rest: D100 (Gy) | CPU s | wall s |",
        "|---|---|---|---|---|---|---|",
    ]
    session.settle()
    for goal in goals:
        told = []
        for step in (lambda goal=goal: session.do("add_goal", structure=ctv, goal=goal), session.settle):
            cpu, wall = time.process_time(), time.perf_counter()
            step()
            taken = f"{time.process_time() - cpu:.2f} | {time.perf_counter() - wall:.2f}"
            told.append(f"{session.shown.score.target(ctv).d100_gy:.2f} | {taken}")
        notes = session.shown.optimum.notes if session.shown.optimum else ()
        if not all(note.finished for note in notes if isinstance(note, EveryPoint)):
            told[-1] += ", not proven between the sample points"
        rows.append(f"| `{goal}` | {' | '.join(told)} |")
        session.undo()
    return rows


def farthest(session: Session) -> str:
    """Return how far the rates that a touch reads lie from the formula, at the sample points of all structures."""
    case, plan = session.case_file, session.shown.plan
    points_mm, strength_u = session.shown.points.points_mm, case.strength.value_u
    exact, tables = (
        dose_rate(plan.dwells, points_mm, case.source, strength_u=strength_u, exact=way).gy_per_s
        for way in (True, False)
    )
    off = float(np.abs(tables / exact - 1.0).max())
    return f"Rates by tables, farthest from the formula at any of {len(points_mm):,} points: {100 * off:.4f} %."


def _seconds(
    session: Session, grid: Grid, touch: Callable[[], object], *, before: Callable[[], object] | None
) -> tuple[float, float]:
    if before is not None:
        before()
    cpu, wall = time.process_time(), time.perf_counter()
    touch()
    json.dumps(state_of(session, pictured_dose(session.shown.plan, grid)))
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main()
