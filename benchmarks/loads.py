"""Load: archives, cohorts, tables and cases that grow; time, peak memory and the exponent of their growth.

PYTHONPATH=src:tests python -m benchmarks.loads [--only metrics] [--sizes 50,100,200]

Each size is one command in a process of its own. Times are processor seconds of it and its workers: other work on the
machine does not count. The exponent is the slope of log(time) over log(size) of a line fitted to all sizes so far,
after the time of the start (the command's --help) was taken off: 1 means in proportion.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def _archive(folder: Path, size: int) -> list[str]:
    """Write an archive of copies of one treatment, each with UIDs and a patient of its own."""
    import pydicom

    from demo_case import GRID, write_demo_dicom
    from hdrplan.geometry import Grid

    box = Grid(shape_zyx=(12, 48, 52), origin_mm=GRID.world([0, 0, 0]), spacing_mm=GRID.spacing_mm)
    write_demo_dicom(folder / "one", box=box)
    files = {path.name: pydicom.dcmread(path) for path in (folder / "one").glob("*.dcm")}
    shutil.rmtree(folder / "one")
    for k in range(size):
        place = folder / "archive" / f"t{k}"
        place.mkdir(parents=True)
        for name, data in files.items():
            data.PatientID = f"patient {k}"
            for element in data.iterall():
                if element.VR == "UI" and str(element.value).startswith("2.25."):
                    element.value = f"{str(element.value)[:-6]}{k:06d}"
            data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
            data.save_as(place / name)
    return ["metrics", "archive", "-o", "tables", "--quiet"]


def _cohort(folder: Path, size: int) -> None:
    """Write a virtual cohort of so many patients."""
    n_hcc = round(0.7 * size)
    arguments = ["--hcc", n_hcc, "--crlm", size - n_hcc, "--seed", 1, "-o", folder / "cohort", "--quiet"]
    subprocess.run([sys.executable, "-m", "hdrplan", "simulate", "cohort", *map(str, arguments)], check=True)


def _derive(folder: Path, size: int) -> list[str]:
    _cohort(folder, size)
    return ["cohort", "derive", "cohort", "-o", "derived", "--quiet"]


def _correlate(folder: Path, size: int) -> list[str]:
    _cohort(folder, size)
    return ["correlate", "cohort", "-o", "report", "--resamples", "99", "--bootstrap", "10", "--quiet"]


def _survival(folder: Path, size: int) -> list[str]:
    """Write a tidy table of so many rows, two groups."""
    import numpy as np

    rng = np.random.default_rng(1)
    days, event, group = rng.exponential(600, size), rng.integers(0, 2, size), rng.integers(0, 2, size)
    rows = zip(days.round(2).tolist(), event.tolist(), group.tolist(), strict=True)
    (folder / "t.csv").write_text("days,event,group\n" + "".join(f"{d},{e},g{g}\n" for d, e, g in rows))
    return ["survival", "km", "t.csv", "--time", "days", "--event", "event", "--group", "group"]


LOADS: dict[str, tuple[Callable[[Path, int], list[str]], tuple[int, ...]]] = {
    "metrics": (_archive, (500, 1000, 2000)),
    "derive": (_derive, (5_000, 15_000, 50_000)),
    "correlate": (_correlate, (5_000, 15_000, 50_000)),
    "survival": (_survival, (10_000, 100_000, 1_000_000)),
}


def _measured(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Processor seconds and peak memory (MB) of one command; the memory is that of its largest process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hdrplan", *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}: {said.decode()[-600:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _slope(points: list[tuple[float, float]]) -> float:
    """Slope of the line of least squares through the points."""
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def main() -> None:
    """Run the loads and print their table."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--only", default="", help=f"One of {', '.join(LOADS)}.")
    parse.add_argument("--sizes", default="", help="Instead of the usual ones: N,N,...")
    wanted = parse.parse_args()
    print("| command | size | processor time (s) | peak memory (MB) | exponent |")
    print("|---|---|---|---|---|")
    for name, (make, usual) in LOADS.items():
        if not name.startswith(wanted.only):
            continue
        sizes = [int(text) for text in wanted.sizes.split(",")] if wanted.sizes else list(usual)
        points: list[tuple[float, float]] = []
        for size in sizes:
            with tempfile.TemporaryDirectory() as text:
                folder = Path(text)
                arguments = make(folder, size)
                start_s = _measured([*arguments[:1], "--help"], folder)[0]
                seconds, megabytes = _measured(arguments, folder)
            points.append((math.log(size), math.log(max(seconds - start_s, 1e-3))))
            exponent = f"{_slope(points):.2f}" if len(points) > 1 else ""
            print(f"| {name} | {size} | {seconds:.1f} | {megabytes:.0f} | {exponent} |", flush=True)


if __name__ == "__main__":
    main()
