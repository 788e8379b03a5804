"""The measurement: check, then time; start-up in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.bench.comparisons import COMPARISONS, Comparison, deviation
from hdrplan.bench.machine import best_seconds, limits, machine
from hdrplan.bench.problems import STRENGTH_U, Problem, problem
from hdrplan.bench.unread import unread_matrix
from hdrplan.dose import dose_at_points, dose_change
from hdrplan.errors import HdrPlanError
from hdrplan.geometry import Dwells
from hdrplan.threads import over_rows, thread_count

__all__ = ["SCHEMA", "bench"]

SCHEMA = "hdrplan.bench/1"
_DEMO_POINTS = 237_000  # structure points of phantoms/liver-lesion-b

_CODE = """
import json, re
import numpy as np
from hdrplan.dose.tables import lattice_of_source
from hdrplan.kernels.lattice_rows import add_dwell
from hdrplan.kernels.vector import HELD
from hdrplan.sources import load_source
points = np.ones((3, 64), dtype=np.float32)
points.setflags(write=False)
one = np.float32(1.0)
lattice = lattice_of_source(load_source("gammamed-plus"))
places = np.zeros(4 * HELD, dtype=np.float32)
add_dwell(tuple(points), (one, one, one), (one, one, one), one, lattice, places, np.zeros(64, dtype=np.float32))
text = "".join(add_dwell.inspect_asm().values())
names = ("vmovhps", "vsqrtps", "vdivps", "vfmadd\\\\w*ps", "call")
counts = {name.replace("\\\\w*", ""): len(re.findall("\\\\b" + name, text)) for name in names}
roots = re.findall("vsqrtps[^\\n]*", text)
counts["register_bits"] = 512 if any("zmm" in r for r in roots) else 256 if any("ymm" in r for r in roots) else 0
print(json.dumps(counts))
"""

_START = """
import json, sys, time, tracemalloc
begin = time.perf_counter()
import hdrplan.dose
from hdrplan.bench import COMPARISONS, problem
seconds = {"import": time.perf_counter() - begin}
comparison = next(c for c in COMPARISONS if c.name == sys.argv[1])
small, large = problem("small"), problem(sys.argv[2])
begin = time.perf_counter(); comparison.run(small); seconds["first"] = time.perf_counter() - begin
begin = time.perf_counter(); comparison.run(small); seconds["second"] = time.perf_counter() - begin
tracemalloc.start()
result = comparison.run(large)
seconds["peak_bytes"] = tracemalloc.get_traced_memory()[1]
seconds["result_bytes"] = result.nbytes
print(json.dumps(seconds))
"""


def bench(
    sizes: Sequence[str],
    *,
    seconds: float = 0.5,
    start_up: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Check and time every comparison on every size.

    Parameters
    ----------
    sizes : sequence of str
        Names of :data:`SIZES`.
    seconds : float
        Wall time to spend on each timing (the best call counts).
    start_up : bool
        Also measure import, compilation and peak memory, in new processes with an empty cache of kernels.

    Returns
    -------
    dict
        JSON table: ``machine``, ``limits`` (by threads), ``runs``, ``change``, and where asked ``start_up`` and
        ``machine_code`` (vector instructions of the float32 kernel).

    Raises
    ------
    HdrPlanError
        A result deviates by more than its bound: nothing wrong is timed.
    """
    wanted = os.environ.get("HDRPLAN_THREADS")
    everything = thread_count()
    threads = sorted({1, everything})
    plan = [(c, s, t) for s in sizes for c in COMPARISONS for t in threads]
    table: dict[str, Any] = {"schema": SCHEMA, "machine": machine(), "limits": {}, "runs": [], "start_up": []}
    try:
        for t in threads:
            os.environ["HDRPLAN_THREADS"] = str(t)
            table["limits"][str(t)] = limits()
        p = problem(sizes[0])
        for done, (comparison, size, t) in enumerate(plan):
            p = p if p.name == size else problem(size)
            os.environ["HDRPLAN_THREADS"] = str(t)
            if _pairs(comparison, p) <= comparison.maximum_pairs:
                table["runs"].append(_run(comparison, p, t, seconds))
            if on_progress is not None:
                on_progress(done + 1, len(plan))
        os.environ["HDRPLAN_THREADS"] = str(everything)
        table["change"] = _change(problem("common"), seconds)
    finally:
        os.environ.pop("HDRPLAN_THREADS")
        if wanted is not None:
            os.environ["HDRPLAN_THREADS"] = wanted
    if start_up:
        with tempfile.TemporaryDirectory(prefix="hdrplan-bench-") as folder:
            table["machine_code"] = _in_new_process(_CODE, folder)
        table["start_up"] = [_start_up(c) for c in COMPARISONS if "NumPy" not in c.name]
    return table


