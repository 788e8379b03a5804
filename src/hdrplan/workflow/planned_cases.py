"""What became of the cases of a folder: a row each, and figures of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.workflow.warning_cells import warning_counts

__all__ = ["CaseOutcome", "PlannedCase", "doubts_of_cases", "summary_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCase:
    """Result of one case: a row of the table, and its plan as JSON text.

    Parameters
    ----------
    case : str
        Its folder, from the folder of all.
    ctvs : int
    ctv_cc : float
        Of all together.
    catheters : int
    placed : bool
        Whether they were chosen here.
    d100_gy, d98_gy, v100_pct : float
        Of the CTV that is worst off.
    prescriptions_met : bool
    objective : str
    value, bound : float
        Of the objective: reached, and proven that no plan from these dwells passes it.
    gap_pct : float
    hard_goals, hard_met : int
        Prescriptions not counted.
    missed : str
        Hard goals not met, in words.
    total_time_s : float
    warnings : int
        Of the case.
    warning_texts : str
        "[id] sentence", the next behind "; ".
    cpu_s : float
        Processor time of this case.
    plan, catheter_file : str
        ``plan.json``, and the catheters as JSON polylines.
    """

    case: str
    ctvs: int
    ctv_cc: float
    catheters: int
    placed: bool
    d100_gy: float
    d98_gy: float
    v100_pct: float
    prescriptions_met: bool
    objective: str
    value: float
    bound: float
    gap_pct: float
    hard_goals: int
    hard_met: int
    missed: str
    total_time_s: float
    warnings: int
    warning_texts: str
    cpu_s: float
    plan: str
    catheter_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """What became of one case.

    Parameters
    ----------
    case : str
    result : PlannedCase or None
    error : str
        In one line why there is no plan.
    lost : bool
        Its process died: nothing is known against the case itself.
    kept : bool
        An earlier run planned it.
    """

    case: str
    result: PlannedCase | None
    error: str = ""
    lost: bool = False
    kept: bool = False


def summary_of(outcomes: Sequence[CaseOutcome]) -> dict[str, float]:
    """Return the figures of all planned cases together: counts, and medians of D100, gap and processor time."""
    rows = [outcome.result for outcome in outcomes if outcome.result is not None]
    figures: dict[str, float] = {
        "cases": len(outcomes),
        "planned": len(rows),
        "met": sum(row.prescriptions_met and row.hard_met == row.hard_goals for row in rows),
    }
    if not rows:
        return figures
    return figures | {
        "median_d100_gy": float(np.median([row.d100_gy for row in rows])),
        "median_gap_pct": float(np.nanmedian([row.gap_pct for row in rows])),
        "median_cpu_s": float(np.median([row.cpu_s for row in rows])),
    }


def doubts_of_cases(outcomes: Sequence[CaseOutcome]) -> tuple[Caution, ...]:
    """Count the cases that have each kind of warning; the table's rows hold them all.

    Parameters
    ----------
    outcomes : sequence of CaseOutcome
    """
    rows = [outcome.result for outcome in outcomes if outcome.result is not None]
    counts = warning_counts(row.warning_texts for row in rows)
    return tuple(caution("cases-doubted", count=count, cases=len(rows), kind=kind) for kind, count in counts)
