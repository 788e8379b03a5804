"""The dose grid on the matrices of clinics and on dwells whose errors add up; doses far from the source."""

from __future__ import annotations

import json
from functools import partial
from importlib import resources
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import dose_field
from hdrplan.geometry import Dwells, Grid
from hdrplan.sources import bounded_phantom, load_source, source_names, user_source
from hdrplan.validate.grid_search import worst_voxel
from hdrplan.validate.naive_tg43 import doses_gy, rates
from hdrplan.validate.row import Aim, Question, Row, judged

__all__ = ["FAR_SOURCES", "GRIDS", "far_rows", "grid_row", "needles"]

_SECTION = "Claims of a plan"
_STRENGTH_U = 40700.0
_GRID_PCT = 0.1
# Voxels in x, y and z, and their edges in mm: matrices of CT and PET/CT, cubes of 5 mm.
GRIDS: dict[str, tuple[tuple[int, int, int], tuple[float, float, float]]] = {
    "512 x 512 x 80 of 1.37 x 1.37 x 5 mm": ((512, 512, 80), (1.37, 1.37, 5.0)),
    "512 x 512 x 80 of 1.17 x 1.17 x 5 mm": ((512, 512, 80), (1.17, 1.17, 5.0)),
    "256 x 256 x 200 of 2.5 mm": ((256, 256, 200), (2.5, 2.5, 2.5)),
    "128 x 128 x 50 of 5 mm": ((128, 128, 50), (5.0, 5.0, 5.0)),
    "64 x 64 x 160 of 3 mm, 60 dwells in one straight line": ((64, 64, 160), (3.0, 3.0, 3.0)),
    "64 x 64 x 64 of 3 mm, 400 dwells in one place": ((64, 64, 64), (3.0, 3.0, 3.0)),
}
# Sources whose tables reach 20 cm in full-scatter water: their last centimetres judge what the rules make of a cut one.
FAR_SOURCES = ("gammamed-12i", "gammamed-plus-clrp", "microselectron-v2-clrp", "vs2000-clrp")
_CUT_CM, _FAR_MM = 10.0, (150.0, 200.0)
# Of g: what its fit leaves. Of the whole rate: F relaxes by a law in place of each source's own course.
_G_PCT, _RATE_PCT = 0.5, 5.6


def needles(count: int, dwells: int) -> Dwells:
    """Return dwells of 5 mm steps in parallel needles, each 5 mm off the last."""
    k = np.repeat(np.arange(count), dwells)
    along = np.tile(5.0 * np.arange(dwells), count)
    return Dwells(
        positions_mm=np.stack((9.0 * k, -5.0 * (k % 2), along - 2.5 * dwells), axis=1),
        axes=np.tile([0.0, 0.0, -1.0], (len(k), 1)),
        catheter=k,
        offset_mm=along,
        catheter_names=tuple(f"c{i}" for i in range(count)),
    )


def grid_row(name: str) -> Row:
    """Compute one grid and look for its worst voxel.

    Parameters
    ----------
    name : str
        Key of ``GRIDS``.
    """
    shape_xyz, spacing_mm = GRIDS[name]
    if "one straight line" in name:
        dwells = needles(1, 60)
    elif "one place" in name:
        dwell = needles(1, 1)
        dwells = Dwells(
            positions_mm=np.tile(dwell.positions_mm, (400, 1)),
            axes=np.tile(dwell.axes, (400, 1)),
            catheter=np.arange(400),
            offset_mm=np.zeros(400),
            catheter_names=tuple(f"c{i}" for i in range(400)),
        )
    else:
        dwells = needles(3, 10)
    times_s: FloatArray = 3.0 + np.arange(len(dwells), dtype=np.float64) % 7.0
    source = load_source()
    grid = Grid(
        shape_zyx=shape_xyz[::-1],
        origin_mm=-0.5 * (np.array(shape_xyz) - 1.0) * spacing_mm,
        spacing_mm=np.array(spacing_mm),
    )
    field = dose_field(dwells, times_s, grid, source, strength_u=_STRENGTH_U)
    # Coincident dwells are one for the formula.
    alone = dwells if "one place" not in name else needles(1, 1)
    alone_s = times_s if "one place" not in name else np.array([times_s.sum()])
    worst = worst_voxel(field, alone, source, partial(_exact, alone, alone_s))
    return judged(
        Question(
            section=_SECTION,
            what=f"dose grid, {name}: worst of {worst.looked_at:,} voxels looked at",
            source="TG-43U1 eq. 1, written plainly",
            method="largest deviation beyond 1 mm from every capsule, uphill from many starts",
        ),
        100 * worst.deviation_frac,
        Aim(value=_GRID_PCT),
    )


