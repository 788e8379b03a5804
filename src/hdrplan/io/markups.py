"""3D Slicer markups: catheters as curves, dwells as fiducials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hdrplan.geometry import Catheter
from hdrplan.io.value_files import write_json

__all__ = ["write_markups"]


def write_markups(path: Path, catheters: Sequence[Catheter], dwells: Sequence[tuple[str, npt.ArrayLike]] = ()) -> None:
    """Write ``.mrk.json``: one Curve a catheter, hub first, LPS.

    Parameters
    ----------
    path : Path
    catheters : sequence of Catheter
    dwells : sequence of (label, position_mm), optional
        Written as one Fiducial list after the curves.
    """
    markups = [
        _markup("Curve", c.name, [(f"{c.name}-{k + 1}", p) for k, p in enumerate(c.points_mm)]) for c in catheters
    ]
    if dwells:
        markups.append(_markup("Fiducial", "dwells", dwells))
    value = {
        "@schema": "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
        "markups-schema-v1.0.3.json#",
        "markups": markups,
    }
    write_json(path, value)


def _markup(kind: str, name: str, points: Sequence[tuple[str, npt.ArrayLike]]) -> dict[str, object]:
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
