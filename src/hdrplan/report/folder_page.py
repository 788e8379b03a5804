"""The table of a folder of planned cases: cells for CSV, lines for a terminal, one page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from hdrplan.report.page import page
from hdrplan.workflow import CaseOutcome, PlannedCase, summary_of

__all__ = ["FOLDER_COLUMNS", "folder_cells", "folder_html", "folder_lines"]

FOLDER_COLUMNS = (
    "case", "ctvs", "ctv_cc", "catheters", "placed", "d100_gy", "d98_gy", "v100_pct", "prescriptions_met", "objective",
    "value", "bound", "gap_pct", "hard_goals", "hard_met", "missed", "total_time_s", "warnings", "cpu_s",
    "warning_texts",
)  # fmt: skip
_DIGITS = {"ctv_cc": 1, "d100_gy": 2, "d98_gy": 2, "v100_pct": 1, "value": 3, "bound": 3, "gap_pct": 2, "cpu_s": 1}


def folder_cells(row: PlannedCase) -> list[object]:
    """Return the cells of one case, with every digit; what is not known is empty."""
    cells = [getattr(row, column) for column in FOLDER_COLUMNS]
    return ["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]


def _shown(row: PlannedCase) -> dict[str, str]:
    """Return each cell as a person reads it."""
    shown = {}
    for column, cell in zip(FOLDER_COLUMNS, folder_cells(row), strict=True):
        shown[column] = f"{cell:.{_DIGITS[column]}f}" if column in _DIGITS and cell != "" else str(cell)
    time_s = row.total_time_s
    return shown | {"minutes": f"{time_s / 60:.0f}", "hard": f"{row.hard_met} of {row.hard_goals}"}


def _warned(row: PlannedCase) -> list[str]:
    return re.split(r"; (?=\[)", row.warning_texts) if row.warning_texts else []


def folder_lines(outcomes: Sequence[CaseOutcome]) -> list[str]:
    """Return one line for each case that failed, and the figures of all."""
    figures = summary_of(outcomes)
    lines = [f"{outcome.case}: not planned: {outcome.error}" for outcome in outcomes if outcome.result is None]
    return [*lines, *_sentences(figures)]


def _sentences(figures: Mapping[str, float]) -> list[str]:
    planned = int(figures["planned"])
    lines = [f"{planned} of {int(figures['cases'])} cases planned."]
    if planned:
        lines.append(
            f"Every prescription and every hard goal met: {int(figures['met'])} of {planned}. Medians: "
            f"D100 {figures['median_d100_gy']:.2f} Gy, gap to the proven bound {figures['median_gap_pct']:.2f} %, "
            f"{figures['median_cpu_s']:.0f} s of processor time a case."
        )
    return lines


def folder_html(outcomes: Sequence[CaseOutcome], *, name: str, version: str) -> str:
    """Return one self-contained page: what was reached in every case, and why some could not be planned.

    Parameters
    ----------
    outcomes : sequence of CaseOutcome
    name : str
        Of the folder.
    version : str
    """
    return page(
        "folder.html.j2",
        title=f"Plans of {name}",
        version=version,
        sentences=_sentences(summary_of(outcomes)),
        rows=[_shown(outcome.result) for outcome in outcomes if outcome.result is not None],
        failures=[(outcome.case, outcome.error) for outcome in outcomes if outcome.result is None],
        warned=[(outcome.case, text) for outcome in outcomes if outcome.result for text in _warned(outcome.result)],
    )
