"""What every measurement of a plan keeps (machine, load, wall and processor time, memory), and its command line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from hdrplan import __version__
from hdrplan.optimize.program.lazy_lp import SOLVER

__all__ = ["command_line", "kept", "machine", "measured", "peak_gb", "put_table", "save", "timed"]

Row = dict[str, Any]


def machine() -> dict[str, Any]:
    """Processors, versions, and the load when asked."""
    return {
        "processor": platform.processor() or platform.machine(),
        "processors": os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "hdrplan": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "solver": SOLVER,
    }


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, dict[str, float]]:
    """Return the last result, and the median seconds of some runs: by the clock, of the processors; the load after."""
    wall, cpu = [], []
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        result = work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    return result, {
        "seconds": round(float(np.median(wall)), 3),
        "cpu_seconds": round(float(np.median(cpu)), 3),
        "load": round(os.getloadavg()[0], 1),
    }


def peak_gb() -> float:
    """Most memory that this process has held, GB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)


def save(path: Path, record: dict[str, Any]) -> None:
    """Write a record; called after every row, so that an unfinished run keeps what it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def put_table(page: Path | None, name: str, table: str) -> None:
    """Replace the text between ``<!-- name -->`` and ``<!-- end name -->`` of a page, if there is one."""
    if page is None:
        return
    head, _, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, mark, tail = rest.partition(f"<!-- end {name} -->")
    if not mark:
        sys.exit(f"{page}: expected the marks <!-- {name} --> and <!-- end {name} -->")
    page.write_text(f"{head}<!-- {name} -->\n{table}\n{mark}{tail}", encoding="utf-8")


def command_line(doc: str, name: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every measurement: where results and table go, whether to measure anew."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(f"benchmarks/results/{name}.json"))
    parser.add_argument("--write", type=Path, metavar="PAGE", help="Markdown file whose table is replaced")
    parser.add_argument("--table-only", action="store_true", help="use the results kept in --output")
    return parser


def kept(path: Path) -> dict[str, Any]:
    """Read the record of an earlier run."""
    return json.loads(path.read_text(encoding="utf-8"))


def measured(given: argparse.Namespace, work: Iterable[Callable[[], Row]], **head: Any) -> dict[str, Any]:
    """Return the record kept, if it was asked for, or measure row after row; each is printed and saved at once.

    Parameters
    ----------
    given : Namespace
        Of :func:`command_line`.
    work : iterable of callables
        Each measures one row.
    **head
        What the record says besides the machine.
    """
    if given.table_only:
        return kept(given.output)
    record = {"machine": machine(), **head, "rows": []}
    for measure in work:
        record["rows"].append(measure())
        print(json.dumps(record["rows"][-1]), flush=True)
        save(given.output, record)
    return record
