"""Kill hdrplan at random moments: the output is whole or absent, and a rerun finishes.

PYTHONPATH=src:tests python -m benchmarks.faults [--kills 210] [--seed 0]

Each round starts a command in a process of its own, kills it (SIGKILL: no cleaning up) after a random part of its usual
time, looks at what is there, and runs it again to the end where the moment was the last of its folder.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import hdrplan.cli

PLAN_FILES = {"plan.json", "dose.nrrd", "dvh.csv", "metrics.json", "report.html", "run.json"}


def _plan_is_whole(out: Path) -> bool:
    from hdrplan.io import read_results

    read_results(out)
    json.loads((out / "run.json").read_text())
    return {p.name for p in out.iterdir()} == PLAN_FILES and (out / "report.html").read_text().endswith("</html>")


def _metrics_are_whole(out: Path) -> bool:
    lines = (out / "metrics.csv").read_text().splitlines()
    json.loads((out / "run.json").read_text())
    return len(lines) >= 5 and (out / "errors.csv").read_text().endswith("\n")


def _cohort_is_whole(out: Path) -> bool:
    from hdrplan.io import read_cohort

    tables, problems = read_cohort(out)
    json.loads((out / "run.json").read_text())
    return len(tables) >= 4 and not problems


def _archive(place: Path) -> None:
    from demo_case import write_demo_dicom

    for k in range(2):
        write_demo_dicom(place / f"t{k}")


class _Child:
    """A command in a forked process: the modules are there, so that the time is that of the work."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self.said = folder / ".stderr"
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            sys.argv = ["hdrplan", *arguments]
            try:
                hdrplan.cli.main()
            except SystemExit as stop:
                os._exit(int(stop.code or 0))
            except BaseException:
                traceback.print_exc()
                os._exit(99)
            os._exit(0)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _finished(arguments: list[str], folder: Path) -> float:
    started = time.perf_counter()
    child = _Child(arguments, folder)
    code = child.wait()
    if code != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit code {code}: {child.said.read_text()[-600:]}")
    return time.perf_counter() - started


def _kill_rounds(
    name: str, arguments: list[str], whole: Callable[[Path], bool], kills: int, draw: random.Random, folder: Path
) -> None:
    usual_s = min(_finished([*arguments, "-o", f"first{k}"], folder) for k in range(2))
    found = {"absent": 0, "whole": 0, "broken": 0, "reruns": 0}
    for k in range(kills):
        # A few folders are killed several times before they may finish; every second run replaces a whole result.
        out = folder / f"out{k // 5}"
        process = _Child([*arguments, "-o", out.name, *(["--overwrite"] if out.exists() else [])], folder)
        before = out.exists()
        # The last third of the time holds the writing: two of three kills go there.
        part = draw.uniform(0.6, 1.15) if k % 3 else draw.uniform(0.0, 0.6)
        time.sleep(part * usual_s)
        process.kill()
        process.wait()
        if not out.exists():
            found["broken" if before else "absent"] += 1
        else:
            found["whole" if whole(out) else "broken"] += 1
        if k % 5 == 4:
            _finished([*arguments, "-o", out.name, *(["--overwrite"] if out.exists() else [])], folder)
            found["reruns"] += 1
            if not whole(out):
                found["broken"] += 1
    print(
        f"| {name} | {kills} | {usual_s:.1f} | {found['absent']} | {found['whole']} | {found['broken']} "
        f"| {found['reruns']} |",
        flush=True,
    )
    if found["broken"]:
        raise SystemExit(f"{name}: {found['broken']} broken outputs")


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--kills", type=int, default=210)
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument("--only", default="", help="One of plan, metrics, simulate.")
    wanted = parse.parse_args()
    os.environ["HDRPLAN_THREADS"] = "1"
    # Imported, but not run: a fork must not inherit threads.
    for module in ("cli.plan", "cli.metrics", "cli.simulate", "workflow", "report", "simulate", "io.dicom_case"):
        importlib.import_module(f"hdrplan.{module}")
    import matplotlib.figure  # noqa: F401
    import SimpleITK  # noqa: F401

    from small_case import write_small_case

    draw = random.Random(wanted.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_small_case(folder / "case")
        _archive(folder / "archive")
        print("| command | kills | usual time (s) | absent | whole | broken | reruns that finished |")
        print("|---|---|---|---|---|---|---|")
        each = -(-wanted.kills // 3)
        rounds: tuple[tuple[str, list[str], Callable[[Path], bool]], ...] = (
            ("plan", ["plan", "../case", "--quiet"], _plan_is_whole),
            ("metrics", ["metrics", "../archive", "--jobs", "1", "--quiet"], _metrics_are_whole),
            ("simulate cohort", ["simulate", "cohort", "--hcc", "2000", "--crlm", "1000"], _cohort_is_whole),
        )
        for title, arguments, whole in (r for r in rounds if r[0].startswith(wanted.only)):
            place = folder / title.replace(" ", "-")
            place.mkdir()
            _kill_rounds(title, arguments, whole, each, draw, place)


if __name__ == "__main__":
    main()
