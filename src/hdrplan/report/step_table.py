"""Plans at several dwell steps in numbers and words: the rows of steps.csv and of JSON, the lines of a terminal."""

from __future__ import annotations

from hdrplan.optimize import Optimum, Status
from hdrplan.workflow import StepStudy

__all__ = ["step_columns", "step_lines", "step_rows"]


def step_rows(study: StepStudy) -> list[dict[str, object]]:
    """Return one row for each step, as JSON has it."""
    return [
        {
            "step_mm": result.step_mm,
            "objective": result.cost.text,
            "unit": result.cost.unit,
            "value": result.cost.value,
            "bound": result.cost.bound,
            # At another D100 the objective is another problem's.
            "loss_frac": None if result.optimum.shortfalls else result.loss_frac,
            "shortfall_gy": _shortfall_gy(result.optimum),
            "positions": int(result.used.sum()),
            "active_dwells": int((result.optimum.times_s > 0).sum()),
            "total_time_s": float(result.optimum.times_s.sum()),
            "status": result.optimum.status,
            "first_dwell_from_tip_mm": study.first_mm(result),
            "seconds": round(result.seconds, 3),
        }
        for result in study.results
    ]


def step_columns(study: StepStudy) -> list[dict[str, object]]:
    """Return the same rows for a table: a column for the first dwell of each catheter."""
    rows = []
    for row, result in zip(step_rows(study), study.results, strict=True):
        del row["first_dwell_from_tip_mm"]
        rows.append(row | {f"first_dwell_{name}_mm": mm for name, mm in study.first_mm(result).items()})
    return rows


def step_lines(study: StepStudy) -> list[str]:
    """Return what a terminal shows, line by line."""
    first = study.results[0]
    lines = [
        f"{first.cost.text} ({first.cost.unit}); bound of every step and offset: {first.cost.bound:.4f}",
        f"{'step (mm)':>9}{'objective':>11}{'loss (%)':>10}{'active':>8}{'time (s)':>10}{'search (s)':>12}",
    ]
    for result in study.results:
        optimum, shortfall_gy = result.optimum, _shortfall_gy(result.optimum)
        loss = "-" if optimum.shortfalls else f"{100 * result.loss_frac:.3f}"
        lowered = f" by {shortfall_gy:.2f} Gy" if shortfall_gy else ""
        status = "" if optimum.status == Status.PROVEN else f"  {optimum.status}{lowered}"
        lines.append(
            f"{result.step_mm:>9g}{result.cost.value:>11.4f}{loss:>10}{int((optimum.times_s > 0).sum()):>8}"
            f"{optimum.times_s.sum():>10.1f}{result.seconds:>12.2f}{status}"
        )
        offsets = ", ".join(
            f"{name} {'-' if mm is None else format(mm, 'g')}" for name, mm in study.first_mm(result).items()
        )
        lines.append(f"{'':>9}  first dwell from the tip (mm): {offsets}")
    return lines


def _shortfall_gy(optimum: Optimum) -> float:
    return sum(shortfall.prescription_gy - shortfall.reached_gy for shortfall in optimum.shortfalls)
