"""What a plan amounts to: metrics of every structure, goals reached, and how sure the figures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from hdrplan.arrays import FloatArray
from hdrplan.dose import MAX_POINTS, SamplePoints, dose_at_points, hot_doses, sample_points
from hdrplan.geometry import Structure, Volume
from hdrplan.metrics import (
    DVH,
    conformal_index,
    d100_sampling,
    dvh,
    healthy_tissue_conformity_index,
    metric_value,
    organ_metrics,
    pitv,
    target_metrics,
)
from hdrplan.plan import Goal, Goals, Metric, Plan
from hdrplan.sources import TG43Source

__all__ = ["GoalResult", "Score", "check_sampling", "evaluate", "isodose_error_cc"]

# Spacing of the points that check D100, over the spacing planned on: no multiple, so that few points coincide.
_OTHER_SPACING = 0.8
_HOT_CC = np.array([0.1, 1.0, 2.0])


@dataclass(frozen=True, slots=True)
class GoalResult:
    """One prescription or goal, and what the plan reaches."""

    structure: str
    text: str
    sense: str
    value: float
    reached: float
    unit: str
    met: bool
    level: int
    source: str


@dataclass(frozen=True, slots=True)
class Score:
    """Metrics of every structure, and every goal with what was reached.

    Parameters
    ----------
    structures : dict
        ``{name: {"role": ..., "volume_cc": ..., "d100_gy": ..., ...}}``; units stand in the keys.
    goals : tuple of GoalResult
        Prescriptions first.
    """

    structures: dict[str, dict[str, float | str]]
    goals: tuple[GoalResult, ...]


def evaluate(
    dose_gy: npt.ArrayLike,
    points: SamplePoints,
    goals: Goals,
    *,
    dose: Volume | None = None,
    total_time_s: float = float("nan"),
) -> Score:
    """Metrics of every structure and the goals reached, from the doses at the sample points.

    Parameters
    ----------
    dose_gy : (n_points,) array
    points : SamplePoints
    goals : Goals
    dose : Volume, optional
        Gy on a grid: the conformity indices need the volume inside the prescription isodose in all tissue.
    total_time_s : float
        For goals on the plan's time.

    Raises
    ------
    InputError
        A CTV without prescription, a goal on a structure without points.
    """
    doses = np.asarray(dose_gy, dtype=np.float64)
    curves = {name: dvh(doses[points.rows(name)], points.volume_cc[points.rows(name)]) for name in points.names}
    ctvs = [curves[name] for name, role in zip(points.names, points.roles, strict=True) if role == "CTV"]
    structures: dict[str, dict[str, float | str]] = {}
    for name, role in zip(points.names, points.roles, strict=True):
        entry: dict[str, float | str] = {"role": role, "volume_cc": curves[name].volume_cc}
        if role == "CTV":
            prescribed_gy = goals.prescription_gy(name)
            entry |= {"prescription_gy": prescribed_gy} | target_metrics(curves[name], prescribed_gy)
            sampling = d100_sampling(doses[points.rows(name)], points.volume_cc[points.rows(name)])
            entry |= {"d100_inside_gy": sampling.inside_gy, "d100_sampling_gy": sampling.sensitivity_gy}
            if dose is not None:
                entry |= _conformity(ctvs, prescribed_gy, dose)
        entry |= {key: value for key, value in organ_metrics(curves[name]).items() if key not in entry}
        structures[name] = entry
    wanted = [
        Goal(p.structure, Metric("dose_at_frac", 1.0, "Gy", "D100"), ">=", p.dose_gy, 0, "prescription")
        for p in goals.prescriptions
    ]
    results = tuple(_reached(goal, curves, goals, total_time_s, structures) for goal in (*wanted, *goals.goals))
    return Score(structures, results)


def check_sampling(
    score: Score,
    points: SamplePoints,
    ctvs: Sequence[Structure],
    plan: Plan,
    source: TG43Source,
    sample_mm: float,
) -> None:
    """Ask for D100 and the organs' doses again at points that the optimiser never saw, and note the differences.

    An optimum touches the prescription at many of its own points: leaving half of them out changes nothing, other
    points lie colder. Organs are asked for their hottest volumes in cubes that become smaller until nothing changes
    (:mod:`hdrplan.dose.hottest`); what that still errs is added to the difference.
    """
    used = plan.times_s > 0
    if not used.any():
        return

    def dose_gy(at_mm: FloatArray) -> FloatArray:
        return dose_at_points(plan.dwells, plan.times_s, at_mm, source, strength_u=plan.strength_u).gy

    others = sample_points(ctvs, spacing_mm=_OTHER_SPACING * sample_mm, max_points=2 * MAX_POINTS) if ctvs else None
    if others is not None:
        at_others = dose_gy(others.points_mm)
        for name in others.names:
            entry, other_gy = score.structures[name], float(at_others[others.rows(name)].min())
            entry |= {"d100_other_points_gy": other_gy, "d100_sampling_gy": abs(float(entry["d100_gy"]) - other_gy)}
    dwells = cKDTree(plan.dwells.positions_mm[used])
    for name, role, shape in zip(points.names, points.roles, points.shapes, strict=True):
        if role != "CTV":
            entry = score.structures[name]
            found = hot_doses(shape, _HOT_CC, dose_gy, lambda at_mm: np.asarray(dwells.query(at_mm)[0]))
            for key, gy, error_gy in zip(("d0_1cc", "d1cc", "d2cc"), found.dose_gy, found.error_gy, strict=True):
                if np.isfinite(gy) and np.isfinite(float(entry[f"{key}_gy"])):
                    entry |= {f"{key}_sampling_gy": abs(float(entry[f"{key}_gy"]) - gy) + error_gy}


def isodose_error_cc(dose: Volume, prescribed_gy: float) -> float:
    """Uncertainty of an isodose's volume on the grid: each voxel at its surface is in or out by chance.

    A voxel cut at a place that is even over its edge errs by its volume / sqrt(12). The grid's own doses, within 0.1 %,
    add the volume between 0.999 and 1.001 of the prescription.
    """
    inside = dose.values_zyx >= prescribed_gy
    surface = sum(
        int(np.count_nonzero(inside.take(range(1, n), axis) != inside.take(range(n - 1), axis)))
        for axis, n in enumerate(inside.shape)
        if n > 1
    )
    low, high = (int((dose.values_zyx >= part * prescribed_gy).sum()) for part in (1.001, 0.999))
    return dose.grid.voxel_cc * (float(np.sqrt(surface / 12.0)) + (high - low) / 2.0)


def _conformity(ctvs: list[DVH], prescribed_gy: float, dose: Volume) -> dict[str, float]:
    """COIN, CI, HTCI and PITV of all CTVs together, at one prescription; the isodose's volume comes from the grid.

    One CTV alone would be charged with the isodoses of the others.
    """
    isodose_cc = float((dose.values_zyx >= prescribed_gy).sum()) * dose.grid.voxel_cc
    covered_cc = sum(float(curve.volume_at_gy(prescribed_gy)) for curve in ctvs)
    target_cc = sum(curve.volume_cc for curve in ctvs)
    # The grid and the points round the isodose differently; the part of the target inside it is inside it.
    isodose_cc = max(isodose_cc, covered_cc)
    return {
        "coin": conformal_index(covered_cc, target_cc, isodose_cc),
        "ci": covered_cc / target_cc,
        "htci": healthy_tissue_conformity_index(covered_cc, isodose_cc),
        "pitv": pitv(isodose_cc, target_cc),
        "isodose_cc": isodose_cc,
        "isodose_error_cc": isodose_error_cc(dose, prescribed_gy),
    }


def _reached(
    goal: Goal,
    curves: dict[str, DVH],
    goals: Goals,
    total_time_s: float,
    structures: dict[str, dict[str, float | str]],
) -> GoalResult:
    metric = goal.metric
    if metric.kind == "total_time":
        reached = total_time_s
    elif metric.kind == "conformity":
        # Without a dose on a grid the isodose's volume is not known.
        key = {"CN": "coin"}.get(metric.text, metric.text.lower())
        reached = float(structures[goal.structure].get(key, np.nan))
    else:
        prescribed_gy = {p.structure: p.dose_gy for p in goals.prescriptions}.get(goal.structure)
        reached = metric_value(
            curves[goal.structure], metric.kind, metric.at, unit=metric.unit, prescription_gy=prescribed_gy
        )
    # A millionth of the limit: the tolerance that the certificate states for every row.
    slack = 1e-6 * abs(goal.value)
    met = reached >= goal.value - slack if goal.sense == ">=" else reached <= goal.value + slack
    return GoalResult(
        goal.structure, goal.text, goal.sense, goal.value, reached, metric.unit, met, goal.level, goal.source
    )
