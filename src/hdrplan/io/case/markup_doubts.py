"""What a Markups file of 3D Slicer shows on the screen and a list of points does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.door import Entries
from hdrplan.io.files import json_entries

__all__ = ["doubts_of_markups"]

# A dwell a millimetre off changes the dose at 10 mm by a fifth.
_BESIDE_MM = 1.0


def doubts_of_markups(path: Path) -> list[Caution]:
    """Say which points have no place, which curves are hidden while others are shown, and which bend between points.

    Parameters
    ----------
    path : Path
        That :func:`read_catheters` has read; other kinds than ``.mrk.json`` have nothing to doubt.
    """
    if not path.name.lower().endswith(".mrk.json"):
        return []
    markups = [m for m in json_entries(path).tables("markups") if m.values.get("type") in ("Curve", "Line")]
    doubts = [doubt for k, markup in enumerate(markups) for doubt in _of_points(markup, k)]
    hidden = [_name(markup, k) for k, markup in enumerate(markups) if _is_hidden(markup.values)]
    if hidden and len(hidden) < len(markups):
        doubts.append(caution("catheter-hidden", names=", ".join(hidden[:4]), count=len(hidden), total=len(markups)))
    return doubts


def _name(markup: Entries, k: int) -> str:
    return str(markup.values.get("name") or f"catheter_{k + 1}")


def _is_hidden(values: Mapping[str, Any]) -> bool:
    display = values.get("display")
    return isinstance(display, dict) and display.get("visibility") is False


def _of_points(markup: Entries, k: int) -> list[Caution]:
    name, controls = _name(markup, k), markup.tables("controlPoints")
    status = [str(control.values.get("positionStatus", "defined")) for control in controls]
    doubts = []
    # A preview is the mouse's own.
    lost = [word for word in status if word not in ("defined", "preview")]
    if lost:
        last = ", the last one among them: the tip?" if status[-1] in lost else ""
        doubts.append(caution("catheter-point-left-out", name=name, count=len(lost), total=len(status), last=last))
    placed = [c.values.get("position") for c, word in zip(controls, status, strict=True) if word == "defined"]
    if markup.values.get("type") == "Curve" and markup.values.get("curveType", "cardinalSpline") != "linear":
        beside_mm = _beside_mm(np.array(placed, dtype=np.float64))
        if beside_mm > _BESIDE_MM:
            doubts.append(caution("catheter-bends-between", name=name, mm=beside_mm))
    return doubts


def _beside_mm(points_mm: FloatArray) -> float:
    """Largest distance of a smooth curve through the points from the straight lines between them, at their middles.

    The curve is a natural cubic spline. SciPy's would load scipy.interpolate: 14 MB in every plan.
    """
    steps_mm = np.linalg.norm(np.diff(points_mm, axis=0), axis=1)
    points_mm, steps_mm = points_mm[np.concatenate(([True], steps_mm > 0))], steps_mm[steps_mm > 0]
    if len(points_mm) < 3:
        return 0.0
    chord = np.diff(points_mm, axis=0) / steps_mm[:, None]
    bends = np.zeros_like(points_mm)  # second derivatives; none at the ends
    between = np.diag(2.0 * (steps_mm[:-1] + steps_mm[1:])) + np.diag(steps_mm[1:-1], 1) + np.diag(steps_mm[1:-1], -1)
    bends[1:-1] = np.linalg.solve(between, 6.0 * np.diff(chord, axis=0))
    off_mm = (bends[:-1] + bends[1:]) * (steps_mm**2 / 16.0)[:, None]
    off_mm -= (off_mm * chord).sum(axis=1, keepdims=True) * chord
    return float(np.linalg.norm(off_mm, axis=1).max())
