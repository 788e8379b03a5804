"""A small trunk made by formulas: air, body, liver with a dark lesion, stomach, rib, vessel; for tests of `prepare`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdrplan.geometry import Grid, Structure, Volume

GRID = Grid(shape_zyx=(40, 70, 80), origin_mm=np.array([-80.0, -70.0, 10.0]), spacing_mm=np.array([2.0, 2.0, 3.0]))
LESION_MM, LESION_RADIUS_MM = np.array([-20.0, -5.0, 70.0]), 14.0
HU = {"liver": 60.0, "lesion": 15.0, "stomach": 20.0, "rib_right_9": 600.0, "liver_vessels": 150.0}


def points_mm() -> np.ndarray:
    nz, ny, nx = GRID.shape_zyx
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    return GRID.world(np.stack((x, y, z), axis=-1).reshape(-1, 3))


def masks() -> dict[str, np.ndarray]:
    """Masks of the structures; the lesion is a hole of the liver."""
    at = points_mm()

    def ellipsoid(centre: tuple[float, float, float], *axes: float) -> np.ndarray:
        return (((at - centre) / axes) ** 2).sum(axis=1) <= 1.0

    lesion = np.linalg.norm(at - LESION_MM, axis=1) <= LESION_RADIUS_MM
    liver = ellipsoid((-15.0, 0.0, 70.0), 45.0, 40.0, 45.0)
    vessel = ellipsoid((-30.0, 18.0, 70.0), 4.0, 4.0, 30.0)
    flat = {
        "liver": liver & ~lesion & ~vessel,
        "lesion": lesion,
        "stomach": ellipsoid((52.0, -10.0, 70.0), 20.0, 20.0, 25.0),
        "rib_right_9": ellipsoid((-66.0, 0.0, 60.0), 4.0, 14.0, 4.0),
        "liver_vessels": vessel,
    }
    return {name: mask.reshape(GRID.shape_zyx) for name, mask in flat.items()}


def ct() -> Volume:
    at = points_mm()
    body = ((at[:, 0] / 76.0) ** 2 + (at[:, 1] / 62.0) ** 2 <= 1.0).reshape(GRID.shape_zyx)
    hu = np.where(body, 0.0, -1000.0)
    for name, mask in masks().items():
        hu[mask] = HU[name]
    noise = np.random.default_rng(5).normal(0.0, 8.0, GRID.shape_zyx)
    return Volume(GRID, np.rint(hu + noise * body).astype(np.int16))


def structures() -> tuple[Structure, ...]:
    return tuple(Structure(name=name, role="other", grid=GRID, mask_zyx=mask) for name, mask in masks().items())


def write_labels(path: Path, names: list[str]) -> dict[str, int]:
    """Write a label map of these structures; return their labels."""
    from hdrplan.io import write_volume

    labels = {name: k + 1 for k, name in enumerate(names)}
    values = np.zeros(GRID.shape_zyx, dtype=np.uint8)
    for name, label in labels.items():
        values[masks()[name]] = label
    write_volume(path, Volume(GRID, values))
    return labels
