"""Benchmarks of the dose engine: problems, comparisons that are checked before they are timed, the machine's limits."""

from hdrplan.bench.comparisons import COMPARISONS, Comparison, deviation
from hdrplan.bench.machine import limits, machine
from hdrplan.bench.measure import bench
from hdrplan.bench.problems import SIZES, Problem, problem

__all__ = ["COMPARISONS", "SIZES", "Comparison", "Problem", "bench", "deviation", "limits", "machine", "problem"]
