"""What the viewer draws, as plain data: packed volumes and masks, catheters, dwells, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import Shape
from hdrplan.geometry import Catheter, Dwells, Grid, Structure, Volume
from hdrplan.report.data import Curve
from hdrplan.report.pack import corners_mm, ct_pack, mask_pack, shape_pack
from hdrplan.report.svg import thinned
from hdrplan.threads import over_each

__all__ = [
    "Scenery",
    "catheter_data",
    "curve_data",
    "dwell_data",
    "focus_mm",
    "packed_structures",
    "scenery",
    "structure_data",
    "view_extent",
]

# Mask and shape of a structure, packed.
Packed = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenery:
    """What the viewer draws of a case whatever its dose: the largest part of a page, and of the time to make it.

    Parameters
    ----------
    ct : mapping or None
        Packed (:func:`hdrplan.report.pack.ct_pack`).
    structures : mapping
        Name -> packed mask and shape.
    """

    ct: Mapping[str, Any] | None
    structures: Packed


def scenery(
    ct: Volume | None,
    structures: Sequence[Structure],
    catheters: Sequence[Catheter],
    shapes: Mapping[str, Shape],
    grid: Grid,
) -> Scenery:
    """Pack what the viewer draws of a case.

    Parameters
    ----------
    ct : Volume or None
    structures : sequence of Structure
    catheters : sequence of Catheter
    shapes : mapping
        Name -> shape that the structure's doses are judged on.
    grid : Grid
        Of the dose.
    """
    packed = None if ct is None else ct_pack(ct, *_extent(structures, catheters, [grid]))
    return Scenery(ct=packed, structures=packed_structures(structures, shapes))


def packed_structures(structures: Sequence[Structure], shapes: Mapping[str, Shape]) -> Packed:
    """Return name -> packed mask and, where a dose was judged on it, packed shape of each structure.

    Parameters
    ----------
    structures : sequence of Structure
    shapes : mapping
        As in :func:`scenery`.
    """

    def packed(s: Structure) -> dict[str, Any]:
        return {"mask": mask_pack(s), "shape": shape_pack(shapes[s.name]) if s.name in shapes else None}

    each = over_each(packed, structures, size=lambda s: s.mask_zyx.size)
    return {s.name: pack for s, pack in zip(structures, each, strict=True)}


def structure_data(
    structures: Sequence[Structure], styles: Mapping[str, Mapping[str, Any]], packed: Packed
) -> list[dict[str, Any]]:
    """Name, role, look, centre, packed mask and packed shape of each structure.

    Parameters
    ----------
    structures : sequence of Structure
    styles : mapping
        Name -> style.
    packed : mapping
        Of :func:`packed_structures`.
    """
    return [
        {**styles[s.name], "name": s.name, "role": s.role, "centre": _centre_mm(s), **packed[s.name]}
        for s in structures
    ]


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
    must_see, may_see = _extent(structures, catheters, [dose.grid for dose in doses])
    return must_see, may_see, focus_mm(structures, doses[0])


def focus_mm(structures: Sequence[Structure], dose: Volume) -> list[float]:
    """Return the middle of the first CTV; without one, where the dose is highest.

    Parameters
    ----------
    structures : sequence of Structure
    dose : Volume
    """
    middle = next((_centre_mm(s) for s in structures if s.role == "CTV"), None)
    return middle or _hottest_mm(dose)


def _extent(
    structures: Sequence[Structure], catheters: Sequence[Catheter], grids: Sequence[Grid]
) -> tuple[FloatArray, FloatArray]:
    """Return what the pictures must hold, and what they should."""
    boxes = [s.box_mm for s in structures]
    targets = [box for s, box in zip(structures, boxes, strict=True) if s.role == "CTV"]
    must_see = np.vstack([*map(corners_mm, grids), *targets])
    return must_see, np.vstack([must_see, *boxes, *(c.points_mm for c in catheters)])


def _hottest_mm(dose: Volume) -> list[float]:
    z, y, x = np.unravel_index(np.nanargmax(dose.values_zyx), dose.values_zyx.shape)
    return [round(float(v), 3) for v in dose.grid.world([x, y, z])]


def _centre_mm(structure: Structure) -> list[float]:
    """Centre of mass of a mask."""
    return [round(float(v), 3) for v in structure.centre_mm]
