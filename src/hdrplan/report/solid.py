"""The plan in space as one page: structures, prescription isodose, catheters, dwells; drawn by three.js."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray, IntArray
from hdrplan.report.data import ReportData
from hdrplan.report.page import page
from hdrplan.report.palette import ISODOSE_COLOURS, structure_styles
from hdrplan.report.scene import catheter_data, dwell_data, view_extent
from hdrplan.report.surfaces import isodose_surface, skin_surface, structure_surface

__all__ = ["solid_html"]

_SCRIPTS = ("vendor/three.min.js", "volume.js", "solid.js")
# Steps of packed vertices: below what a screen shows of a 100 mm object.
_STEP_MM = 0.02


def solid_html(view: ReportData) -> str:
    """Write the 3D page of a plan: self-contained, under a megabyte or two, needs WebGL.

    Parameters
    ----------
    view : ReportData
        Structures of role "other" are left out.
    """
    styles = structure_styles(view)
    shown = [s for s in view.structures if s.role != "other"]
    _, _, focus = view_extent(shown, view.catheters, [view.dose])
    bodies = []
    for structure in shown:
        mesh = _packed(*structure_surface(structure, view.shapes.get(structure.name)), np.array(focus))
        # An organ is a faint shell, the target and its isodose are what is looked at.
        opacity = 0.75 if structure.role == "CTV" else 0.16
        look = {"colour": styles[structure.name]["colour"], "opacity": opacity, "on": True}
        bodies.append({"name": structure.name, "role": structure.role, **look, **mesh})
    if view.ct is not None:
        skin = {"colour": "#d9b8a0", "opacity": 0.1, "on": True}
        bodies.append({"name": "Skin", "role": "other", **skin, **_packed(*skin_surface(view.ct), np.array(focus))})
    prescribed = view.prescriptions[0].dose_gy
    for share, colour, on in (
        (1.0, ISODOSE_COLOURS[3], True),
        (2.0, ISODOSE_COLOURS[5], False),
        (0.5, ISODOSE_COLOURS[1], False),
    ):
        level = share * prescribed
        vertices, triangles = isodose_surface(view.dose, level)
        if len(triangles):
            look = {"colour": colour, "opacity": 0.3, "on": on}
            name = f"{level:g} Gy isodose"
            bodies.append({"name": name, "role": "dose", **look, **_packed(vertices, triangles, np.array(focus))})
    return page(
        "solid.html.j2",
        title=view.title,
        version=view.version,
        about={} if view.plan is None else {"Plan": view.plan.digest},
        made=view.made,
        scripts=_SCRIPTS,
        pictures=True,
        doubts=view.warnings,
        data={
            "focus": focus,
            "bodies": bodies,
            "catheters": catheter_data(view.catheters),
            "dwells": dwell_data(view.dwells, view.times_s),
        },
    )


def _packed(vertices_mm: FloatArray, triangles: IntArray, focus_mm: FloatArray) -> dict[str, Any]:
    """Whole steps from the focus, and vertex numbers; both as differences to the row before."""
    steps = np.clip(np.rint((vertices_mm - focus_mm) / _STEP_MM), -32767, 32767).astype(np.int64)
    return {"step": _STEP_MM, "vertices": _deltas(steps), "triangles": _deltas(triangles)}


def _deltas(rows: IntArray) -> str:
    """Differences of neighbouring rows, sign folded, as 32 bits in four planes of bytes, deflated, base64."""
    change = np.diff(rows, axis=0, prepend=0)
    folded = ((change << 1) ^ (change >> 63)).astype("<u4").ravel()
    planes = folded.view(np.uint8).reshape(-1, 4).T
    return base64.b64encode(zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)).decode("ascii")
