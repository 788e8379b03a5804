"""Phantom lesions for the optimiser: ellipsoids of 2 to 12 cm with parallel catheters, an organ beside, liver around.

Points are laid out analytically: lesion and organ on 1 mm cubes with points on their surfaces, liver on 2 mm cubes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.dose import DoseRate, SamplePoints, dose_rate
from hdrplan.geometry import Dwells
from hdrplan.sources import load_source

__all__ = ["Lesion", "implant", "lesion", "varied"]


@dataclass(frozen=True)
class Lesion:
    """Dwells, points and rate matrix of one phantom."""

    name: str
    dwells: Dwells
    points: SamplePoints
    rate: DoseRate


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


def implant(
    radii: np.ndarray, catheters: int, *, step_mm: float, jitter_mm: float, tilt_frac: float, seed: int
) -> Dwells:
    """Dwells in catheters along z on a sunflower pattern; ``jitter_mm`` and ``tilt_frac`` misplace them."""
    rng = np.random.default_rng(seed)
    k = np.arange(catheters) + 0.5
    reach, turn = np.sqrt(k / catheters) * 0.78, k * np.pi * (3 - 5**0.5)
    positions, axes, index, offset = [], [], [], []
    for c in range(catheters):
        at = np.array([reach[c] * np.cos(turn[c]) * radii[0], reach[c] * np.sin(turn[c]) * radii[1], 0.0])
        at[:2] += rng.normal(0.0, jitter_mm, 2)
        way = np.array([*rng.normal(0.0, tilt_frac, 2), 1.0]) if tilt_frac else np.array([0.0, 0.0, 1.0])
        way /= np.linalg.norm(way)
        half = radii[2] * np.sqrt(max(0.05, 1 - ((at[:2] / radii[:2]) ** 2).sum()))
        for z in np.arange(half, -half - 1e-9, -step_mm):
            positions.append(at + z * way)
            axes.append(way)
            index.append(c)
            offset.append(half - z)
    return Dwells(
        positions_mm=np.array(positions),
        axes=np.array(axes),
        catheter=np.array(index),
        offset_mm=np.array(offset),
        catheter_names=tuple(f"c{c}" for c in range(catheters)),
    )


def lesion(
    diameter_mm: float,
    *,
    catheters: int,
    step_mm: float = 5.0,
    shape: tuple[float, float, float] = (1.0, 1.0, 1.0),
    organ_gap_mm: float = 7.0,
    liver_mm: float = 2.0,
    point_mm: float = 1.0,
    jitter_mm: float = 0.0,
    tilt_frac: float = 0.0,
    seed: int = 0,
    source: str = "gammamed-12i",
) -> Lesion:
    """One lesion in an implant, beside a round organ."""
    radii = 0.5 * diameter_mm * np.asarray(shape)
    dwells = implant(radii, catheters, step_mm=step_mm, jitter_mm=jitter_mm, tilt_frac=tilt_frac, seed=seed)
    zero = np.zeros(3)
    organ_radius = 12.0
    organ = np.array([radii[0] + organ_gap_mm + organ_radius, 0.0, 0.0])
    liver = _ellipsoid(zero, radii + 35.0, liver_mm)
    liver = liver[((liver / radii) ** 2).sum(axis=1) > 1.0]
    liver = liver[np.linalg.norm(liver - organ, axis=1) > organ_radius]
    balls = np.full(3, organ_radius)
    parts = [
        ("lesion", "CTV", _ellipsoid(zero, radii, point_mm), _surface(zero, radii, point_mm), point_mm),
        ("duodenum", "OAR", _ellipsoid(organ, balls, point_mm), _surface(organ, balls, 2.0), point_mm),
        ("liver", "OAR", liver, np.zeros((0, 3)), liver_mm),
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
    rate = dose_rate(dwells, points.points_mm, load_source(source), strength_u=40700.0)
    return Lesion(f"{diameter_mm:g} mm, {catheters} catheters", dwells, points, rate)


def varied(n: int = 24) -> list[dict]:
    """Arguments of :func:`lesion` for ``n`` lesions of 2 to 12 cm, all different."""
    rng = np.random.default_rng(2024)
    cases = []
    for diameter in np.linspace(20.0, 120.0, n):
        cases.append(
            {
                "diameter_mm": round(float(diameter), 1),
                "catheters": int(np.clip(round((diameter / 22.0) ** 1.5), 1, 14)),
                "shape": tuple(np.round(rng.uniform(0.8, 1.1, 3), 2).tolist()),
                "organ_gap_mm": round(float(rng.uniform(4.0, 15.0)), 1),
                "jitter_mm": 2.0,
                "tilt_frac": 0.08,
                "seed": len(cases),
            }
        )
    return cases
