"""Put small faults into the code, one at a time, and see whether the quick tests notice.

python -m benchmarks.mutation [--number 400] [--jobs 2] [--again]     (make mutants)
python -m benchmarks.mutation --only 76d24360d232 --tests tests/optimize/test_branch_and_bound.py

The checkout is copied; faults go into the copy. Kernels are judged by their twins with Numba switched off, other rooms
by the tests that run the function, quickest first. Stop it at any time: a later run goes on where it was.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.mutation.choice import ROOMS, chosen
from benchmarks.mutation.known import known_mutants
from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.quick_tests import QuickTests, suite_of
from benchmarks.mutation.reasons import reasons_of
from benchmarks.mutation.table import page_of
from benchmarks.mutation.trial import Slot, Verdict, copied_tree, in_child, warm_up

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/measurements/mutants.md"
# Processor seconds granted to each of the files of ``--tests``: more than any takes.
_FILE_S = 100.0


def main() -> None:
    """Run what has no verdict yet, and write results and page."""
    given = _command_line()
    source = ROOT / "src/hdrplan"
    kept = _kept(given.output)
    mutants = [*known_mutants(source), *chosen(source, given.number, given.seed, also=kept)]
    reasons = reasons_of(source)
    again = {m.id for m in mutants if given.again and kept.get(m.id, {}).get("killed_by", "") is None}
    open_ = [m for m in mutants if m.id not in reasons and (m.id not in kept or m.id in again)]
    todo = [m for m in open_ if m.room in given.rooms.split(",")]
    if given.only:
        known = {m.id: m for m in mutants}
        if unknown := sorted(set(given.only) - set(known)):
            sys.exit(f"no mutant of this run has the id {', '.join(unknown)}")
        todo = [known[name] for name in given.only]
    if todo and not given.table_only:
        _tried(todo, kept, given)
    rows = []
    for m in mutants:
        row = _row(m) | {key: kept[m.id][key] for key in ("killed_by", "tests", "seconds") if key in kept.get(m.id, {})}
        if m.id in reasons:
            row |= {"explained": reasons[m.id].kind, "reason": reasons[m.id].reason}
        rows.append(row)
    rows = [row for row in rows if "killed_by" in row or "explained" in row]
    _save(given.output, rows)
    given.page.write_text(page_of(rows, len(mutants) - len(rows)), encoding="utf-8")
    alive = [row for row in rows if row.get("killed_by", "") is None and "explained" not in row]
    for row in alive:
        print(f"alive: {row['file']}:{row['line']} {row['function']}: {row['what']}    | {row['text']}")
    print(f"{len(rows)} of {len(mutants)} mutants, {len(alive)} alive")


def _command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("--number", type=int, default=400, help="mutants chosen, spread over the files by size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) - 1))
    parser.add_argument("--rooms", default=",".join(ROOMS))
    parser.add_argument(
        "--budget", type=float, default=30.0, help="maximum processor seconds of tests per mutant, quickest first"
    )
    parser.add_argument("--again", action="store_true", help="try those anew that were alive")
    parser.add_argument("--only", nargs="+", metavar="ID", help="try these mutants alone, anew")
    parser.add_argument(
        "--tests", nargs="+", metavar="FILE", help="judge by these files alone; what they let pass keeps its verdict"
    )
    parser.add_argument(
        "--own-tests",
        action="store_true",
        help="measure and run the tests of the mutants' rooms alone: quicker, and what they let pass counts as alive",
    )
    parser.add_argument("--table-only", action="store_true", help="write the page from the results kept")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "mutants.json")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--map", type=Path, default=RESULTS / "mutants-tests.local.json")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / f"hdrplan-mutants-{os.getuid()}")
    return parser.parse_args()


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads(path.read_text(encoding="utf-8"))["mutants"] if path.is_file() else []
    return {row["id"]: row for row in rows if "killed_by" in row}


def _row(m: Mutant) -> dict[str, Any]:
    return {
        "id": m.id,
        "file": m.file,
        "line": m.line,
        "function": m.function,
        "kind": m.kind,
        "what": m.what,
        "text": m.text,
    }


def _save(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    new = path.with_suffix(".part")
    new.write_text('{"mutants": [\n' + lines + "\n]}\n", encoding="utf-8")
    new.replace(path)


def _tried(todo: Sequence[Mutant], kept: dict[str, dict[str, Any]], given: argparse.Namespace) -> None:
    """Try mutants in copies of the checkout; every verdict is saved at once."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HDRPLAN_SHARED": str(ROOT.parent / "shared")}
    # Two runs in one folder would judge each other's mutants.
    given.work.mkdir(parents=True, exist_ok=True)
    lock = (given.work / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another run works in {given.work}; give --work another folder")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    warm_up()
    trees = [given.work / f"tree-{k}" for k in range(given.jobs)]
    for tree in trees:
        copied_tree(ROOT, tree)
    quick = None if given.tests else _measured(trees[0], given.map, {m.room for m in todo}, own=given.own_tests)
    waiting, begun, done = deque(todo), time.monotonic(), 0
    free, busy = [Slot(tree) for tree in trees], list[Slot]()
    try:
        while waiting or busy:
            while waiting and free:
                mutant = waiting.popleft()
                tests = (
                    dict.fromkeys(given.tests, _FILE_S) if quick is None else _within(quick.of(mutant), given.budget)
                )
                slot = free.pop()
                slot.begin(mutant, tests)
                busy.append(slot)
            time.sleep(0.05)
            for slot in list(busy):
                mutant = slot.mutant
                verdict = slot.ended()
                if verdict is None or mutant is None:
                    continue
                busy.remove(slot)
                free.append(slot)
                done += 1
                if quick is not None or verdict.killed_by is not None:
                    kept[mutant.id] = _row(mutant) | asdict(verdict)
                _save(given.output, list(kept.values()))
                _say(mutant, verdict, done, len(todo), time.monotonic() - begun)
    finally:
        for slot in busy:
            slot.stop()


def _within(tests: dict[str, float], budget_s: float) -> dict[str, float]:
    """Leave out the slowest tests beyond a budget; at least one stays."""
    spent = accumulate(tests.values())
    return {
        test: s
        for k, ((test, s), so_far) in enumerate(zip(tests.items(), spent, strict=True))
        if so_far <= budget_s or k == 0
    }


def _measured(tree: Path, path: Path, rooms: set[str], *, own: bool) -> QuickTests:
    """Return which tests run what; test files that are new or have changed are measured first, a folder at a time."""
    quick = QuickTests.kept(path)
    for suite, folder in sorted({(suite_of(room), folder) for room in rooms for folder in suite_of(room).folders}):
        if own and not suite.plain and folder.removeprefix("tests/") not in rooms:
            continue
        stale = [name for name in quick.stale(tree, suite) if name.startswith(f"{folder}/")]
        if not stale:
            continue
        print(f"measuring which functions the tests of {len(stale)} files run ({folder}) ...", flush=True)
        process, answer, log = in_child(partial(quick.measure, tree, suite, stale))
        os.waitpid(process, 0)
        failed = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else "the run"
        if failed is not None:
            sys.exit(f"{failed} fails without any mutant; see {log}")
        quick = QuickTests.kept(path)
    return quick


def _say(mutant: Mutant, verdict: Verdict, done: int, total: int, seconds: float) -> None:
    left_min = seconds / done * (total - done) / 60
    end = f"killed by {verdict.killed_by}" if verdict.killed_by else "ALIVE"
    print(
        f"{done}/{total}, {left_min:.0f} min left | {verdict.seconds:5.1f} CPU s, {verdict.tests} tests | "
        f"{mutant.file}:{mutant.line} {mutant.what} | {end}",
        flush=True,
    )


if __name__ == "__main__":
    main()
