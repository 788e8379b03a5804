"""Catheters found on a CT: thin lines that cross the skin, their middle, tip and uncertainty. Knows no files."""

from hdrplan.tracing.find import TracedCatheter, find_catheters, snap_catheters, trace_from

__all__ = ["TracedCatheter", "find_catheters", "snap_catheters", "trace_from"]
