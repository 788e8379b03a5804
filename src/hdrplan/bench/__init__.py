"""Benchmarks of the dose engine: problems, comparisons checked before they are timed, limits of the machine."""

from hdrplan.bench.comparisons import COMPARISONS, Comparison, deviation
from hdrplan.bench.machine import limits, machine
from hdrplan.bench.measure import bench
from hdrplan.bench.problems import SIZES, Problem, problem

__all__ = ["COMPARISONS", "SIZES", "Comparison", "Problem", "bench", "deviation", "limits", "machine", "problem"]
