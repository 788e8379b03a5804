"""The machine: what it is, and what it can do at most."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from hdrplan.arrays import frozen
from hdrplan.kernels.limits import FMA_LANES, multiply_add
from hdrplan.threads import over_rows, thread_count

__all__ = ["best_seconds", "limits", "machine"]


def machine() -> dict[str, Any]:
    """Return processor, threads, versions and load; no host or user name."""
    return {
        "processor": llvm.get_host_cpu_name(),
        "threads": thread_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "numba", "llvmlite")},
        "load_1min": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def best_seconds(work: Callable[[], object], seconds: float = 0.5) -> tuple[float, float]:
    """Return the smallest CPU and wall seconds of several calls, at least three unless they are long."""
    best_cpu = best_wall = float("inf")
    spent, calls = 0.0, 0
    while calls < 1 or (calls < 3 and spent < 6 * seconds) or (spent < seconds and calls < 200):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        best_cpu, best_wall = min(best_cpu, cpu), min(best_wall, wall)
        spent, calls = spent + wall, calls + 1
    return best_cpu, best_wall


def limits(n_values: int = 3_000_000) -> dict[str, float]:
    """Return the machine's limits with the threads in use.

    ``write_bytes_per_s``: a plain fill of a float64 array of ``n_values``; ``fresh_bytes_per_s``: the same with new
    memory each time, as a rate matrix needs it; ``copy_bytes_per_s``: read and written bytes of a copy;
    ``flops``: float32 fused multiply-adds in registers, two operations each. All per wall second.
    """
    array, other = np.zeros(n_values), np.ones(n_values)
    factor, out = frozen([0.999], np.float32), np.empty(20_000_000, dtype=np.float32)

    def fill(target: np.ndarray) -> None:
        over_rows(lambda first, last: target[first:last].fill(1.0), n_values)

    def copy() -> None:
        over_rows(lambda first, last: np.copyto(array[first:last], other[first:last]), n_values)

    def arithmetic() -> None:
        over_rows(lambda first, last: multiply_add(first, last, factor, out), len(out))

    arithmetic()
    return {
        "write_bytes_per_s": array.nbytes / best_seconds(lambda: fill(array), 0.2)[1],
        "fresh_bytes_per_s": array.nbytes / best_seconds(lambda: fill(np.empty(n_values)), 0.2)[1],
        "copy_bytes_per_s": 2 * array.nbytes / best_seconds(copy, 0.2)[1],
        "flops": 2.0 * FMA_LANES * len(out) / best_seconds(arithmetic, 0.2)[1],
    }
