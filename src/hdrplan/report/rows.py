"""Rows of the report's tables, as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hdrplan.report.data import ReportData

__all__ = ["bar_width", "channels", "dwell_rows", "metric_table"]

# Key in the metrics, heading, unit, digits.
_COLUMNS = (
    ("volume_cc", "Volume", "cc", 2),
    ("d100_gy", "D100", "Gy", 2),
    ("d98_gy", "D98", "Gy", 2),
    ("d95_gy", "D95", "Gy", 2),
    ("d90_gy", "D90", "Gy", 2),
    ("d50_gy", "D50", "Gy", 2),
    ("v100_pct", "V100", "%", 1),
    ("v150_pct", "V150", "%", 1),
    ("v200_pct", "V200", "%", 1),
    ("d0p1cc_gy", "D0.1cc", "Gy", 2),
    ("d1cc_gy", "D1cc", "Gy", 2),
    ("d2cc_gy", "D2cc", "Gy", 2),
    ("dmean_gy", "Mean", "Gy", 2),
    ("dmax_gy", "Max", "Gy", 1),
)


def metric_table(metrics: Mapping[str, Mapping[str, object]]) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Columns that at least one structure has, and the rows' texts."""
    columns = [c for c in _COLUMNS if any(isinstance(m.get(c[0]), (int, float)) for m in metrics.values())]
    rows = []
    for name, values in metrics.items():
        cells = []
        for key, _, _, digits in columns:
            value = values.get(key)
            cells.append(f"{value:.{digits}f}" if isinstance(value, (int, float)) else "–")
        rows.append({"name": name, "role": str(values.get("role", "")), "cells": cells})
    return [(label, unit) for _, label, unit, _ in columns], rows


def channels(view: ReportData) -> list[dict[str, Any]]:
    """One row per catheter: what the afterloader's channel needs."""
    rows = []
    total = float(view.times_s.sum()) or 1.0
    lengths = {c.name: c.length_mm for c in view.catheters}
    for k, name in enumerate(view.dwells.catheter_names):
        own = np.flatnonzero(view.dwells.catheter == k)
        active = own[view.times_s[own] > 0]
        offsets = np.sort(view.dwells.offset_mm[own])
        steps = np.diff(offsets)
        rows.append({
            "channel": k + 1, "name": name,
            "length": f"{lengths[name]:.1f}" if name in lengths else "–",
            "first": f"{view.dwells.offset_mm[active].min():.1f}" if len(active) else "–",
            "last": f"{view.dwells.offset_mm[active].max():.1f}" if len(active) else "–",
            "step": f"{np.median(steps):.1f}" if len(steps) else "–",
            "active": len(active), "positions": len(own),
            "time": f"{view.times_s[own].sum():.1f}",
            "share": f"{100 * view.times_s[own].sum() / total:.1f}",
            "bar": round(float(view.times_s[own].sum()) / total * 100, 2),
            "dwells": [(round(float(view.dwells.offset_mm[i]), 1), round(float(view.times_s[i]), 2)) for i in own],
        })  # fmt: skip
    return rows


def dwell_rows(view: ReportData) -> list[dict[str, Any]]:
    """Active dwells by channel, from the tip back: the order in which many afterloaders step."""
    order = np.lexsort((view.dwells.offset_mm, view.dwells.catheter))
    return [
        {
            "number": number + 1,
            "channel": int(view.dwells.catheter[i]) + 1,
            "name": view.dwells.catheter_names[int(view.dwells.catheter[i])],
            "offset": f"{view.dwells.offset_mm[i]:.1f}",
            "xyz": [f"{v:.1f}" for v in view.dwells.positions_mm[i]],
            "time": f"{view.times_s[i]:.1f}",
        }
        for number, i in enumerate(i for i in order if view.times_s[i] > 0)
    ]


def bar_width(view: ReportData) -> float:
    """Width of a dwell's bar in the little plots: most of a step, at least two pixels."""
    steps = [
        np.diff(np.sort(view.dwells.offset_mm[view.dwells.catheter == k]))
        for k in range(len(view.dwells.catheter_names))
    ]
    step = min((float(s.min()) for s in steps if len(s)), default=5.0)
    return max(2.0, 0.7 * 204 * step / (max(float(view.dwells.offset_mm.max()), 1.0) * 1.06))
