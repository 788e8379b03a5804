"""Two or more plans side by side: what changed, doses and their difference on CT, DVHs, metrics, delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hdrplan.cautions import Caution
from hdrplan.dose import shape_of
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.plan import Plan
from hdrplan.report.data import Curve
from hdrplan.report.pack import ct_pack, dose_pack
from hdrplan.report.page import doubts_of, page
from hdrplan.report.palette import DIVERGING, LineStyle, isodose_levels, styles_of
from hdrplan.report.rows import COMPARED, metric_text
from hdrplan.report.scene import catheter_data, curve_data, dwell_data, packed_structures, structure_data, view_extent
from hdrplan.report.svg import dvh_svg

__all__ = ["ComparedPlan", "comparison_html"]

_SCRIPTS = ("volume.js", "contour.js", "viewer.js", "marks.js", "ui.js", "lists.js", "dvh.js", "compare.js")
_DASHES: tuple[list[int], ...] = ([], [7, 4], [2, 3], [10, 3, 2, 3])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedPlan:
    """One of the plans.

    Parameters
    ----------
    label : str
        Short, different for each.
    plan : Plan
    dose : Volume
        Gy; grids may differ between plans.
    curves : tuple of Curve
    metrics : mapping
        The table of metrics.json: "structures", "plan", "goals".
    """

    label: str
    plan: Plan
    dose: Volume
    curves: tuple[Curve, ...]
    metrics: Mapping[str, Any]


def comparison_html(
    plans: Sequence[ComparedPlan],
    *,
    title: str,
    ct: Volume | None = None,
    structures: Sequence[Structure] = (),
    catheters: Sequence[Catheter] = (),
    warnings: Sequence[Caution] = (),
    version: str = "",
) -> str:
    """Write the comparison as one self-contained page; differences are to the first plan.

    Parameters
    ----------
    plans : sequence of ComparedPlan
        Two to four.
    title : str
    ct, structures, catheters : optional
        Of the case that all were made for; without them the doses are shown alone.
    warnings : sequence of Caution
    version : str

    Raises
    ------
    InputError
        One plan, more than four, two of one label, no prescription known.
    """
    prescribed_gy = _prescribed_gy(plans)
    shown = [s for s in structures if s.role != "other"]
    names = list(dict.fromkeys(c.name for p in plans for c in p.curves))
    roles = {c.name: c.role for p in reversed(plans) for c in p.curves}
    styles = styles_of(roles | {s.name: s.role for s in shown})
    curves, owners, looks = _all_curves(plans, names, styles)
    must_see, may_see, focus = view_extent(shown, catheters, [p.dose for p in plans])
    return page(
        "compare.html.j2",
        title=title,
        version=version,
        about={f"Plan {p.label}": p.plan.digest for p in plans},
        scripts=_SCRIPTS,
        doubts=doubts_of(warnings),
        data={
            "prescription_gy": prescribed_gy,
            "levels": isodose_levels(prescribed_gy),
            "diverging": DIVERGING,
            "focus": focus,
            "ct": None if ct is None else ct_pack(ct, must_see, may_see, budget_bytes=4_000_000),
            "structures": structure_data(shown, styles, packed_structures(shown, {s.name: shape_of(s) for s in shown})),
            "plans": [
                {
                    "dose": dose_pack(p.dose),
                    "catheters": catheter_data(catheters),
                    "dwells": dwell_data(p.plan.dwells, p.plan.times_s),
                }
                for p in plans
            ],
            "curves": curve_data(curves, 2.5 * prescribed_gy),
        },
        plans=plans,
        prescribed_gy=prescribed_gy,
        changes=_changes(plans),
        goals=_goals(plans),
        dvh=dvh_svg(curves, looks, (), prescribed_gy, gy_max=2.5 * prescribed_gy),
        dvh_hint=", ".join(f"{label}: {line}" for label, line in zip([p.label for p in plans], _LINES, strict=False))
        + ".",
        dvh_legend=[
            {
                "name": name,
                "note": roles[name],
                "dash": "",
                "colour": styles[name]["colour"],
                "ranks": [rank for rank, owner in enumerate(owners) if owner == name],
            }
            for name in names
        ],
        metrics=_metrics(plans),
        catheters=_catheter_times(plans),
    )


def _prescribed_gy(plans: Sequence[ComparedPlan]) -> float:
    """Return the first plan's prescription, to which isodoses refer; refuse plans that cannot be compared."""
    labels = [p.label for p in plans]
    if not 2 <= len(plans) <= len(_DASHES):
        raise InputError(f"a comparison takes 2 to {len(_DASHES)} plans", got=len(plans))
    if len(set(labels)) < len(labels):
        raise InputError("the plans need different names", got=", ".join(labels))
    prescribed = [
        float(values["prescription_gy"])
        for values in plans[0].metrics["structures"].values()
        if values.get("prescription_gy")
    ]
    if not prescribed:
        raise InputError("the first plan names no prescription", got="none in its metrics", where=labels[0])
    return prescribed[0]


# Names of the dashes.
_LINES = ("solid", "dashed", "dotted", "dash-dotted")


