"""Guard of speed: what hdrplan does most, in units of a fixed piece of work that was measured in the same run.

Run: python -m benchmarks.speed [--write]. A slower or busier machine slows the fixed work alike, so the ratio stays;
nothing here fails. --write also keeps the figures, beside which every later run shows its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

os.environ["HDRPLAN_THREADS"] = "1"

import numpy as np

from hdrplan.dose import dose_at_points, dose_by_tables, dose_field, dose_rate, sample_points
from hdrplan.geometry import Dwells, Grid
from hdrplan.io import read_case
from hdrplan.metrics import dvh
from hdrplan.sources import load_source

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "measurements" / "speed.md"
KEPT = ROOT / "docs" / "measurements" / "speed.toml"
CASE = ROOT / "phantoms" / "straight-catheter"
TIMES = 3


def fixed_work() -> None:
    """Sort and transform numbers by NumPy, and count words in Python: vectors, memory and interpreter."""
    values = np.random.default_rng(1).random(500_000)
    for _ in range(3):
        np.sort(values)
        np.exp(-np.sqrt(values)).sum()
    counts: dict[str, int] = {}
    for k in range(150_000):
        word = f"word {k % 30_011}"
        counts[word] = counts.get(word, 0) + 1


def cpu_s(task: Callable[[], object]) -> float:
    """CPU seconds of this process for a task."""
    started = time.process_time()
    task()
    return time.process_time() - started


def command_s(*arguments: object, folder: Path, code: int = 0) -> float:
    """CPU seconds of a command in a process of its own, which must end with an exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hdrplan", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise SystemExit(f"hdrplan {' '.join(map(str, arguments))}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def measures(folder: Path) -> dict[str, Callable[[], float]]:
    """Name of a piece of work -> CPU seconds of doing it once."""
    rng = np.random.default_rng(2)
    source, n = load_source("gammamed-12i"), 60
    dwells = Dwells(
        positions_mm=rng.uniform(30.0, 70.0, (n, 3)),
        axes=np.tile([0.0, 0.0, 1.0], (n, 1)),
        catheter=np.arange(n) // 15,
        offset_mm=5.0 * (np.arange(n) % 15),
        catheter_names=("a", "b", "c", "d"),
    )
    points, times_s = rng.uniform(0.0, 100.0, (50_000, 3)), np.full(n, 10.0)
    grid = Grid(shape_zyx=(96, 96, 96), origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1])
    gy, cc = rng.random(500_000), rng.random(500_000)
    case = read_case(CASE).case
    given, strength = (dwells, times_s, points, source), {"strength_u": 40700.0}
    plan = folder / "plan"
    return {
        "`hdrplan plan --help`": lambda: command_s("plan", "--help", folder=folder),
        "a wrong path refused": lambda: command_s("plan", "MISSING", folder=folder, code=2),
        "`hdrplan plan`, straight catheter": lambda: command_s(
            "plan", CASE, "-o", plan, "-q", "--overwrite", folder=folder
        ),
        "`hdrplan evaluate`, the same": lambda: command_s("evaluate", CASE, "--plan", plan, folder=folder),
        "sampling, straight catheter": lambda: cpu_s(lambda: sample_points(case.structures)),
        "rate matrix, float64, 50,000 x 60": lambda: cpu_s(lambda: dose_rate(dwells, points, source, **strength)),
        "rate matrix, float32 tables": lambda: cpu_s(
            lambda: dose_rate(dwells, points, source, exact=False, **strength)
        ),
        "dose at points, float64": lambda: cpu_s(lambda: dose_at_points(*given, **strength)),
        "dose at points, float32 tables": lambda: cpu_s(lambda: dose_by_tables(*given, **strength)),
        "dose grid, 96^3 x 60": lambda: cpu_s(lambda: dose_field(dwells, times_s, grid, source, **strength)),
        "DVH of 500,000 points": lambda: cpu_s(lambda: dvh(gy, cc)),
    }


def ratios() -> tuple[dict[str, float], float]:
    """Return each piece of work in units of the fixed one, and the CPU seconds of that."""
    with tempfile.TemporaryDirectory() as text:
        tasks = measures(Path(text))
        for task in tasks.values():
            task()  # kernels compiled, files in memory
        rounds: dict[str, list[float]] = {name: [] for name in tasks}
        fixed = []
        for _ in range(TIMES):
            for name, task in tasks.items():
                before, used, after = cpu_s(fixed_work), task(), cpu_s(fixed_work)
                fixed += [before, after]
                rounds[name].append(2.0 * used / (before + after))
    return {name: statistics.median(values) for name, values in rounds.items()}, statistics.median(fixed)


def page(now: dict[str, float], fixed_s: float, kept: dict[str, float]) -> str:
    lines = [
        "# Speed in units of a fixed work",
        "",
        "This page shows whether hdrplan has become slower or faster. Each figure is CPU time over the CPU time of a",
        "fixed work (numbers sorted and transformed by NumPy, words counted in Python) measured just before and after",
        f"it, one thread, median of {TIMES}. Most of what differs between machines and loads cancels. It is made by",
        "`make bench`; CI prints the same table beside the figures kept here, and never fails by it.",
        "",
        f"The fixed work took {fixed_s:.3f} CPU s ({platform.machine()}, Python {platform.python_version()}, numpy",
        f"{np.__version__}).",
        "",
        "| work | now | kept | now / kept |",
        "|---|---|---|---|",
    ]
    for name, value in now.items():
        before = kept.get(name)
        beside = f"{before:.3g} | {value / before:.2f}" if before else "- | -"
        lines.append(f"| {name} | {value:.3g} | {beside} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/measurements/speed.md, and keep the figures")
    options = parser.parse_args()
    kept = tomllib.loads(KEPT.read_text(encoding="utf-8"))["ratio"] if KEPT.is_file() else {}
    now, fixed_s = ratios()
    made = page(now, fixed_s, kept)
    print(made)
    if options.write:
        PAGE.write_text(made, encoding="utf-8")
        rows = "\n".join(f'"{name}" = {value:.4g}' for name, value in now.items())
        KEPT.write_text(f"# Written by python -m benchmarks.speed --write.\n[ratio]\n{rows}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
