"""Catheters found on a CT: thin lines that cross the skin, their middle, tip and uncertainty. Knows no files."""

from hdrplan.tracing.doubts import doubts_of_traced
from hdrplan.tracing.find import find_catheters, snap_catheters, trace_from
from hdrplan.tracing.traced import TracedCatheter

__all__ = ["TracedCatheter", "doubts_of_traced", "find_catheters", "snap_catheters", "trace_from"]
