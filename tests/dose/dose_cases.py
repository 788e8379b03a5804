"""Sources and dwells that the tests of this room share."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Dwells, Grid
from hdrplan.sources.model import Capsule, TG43Source


def invented_source() -> TG43Source:
    """A source whose F differs between tip and cable by a factor, so that a flipped axis cannot hide."""
    r_mm = np.array([2.0, 5.0, 10.0, 30.0, 60.0, 100.0])
    theta = np.deg2rad([0.0, 5.0, 20.0, 60.0, 90.0, 130.0, 165.0, 180.0])
    f = np.outer(np.array([0.62, 0.7, 0.88, 0.98, 1.0, 0.96, 0.7, 0.4]), np.ones(6))
    f += 0.02 * np.outer(np.cos(theta) ** 2, np.log(r_mm / 10.0))
    return TG43Source(
        name="invented",
        model="invented",
        manufacturer="nobody",
        kind="user",
        citation="none: made for tests",
        provenance="tests/dose/dose_cases.py",
        dose_rate_constant_gy_per_s_per_u=1.11 / 3600.0 / 100.0,
        active_length_mm=3.5,
        radial_r_mm=np.array([0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 80.0, 100.0]),
        radial_dose=np.array([0.99, 0.993, 0.997, 1.0, 1.004, 0.99, 0.95, 0.91]),
        anisotropy_r_mm=r_mm,
        anisotropy_theta_rad=theta,
        anisotropy=f,
        anisotropy_filled=np.zeros(f.shape, dtype=bool),
        table_r_max_mm=100.0,
        half_life_days=73.83,
        capsule=Capsule(radius_mm=0.5, tip_z_mm=2.6, cable_z_mm=-2.3, cable_radius_mm=0.5),
    )


def one_dwell(axis: tuple[float, float, float] = (0.0, 0.0, 1.0)) -> Dwells:
    """One dwell at the origin."""
    return Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([axis]),
        catheter=np.zeros(1, dtype=int),
        offset_mm=np.zeros(1),
        catheter_names=("a",),
    )


def some_dwells(n: int = 12, seed: int = 1) -> Dwells:
    """Dwells in a 4 cm cube that point anywhere."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(n, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    catheter = np.sort(rng.integers(0, 3, n))
    return Dwells(
        positions_mm=rng.uniform(-20.0, 20.0, (n, 3)),
        axes=axes,
        catheter=catheter,
        offset_mm=np.arange(n) * 5.0,
        catheter_names=("a", "b", "c"),
    )


def hard_points(n: int = 40, seed: int = 4) -> np.ndarray:
    """Points round a dwell at the origin that points along +z: wherever formulas and tables have an end.

    On the axis, near it on both sides, inside the capsule, at its ends, beyond the table, and anywhere.
    """
    rng = np.random.default_rng(seed)
    z = np.concatenate([np.geomspace(2.8, 250.0, n), -np.geomspace(2.8, 250.0, n)])
    away = np.array([0.0, 1e-9, 1e-3, 0.2, 1.0])
    near_axis = np.stack([np.tile(away, len(z) // 5), np.zeros(len(z)), z], axis=1)
    capsule = np.stack([rng.uniform(0.0, 0.7, n), np.zeros(n), rng.uniform(-3.0, 3.5, n)], axis=1)
    direction = rng.normal(size=(4 * n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.concatenate([near_axis, capsule, direction * np.geomspace(0.6, 400.0, 4 * n)[:, None], np.zeros((1, 3))])


def oblique_grid() -> Grid:
    """A small grid along no patient axis."""
    direction, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    return Grid(shape_zyx=(9, 14, 21), origin_mm=[-31.0, -12.0, 7.0], spacing_mm=[2.0, 3.0, 5.0], direction=direction)
