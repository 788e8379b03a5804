"""Phantom lesions for the optimiser: ellipsoids of 2 to 12 cm with parallel catheters, an organ beside, liver around.

Points are laid out analytically: lesion and organ on 1 mm cubes with points on their surfaces, liver on 2 mm cubes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.dose import DoseRate, SamplePoints, dose_rate
from hdrplan.geometry import Dwells
from hdrplan.optimize import PlanProblem
from hdrplan.plan import Goals
from hdrplan.sources import load_source

__all__ = ["Layout", "Lesion", "implant", "lesion", "varied"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One phantom: an ellipsoid with catheters along z, a round organ beside it, liver around it.

    ``shape`` scales the three axes, ``jitter_mm`` and ``tilt_frac`` misplace the catheters. Points of lesion and organ
    are ``point_mm`` apart, those of the liver ``liver_mm``.
    """

    diameter_mm: float
    catheters: int
    step_mm: float = 5.0
    shape: tuple[float, float, float] = (1.0, 1.0, 1.0)
    organ_gap_mm: float = 7.0
    jitter_mm: float = 0.0
    tilt_frac: float = 0.0
    seed: int = 0
    point_mm: float = 1.0
    liver_mm: float = 2.0

    @property
    def radii_mm(self) -> np.ndarray:
        """(3,) half axes of the lesion."""
        return 0.5 * self.diameter_mm * np.asarray(self.shape)


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """Dwells, points and rate matrix of one phantom."""

    name: str
    dwells: Dwells
    points: SamplePoints
    rate: DoseRate

    def problem(self, goals: Goals) -> PlanProblem:
        """Return what an optimiser is asked: these goals, and the least mean liver dose."""
        return PlanProblem(rate=self.rate, points=self.points, goals=goals, healthy="liver")


def _ellipsoid(center, radii, step):
    axes = [np.arange(c - r + step / 2, c + r, step) for c, r in zip(center, radii, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[(((grid - center) / radii) ** 2).sum(axis=1) <= 1.0]


def _surface(center, radii, spacing_mm):
    n = int(4 * np.pi * float(np.max(radii)) ** 2 / spacing_mm**2)
    k = np.arange(n) + 0.5
    polar, turn = np.arccos(1 - 2 * k / n), np.pi * (1 + 5**0.5) * k
    unit = np.stack((np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)), axis=1)
    return center + unit * radii


def implant(layout: Layout) -> Dwells:
    """Return dwells in catheters along z on a sunflower pattern."""
    radii, rng = layout.radii_mm, np.random.default_rng(layout.seed)
    k = np.arange(layout.catheters) + 0.5
    reach, turn = np.sqrt(k / layout.catheters) * 0.78, k * np.pi * (3 - 5**0.5)
    positions, axes, index, offset = [], [], [], []
    for c in range(layout.catheters):
        at = np.array([reach[c] * np.cos(turn[c]) * radii[0], reach[c] * np.sin(turn[c]) * radii[1], 0.0])
        at[:2] += rng.normal(0.0, layout.jitter_mm, 2)
        way = np.array([*rng.normal(0.0, layout.tilt_frac, 2), 1.0]) if layout.tilt_frac else np.array([0.0, 0.0, 1.0])
        way /= np.linalg.norm(way)
        half = radii[2] * np.sqrt(max(0.05, 1 - ((at[:2] / radii[:2]) ** 2).sum()))
        for z in np.arange(half, -half - 1e-9, -layout.step_mm):
            positions.append(at + z * way)
            axes.append(way)
            index.append(c)
            offset.append(half - z)
    return Dwells(
        positions_mm=np.array(positions),
        axes=np.array(axes),
        catheter=np.array(index),
        offset_mm=np.array(offset),
        catheter_names=tuple(f"c{c}" for c in range(layout.catheters)),
    )


def lesion(layout: Layout) -> Lesion:
    """Return one lesion in an implant, beside a round organ."""
    radii, point_mm, zero = layout.radii_mm, layout.point_mm, np.zeros(3)
    dwells = implant(layout)
    organ_radius = 12.0
    organ = np.array([radii[0] + layout.organ_gap_mm + organ_radius, 0.0, 0.0])
    liver = _ellipsoid(zero, radii + 35.0, layout.liver_mm)
    liver = liver[((liver / radii) ** 2).sum(axis=1) > 1.0]
    liver = liver[np.linalg.norm(liver - organ, axis=1) > organ_radius]
    balls = np.full(3, organ_radius)
    parts = [
        ("lesion", "CTV", _ellipsoid(zero, radii, point_mm), _surface(zero, radii, point_mm), point_mm),
        ("duodenum", "OAR", _ellipsoid(organ, balls, point_mm), _surface(organ, balls, 2.0), point_mm),
        ("liver", "OAR", liver, np.zeros((0, 3)), layout.liver_mm),
    ]
    xyz = np.concatenate([np.concatenate((inside, rim)) for _, _, inside, rim, _ in parts])
    volume = np.concatenate(
        [np.r_[np.full(len(inside), h**3 / 1000), np.zeros(len(rim))] for _, _, inside, rim, h in parts]
    )
    points = SamplePoints(
        names=tuple(p[0] for p in parts),
        roles=tuple(p[1] for p in parts),
        start=np.cumsum([0, *(len(p[2]) + len(p[3]) for p in parts)]),
        points_mm=xyz,
        volume_cc=volume,
        on_surface=volume == 0,
        spacing_mm=np.array([p[4] for p in parts]),
        mask_cc=np.array([len(p[2]) * p[4] ** 3 / 1000 for p in parts]),
        method="analytic",
    )
    rate = dose_rate(dwells, points.points_mm, load_source("gammamed-12i"), strength_u=40700.0)
    name = f"{layout.diameter_mm:g} mm, {layout.catheters} catheters"
    return Lesion(name=name, dwells=dwells, points=points, rate=rate)


def varied(n: int = 24) -> list[Layout]:
    """Return ``n`` lesions of 2 to 12 cm, all different."""
    rng = np.random.default_rng(2024)
    return [
        Layout(
            diameter_mm=round(float(diameter), 1),
            catheters=int(np.clip(round((diameter / 22.0) ** 1.5), 1, 14)),
            shape=tuple(np.round(rng.uniform(0.8, 1.1, 3), 2).tolist()),
            organ_gap_mm=round(float(rng.uniform(4.0, 15.0)), 1),
            jitter_mm=2.0,
            tilt_frac=0.08,
            seed=seed,
        )
        for seed, diameter in enumerate(np.linspace(20.0, 120.0, n))
    ]
