"""Levels of categories of which no lesion recurred: a baseline of their own, or a column under a penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hdrplan.analysis.adjustment import Adjuster, Column
from hdrplan.arrays import BoolArray, FloatArray

__all__ = ["asked_layers", "joined", "silent_columns", "silent_layers", "silent_levels"]


def silent_levels(
    adjusters: Sequence[Adjuster], columns: Mapping[str, Column], event: BoolArray
) -> Mapping[str, tuple[str, ...]]:
    """Return the levels of categories and flags of which no row has the event, by column of the adjusters."""
    found = {}
    for adjuster in adjusters:
        column = columns[adjuster.column]
        if adjuster.form != "term" or not (isinstance(column, tuple) or np.isin(column, (0.0, 1.0)).all()):
            continue
        labels = np.array(_labels(column))
        silent = sorted(set(labels) - set(labels[event]))
        if silent and event.any():
            found[adjuster.column] = tuple(silent)
    return found


def asked_layers(adjusters: Sequence[Adjuster], columns: Mapping[str, Column]) -> list[tuple[str, ...]]:
    """Return the label of each row in every stratum that was asked for."""
    return [_labels(columns[a.column]) for a in adjusters if a.form == "strata"]


def silent_layers(silent: Mapping[str, tuple[str, ...]], columns: Mapping[str, Column]) -> list[tuple[str, ...]]:
    """Return layers of strata that part the silent levels from all others."""
    return [
        tuple(label if label in levels else "others" for label in _labels(columns[name]))
        for name, levels in silent.items()
    ]


def silent_columns(silent: Mapping[str, tuple[str, ...]], columns: Mapping[str, Column]) -> dict[str, FloatArray]:
    """Return an indicator of each silent level, for models that a penalty keeps finite."""
    return {
        f"{name}: {level}": np.array([float(label == level) for label in _labels(columns[name])])
        for name, levels in silent.items()
        for level in levels
    }


def joined(layers: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return one label a row of several layers of strata; None without a layer."""
    return tuple(" / ".join(cells) for cells in zip(*layers, strict=True)) if layers else None


def _labels(column: Column) -> tuple[str, ...]:
    return tuple(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in column)
