"""Rows of the report's tables, as texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Dwells
from hdrplan.report.data import ReportData

__all__ = [
    "COMPARED",
    "bar_width",
    "channels",
    "dwell_rows",
    "evener_text",
    "longest_dwell",
    "metric_tables",
    "metric_text",
    "minimum_step_mm",
    "neighbour_ratio",
]

# Key in the metrics, heading, unit, digits.
_Column = tuple[str, str, str, int]
_TARGET: tuple[_Column, ...] = (
    ("volume_cc", "Volume", "cc", 2),
    ("d100_gy", "D100", "Gy", 2),
    ("d100_lower_gy", "proven from", "Gy", 3),
    ("d100_upper_gy", "to", "Gy", 3),
    ("d100_sampling_gy", "± sampling", "Gy", 2),
    ("d98_gy", "D98", "Gy", 2),
    ("d95_gy", "D95", "Gy", 2),
    ("d90_gy", "D90", "Gy", 2),
    ("d50_gy", "D50", "Gy", 2),
    ("d2_gy", "D2", "Gy", 1),
    ("mean_gy", "Mean", "Gy", 2),
    ("v100_pct", "V100", "%", 1),
    ("v150_pct", "V150", "%", 1),
    ("v200_pct", "V200", "%", 1),
    ("coin", "COIN", "", 2),
    ("htci", "HTCI", "", 2),
    ("dhi", "DHI", "", 2),
    ("in_dose_grid_pct", "In dose grid", "%", 1),
    ("extrapolated_pct", "Extrapolated", "%", 1),
)
_COMPARED_TARGET = {"volume_cc", "d100_gy", "d98_gy", "d90_gy", "d50_gy", "v100_pct", "v150_pct", "v200_pct", "coin"}
_COMPARED_ORGAN = {"d0_1cc_gy", "d1cc_gy", "mean_gy"}
_ORGAN: tuple[_Column, ...] = (
    ("volume_cc", "Volume", "cc", 2),
    ("d0_1cc_gy", "D0.1cc", "Gy", 2),
    ("d0_1cc_sampling_gy", "± sampling", "Gy", 2),
    ("d1cc_gy", "D1cc", "Gy", 2),
    ("d2cc_gy", "D2cc", "Gy", 2),
    ("max_gy", "Max", "Gy", 2),
    ("mean_gy", "Mean", "Gy", 2),
    ("v5gy_cc", "V5Gy", "cc", 1),
    ("v5gy_pct", "V5Gy", "%", 1),
    ("v10gy_cc", "V10Gy", "cc", 1),
    ("v10gy_pct", "V10Gy", "%", 1),
    ("in_dose_grid_pct", "In dose grid", "%", 1),
    ("extrapolated_pct", "Extrapolated", "%", 1),
)


# What a comparison shows of each structure.
COMPARED: dict[str, tuple[_Column, ...]] = {
    "CTV": tuple(c for c in _TARGET if c[0] in _COMPARED_TARGET),
    "other": tuple(c for c in _ORGAN if c[0] in _COMPARED_ORGAN),
}


class MetricRow(TypedDict):
    """A structure and the text of its metrics."""

    name: str
    cells: list[str]


class MetricTable(TypedDict):
    """A table of metrics: caption, name and unit of each column, and rows."""

    caption: str
    columns: list[tuple[str, str]]
    rows: list[MetricRow]


class Channel(TypedDict):
    """A catheter as the afterloader's channel needs it; lengths in mm and times in s are text."""

    channel: int
    name: str
    length: str
    first: str
    last: str
    step: str
    active: int
    positions: int
    time: str
    share: str
    bar: float
    dwells: list[tuple[float, float]]


class DwellRow(TypedDict):
    """An active dwell; positions in mm and times in s are text."""

    number: int
    channel: int
    name: str
    offset: str
    xyz: list[str]
    time: str


