"""Growth: CPU seconds and memory against volume, voxels, dwells and structures, with the exponents of their fits.

Run: python -m benchmarks.growth [--only grid] [--write]; with both, the rows of these groups are written anew and all
others stay. Each row is a process of its own with its kernels loaded; CPU
seconds are those of the work without start and imports, memory is the peak of the process above that of its imports.
Exponents are slopes of log(CPU s) and log(MB) over log(size), fitted to all rows of a group: 1 means in proportion.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hdrplan.dose import dose_field, dose_rate, sample_points
from hdrplan.geometry import Catheter, Dwells, Grid, Structure, Volume
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals, Prescription, parse_goal
from hdrplan.sources import Strength, load_source
from hdrplan.workflow import plan_case

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "measurements" / "growth.md"
STRENGTH_U = 40700.0
SPACING_MM = 2.0


def dwells_of(count: int, side_mm: float) -> Dwells:
    """Straight catheters of 15 dwells, 5 mm apart, spread over a cube."""
    rng = np.random.default_rng(1)
    catheters = -(-count // 15)
    places = rng.uniform(0.2 * side_mm, 0.8 * side_mm, (catheters, 2))
    z = 0.5 * side_mm + 5.0 * (np.arange(15) - 7)
    positions = np.array([[x, y, w] for x, y in places for w in z])[:count]
    return Dwells(
        positions_mm=positions,
        axes=np.tile([0.0, 0.0, -1.0], (count, 1)),
        catheter=np.arange(count) // 15,
        offset_mm=5.0 * (np.arange(count) % 15),
        catheter_names=tuple(f"c{k}" for k in range(catheters)),
    )


def grid_of(shape_zyx: tuple[int, int, int]) -> Callable[[int], Callable[[], object]]:
    """Dose of so many dwells on a grid of 1 mm."""

    def made(dwells: int) -> Callable[[], object]:
        grid = Grid(shape_zyx=shape_zyx, origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1])
        stops, source = dwells_of(dwells, float(min(shape_zyx))), load_source("gammamed-12i")
        return lambda: dose_field(stops, np.full(dwells, 10.0), grid, source, strength_u=STRENGTH_U)

    return made


def matrix_of(points: int, dwells: int) -> Callable[[], object]:
    """Rate matrix in float32 tables."""
    at = np.random.default_rng(2).uniform(0.0, 100.0, (points, 3))
    stops, source = dwells_of(dwells, 100.0), load_source("gammamed-12i")
    return lambda: dose_rate(stops, at, source, strength_u=STRENGTH_U, exact=False)


def implant(*, volume_cc: float, organs: int = 1) -> tuple[Case, Goals]:
    """Return a ball with parallel catheters 12 mm apart, and balls of 29 cc around it as organs with goals."""
    radius = (3000.0 * volume_cc / (4.0 * math.pi)) ** (1 / 3)
    half = radius + 50.0
    n = 2 * math.ceil(half / SPACING_MM)
    grid = Grid(shape_zyx=(n, n, n), origin_mm=np.full(3, -half), spacing_mm=np.full(3, SPACING_MM))
    at = grid.points_mm()

    def ball(name: str, role: str, middle: Sequence[float], radius_mm: float) -> Structure:
        inside = np.linalg.norm(at - np.asarray(middle), axis=1) < radius_mm
        return Structure(name=name, role=role, grid=grid, mask_zyx=inside.reshape(grid.shape_zyx))

    turns = 2.0 * np.pi * np.arange(organs) / organs
    beside = [(radius + 24.0) * np.array([math.cos(t), math.sin(t), 0.0]) for t in turns]
    around = tuple(ball(f"organ {k}", "OAR", middle.tolist(), 19.0) for k, middle in enumerate(beside))
    steps = 12.0 * np.arange(-20, 21)
    places = [(x, y) for x in steps for y in steps if math.hypot(x, y) < 0.85 * radius]
    catheters = tuple(
        Catheter(f"c{k}", [[x, y, half - 2.0], [x, y, -math.sqrt(radius**2 - x * x - y * y)]])
        for k, (x, y) in enumerate(places)
    )
    ct = Volume(grid, np.zeros(grid.shape_zyx, dtype=np.int16))
    case = Case(name="ball", ct=ct, structures=(ball("ctv", "CTV", (0, 0, 0), radius), *around), catheters=catheters)
    goals = tuple(parse_goal("D1cc <= 40 Gy", structure=organ.name, source="growth") for organ in around)
    return case, Goals((Prescription("ctv", 20.0),), goals)


def sampling_of(volume_cc: int) -> Callable[[], object]:
    case, _ = implant(volume_cc=volume_cc)
    return lambda: sample_points(case.structures)


def plan_of(*, volume_cc: float = 30.0, step_mm: float = 5.0, organs: int = 1) -> Callable[[], object]:
    """Whole plan without files: sampling, matrix, optimum, every point proven, dose grid."""
    case, goals = implant(volume_cc=volume_cc, organs=organs)
    options = PlanOptions(step_mm=step_mm)
    return lambda: plan_case(case, goals, load_source("gammamed-12i"), Strength(STRENGTH_U), options=options)


# Group -> what its size is, sizes, and the work of a size.
GROUPS: dict[str, tuple[str, tuple[int, ...], Callable[[int], Callable[[], object]]]] = {
    "grid-voxels": ("edge of the cube, voxels, 200 dwells", (64, 128, 256), lambda n: grid_of((n, n, n))(200)),
    "grid-dwells": ("dwells on 128^3 voxels", (50, 200, 800), grid_of((128, 128, 128))),
    "grid-large": ("dwells on 512 x 512 x 400 voxels", (1500,), grid_of((400, 512, 512))),
    "matrix-points": ("points, 100 dwells", (20_000, 60_000, 200_000), lambda n: matrix_of(n, 100)),
    "matrix-dwells": ("dwells, 20,000 points", (30, 120, 480), lambda n: matrix_of(20_000, n)),
    "sampling-volume": ("cc of the CTV", (10, 50, 270), sampling_of),
    "plan-volume": ("cc of the CTV", (10, 50, 270), lambda cc: plan_of(volume_cc=cc)),
    "plan-dwells": ("dwells for each 10 mm of catheter, 30 cc", (1, 2, 5, 10), lambda n: plan_of(step_mm=10.0 / n)),
    "plan-structures": ("organs with goals, CTV of 30 cc", (1, 3, 9), lambda n: plan_of(organs=n)),
}


def work(group: str, size: int) -> None:
    """Measure one row in this process and print its CPU seconds and MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    quick = "grid-dwells" if group == "grid-large" else group
    GROUPS[quick][2](GROUPS[quick][1][0])()
    task = GROUPS[group][2](size)
    started, begun = time.process_time(), time.perf_counter()
    task()
    used, wall = time.process_time() - started, time.perf_counter() - begun
    print(wall, used, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the line of least squares through the logarithms."""
    x, y = np.log(np.array(points)).T
    return round(float(np.polyfit(x, y, 1)[0]), 2) + 0.0  # no -0.00


def table(only: str) -> list[str]:
    lines = ["| work | size | CPU s | memory, MB | exponent of time | of memory |", "|---|---|---|---|---|---|"]
    for group, (what, sizes, _) in GROUPS.items():
        if not group.startswith(only):
            continue
        times: list[tuple[float, float]] = []
        memory: list[tuple[float, float]] = []
        for size in sizes:
            call = [sys.executable, "-m", "benchmarks.growth", "--work", group, str(size)]
            said = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
            times.append((float(size), float(said[-2])))
            memory.append((float(size), float(said[-1])))
            whole = len(times) == len(sizes) > 1
            exponents = f"{slope(times):.2f} | {slope(memory):.2f}" if whole else " | "
            # Only the largest work has a goal by the clock: 20 s and 2 GB.
            clock = f" ({float(said[-3]):.1f} s by the clock)" if group == "grid-large" else ""
            row = f"{size:,} | {times[-1][1]:.2f}{clock} | {memory[-1][1]:.0f} | {exponents}"
            lines.append(f"| {group}: {what} | {row} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def page(only: str) -> str:
    return "\n".join(
        [
            "# Growth",
            "",
            "This page shows how time and memory grow with voxels, dwells, volumes and structures. Use it to judge",
            "whether a large case fits. It is made by `python -m benchmarks.growth --write`.",
            "",
            "CPU seconds of all threads, without start and imports, kernels compiled before. Memory is what the work",
            f"and its input add to the peak of the process ({platform.machine()}, {os.cpu_count()} cores,",
            f"Python {platform.python_version()}).",
            "Exponents are slopes of the logarithms over log(size): 1 means in proportion, 3 for the edge of a cube.",
            "A plan holds sampling, matrix, optimum, the proof at every point and the dose grid.",
            "",
            *table(only),
            "",
        ]
    )


def rewritten(text: str, lines: Sequence[str]) -> str:
    """Return a page with the rows of some groups replaced: each new row stands where the first old one stood."""
    groups = [line.split(":")[0] for line in lines[2:]]
    kept: list[str] = []
    for old in text.splitlines():
        group = old.split(":")[0]
        if group not in groups:
            kept.append(old)
        elif not kept[-1].startswith(f"{group}:"):
            kept += [line for line in lines[2:] if line.startswith(f"{group}:")]
    return "\n".join([*kept, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help=f"groups that begin so: {', '.join(GROUPS)}")
    parser.add_argument("--write", action="store_true", help="write docs/measurements/growth.md")
    parser.add_argument("--work", nargs=2, metavar=("GROUP", "SIZE"), help="one row, in this process")
    options = parser.parse_args()
    if options.work:
        work(options.work[0], int(options.work[1]))
        return
    old = PAGE.read_text(encoding="utf-8")
    made = rewritten(old, table(options.only)) if options.only and options.write else page(options.only)
    print(made)
    if options.write:
        PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
