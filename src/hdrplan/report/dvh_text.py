"""DVHs of stored doses as lines of a terminal and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict

from hdrplan.workflow import BesideDVH, BesideMetric, DVHResult, MetricValue, StructureDVH

__all__ = ["beside_words", "difference_words", "dvh_json", "dvh_lines", "metric_words", "with_error"]

_COUNT = 201
# Errors are shown with two digits, values down to the same place, but no finer than this.
_MAXIMUM_DECIMALS = 3
_PER_LINE = 4


def dvh_lines(result: DVHResult) -> list[str]:
    """Return what a terminal shows: for each structure its volume and its metrics with their errors."""
    lines = []
    beside = {b.name: b for b in result.beside}
    for s in result.structures:
        inside = "" if s.in_grid_frac >= 0.9995 else f", {100 * (1 - s.in_grid_frac):.1f} % of it outside the dose grid"
        lines.append(f"{s.name}: {with_error(s.volume_cc, s.volume_error_cc)} cc{inside}")
        words = [f"{m.name} {metric_words(m)}" for m in s.metrics if not math.isnan(m.value)]
        width = max(map(len, words), default=0) + 3
        rows = [words[k : k + _PER_LINE] for k in range(0, len(words), _PER_LINE)]
        lines += ["  " + "".join(word.ljust(width) for word in row).rstrip() for row in rows]
        empty = [f"{m.name} ({m.unit})" if m.unit != "Gy" else m.name for m in s.metrics if math.isnan(m.value)]
        if empty:
            reason = "smaller than that volume" if s.in_grid_frac >= 0.999 else "not wholly inside the dose grid"
            lines.append(f"  no {', '.join(empty)}: {reason}")
        if s.name in beside:
            lines.append(f"  DVH in the file: {beside_words(beside[s.name])}")
    lines += [f"{name}: no DVH, {reason}" for name, reason in result.left_out]
    return lines


def beside_words(beside: BesideDVH) -> str:
    """Return what the DVH that came with the dose says, and by how much it differs from ours."""
    words = [f"{m.name} {m.stored:.4g} {m.unit} ({difference_words(m)})" for m in beside.metrics]
    return ", ".join(words) or "nothing to compare"


def difference_words(metric: BesideMetric) -> str:
    """Return by how much a stored metric is above ours, of a volume in percent in points."""
    if metric.unit == "%":
        return f"{metric.stored - metric.ours:+.1f} points"
    return "–" if math.isnan(metric.difference_frac) else f"{100 * metric.difference_frac:+.1f} %"


def metric_words(metric: MetricValue) -> str:
    """Return a value with its error and unit; a dash where there is none."""
    return "–" if math.isnan(metric.value) else f"{with_error(metric.value, metric.error)} {metric.unit}"


def with_error(value: float, error: float) -> str:
    """Return a value and its error, both to the second digit of the error and at most three decimals.

    Where the error is not known, the value alone.
    """
    if math.isnan(error):
        return f"{value:.{_MAXIMUM_DECIMALS}f}"
    digits = _MAXIMUM_DECIMALS if not error > 0 else 1 - math.floor(math.log10(error))
    decimals = min(max(digits, 0), _MAXIMUM_DECIMALS)
    return f"{value:.{decimals}f} ± {max(error, 10.0**-decimals):.{decimals}f}"


def dvh_json(result: DVHResult) -> dict[str, object]:
    """Return the result as JSON has it: metrics with each part of their errors, curves, and how all was read."""
    return {
        "schema": "hdrplan.dvh/1",
        "facts": dict(result.facts),
        "options": asdict(result.options),
        "structures": {s.name: _structure(s) | _stored(result, s.name) for s in result.structures},
        "left_out": dict(result.left_out),
        "warnings": [note.table() for note in result.warnings],
    }


def _stored(result: DVHResult, name: str) -> dict[str, object]:
    """Return what the DVH in the file says of a structure; nothing where there is none."""
    for beside in result.beside:
        if beside.name == name:
            rows = {
                m.name: {
                    "unit": m.unit,
                    "stored": m.stored,
                    "ours": m.ours,
                    "difference_frac": _number(m.difference_frac),
                }
                for m in beside.metrics
            }
            return {"dvh_in_file": {"bin_gy": _number(beside.bin_gy), "metrics": rows}}
    return {}


def _structure(s: StructureDVH) -> dict[str, object]:
    dose_gy, volume_cc = s.sampled(_COUNT)
    return {
        "volume_cc": s.volume_cc,
        "volume_error_cc": s.volume_error_cc,
        "in_grid_pct": 100 * s.in_grid_frac,
        "between": s.between,
        "ends": s.ends,
        "points": s.points,
        "metrics": {
            m.key: {
                "metric": m.name,
                "unit": m.unit,
                "value": _number(m.value),
                "error": _number(m.error),
                "errors": {part: _number(getattr(m, part)) for part in ("grid", "shape", "ends", "sampling")},
            }
            for m in s.metrics
        },
        "curve": {"dose_gy": dose_gy.round(5).tolist(), "volume_cc": volume_cc.round(6).tolist()},
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
