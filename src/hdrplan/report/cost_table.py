"""Where a run's time went: the lines of a terminal and the rows of run.json."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.costs import Cost

__all__ = ["cost_lines", "cost_rows"]


def cost_rows(costs: Sequence[Cost]) -> list[dict[str, object]]:
    """Return one row for each piece of work, as JSON has it."""
    return [
        {
            "step": cost.name,
            "calls": cost.calls,
            "wall_s": round(cost.wall_s, 3),
            "cpu_s": round(cost.cpu_s, 3),
            "own_cpu_s": round(cost.own_cpu_s, 3),
        }
        for cost in costs
    ]


def cost_lines(costs: Sequence[Cost], *, process_cpu_s: float, before_cpu_s: float) -> list[str]:
    """Return a table: pieces inside others are indented, and are part of what stands above them.

    Parameters
    ----------
    costs : sequence of Cost
    process_cpu_s : float
        Processor seconds of the process until now.
    before_cpu_s : float
        Of these, before the first piece: the start of Python and the command line.
    """
    lines = [f"{'step':<28}{'calls':>7}{'wall s':>9}{'CPU s':>9}{'own thread':>12}{'others':>9}"]
    for cost in costs:
        *outside, name = cost.name.split(" > ")
        shown = "  " * len(outside) + name
        own, others = cost.own_cpu_s, max(0.0, cost.cpu_s - cost.own_cpu_s)
        lines.append(f"{shown:<28}{cost.calls:>7}{cost.wall_s:>9.2f}{cost.cpu_s:>9.2f}{own:>12.2f}{others:>9.2f}")
    rest = process_cpu_s - before_cpu_s - sum(cost.cpu_s for cost in costs if " > " not in cost.name)
    lines.append(
        f"CPU seconds of the process: {process_cpu_s:.2f}, of which {before_cpu_s:.2f} before the first step and "
        f"{max(0.0, rest):.2f} between steps."
    )
    return lines
