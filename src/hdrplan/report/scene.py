"""What the viewer draws, as plain data: packed volumes and masks, catheters, dwells, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.geometry import Catheter, Dwells, Structure, Volume
from hdrplan.report.data import Curve
from hdrplan.report.pack import corners_mm, mask_pack, shape_pack
from hdrplan.report.svg import thinned
from hdrplan.threads import over_each

__all__ = ["catheter_data", "curve_data", "dwell_data", "structure_data", "view_extent"]


def structure_data(
    structures: Sequence[Structure], styles: Mapping[str, Mapping[str, Any]], shapes: Mapping[str, Shape]
) -> list[dict[str, Any]]:
    """Name, role, look, centre, packed mask and, where a dose was judged on it, packed shape of each structure.

    Parameters
    ----------
    structures : sequence of Structure
    styles : mapping
        Name -> style.
    shapes : mapping
        Name -> shape that the structure's doses are judged on.
    """

    def data(s: Structure) -> dict[str, Any]:
        return {
            **styles[s.name],
            "name": s.name,
            "role": s.role,
            "centre": _centre_mm(s),
            "mask": mask_pack(s),
            "shape": shape_pack(shapes[s.name]) if s.name in shapes else None,
        }

    return over_each(data, structures, size=lambda s: s.mask_zyx.size)


def catheter_data(catheters: Sequence[Catheter]) -> list[dict[str, Any]]:
    """Polylines to a hundredth of a millimetre."""
    return [{"name": c.name, "points": c.points_mm.round(2).tolist()} for c in catheters]


def dwell_data(dwells: Dwells, times_s: FloatArray) -> list[dict[str, Any]]:
    """Positions to a hundredth of a millimetre, times to a thousandth of a second."""
    return [
        {"at": position.round(2).tolist(), "time_s": round(float(time_s), 3)}
        for position, time_s in zip(dwells.positions_mm, times_s, strict=True)
    ]


def curve_data(curves: Sequence[Curve], gy_max: float) -> list[dict[str, Any]]:
    """Curves for reading under the pointer, up to the end of the plot."""
    made = []
    for rank, curve in enumerate(curves):
        # Ten times as close as they are first drawn: the page zooms in.
        points = thinned(curve, gy_max, 0.05)
        made.append(
            {
                "rank": rank,
                "name": curve.name,
                "volume_cc": round(curve.volume_cc, 4),
                "gy": points[:, 0].round(3).tolist(),
                "frac": points[:, 1].round(5).tolist(),
            }
        )
    return made


def view_extent(
    structures: Sequence[Structure], catheters: Sequence[Catheter], doses: Sequence[Volume]
) -> tuple[FloatArray, FloatArray, list[float]]:
    """Return what the pictures must hold, what they should hold, and where they begin.

    Parameters
    ----------
    structures : sequence of Structure
    catheters : sequence of Catheter
    doses : sequence of Volume

    Returns
    -------
    must_see, may_see : (n, 3) arrays
        Corners of the doses and CTVs, mm; these and everything else.
    focus : list of float
        Middle of the first CTV; without one, where the first dose is highest.
    """
    boxes = [s.box_mm for s in structures]
    targets = [box for s, box in zip(structures, boxes, strict=True) if s.role == "CTV"]
    must_see = np.vstack([*(corners_mm(dose.grid) for dose in doses), *targets])
    may_see = np.vstack([must_see, *boxes, *(c.points_mm for c in catheters)])
    focus = next((_centre_mm(s) for s in structures if s.role == "CTV"), None)
    return must_see, may_see, focus or _hottest_mm(doses[0])


def _hottest_mm(dose: Volume) -> list[float]:
    z, y, x = np.unravel_index(np.nanargmax(dose.values_zyx), dose.values_zyx.shape)
    return [round(float(v), 3) for v in dose.grid.world([x, y, z])]


def _centre_mm(structure: Structure) -> list[float]:
    """Centre of mass of a mask."""
    return [round(float(v), 3) for v in structure.centre_mm]
