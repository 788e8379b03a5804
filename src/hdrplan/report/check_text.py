"""The second check in words and numbers: the table of check.json, the lines a terminal shows."""

from __future__ import annotations

import math

from hdrplan.plan import BrachyPlan
from hdrplan.report.check_facts import CheckedFiles, assumptions, files_table, limit_rows
from hdrplan.workflow import DwellTimes, GridCheck, MediaCheck, SecondCheck

__all__ = ["check_lines", "check_table", "number_text", "open_text", "percent_text", "verdict_text"]

# A tenth of the usual warning limit of points.
_SAID_FRAC = 1e-3
_WORDS = {"pass": "pass", "warn": "pass, WARNING", "fail": "FAIL", "not judged": "-"}


def check_table(
    check: SecondCheck, brachy: BrachyPlan, files: CheckedFiles, media: MediaCheck | None = None
) -> dict[str, object]:
    """Return what check.json holds.

    Parameters
    ----------
    check : SecondCheck
    brachy : BrachyPlan
    files : CheckedFiles
    media : MediaCheck, optional
    """
    rows = [
        {
            "kind": row.kind,
            "quantity": row.quantity,
            "unit": row.unit,
            "tps": row.tps,
            "recomputed": row.recomputed,
            "difference_frac": row.difference_frac,
            "exact": row.exact,
            "axes_frac": row.axes_frac,
            "tolerance": row.tolerance,
            "verdict": row.verdict,
            "place_mm": None if row.place_mm is None else row.place_mm.tolist(),
        }
        for row in check.rows
    ]
    limits = check.tolerances
    return {
        "schema": "hdrplan.check/2",
        "verdict": check.verdict,
        "passed": check.passed,
        **files_table(check, brachy, files),
        "links": [{"text": link.text, "holds": link.holds} for link in check.links],
        "tip": check.tip.text,
        "tip_reversed": check.tip.is_reversed,
        "rows": rows,
        "grid": None if check.grid is None else _grid_table(check.grid, check),
        "dwell_times": None if check.dwells is None else _dwell_table(check.dwells),
        "assumptions": assumptions(check, brachy, media),
        "limits": [{"judged": name, "limit": limit, "source": basis} for name, limit, basis in limit_rows(check)],
        "without_source": list(limits.without_source),
        "warnings": [caution.table() for caution in check.warnings],
    }


def _grid_table(grid: GridCheck, check: SecondCheck) -> dict[str, object]:
    return {
        "threshold_gy": grid.threshold_gy,
        "normal_gy": grid.normal_gy,
        "judged_voxels": int(grid.judged_zyx.sum()),
        "full_scale_voxels": grid.left_out,
        "unwritten_voxels": int(grid.unwritten_zyx.sum()),
        "median_frac": grid.median_frac,
        "p95_frac": grid.p95_frac,
        "gamma": check.tolerances.gamma.text,
        "gamma_pass_frac": grid.gamma_pass_frac,
        "levels": [
            {
                "from_gy": level.from_gy,
                "to_gy": level.to_gy,
                "voxels": level.voxels,
                "median_frac": level.median_frac,
                "gamma_voxels": level.gamma_voxels,
                "gamma_pass_frac": level.gamma_pass_frac,
            }
            for level in grid.levels
        ],
        "largest_difference": {
            "position_mm": grid.worst.position_mm.tolist(),
            "tps_gy": grid.worst.tps_gy,
            "recomputed_gy": grid.worst.recomputed_gy,
            "difference_frac": grid.worst.difference_frac,
        },
        "shift_mm": None if check.shift is None else check.shift.shift_mm.tolist(),
    }


def _dwell_table(times: DwellTimes) -> dict[str, object]:
    return {
        "factor": times.factor,
        "dwells": [
            {
                "channel": dwell.channel,
                "relative_mm": dwell.from_mm,
                "planned_s": dwell.planned_s,
                "in_dose_s": dwell.in_dose_s,
                "error_s": dwell.error_s,
                "differs": dwell.is_told,
            }
            for dwell in times.dwells
        ],
    }


def verdict_text(check: SecondCheck) -> str:
    """Return the verdict in a sentence, the same on the terminal, the page and in print."""
    judged = [row for row in check.rows if row.passed is not None]
    failed = [row for row in judged if row.verdict == "fail"]
    apart = [link for link in check.links if link.holds is False]
    reasons = []
    if failed:
        reasons.append(f"{len(failed)} of {len(judged)} comparisons lie outside tolerance")
    if apart:
        reasons.append(f"the files do not belong together ({'; '.join(f'not: {link.text}' for link in apart)})")
    if reasons:
        return f"FAIL: {', and '.join(reasons)}."
    if check.verdict == "not judged":
        return "NO VERDICT: the files state no dose to compare with."
    warned = sum(row.verdict == "warn" for row in judged)
    return f"PASS: all {len(judged)} comparisons lie within tolerance" + (
        f", {warned} of them with a warning." if warned else "."
    )


def number_text(value: float) -> str:
    """Return a value to five digits; nothing where there is none."""
    return "" if math.isnan(value) else f"{value:.5g}"


def percent_text(frac: float) -> str:
    """Return a difference in percent to three decimals, without a minus that belongs to rounding."""
    return "" if math.isnan(frac) else f"{round(100 * frac, 3) + 0.0:+.3f} %"


def open_text(frac: float) -> str:
    """Return what is open of a dose, either way; nothing where that is not known."""
    return "" if math.isnan(frac) else f"±{100 * frac:.2g} %" if frac >= 1e-4 else "none"


def check_lines(check: SecondCheck) -> list[str]:
    """Return the comparisons as the lines of a table."""
    quantities = [f"{row.quantity} ({row.unit})" if row.unit else row.quantity for row in check.rows]
    width = max(44, *(len(quantity) + 1 for quantity in quantities))
    lines = [f"{'':<{width}}{'TPS':>12}{'recomputed':>12}{'difference':>12}  tolerance"]
    for row, quantity in zip(check.rows, quantities, strict=True):
        values = f"{number_text(row.tps):>12}{number_text(row.recomputed):>12}{percent_text(row.difference_frac):>12}"
        exact = "" if math.isnan(row.exact) else f"; {number_text(row.exact)} at exact points"
        axes = f"; axes leave {open_text(row.axes_frac)} open" if row.axes_frac >= _SAID_FRAC else ""
        lines.append(f"{quantity:<{width}}{values}  {row.tolerance}: {_WORDS[row.verdict]}{exact}{axes}")
    return [*lines, *(f"{link.text}: NO" for link in check.links if link.holds is False)]