def _pairs(comparison: Comparison, p: Problem) -> int:
    return p.field_pairs if comparison.kind == "field" else p.matrix_pairs


def _run(comparison: Comparison, p: Problem, threads: int, seconds: float) -> dict[str, Any]:
    error = deviation(comparison, p, comparison.run(p))
    if error.largest > comparison.bound:
        raise HdrPlanError(
            f"{comparison.name} must agree with the reference to {comparison.bound:g}", got=error.largest, where=p.name
        )
    cpu_s, wall_s = best_seconds(lambda: comparison.run(p), seconds)
    return ({} if comparison.kind != "matrix" else _fill(p, seconds)) | {
        "comparison": comparison.name,
        "what": comparison.kind,
        "size": p.name,
        "threads": threads,
        "dwells": len(p.dwells),
        "places": p.grid.size if comparison.kind == "field" else len(p.points_mm),
        "pairs": _pairs(comparison, p),
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "bound": comparison.bound,
        "deviation": asdict(error),
    }


def _fill(p: Problem, seconds: float) -> dict[str, float]:
    """Time what the matrix cannot beat, in the same threads: fills of an array of its size, and all but its table."""
    n_values = p.matrix_pairs

    def fill(target: FloatArray) -> None:
        over_rows(lambda first, last: target[first:last].fill(1.0), n_values)

    kept = np.empty(n_values)
    fill(kept)
    new = best_seconds(lambda: fill(np.empty(n_values)), seconds)
    again = best_seconds(lambda: fill(kept), seconds)
    unread_matrix(p)
    unread = best_seconds(lambda: unread_matrix(p), seconds)
    return {"fill_new_cpu_s": new[0], "fill_again_cpu_s": again[0], "unread_cpu_s": unread[0]}


def _change(p: Problem, seconds: float) -> dict[str, Any]:
    """Time one moved catheter, and one changed time, against the whole dose at as many points as the demo's."""
    points = np.random.default_rng(19).uniform(-80.0, 80.0, (_DEMO_POINTS, 3))
    moved = p.dwells.positions_mm.copy()
    moved[p.dwells.catheter == 0, :2] += 2.0
    after = Dwells(
        positions_mm=moved,
        axes=p.dwells.axes,
        catheter=p.dwells.catheter,
        offset_mm=p.dwells.offset_mm,
        catheter_names=p.dwells.catheter_names,
    )
    new_times = p.times_s.copy()
    new_times[7] = 9.0

    def whole() -> object:
        return dose_at_points(p.dwells, p.times_s, points, p.source, strength_u=STRENGTH_U)

    def catheter() -> object:
        args = (p.dwells, p.times_s, after, p.times_s, points, p.source)
        return dose_change(*args, strength_u=STRENGTH_U)

    def dwell_time() -> object:
        args = (p.dwells, p.times_s, p.dwells, new_times, points, p.source)
        return dose_change(*args, strength_u=STRENGTH_U)

    catheter()
    names = {"whole dose": whole, "one moved catheter": catheter, "one changed time": dwell_time}
    return {"points": len(points), "dwells": len(p.dwells)} | {
        name: dict(zip(("cpu_s", "wall_s"), best_seconds(work, seconds), strict=True)) for name, work in names.items()
    }


def _start_up(comparison: Comparison) -> dict[str, Any]:
    """Two new processes one after the other on an empty cache: the first compiles, the second must not."""
    size = "common" if comparison.maximum_pairs > 1e7 else "small"
    with tempfile.TemporaryDirectory(prefix="hdrplan-bench-") as folder:
        first, second = (_in_new_process(_START, folder, comparison.name, size) for _ in range(2))
    return {
        "comparison": comparison.name,
        "import_s": second["import"],
        "first_run_ever_s": first["first"],
        "first_run_s": second["first"],
        "warm_run_s": second["second"],
        "size": size,
        "peak_bytes": second["peak_bytes"],
        "result_bytes": second["result_bytes"],
    }


def _in_new_process(code: str, cache: str, *arguments: str) -> dict[str, Any]:
    """Run Python code with a folder of its own for compiled kernels; it prints a JSON table."""
    here = {**os.environ, "NUMBA_CACHE_DIR": cache}
    run = subprocess.run([sys.executable, "-c", code, *arguments], env=here, check=True, capture_output=True, text=True)
    table: dict[str, Any] = json.loads(run.stdout)
    return table
