"""How long `hdrplan plan` of the demo takes, first and second time, by step; what help and refusing a path take.

Run: python -m benchmarks.startup [--write] [--commands]. Each run is a process of its own; the first has an empty
kernel cache and no bytecode of hdrplan.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 20
STEPS = ("read", "sample", "matrix", "optimise", "dose", "sampling check", "report")


def run(out: Path, installed: Path, *flags: str) -> tuple[float, dict[str, float]]:
    """Wall seconds of the whole process, and of its steps; kernels are kept beside the code."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(installed / "kernels"), "PYTHONPATH": str(installed)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "hdrplan", "plan", str(ROOT / "phantoms" / "liver-lesion-b"), "-q", "-o", str(out)]
    started = time.perf_counter()
    subprocess.run([*command, *flags], env=env, check=True, stdout=subprocess.DEVNULL)
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
    """Return the page: the first and the second run, the second run at sample points only, help and wrong paths."""
    with tempfile.TemporaryDirectory() as name:
        folder, installed = Path(name), Path(name) / "installed"
        shutil.copytree(ROOT / "src", installed, ignore=shutil.ignore_patterns("__pycache__"))
        first, first_steps = run(folder / "first", installed)
        kept = len(list(installed.rglob("*.nbc")))
        second, second_steps = min(run(folder / f"second-{k}", installed) for k in range(3))
        quick, quick_steps = min(run(folder / f"quick-{k}", installed, "--samples-only") for k in range(3))
        again = len(list(installed.rglob("*.nbc")))
    lines = [
        "# Start-up",
        "",
        "This page shows how long `hdrplan plan phantoms/liver-lesion-b` takes on its first run after the",
        "installation, and on every later run. The first run compiles the kernels that it needs, in two processes, and",
        "keeps them ([decision](../decisions/0023-first-run.md)). It begins without Python's bytecode of hdrplan. The",
        "difference between the first two columns is this compilation.",
        "",
        f"Each run is a process of its own; of later runs the quickest of three. Times are wall seconds on "
        f"{platform.machine()}, {os.cpu_count()} cores,",
        f"Python {platform.python_version()}. The page is made by `python -m benchmarks.startup --write`.",
        "",
        "| step | first run (s) | second run (s) | second run, `--samples-only` (s) |",
        "|---|---|---|---|",
    ]
    runs = ((first, first_steps), (second, second_steps), (quick, quick_steps))
    lines += [f"| {step} | " + " | ".join(f"{steps.get(step, 0):.2f}" for _, steps in runs) + " |" for step in STEPS]
    rest = " | ".join(f"{whole - sum(steps.get(step, 0) for step in STEPS):.2f}" for whole, steps in runs)
    lines.append(f"| start, imports, writing | {rest} |")
    lines.append("| **whole process** | " + " | ".join(f"**{whole:.2f}**" for whole, _ in runs) + " |")
    lines += [
        "",
        f"Kernels kept after the first run: {kept} files; after the last: {again}. "
        + ("The later runs compiled nothing." if kept == again else "LATER RUNS COMPILED AGAIN."),
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
