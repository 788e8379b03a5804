"""3D Slicer markups: catheters as curves, dwells as fiducials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.geometry import Catheter
from hdrplan.io.value_files import write_json
from hdrplan.tracing import TracedCatheter

__all__ = ["DWELLS", "write_markups", "write_traced"]

# Name of the Fiducial list that an exported plan brings: where the source stops, no catheter.
DWELLS = "dwells"


def write_markups(path: Path, catheters: Sequence[Catheter], dwells: Sequence[tuple[str, npt.ArrayLike]] = ()) -> None:
    """Write ``.mrk.json``: one Curve a catheter, hub first, LPS.

    Parameters
    ----------
    path : Path
    catheters : sequence of Catheter
    dwells : sequence of (label, position_mm), optional
        Written as one Fiducial list after the curves.
    """
    markups = [_curve(catheter) for catheter in catheters]
    if dwells:
        markups.append(_markup("Fiducial", DWELLS, dwells))
    _write(path, markups)


def write_traced(path: Path, found: Sequence[TracedCatheter]) -> None:
    """Write catheters found on a CT as ``.mrk.json``; the description of each point holds its uncertainty."""
    markups = [_curve(one.catheter) for one in found]
    for markup, one in zip(markups, found, strict=True):
        texts = [f"standard uncertainty {sigma:.2f} mm across" for sigma in one.sigma_mm]
        texts[-1] += f", {one.tip_sigma_mm:.2f} mm along"
        for point, text in zip(markup["controlPoints"], texts, strict=True):
            point["description"] = text
    _write(path, markups)


def _curve(catheter: Catheter) -> dict[str, Any]:
    points = [(f"{catheter.name}-{k}", point) for k, point in enumerate(catheter.points_mm, start=1)]
    return _markup("Curve", catheter.name, points)


def _write(path: Path, markups: Sequence[dict[str, Any]]) -> None:
    value = {
        "@schema": "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
        "markups-schema-v1.0.3.json#",
        "markups": markups,
    }
    write_json(path, value)


def _markup(kind: str, name: str, points: Sequence[tuple[str, npt.ArrayLike]]) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": [
            {
                "id": str(k + 1),
                "label": label,
                "position": [float(v) for v in np.asarray(position)],
                "selected": True,
                "locked": False,
                "visibility": True,
                "positionStatus": "defined",
            }
            for k, (label, position) in enumerate(points)
        ],
    }
