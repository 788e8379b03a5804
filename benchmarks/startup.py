"""How long `hdrplan plan` of the demo takes, first and second time, by step; what help and refusing a path take.

Run: python -m benchmarks.startup [--write] [--commands]. Each run is a process of its own; the first has an empty
kernel cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 20
STEPS = ("read", "sample", "matrix", "optimise", "dose", "sampling check", "report")


def run(out: Path, cache: Path) -> tuple[float, dict[str, float]]:
    """Wall seconds of the whole process, and of its steps."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "hdrplan", "plan", str(ROOT / "phantoms" / "liver-lesion-b"), "-q", "-o", str(out)]
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    whole = time.perf_counter() - started
    return whole, json.loads((out / "run.json").read_text())["seconds"]


def cpu_s(arguments: list[str], folder: Path) -> float:
    """Processor seconds of a command, the least of three; one that works on instead of refusing is stopped."""
    env = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT / "src"))}
    least = float("inf")
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "hdrplan", *arguments],
            env=env,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S)),
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        least = min(least, usage.ru_utime + usage.ru_stime)
        if process.returncode < 0:
            break
    return least


def refusals() -> dict[str, list[str]]:
    """Command -> arguments that cannot be right: no such path, an empty folder, an output inside a file."""
    return {
        "plan": ["MISSING", "-o", "x"],
        "plan, empty folder": ["EMPTY", "-o", "x"],
        "plan, output in a file": ["CASE", "-o", "FILE/x"],
        "pareto": ["MISSING", "-o", "x"],
        "steps": ["MISSING", "-o", "x"],
        "sessions": ["MISSING", "-o", "x"],
        "place": ["MISSING", "-o", "x"],
        "evaluate": ["CASE", "--plan", "EMPTY"],
        "compare": ["EMPTY", "-o", "x.html"],
        "plot": ["CASE", "--plan", "EMPTY"],
        "dose": ["EMPTY", "-o", "x.csv"],
        "sources show": ["MISSING.json"],
        "import": ["EMPTY", "-o", "x"],
        "export": ["EMPTY", "--case", "CASE", "-o", "x"],
        "metrics": ["EMPTY", "-o", "x"],
        "check": ["MISSING"],
        "cohort validate": ["EMPTY"],
        "correlate": ["EMPTY", "-o", "x"],
        "paper-check": ["MISSING"],
        "survival km": ["MISSING", "--time", "t", "--event", "e"],
        "phantom lesion": ["EMPTY", "--diameter-mm", "30", "-o", "x"],
        "robust": ["CASE", "--plan", "EMPTY"],
        "simulate cohort": ["--plans", "EMPTY", "-o", "x"],
        "validate": ["--plans", "EMPTY"],
    }


def commands_table() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for made in ("EMPTY", "CASE"):
            (folder / made).mkdir()
        for file in ("FILE", "CASE/case.toml"):
            (folder / file).touch()
        lines = [
            "Processor seconds in which a command prints its help, and in which it refuses a path that cannot be right",
            "(missing, an empty folder, an output inside a file). "
            f"`hdrplan --version` takes {cpu_s(['--version'], folder):.2f}.",
            "",
            "| command | `--help` (CPU s) | wrong path (CPU s) |",
            "|---|---|---|",
        ]
        for title, arguments in refusals().items():
            words = title.partition(",")[0].split()
            helped = cpu_s([*words, "--help"], folder)
            lines.append(f"| {title} | {helped:.2f} | {cpu_s([*words, *arguments], folder):.2f} |")
    return lines


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
        "## Help and wrong paths",
        "",
        *commands_table(),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/measurements/start-up.md")
    parser.add_argument("--commands", action="store_true", help="only help and wrong paths")
    options = parser.parse_args()
    if options.commands:
        print("\n".join(commands_table()))
        return
    made = page()
    print(made)
    if options.write:
        (ROOT / "docs" / "measurements" / "start-up.md").write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