def _all_curves(
    plans: Sequence[ComparedPlan], names: Sequence[str], styles: Mapping[str, LineStyle]
) -> tuple[list[Curve], list[str], list[LineStyle]]:
    """Every curve of every plan with its structure and style: the colour shows the structure, the dash the plan."""
    curves: list[Curve] = []
    owners: list[str] = []
    looks: list[LineStyle] = []
    for name in names:
        for plan, dash in zip(plans, _DASHES, strict=False):
            for curve in plan.curves:
                if curve.name == name:
                    label = f"{name} ({plan.label})"
                    curves.append(replace(curve, name=label))
                    owners.append(name)
                    looks.append({"colour": styles[name]["colour"], "dash": dash})
    return curves, owners, looks


def _changes(plans: Sequence[ComparedPlan]) -> list[dict[str, Any]]:
    """Rows of the first table: what the plans are made of."""
    rows: list[tuple[str, list[str]]] = [
        ("Hash of the plan", [p.plan.digest for p in plans]),
        ("Source", [p.plan.source.name for p in plans]),
        ("Air-kerma strength", [f"{p.plan.strength_u:,.0f} U" for p in plans]),
        ("Catheters", [str(len(p.plan.dwells.catheter_names)) for p in plans]),
        ("Dwell positions in use", [f"{int((p.plan.times_s > 0).sum())} of {len(p.plan.dwells)}" for p in plans]),
        ("Positions", _positions(plans)),
        ("Total time", [f"{p.plan.total_time_s:.1f} s" for p in plans]),
        ("Time times strength", [f"{p.plan.total_time_s * p.plan.strength_u / 3600:,.0f} U h" for p in plans]),
        ("TRAK", [f"{100 * p.plan.trak_gy:.4f} cGy at 1 m" for p in plans]),
        ("Certificate", [str(p.metrics.get("certificate", {}).get("status", "none")) for p in plans]),
    ]
    return [{"label": label, "cells": cells, "differs": len(set(cells)) > 1} for label, cells in rows]


def _positions(plans: Sequence[ComparedPlan]) -> list[str]:
    """Whether the dwell positions are those of the first plan, and how far they moved."""
    first = plans[0].plan.dwells.positions_mm
    texts = ["the same"]
    for plan in plans[1:]:
        own = plan.plan.dwells.positions_mm
        if len(own) != len(first):
            texts.append("other positions")
            continue
        moved = np.linalg.norm(own - first, axis=1)
        texts.append(
            "the same" if moved.max() < 1e-6 else f"moved by {moved.mean():.2f} mm, at most {moved.max():.2f} mm"
        )
    return texts


def _goals(plans: Sequence[ComparedPlan]) -> list[dict[str, Any]]:
    """Goals of all plans, in order of first appearance."""
    keys = dict.fromkeys((g["structure"], g["goal"]) for p in plans for g in p.metrics.get("goals", ()))
    rows = []
    for structure, goal in keys:
        cells = []
        for plan in plans:
            own = plan.metrics.get("goals", ())
            own_goal = next((g for g in own if (g["structure"], g["goal"]) == (structure, goal)), None)
            reached = None if own_goal is None else own_goal.get("reached")
            cells.append(
                {"met": None, "text": "–"}
                if own_goal is None or reached is None
                else {"met": bool(own_goal["met"]), "text": f"{reached:.2f} {own_goal['unit']}"}
            )
        signs = goal.replace(">=", "≥").replace("<=", "≤")
        rows.append(
            {"structure": structure, "goal": signs, "cells": cells, "differs": len({c["met"] for c in cells}) > 1}
        )
    return rows


def _metrics(plans: Sequence[ComparedPlan]) -> list[dict[str, Any]]:
    """One row per structure and metric, with the change against the first plan."""
    names = list(dict.fromkeys(name for p in plans for name in p.metrics["structures"]))
    rows = []
    for name in names:
        tables = [p.metrics["structures"].get(name, {}) for p in plans]
        role = next((t["role"] for t in tables if "role" in t), "other")
        shown = []
        for key, label, unit, digits in COMPARED["CTV" if role == "CTV" else "other"]:
            values = [t.get(key) for t in tables]
            if any(isinstance(v, int | float) for v in values):
                cells = [{"text": metric_text(v, digits), "change": _change(values[0], v, digits)} for v in values]
                shown.append({"name": name, "label": label, "unit": unit, "cells": cells})
        rows += [row | {"first": k == 0, "rows": len(shown)} for k, row in enumerate(shown)]
    return rows


def _change(first: object, value: object, digits: int) -> str:
    if not (isinstance(first, int | float) and isinstance(value, int | float)):
        return "–"
    text = f"{value - first:+.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def _catheter_times(plans: Sequence[ComparedPlan]) -> list[dict[str, Any]]:
    """Time of each catheter in each plan, with a bar on one scale."""
    names = list(dict.fromkeys(name for p in plans for name in p.plan.dwells.catheter_names))
    times = [
        [
            float(p.plan.times_s[p.plan.dwells.catheter == p.plan.dwells.catheter_names.index(name)].sum())
            if name in p.plan.dwells.catheter_names
            else 0.0
            for p in plans
        ]
        for name in names
    ]
    longest = max((t for row in times for t in row), default=0.0) or 1.0
    return [
        {"name": name, "cells": [{"text": f"{t:.1f}", "bar": f"{90 * t / longest:.1f}"} for t in row]}
        for name, row in zip(names, times, strict=True)
    ]