def _exact(dwells: Dwells, times_s: FloatArray, points_mm: FloatArray) -> FloatArray:
    return doses_gy(dwells, times_s, points_mm, load_source(), _STRENGTH_U)


def far_rows() -> list[Row]:
    """Cut tables at 10 cm, and compare what is made of them with what was published beyond."""
    dwell = needles(1, 1)
    angle = np.deg2rad(np.arange(10.0, 171.0, 10.0))
    off_g = off_rate = 0.0
    for name in FAR_SOURCES:
        whole, short = load_source(name), user_source(_cut(name))
        for r_mm in _FAR_MM:
            g, g_near = (np.interp(at, whole.radial_r_mm, whole.radial_dose) for at in (r_mm, 10.0 * _CUT_CM))
            ours, ours_near = (np.interp(at, short.radial_r_mm, short.radial_dose) for at in (r_mm, 10.0 * _CUT_CM))
            off_g = max(off_g, abs((ours / ours_near) / (g / g_near) - 1.0))
            points = dwell.positions_mm + r_mm * np.stack((np.sin(angle), 0 * angle, -np.cos(angle)), axis=1)
            off_rate = max(
                off_rate, float(np.abs(rates(dwell, points, short, 1.0) / rates(dwell, points, whole, 1.0) - 1.0).max())
            )
    names = ", ".join(FAR_SOURCES)
    wrong = sum((bounded_phantom(load_source(name)) is not None) != (name in _BOUNDED) for name in source_names())
    source = f"published tables of {names}, to 20 cm in full-scatter water"
    compared = [
        ("g at 15 and 20 cm from tables cut at 10 cm", source,
         "largest relative difference", 100 * off_g, Aim(value=_G_PCT)),
        ("dose rates at 15 and 20 cm, 10 to 170 degrees, from tables cut at 10 cm", source,
         "largest relative difference", 100 * off_rate, Aim(value=_RATE_PCT)),
        (f"sources whose phantom ended near: {', '.join(_BOUNDED)}", "their publications",
         "sources that are not told apart", float(wrong), Aim(value=0.0, unit="sources")),
    ]  # fmt: skip
    return [
        judged(Question(section=_SECTION, what=subject, source=truth, method=method), off, aim)
        for subject, truth, method, off, aim in compared
    ]


# Daskalov 1998: a sphere of 15 cm radius; Wang and Sloboda 1998: likewise no full scatter at 15 cm.
_BOUNDED = ("microselectron-v2-daskalov", "varisource-classic-wang")


def _cut(name: str) -> dict[str, Any]:
    """Record of a source without what lies beyond the cut."""
    text = (resources.files("hdrplan.sources") / "data" / f"{name}.json").read_text("utf-8")
    record: dict[str, Any] = json.loads(text)
    radial, anisotropy = record["radial_dose"], record["anisotropy"]
    kept = [k for k, r in enumerate(radial["r_cm"]) if r <= _CUT_CM]
    record["radial_dose"] = {key: [radial[key][k] for k in kept] for key in ("r_cm", "g")}
    kept = [k for k, r in enumerate(anisotropy["r_cm"]) if r <= _CUT_CM]
    record["anisotropy"] = anisotropy | {
        "r_cm": [anisotropy["r_cm"][k] for k in kept],
        "f": [[row[k] for k in kept] for row in anisotropy["f"]],
    }
    return record
