"""A page to choose among proven plans: a chart of the trade-off, and the DVHs and isodoses of the plan chosen."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hdrplan import __version__
from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution
from hdrplan.dose import dose_rate
from hdrplan.geometry import Dwells
from hdrplan.metrics import dvh
from hdrplan.plan import Case
from hdrplan.report.data import Curve
from hdrplan.report.pack import ct_pack
from hdrplan.report.page import doubts_of, page
from hdrplan.report.palette import LineStyle, isodose_levels, styles_of
from hdrplan.report.pareto import axis_unit
from hdrplan.report.planes import VIEWS
from hdrplan.report.scene import catheter_data, packed_structures, structure_data
from hdrplan.report.svg import dvh_svg
from hdrplan.workflow import ParetoResult

__all__ = ["pareto_html"]

_SCRIPTS = ("volume.js", "contour.js", "viewer.js", "marks.js", "dvh.js", "pareto.js")
# Doses at which the volumes of each plan are kept.
_DOSES = 76
# What the pictures show round the CTVs, and the distance of their points. Rates are kept to 1/4000 of their logarithm.
_MARGIN_MM, _STEP_MM = 25.0, 2.0
_MAXIMUM_CURVES = 8


def pareto_html(result: ParetoResult, plan: Mapping[str, Any], *, case: Case, warnings: Sequence[Caution] = ()) -> str:
    """Write a page with one slider for each limit; the plan chosen can be saved as plan.json.

    Parameters
    ----------
    result : ParetoResult
    plan : mapping
        The table of a plan.json; its times and totals are replaced by those of the plan chosen.
    case : Case
        What the plans were made for.
    warnings : sequence of Caution
    """
    front, plans = result.front, result.front.combinations
    prescribed_gy = result.problem.goals.doses[0].dose_gy
    first = next(p for p in plans if p is not None)
    names = _names(result)
    roles = dict(zip(result.problem.points.names, result.problem.points.roles, strict=True))
    styles = styles_of({s.name: s.role for s in case.structures} | {name: roles[name] for name in names})
    doses = np.linspace(0.0, 2.5 * prescribed_gy, _DOSES).round(3)
    volumes = [None if p is None else _volumes(result, p.times_s, names, doses) for p in plans]
    looks = [styles[name] for name in names]
    curves = [
        Curve(name=name, role=roles[name], dose_gy=doses, volume_frac=frac, volume_cc=_volume_cc(result, name))
        for name, frac in zip(names, _volumes(result, first.times_s, names, doses), strict=True)
    ]
    # A thousandth of a second: finer than any afterloader. The hash is that of the plan.json that the page saves.
    times = [None if p is None else p.times_s.round(3) for p in plans]
    data = {
        "axes": [{"label": a.label, "unit": axis_unit(a), "values": a.values.tolist()} for a in front.axes],
        "objective": front.objective,
        "unit": front.unit,
        "value": [p and p.cost.value for p in plans],
        "bound": [p and p.cost.bound for p in plans],
        "total_s": [p and float(p.times_s.sum()) for p in plans],
        "left_out": list(front.left_out),
        "met": [list(p.left_out_met) if p else [False] * len(front.left_out) for p in plans],
        "times_s": [None if t is None else t.tolist() for t in times],
        "hash": [None if t is None else replace(result.plan, times_s=t).digest for t in times],
        "plan": dict(plan),
        "curves": [
            {"rank": k, "name": c.name, "volume_cc": round(c.volume_cc, 4), "gy": doses.tolist()}
            for k, c in enumerate(curves)
        ],
        "volumes": [None if v is None else (1000 * v).round().astype(int).tolist() for v in volumes],
        **_pictures(result, case, styles, prescribed_gy),
    }
    return page(
        "pareto.html.j2",
        title=case.name,
        version=__version__,
        scripts=_SCRIPTS,
        data=data,
        front=front,
        sliders=list(enumerate(front.axes)),
        doubts=doubts_of(warnings),
        dvh=dvh_svg(curves, looks, (), prescribed_gy, gy_max=float(doses[-1])),
        dose_step_gy=float(doses[1]),
        dvh_hint="DVHs of the plan chosen.",
        dvh_legend=[
            {
                "name": c.name,
                "note": f"{c.role}, {c.volume_cc:.1f} cc",
                "colour": look["colour"],
                "dash": " ".join(map(str, look["dash"])),
                "ranks": [k],
            }
            for k, (c, look) in enumerate(zip(curves, looks, strict=True))
        ],
    )


def _names(result: ParetoResult) -> list[str]:
    """Structures whose DVHs are shown: targets, what the axes and the objective speak of, what has a goal."""
    problem = result.problem
    wanted = [
        *(p.structure for p in problem.goals.prescriptions),
        *(axis.structure for axis in result.front.axes),
        problem.healthy or "",
        *(goal.structure for goal in problem.goals.goals),
    ]
    known = set(problem.points.names)
    return [name for name in dict.fromkeys(wanted) if name in known][:_MAXIMUM_CURVES]


def _volume_cc(result: ParetoResult, name: str) -> float:
    points = result.problem.points
    return float(points.volume_cc[points.rows(name)].sum())


def _volumes(result: ParetoResult, times_s: FloatArray, names: Sequence[str], doses_gy: FloatArray) -> FloatArray:
    """Fractions of each structure that receive at least some doses, (n_names, n_doses), at all sample points."""
    points, gy_per_s = result.problem.points, result.problem.rate.gy_per_s
    rows = [points.rows(name) for name in names]
    return np.array([dvh(gy_per_s[r] @ times_s, points.volume_cc[r]).volume_frac_at_gy(doses_gy) for r in rows])


def _pictures(
    result: ParetoResult, case: Case, styles: Mapping[str, LineStyle], prescribed_gy: float
) -> dict[str, Any]:
    """CT, outlines, and the dose rate of every dwell, on three planes through the first CTV."""
    boxes = np.vstack([s.box_mm for s in case.ctvs])
    low, high = boxes.min(axis=0) - _MARGIN_MM, boxes.max(axis=0) + _MARGIN_MM
    focus = case.ctvs[0].centre_mm
    box = np.vstack((low, high))
    points = result.problem.points
    shapes = dict(zip(points.names, points.shapes, strict=True))
    shown = [s for s in case.structures if s.role != "other"]
    return {
        "prescription_gy": prescribed_gy,
        "levels": isodose_levels(prescribed_gy),
        "focus": focus.round(3).tolist(),
        "ct": None if case.ct is None else ct_pack(case.ct, box, box, budget_bytes=1_500_000),
        "structures": structure_data(shown, styles, packed_structures(shown, shapes)),
        "catheters": catheter_data(case.catheters),
        "dwells": [{"at": at.round(2).tolist(), "time_s": 0.0} for at in result.plan.dwells.positions_mm],
        "planes": {name: _plane(result, result.plan.dwells, name, focus, box) for name in VIEWS},
    }


def _plane(result: ParetoResult, dwells: Dwells, name: str, focus: FloatArray, box: FloatArray) -> dict[str, Any]:
    """Dose rates of every dwell on one plane, as whole steps of their logarithm."""
    view = VIEWS[name]
    across, down = (np.arange(box[0, k], box[1, k] + _STEP_MM, _STEP_MM) for k in (view.across, view.down))
    at = np.empty((len(down), len(across), 3))
    at[..., view.across], at[..., view.down], at[..., view.normal] = across, down[:, None], focus[view.normal]
    plan = result.plan
    rate = dose_rate(dwells, at.reshape(-1, 3), plan.source, strength_u=plan.strength_u).gy_per_s.T
    logs = np.log(np.maximum(rate, 1e-12))
    step = max(float(np.ptp(logs)), 1e-6) / 65535
    whole = np.rint((logs - logs.min()) / step).astype("<u2")
    return {
        "across": [float(across[0]), len(across)],
        "down": [float(down[0]), len(down)],
        "at": float(focus[view.normal]),
        "step_mm": _STEP_MM,
        "log_low": float(logs.min()),
        "log_step": step,
        "rates": base64.b64encode(zlib.compress(whole.tobytes(), 6)).decode("ascii"),
    }
