"""Invented sources, dwells and points for the kernels: wherever formulas and tables have an end."""

from __future__ import annotations

import numpy as np

from hdrplan.arrays import frozen
from hdrplan.kernels.tg43 import Tables
from naive import tg43 as naive

Rng = np.random.Generator


def invented_tables(rng: Rng, *, odd: bool = False, even: bool = False) -> Tables:
    """A source that nobody sells: g, F, blanks and capsule at random.

    Angles are whole degrees and radii 1/64 of an octave, as published ones are; ``odd`` puts both anywhere. ``even``
    leaves g and F at 1.
    """
    length = float(rng.uniform(1.0, 5.0))
    octave = np.arange(1.0, 6.6, 0.5) + (rng.uniform(0.0, 0.4, 12) if odd else 0.0)
    grid_mm = 2.0**octave if odd else np.round(64 * 2.0 ** (octave % 1)) / 64 * 2.0 ** np.floor(octave)
    degrees = np.concatenate(([0.0], np.sort(rng.choice(np.arange(2, 178), 9, replace=False)), [180.0]))
    if odd:
        degrees[1:-1] += rng.uniform(-0.4, 0.4, 9)
    g_r, f_r = (np.sort(rng.choice(grid_mm, n, replace=False)) for n in (8, 5))
    if odd and rng.random() < 0.5:
        g_r = g_r[:4]  # F reaches farther, where g goes on as an exponential
    theta = np.deg2rad(degrees)
    # As smooth as real ones: towards the axis F falls to a third.
    f = 1.0 - rng.uniform(0.1, 0.6) * np.cos(theta)[:, None] ** 8 * rng.uniform(0.8, 1.0, len(f_r))
    g = rng.uniform(0.95, 1.02, len(g_r))
    radius = float(rng.uniform(0.3, 0.7))
    return Tables(
        scale=float(1.1 / 3.6e5 / naive.geometry_factor(0.0, 10.0, length)),
        length_mm=length,
        g_r_mm=frozen(g_r),
        g=frozen(np.ones(len(g_r)) if even else g),
        f_r_mm=frozen(f_r),
        f_theta_rad=frozen(theta),
        f=frozen(np.ones_like(f) if even else f),
        near_mm=float(max(g_r[0], f_r[0])),
        far_mm=float(min(g_r[-1], f_r[-1])),
        unpublished=frozen(rng.random((len(theta) - 1, len(f_r) - 1)) < 0.1, np.bool_),
        capsule_radius_mm=radius,
        capsule_low_mm=-length / 2 - radius,
        capsule_high_mm=length / 2 + float(rng.uniform(radius, 1.5)),
    )


def some_dwells(rng: Rng, n: int, half_mm: float = 15.0) -> tuple[np.ndarray, np.ndarray]:
    """Positions in a cube, axes anywhere; read-only."""
    axes = rng.normal(size=(n, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return frozen(rng.uniform(-half_mm, half_mm, (n, 3))), frozen(axes)


def hard_places(rng: Rng, t: Tables, n: int = 40) -> np.ndarray:
    """(along, away) round one dwell, n of each kind: the axis, close to it, the capsule, near, far, beyond the tables.

    Not within a nanometre of the capsule's wall, where roundoff tells in from out.
    """
    side = rng.choice([-1.0, 1.0], n)
    on_axis = np.stack((side * np.geomspace(t.capsule_high_mm + 1.0, 300.0, n), np.zeros(n)), axis=1)
    close = np.stack((on_axis[:, 0], 10.0 ** rng.uniform(-9, 0, n)), axis=1)
    capsule = np.stack((rng.uniform(-3.0, 3.0, n), rng.uniform(0.0, 1.2, n)), axis=1)
    r_mm, theta = np.geomspace(1.0, 400.0, 2 * n), rng.uniform(0.0, np.pi, 2 * n)
    anywhere = np.stack((r_mm * np.cos(theta), r_mm * np.sin(theta)), axis=1)
    places = np.concatenate((on_axis, close, capsule, anywhere, np.zeros((1, 2))))
    # No place in front of a core's end and outside the capsule: the dose there has no meaning and no digits.
    outside = np.hypot(np.maximum(np.abs(places[:, 0]) - t.length_mm / 2, 0.0), places[:, 1]) > 0.25
    inside = (places[:, 1] < t.capsule_radius_mm - 1e-6) & (places[:, 0] > t.capsule_low_mm + 1e-6)
    inside &= places[:, 0] < t.capsule_high_mm - 1e-6
    return np.asarray(places[outside | inside])


def points_of(places: np.ndarray, position: np.ndarray, axis: np.ndarray, rng: Rng) -> np.ndarray:
    """LPS points at these places of a dwell, turned round its axis at random."""
    across = np.cross(axis, rng.normal(size=(len(places), 3)))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return frozen(position + places[:, :1] * axis + places[:, 1:] * across)
