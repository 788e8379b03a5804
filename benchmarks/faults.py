"""Kill hdrplan at random moments: the output is whole or absent, and a rerun finishes.

PYTHONPATH=src:tests python -m benchmarks.faults [--kills 330] [--seed 0]

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
from pathlib import Path

import hdrplan.cli


def _is_whole(out: Path) -> bool:
    """Whether an output is what its run meant to write: all files of its record, each to its end."""
    if out.is_file():
        return _ends(out)
    listed = json.loads((out / "run.json").read_text())["files"]
    held = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    return listed == held and all(_ends(out / name) for name in held)


def _ends(path: Path) -> bool:
    """Whether a file can be read to its end."""
    from hdrplan.io import read_volume

    if path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".html":
        return path.read_text().rstrip().endswith("</html>")
    elif path.suffix in (".csv", ".toml", ".md"):
        return path.read_bytes().endswith(b"\n")
    elif path.name.endswith(".nrrd") and not path.name.endswith(".seg.nrrd"):
        read_volume(path)
    return path.stat().st_size > 0


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
                os._exit(0 if stop.code in (None, 0, 1) else int(stop.code))
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
    name: str, arguments: list[str], ending: str, kills: int, draw: random.Random, folder: Path
) -> tuple[int, int]:
    usual_s = min(_finished([*arguments, "-o", f"first{k}{ending}"], folder) for k in range(2))
    found = {"absent": 0, "whole": 0, "broken": 0, "reruns": 0}
    for k in range(kills):
        # A few outputs are killed several times before they may finish; every second run replaces a whole result.
        out = folder / f"out{k // 5}{ending}"
        before = out.exists()
        process = _Child([*arguments, "-o", out.name, *(["--overwrite"] if before else [])], folder)
        # The last third of the time holds the writing: two of three kills go there.
        part = draw.uniform(0.6, 1.15) if k % 3 else draw.uniform(0.0, 0.6)
        time.sleep(part * usual_s)
        process.kill()
        process.wait()
        if not out.exists():
            found["broken" if before else "absent"] += 1
        else:
            found["whole" if _is_whole(out) else "broken"] += 1
        if k % 5 == 4:
            _finished([*arguments, "-o", out.name, *(["--overwrite"] if out.exists() else [])], folder)
            found["reruns"] += 1
            if not _is_whole(out):
                found["broken"] += 1
    print(
        f"| {name} | {kills} | {usual_s:.1f} | {found['absent']} | {found['whole']} | {found['broken']} "
        f"| {found['reruns']} |",
        flush=True,
    )
    return kills, found["broken"]


# Command -> (its arguments, ending of its output, its share of the kills): those that take long get fewer.
COMMANDS: dict[str, tuple[list[str], str, float]] = {
    "plan": (["plan", "../case", "--quiet"], "", 0.3),
    "place": (["place", "../case", "--most", "2", "--candidates", "8", "--quiet"], "", 0.3),
    "metrics": (["metrics", "../archive", "--jobs", "1", "--quiet"], "", 0.5),
    "simulate cohort": (["simulate", "cohort", "--hcc", "600", "--crlm", "300", "--quiet"], "", 1.0),
    "cohort derive": (["cohort", "derive", "../cohort", "--quiet"], "", 1.0),
    "cohort template": (["cohort", "template"], "", 1.0),
    "phantom make": (["phantom", "make", "sphere", "--quiet"], "", 1.0),
    "import": (["import", "../archive/t0", "--ctv", "solid", "--quiet"], "", 1.0),
    "export": (["export", "../plan", "--case", "../case", "--quiet"], "", 1.0),
    "check": (["check", "../archive/t0", "--quiet"], "", 0.3),
    "evaluate": (["evaluate", "../case", "--plan", "../plan", "--samples-only"], ".json", 0.4),
    "dose, grid": (["dose", "../plan", "--spacing", "2", "--quiet"], ".nrrd", 1.0),
    "plot": (["plot", "../case", "--plan", "../plan", "--what", "dvh"], ".png", 0.3),
}


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--kills", type=int, default=330)
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument("--only", default="", help=f"Commands that begin with this, of {', '.join(COMMANDS)}.")
    wanted = parse.parse_args()
    os.environ["HDRPLAN_THREADS"] = "1"
    # Imported, but not run: a fork must not inherit threads.
    for module in ("io", "workflow", "report", "simulate", "cli.plan", "cli.metrics", "cli.simulate"):
        importlib.import_module(f"hdrplan.{module}")
    import matplotlib.figure  # noqa: F401
    import SimpleITK  # noqa: F401

    from small_case import write_small_case

    draw = random.Random(wanted.seed)
    chosen = {name: entry for name, entry in COMMANDS.items() if name.startswith(wanted.only)}
    total = sum(share for _, _, share in chosen.values())
    done, broken = 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_small_case(folder / "case")
        _archive(folder / "archive")
        _finished(["plan", "case", "--quiet", "-o", "plan"], folder)
        _finished(["simulate", "cohort", "--hcc", "40", "--crlm", "20", "--quiet", "-o", "cohort"], folder)
        print("| command | kills | usual time (s) | absent | whole | broken | reruns that finished |")
        print("|---|---|---|---|---|---|---|")
        for title, (arguments, ending, share) in chosen.items():
            place = folder / f"kills-{title.replace(' ', '-').replace(',', '')}"
            place.mkdir()
            kills = max(5, 5 * round(wanted.kills * share / total / 5))
            n, bad = _kill_rounds(title, arguments, ending, kills, draw, place)
            done, broken = done + n, broken + bad
    print(f"{done} kills, {broken} broken outputs")
    if broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
