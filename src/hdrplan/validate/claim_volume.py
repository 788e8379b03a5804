"""A hard D1cc, which is not convex: plan and bound against an integer program over the same points."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from hdrplan.arrays import FloatArray
from hdrplan.dose import SamplePoints, dose_rate
from hdrplan.geometry import Dwells
from hdrplan.optimize import PlanProblem, WorkLimit, optimize_times
from hdrplan.plan import Goals, Prescription, parse_goal
from hdrplan.sources import load_source
from hdrplan.validate.claim_grids import needles
from hdrplan.validate.naive_tg43 import rates
from hdrplan.validate.own_metrics import dose_at_cc
from hdrplan.validate.row import Aim, Question, Row, judged, skipped

__all__ = ["volume_limit_rows"]

_SECTION = "Claims of a plan"
_STRENGTH_U, _GY, _LONGEST_S, _CC = 40700.0, 20.0, 600.0, 1.0
# Parts of the D1cc that the plan without the limit has: a limit that binds, and one that binds hard.
_LIMITS = (0.98, 0.96)
# Regions of plans that the proof may look at, and gap to which the integer program runs.
_REGIONS, _MILP_FRAC = 5_000, 1e-4
# What such a proof may leave open, and the gap of the integer program with its tolerances.
_APART_PCT, _SAME_PCT = 0.3, 0.02


def volume_limit_rows() -> list[Row]:
    """Plan a lesion beside an organ with a limit on D1cc, and solve the same as an integer program."""
    dwells = needles(3, 7)
    points = _points(dwells)
    source = load_source()
    rate = dose_rate(dwells, points.points_mm, source, strength_u=_STRENGTH_U)
    plain = rates(dwells, points.points_mm, source, _STRENGTH_U)
    prescription = (Prescription("lesion", _GY),)
    free = optimize_times(
        PlanProblem(rate=rate, points=points, goals=Goals(prescription), healthy="body", max_time_s=_LONGEST_S)
    )
    organ = points.rows("organ")
    free_gy = dose_at_cc(plain[organ] @ free.times_s, points.volume_cc[organ], _CC)
    rows = []
    for fraction in _LIMITS:
        limit_gy = fraction * free_gy
        goal = parse_goal(f"D1cc <= {limit_gy:.4f} Gy", structure="organ", source="chosen for this comparison")
        problem = PlanProblem(
            rate=rate, points=points, goals=Goals(prescription, (goal,)), healthy="body", max_time_s=_LONGEST_S
        )
        main = optimize_times(problem, proof=WorkLimit(steps=_REGIONS)).certificate.main
        rows += _compared(points, plain, goal.value, (main.value, main.bound))
    return rows


def _points(dwells: Dwells) -> SamplePoints:
    """Return coarse points: the surface of a lesion, an organ in cubes of 6 mm, the body in cubes of 10 mm."""
    middle = dwells.positions_mm.mean(axis=0)
    rng = np.random.default_rng(12)
    way = rng.normal(size=(150, 3))
    lesion = middle + 13.0 * way / np.linalg.norm(way, axis=1)[:, None]
    organ, body = _ball(middle + np.array([0.0, 23.0, 0.0]), 12.0, 6.0), _ball(middle, 40.0, 10.0)
    structures_mm = (lesion, organ, body)
    volume_cc = np.concatenate((np.full(len(lesion), 0.05), np.full(len(organ), 0.216), np.full(len(body), 1.0)))
    return SamplePoints(
        names=("lesion", "organ", "body"),
        roles=("CTV", "OAR", "OAR"),
        start=np.cumsum([0, *(len(points_mm) for points_mm in structures_mm)]),
        points_mm=np.concatenate(structures_mm),
        volume_cc=volume_cc,
        on_surface=np.zeros(len(volume_cc), dtype=np.bool_),
        spacing_mm=np.array([3.0, 6.0, 10.0]),
        mask_cc=np.array([volume_cc[: len(lesion)].sum(), 0.216 * len(organ), float(len(body))]),
        method="coarse, for an integer program",
    )


def _ball(middle_mm: FloatArray, radius_mm: float, edge_mm: float) -> FloatArray:
    side = np.arange(-radius_mm, radius_mm + 1.0, edge_mm)
    cubes = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    return np.asarray(middle_mm + cubes[np.linalg.norm(cubes, axis=1) <= radius_mm])


def _compared(points: SamplePoints, plain: FloatArray, limit_gy: float, ours: tuple[float, float]) -> list[Row]:
    """Solve the integer program; ``ours`` are the mean dose of the plan and its bound."""
    value, bound = ours
    ctv, organ, body = (plain[points.rows(name)] for name in points.names)
    volume_cc = points.volume_cc[points.rows("organ")]
    n, k = plain.shape[1], len(organ)
    mean = points.volume_cc[points.rows("body")] @ body / points.volume_cc[points.rows("body")].sum()
    # A point may exceed the limit if it is counted; those counted have less than 1 cc. No point is above 10 limits.
    solved = milp(
        np.concatenate((mean, np.zeros(k))),
        integrality=np.concatenate((np.zeros(n), np.ones(k))),
        bounds=Bounds(0.0, np.concatenate((np.full(n, _LONGEST_S), np.ones(k)))),
        constraints=[
            LinearConstraint(np.pad(ctv, ((0, 0), (0, k))), lb=_GY),
            LinearConstraint(np.concatenate((organ, -9.0 * limit_gy * np.eye(k)), axis=1), ub=limit_gy),
            LinearConstraint(np.concatenate((np.zeros(n), volume_cc))[None], ub=_CC - 0.25 * volume_cc.min()),
        ],
        options={"mip_rel_gap": _MILP_FRAC, "node_limit": 50_000},
    )
    subject = f"D1cc <= {limit_gy:.2f} Gy, {k} points and {n} dwells"
    source = "integer program over the same points, SciPy milp (HiGHS), TG-43 written plainly"
    if solved.x is None:
        return [
            skipped(Question(section=_SECTION, what=subject, source=source), why="The integer program found no plan.")
        ]
    compared = [
        (f"{subject}: bound {bound:.5g} Gy, integer plan {solved.fun:.5g} Gy",
         "by how much the integer program's plan lies below the proven bound", bound - solved.fun, _SAME_PCT),
        (f"{subject}: plan {value:.5g} Gy, integer bound {solved.mip_dual_bound:.5g} Gy",
         "by how much the plan lies below the integer program's bound", solved.mip_dual_bound - value, _SAME_PCT),
        (f"{subject}: gap of the plan", "distance of plan and proven bound", value - bound, _APART_PCT),
    ]  # fmt: skip
    return [
        judged(
            Question(section=_SECTION, what=name, source=source, method=method),
            100 * max(0.0, off) / value,
            Aim(value=aim),
        )
        for name, method, off, aim in compared
    ]
