"""Small cases for the optimiser: inverse-square sources in a sphere, an organ beside it."""

from __future__ import annotations

import numpy as np
from check_certificate import check_certificate

from hdrplan import optimize
from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.optimize import Optimum, PlanProblem
from hdrplan.plan import Goals, Prescription, parse_goal

__all__ = ["CANDIDATES", "candidates_case", "case", "fewest_dwells", "goal", "goals", "optimize_times", "problem"]

# Catheters to choose from in the small cases of placement: every subset of three can be solved by itself.
CANDIDATES = 8


def ball(center, radius, step):
    n = int(np.ceil(radius / step))
    axis = np.arange(-n, n + 1) * step
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[np.linalg.norm(grid, axis=1) <= radius] + np.asarray(center, dtype=float)


def shell(center, radius, n):
    """Spread n points evenly over a sphere (Fibonacci lattice)."""
    k = np.arange(n) + 0.5
    polar, turn = np.arccos(1 - 2 * k / n), np.pi * (1 + 5**0.5) * k
    unit = np.stack((np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)), axis=1)
    return np.asarray(center, dtype=float) + radius * unit


def case(*, radius=15.0, organ_gap=4.0, step=3.0, n_catheters=4, seed=1, lesions=1):
    """CTV spheres, a round organ beside the first, healthy tissue around; (rate, points, dwell positions)."""
    rng = np.random.default_rng(seed)
    centers = [np.array([k * 3.2 * radius, 0.0, 0.0]) for k in range(lesions)]
    dwells = []
    for center in centers:
        for _ in range(n_catheters):
            x, y = rng.uniform(-0.55, 0.55, 2) * radius
            dwells += [center + np.array([x, y, z]) for z in np.arange(-radius, radius + 0.1, 5.0)]
    dwells = np.array(dwells)
    organ_radius = 8.0
    organ = np.array([-(radius + organ_gap + organ_radius), 0.0, 0.0])
    liver = ball(centers[0], 2.5 * radius, 2 * step)
    inside = np.zeros(len(liver), dtype=bool)
    for center in centers:
        inside |= np.linalg.norm(liver - center, axis=1) <= radius
    inside |= np.linalg.norm(liver - organ, axis=1) <= organ_radius
    parts, names, roles = [], [], []
    for k, center in enumerate(centers):
        parts.append((ball(center, radius, step), step, shell(center, radius, 300)))
        names.append(f"lesion{k + 1}")
        roles.append("CTV")
    parts.append((ball(organ, organ_radius, step / 2), step / 2, shell(organ, organ_radius, 150)))
    parts.append((liver[~inside], 2 * step, np.zeros((0, 3))))
    names += ["duodenum", "liver"]
    roles += ["OAR", "OAR"]
    xyz = np.concatenate([np.concatenate((a, b)) for a, _, b in parts])
    volume = np.concatenate([np.r_[np.full(len(a), h**3 / 1000), np.zeros(len(b))] for a, h, b in parts])
    surface = np.concatenate([np.r_[np.zeros(len(a), bool), np.ones(len(b), bool)] for a, _, b in parts])
    start = np.cumsum([0, *(len(a) + len(b) for a, _, b in parts)])
    points = SamplePoints(
        names=tuple(names),
        roles=tuple(roles),
        start=start,
        points_mm=xyz,
        volume_cc=volume,
        on_surface=surface,
        spacing_mm=np.array([h for _, h, _ in parts]),
        mask_cc=np.array([len(a) * h**3 / 1000 for a, h, _ in parts]),
        method="test",
    )
    # 10 Ci give about 1.2 Gy/s at 1 cm: 0.012 Gy/s at 100 mm^2 is 4000 U per cm; capped at the capsule's wall.
    far2 = np.maximum(((xyz[:, None, :] - dwells[None, :, :]) ** 2).sum(axis=2), 0.5**2)
    return DoseRate(12.6 / far2, np.zeros(len(xyz), bool)), points, dwells


def candidates_case(seed):
    """A lesion with more catheters than it needs; (rate, points, catheter of each dwell)."""
    rate, points, dwells = case(n_catheters=CANDIDATES, seed=seed, step=5.0)
    return rate, points, np.repeat(np.arange(CANDIDATES), len(dwells) // CANDIDATES)


def goal(structure, text, level=0):
    return parse_goal(text, structure=structure, source="test", level=level)


def goals(*listed, dose_gy=20.0, lesions=1):
    return Goals(tuple(Prescription(f"lesion{k + 1}", dose_gy) for k in range(lesions)), tuple(listed))


def problem(rate, points, wanted, **rest):
    return PlanProblem(rate=rate, points=points, goals=wanted, **rest)


def optimize_times(asked: PlanProblem, **limits) -> Optimum:
    """Optimise, and prove everything claimed again."""
    optimum = optimize.optimize_times(asked, **limits)
    check_certificate(asked, optimum)
    return optimum


def fewest_dwells(asked: PlanProblem, **options) -> Optimum:
    """Leave out dwells, and prove everything claimed again."""
    optimum = optimize.fewest_dwells(asked, **options)
    check_certificate(asked, optimum)
    return optimum
