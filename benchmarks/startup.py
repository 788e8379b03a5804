"""How long `hdrplan plan` of the demo takes, the first time ever and the second time, step by step.

Run: python -m benchmarks.startup [--write]. Each run is a process of its own; the first has an empty kernel cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STEPS = ("read", "sample", "matrix", "optimise", "dose", "sampling check", "report")


def run(out: Path, cache: Path) -> tuple[float, dict[str, float]]:
    """Wall seconds of the whole process, and of its steps."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "hdrplan", "plan", str(ROOT / "phantoms" / "liver-lesion-b"), "-q", "-o", str(out)]
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    whole = time.perf_counter() - started
    return whole, json.loads((out / "run.json").read_text())["seconds"]


def helped() -> float:
    """Wall seconds of ``hdrplan --help``, the least of five."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "hdrplan", "--help"], env=env, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def page() -> str:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "kernels"
        first, first_steps = run(Path(folder) / "first", cache)
        kept = len(list(cache.rglob("*.*")))
        second, second_steps = run(Path(folder) / "second", cache)
        again = len(list(cache.rglob("*.*")))
    lines = [
        "# Start-up",
        "",
        "This page shows how long `hdrplan plan phantoms/liver-lesion-b` takes on its first run after the",
        "installation, and on every later run. The first run compiles the kernels that it needs and keeps them. The",
        "difference between the columns is this compilation.",
        "",
        f"Each run is a process of its own. Times are wall seconds on {platform.machine()}, {os.cpu_count()} cores,",
        f"Python {platform.python_version()}. The page is made by `python -m benchmarks.startup --write`.",
        "",
        "| step | first run (s) | second run (s) |",
        "|---|---|---|",
    ]
    lines += [f"| {s} | {first_steps.get(s, 0):.2f} | {second_steps.get(s, 0):.2f} |" for s in STEPS]
    both = ((first, first_steps), (second, second_steps))
    rest = [whole - sum(steps.get(s, 0) for s in STEPS) for whole, steps in both]
    lines.append(f"| start, imports, writing | {rest[0]:.2f} | {rest[1]:.2f} |")
    lines.append(f"| **whole process** | **{first:.2f}** | **{second:.2f}** |")
    lines += [
        "",
        f"Kernels kept after the first run: {kept} files; after the second: {again}. "
        + ("The second run compiled nothing." if kept == again else "THE SECOND RUN COMPILED AGAIN."),
        "",
        f"`hdrplan --help`: {helped():.2f} s.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/measurements/start-up.md")
    options = parser.parse_args()
    made = page()
    print(made)
    if options.write:
        (ROOT / "docs" / "measurements" / "start-up.md").write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
