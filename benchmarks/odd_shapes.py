"""Structures with thin walls, corners, tips and several parts, on voxels of all proportions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hdrplan.geometry import Grid, Structure

# Voxel edges x, y, z in mm: cubes, the clinic's slices, the slice axis in front, and three that differ.
SPACINGS_MM = (
    (1.0, 1.0, 1.0),
    (0.6, 0.6, 0.8),
    (1.0, 1.0, 2.5),
    (0.8, 0.8, 5.0),
    (5.0, 1.0, 1.0),
    (0.6, 5.0, 5.0),
    (1.0, 2.0, 4.0),
)

_Mask = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

# Of x, y, z in mm from the middle; none reaches farther than 18 mm.
FORMS: dict[str, _Mask] = {
    "plate": lambda x, y, z: (abs(x) < 15) & (abs(y) < 15) & (abs(z) <= 2.6),
    "tilted plate": lambda x, y, z: (abs(x) < 14) & (abs(y) < 14) & (abs(z + 0.5 * x + 0.2 * y) <= 1.2),
    "horseshoe": lambda x, y, z: ((np.hypot(x, y) - 12) ** 2 + z**2 <= 4**2) & ~((x > 0) & (abs(y) < 5)),
    "thin horseshoe": lambda x, y, z: ((np.hypot(x, y) - 12) ** 2 + z**2 <= 2**2) & ~((x > 0) & (abs(y) < 5)),
    "needle": lambda x, y, z: (np.hypot(x, y - 0.2 * z) < 1.3) & (abs(z) < 18),
    "cone": lambda x, y, z: (np.hypot(x, y) <= (18 - z) / 3) & (abs(z) < 18),
    "tip along x": lambda x, y, z: (np.hypot(z, y) <= (18 - x) / 4) & (abs(x) < 18),
    "two parts": lambda x, y, z: ((x - 10) ** 2 + y**2 + z**2 <= 7**2) | ((x + 10) ** 2 + y**2 + z**2 <= 3**2),
    "ring": lambda x, y, z: (abs(np.hypot(x, z) - 13) < 2) & (abs(y) < 2.5),
    "box": lambda x, y, z: (abs(x) < 11) & (abs(y) < 9) & (abs(z) < 8),
    "shell": lambda x, y, z: abs(np.sqrt(x**2 + y**2 + z**2) - 12) < 1.2,
}


def odd_shapes(spacing_mm: tuple[float, float, float], turn: np.ndarray | None = None) -> Iterator[Structure]:
    """Yield each form, and masks of single voxels, of noise and of a whole grid, on voxels of one size.

    ``turn`` is the direction of the grid; None is along the patient's axes.
    """
    spacing = np.array(spacing_mm)
    count = np.ceil(42.0 / spacing).astype(int)
    z, y, x = np.meshgrid(*(np.arange(n) for n in count[::-1]), indexing="ij")
    at = (np.stack((x, y, z), axis=-1) - (count - 1) / 2) * spacing
    rng = np.random.default_rng(3)
    masks = {name: form(*np.moveaxis(at, -1, 0)) for name, form in FORMS.items()}
    masks["whole grid"] = np.ones((6, 7, 8), dtype=bool)
    masks["noise"] = rng.random((7, 7, 7)) < 0.4
    masks["diagonal"] = np.all(np.indices((9, 9, 9)) == np.arange(9), axis=0)
    masks["corners touch"] = np.zeros((6, 7, 8), dtype=bool)
    masks["corners touch"][:3, :3, :3] = masks["corners touch"][3:5, 3:5, 3:5] = True
    masks["one voxel in the corner"] = np.indices((4, 4, 4)).max(axis=0) == 0
    for name, mask in masks.items():
        if mask.any():
            yield _structure(name, mask, spacing, np.eye(3) if turn is None else turn)


def random_shape(rng: np.random.Generator) -> Structure:
    """Return one of the forms, 0.5 to 1.2 times as large, turned, on turned voxels of 0.6 to 5 mm."""
    spacing = (
        np.exp(rng.uniform(np.log(0.6), np.log(5.0), 3)) if rng.random() < 0.5 else np.full(3, rng.uniform(0.6, 3))
    )
    name = str(rng.choice(list(FORMS)))
    scale, turn = rng.uniform(0.5, 1.2), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    count = np.ceil(60.0 * scale / spacing).astype(int)
    z, y, x = np.meshgrid(*(np.arange(n) for n in count[::-1]), indexing="ij")
    at = (np.stack((x, y, z), axis=-1) - (count - 1) / 2 + rng.uniform(-0.5, 0.5, 3)) * spacing / scale
    mask = FORMS[name](*np.moveaxis(at @ turn.T, -1, 0))
    if not mask.any():
        return random_shape(rng)
    return _structure(name, mask, spacing, np.linalg.qr(rng.normal(size=(3, 3)))[0])


def _structure(name: str, mask: np.ndarray, spacing_mm: np.ndarray, direction: np.ndarray) -> Structure:
    grid = Grid(shape_zyx=mask.shape, origin_mm=[-5.0, 30.0, 170.0], spacing_mm=spacing_mm, direction=direction)
    return Structure(name=name, role="CTV", grid=grid, mask_zyx=mask)
