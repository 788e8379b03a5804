"""What every measurement of a plan keeps: the machine, its load, wall and processor time, memory; and where it goes."""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from hdrplan import __version__
from hdrplan.optimize.program.lazy_lp import SOLVER

__all__ = ["machine", "peak_gb", "put_table", "save", "timed"]


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


def put_table(page: Path, name: str, table: str) -> None:
    """Replace the text between ``<!-- name -->`` and ``<!-- end name -->`` of a page."""
    head, _, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, mark, tail = rest.partition(f"<!-- end {name} -->")
    if not mark:
        sys.exit(f"{page}: expected the marks <!-- {name} --> and <!-- end {name} -->")
    page.write_text(f"{head}<!-- {name} -->\n{table}\n{mark}{tail}", encoding="utf-8")