def metric_tables(metrics: Mapping[str, Mapping[str, object]]) -> list[MetricTable]:
    """Two tables, targets and organs, with those columns that at least one of their structures has."""
    tables: list[MetricTable] = []
    for caption, wanted, targets in (("Targets (ICRU 89)", _TARGET, True), ("Organs", _ORGAN, False)):
        chosen = {name: values for name, values in metrics.items() if (values.get("role") == "CTV") is targets}
        columns = [c for c in wanted if any(_is_number(values.get(c[0])) for values in chosen.values())]
        rows: list[MetricRow] = [
            {"name": name, "cells": [metric_text(values.get(key), digits) for key, _, _, digits in columns]}
            for name, values in chosen.items()
        ]
        if rows:
            tables.append({"caption": caption, "columns": [(c[1], c[2]) for c in columns], "rows": rows})
    return tables


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def metric_text(value: object, digits: int) -> str:
    """Return a number with its digits, a dash where there is none."""
    return f"{value:.{digits}f}" if isinstance(value, int | float) and math.isfinite(value) else "–"


def channels(view: ReportData) -> list[Channel]:
    """One row per catheter: what the afterloader's channel needs."""
    rows: list[Channel] = []
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


def dwell_rows(view: ReportData) -> list[DwellRow]:
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


def longest_dwell(view: ReportData) -> str:
    """Return what is to be said of the longest dwell: how long, where, and how far above its neighbours."""
    k = int(view.times_s.argmax())
    own = np.flatnonzero(view.dwells.catheter == view.dwells.catheter[k])
    own = own[np.argsort(view.dwells.offset_mm[own])]
    at = int(np.flatnonzero(own == k)[0])
    beside_s = float(view.times_s[np.concatenate((own[max(at - 1, 0) : at], own[at + 1 : at + 2]))].max(initial=0.0))
    channel = int(view.dwells.catheter[k]) + 1
    text = f"{view.times_s[k]:.1f} s, in channel {channel}, {view.dwells.offset_mm[k]:.1f} mm from the tip"
    if len(own) == 1:
        return text
    above = (
        f"{view.times_s[k] / beside_s:.1f} times the longer of its neighbours"
        if beside_s
        else "its neighbours have no time"
    )
    return f"{text}; {above}"


def neighbour_ratio(dwells: Dwells, times_s: FloatArray, *, step_s: float) -> float:
    """Return the largest ratio of two neighbouring times in a catheter that whole steps of time do not explain.

    A time counts one step longer beside a larger one, for both were rounded: 0.1 s beside 0 s is no broken rule. 1
    without neighbours, inf beside a time of 0 that no step explains.
    """
    order = np.lexsort((dwells.offset_mm, dwells.catheter))
    same = dwells.catheter[order[:-1]] == dwells.catheter[order[1:]]
    low, high = np.sort([times_s[order[:-1]][same], times_s[order[1:]][same]], axis=0)
    used = high > step_s
    with np.errstate(divide="ignore"):
        return float((high[used] / (low[used] + step_s)).max(initial=1.0))


def evener_text(view: ReportData) -> str:
    """Return how the times become evener; nothing of the ratio where one holds already."""
    ratio = "" if view.rules else "Evener times: time_ratio = 2 under [dwells] of case.toml. "
    return f"{ratio}Smaller hot spots: a goal on V200 or D2 of the CTV. Each costs dose to the healthy organ."


def minimum_step_mm(view: ReportData) -> float:
    """Smallest distance of neighbouring dwell positions along a catheter."""
    offsets = [view.dwells.offset_mm[view.dwells.catheter == k] for k in range(len(view.dwells.catheter_names))]
    return min((float(np.diff(np.sort(own)).min()) for own in offsets if len(own) > 1), default=5.0)


def bar_width(view: ReportData) -> float:
    """Width of a dwell's bar in the little plots: most of a step, at least two pixels."""
    return max(2.0, 0.7 * 204 * minimum_step_mm(view) / (max(float(view.dwells.offset_mm.max()), 1.0) * 1.06))
