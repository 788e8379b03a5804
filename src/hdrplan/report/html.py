"""The plan report: one file that opens from disk, asks the network for nothing and shows every name as text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from hdrplan.arrays import FloatArray
from hdrplan.geometry import Structure
from hdrplan.report.data import ReportData
from hdrplan.report.pack import corners_mm, ct_pack, dose_pack, mask_pack
from hdrplan.report.palette import isodose_levels, structure_styles
from hdrplan.report.rows import bar_width, channels, dwell_rows, metric_tables
from hdrplan.report.svg import axis_end_gy, dvh_svg, thinned

__all__ = ["page", "report_html"]

_VIEWER_SCRIPTS = ("volume.js", "contour.js", "viewer.js", "ui.js", "dvh.js", "start.js")


def _asset(name: str) -> str:
    return (resources.files("hdrplan.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _css_text(text: str) -> str:
    """Return a CSS string literal that no character of the text can leave."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in text) + '"'


def page(
    template: str, *, title: str, version: str, scripts: tuple[str, ...], data: Mapping[str, Any], **values: object
) -> str:
    """Fill a template into one self-contained page.

    The content-security policy allows exactly the style sheet and the script written here, by their hashes, and no
    connection at all. Data travel as JSON text that cannot close its element.

    Parameters
    ----------
    template : str
        Name of the asset.
    title, version : str
        Stand on every printed page.
    scripts : tuple of str
        Assets, joined in this order.
    data : mapping
        For the scripts.
    **values
        For the template.
    """
    # Both texts are put into CSS strings, where HTML escaping means nothing.
    foot = f"hdrplan {version}" if version else "hdrplan"
    css = _asset("report.css").replace('"@@title"', _css_text(title)).replace('"@@foot"', _css_text(foot))
    script = "(() => {\n" + "\n".join(_asset(name) for name in scripts) + "\n})();"
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(css)}; base-uri 'none'; form-action 'none'"
    )
    return (
        _templates()
        .get_template(template)
        .render(
            title=title,
            version=version,
            csp=policy,
            css=Markup(css),
            script=Markup(script),
            data=Markup(text),
            **values,
        )
    )


def _centre_mm(structure: Structure) -> list[float]:
    """Centre of mass of a mask."""
    index = np.argwhere(structure.mask_zyx).mean(axis=0)[::-1]
    return [round(float(v), 3) for v in structure.grid.world(index)]


def _extent_mm(structure: Structure) -> FloatArray:
    filled = np.argwhere(structure.mask_zyx)
    low, high = filled.min(axis=0)[::-1], filled.max(axis=0)[::-1]
    return structure.grid.world(np.array([low, high]))


def _curve_data(view: ReportData) -> list[dict[str, Any]]:
    """Curves for reading under the pointer."""
    gy_max = axis_end_gy(view.goals, view.prescriptions[0].dose_gy)
    made = []
    for rank, curve in enumerate(view.curves):
        points = thinned(curve, gy_max)
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


def _scene(view: ReportData, styles: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Volumes, masks, catheters and dwells for the viewer."""
    extents = [_extent_mm(s) for s in view.structures]
    ctvs = [e for s, e in zip(view.structures, extents, strict=True) if s.role == "CTV"]
    must_see = np.vstack([corners_mm(view.dose.grid), *ctvs])
    may_see = np.vstack([must_see, *extents, *(c.points_mm for c in view.catheters)])
    focus = next((_centre_mm(s) for s in view.structures if s.role == "CTV"), None)
    return {
        "prescription_gy": view.prescriptions[0].dose_gy,
        "levels": isodose_levels(view.prescriptions[0].dose_gy),
        "focus": focus or [float(v) for v in must_see.mean(axis=0)],
        "ct": None if view.ct is None else ct_pack(view.ct, must_see, may_see),
        "dose": dose_pack(view.dose),
        "structures": [
            styles[s.name] | {"name": s.name, "role": s.role, "centre": _centre_mm(s), "mask": mask_pack(s)}
            for s in view.structures
        ],
        "catheters": [{"name": c.name, "points": c.points_mm.round(2).tolist()} for c in view.catheters],
        "dwells": [
            {"at": p.round(2).tolist(), "time_s": round(float(t), 3)}
            for p, t in zip(view.dwells.positions_mm, view.times_s, strict=True)
        ],
        "curves": _curve_data(view),
    }


def report_html(view: ReportData) -> str:
    """Write the plan report of plain values.

    Parameters
    ----------
    view : ReportData

    Returns
    -------
    str
        A complete HTML page, about 1 to 8 MB, nearly all of it CT.

    References
    ----------
    P. Xia et al., "Medical Physics Practice Guideline 11.a: Plan and chart review in external beam radiotherapy and
    brachytherapy", J Appl Clin Med Phys 22(9), 4-19, 2021, doi 10.1002/acm2.13366, table 12: what the print holds.
    """
    styles = structure_styles(view)
    scene = _scene(view, styles)
    return page(
        "report.html.j2",
        title=view.title,
        version=view.version,
        scripts=_VIEWER_SCRIPTS,
        data=scene,
        view=view,
        dvh=dvh_svg(view.curves, [styles[c.name] for c in view.curves], view.goals, view.prescriptions[0].dose_gy),
        curve_styles=[styles[c.name] for c in view.curves],
        metric_tables=metric_tables(view.metrics),
        channels=channels(view),
        dwell_rows=dwell_rows(view),
        missed=[g for g in view.goals if g.met is False],
        total_time_s=float(view.times_s.sum()),
        longest_s=max(float(view.times_s.max()), 1e-9),
        deepest_mm=max(float(view.dwells.offset_mm.max()), 1.0) * 1.06,
        bar_width=bar_width(view),
        levels=scene["levels"],
        structure_styles=[(s, styles[s.name]) for s in view.structures if s.role != "other"],
        notes=[scene[k]["note"] for k in ("ct", "dose") if scene[k]],
    )
