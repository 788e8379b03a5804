"""Lines that lie in planes between voxels, run along edges, meet corners, or begin on a face of the box or beyond."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hdrplan.kernels.primary import BaseBox, SpectrumTables, primary_rows
from hdrplan.kernels.tg43 import Stops, geometry_factor
from naive.primary import path_by_medium

SHAPE_XYZ = (4, 5, 6)
# The second base weighs nothing, and the logarithm of the kerma falls by 1 in a g/cm2 of the first.
NODES = -np.arange(0.0, 80.0, 0.5)[None, None, :, None] * np.ones(2)
TABLES = SpectrumTables(1e-3, np.zeros(2), np.full(2, 2.0), NODES.astype(np.float32))


def mass(density_xyz: np.ndarray, spacing: np.ndarray, point: np.ndarray, place: np.ndarray) -> float:
    """g/cm2 on a line as the kernel sees it, from the kerma at its end."""
    mass_zyx = np.zeros((*SHAPE_XYZ[::-1], 2), dtype=np.float32)
    mass_zyx[..., 0] = density_xyz.T
    stops = Stops(place[None], np.array([[0.0, 0.0, 1.0]]), np.ones(1))
    out = np.empty((1, 3))
    medium = np.zeros(1, dtype=np.int64)
    primary_rows(0, 1, point[None], medium, stops, BaseBox(1.0 / spacing, mass_zyx, 1.0), TABLES, out)
    along, away = float(point[2] - place[2]), float(np.hypot(*(point - place)[:2]))
    return -float(np.log(out[0, 1] / geometry_factor(along, max(away, 1e-9), 1e-3)))


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_lines_in_planes_along_edges_and_through_corners_have_the_mass_of_one_side(zeros: int) -> None:
    # 0.1, 0.7 and 2.62 mm are no binary fractions: products of them fall to either side of a plane.
    rng = np.random.default_rng(zeros)
    for _ in range(300):
        spacing = rng.choice([1.0, 0.1, 0.7, 2.62, 3.0], 3)
        density = rng.uniform(0.0, 2.0, SHAPE_XYZ).astype(np.float32)
        place, point = rng.integers(-2, 2 * np.array(SHAPE_XYZ) + 3, (2, 3)) / 2.0 * spacing
        for axis in rng.permutation(3)[:zeros]:
            point[axis] = place[axis]
        if np.linalg.norm(point - place) < 0.5:
            continue
        # What the line meets a hair to either side, along all axes: a line between voxels may have either.
        whole = np.zeros(SHAPE_XYZ, dtype=np.int64)
        sides = [
            path_by_medium(np.zeros(3), spacing, whole, density.astype(float), point + hair, place + hair)[0]
            for hair in 1e-7 * np.array(list(product((-1, 1), repeat=3)))
        ]
        found = mass(density, spacing, point, place)
        assert min(sides) - 2e-5 <= found <= max(sides) + 2e-5, (spacing, point, place)


def test_a_line_in_the_plane_of_an_interface_outside_of_the_box_counts_nothing_twice() -> None:
    # The point lies 1 mm before the box, in a plane that products of 0.7 mm miss by a rounding.
    density = np.ones(SHAPE_XYZ, dtype=np.float32)
    density[:, :, 5] = 10.0
    spacing = np.full(3, 0.7)
    for steps in range(1, 5):
        y = steps * 0.7
        point, place = np.array([-1.0, y, 5 * 0.7]), np.array([2.8, y, 5 * 0.7])
        found = mass(density, spacing, point, place)
        assert found == pytest.approx(0.28, abs=1e-5) or found == pytest.approx(2.8, abs=1e-5)


def test_on_the_axis_beyond_the_core_nothing_is_moved_aside() -> None:
    tables = SpectrumTables(3.5, np.zeros(2), np.full(2, 2.0), NODES.astype(np.float32))
    box = BaseBox(np.ones(3), np.zeros((1, 1, 1, 2), dtype=np.float32), 1.0)
    stops = Stops(np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]), np.ones(1))
    along = np.array([2.3, 3.0, 5.0, 20.0])
    out = np.empty((4, 3))
    primary_rows(0, 4, np.outer(along, [0.0, 0.0, 1.0]), np.zeros(4, dtype=np.int64), stops, box, tables, out)
    # The mean of 1 / r^2 over a line of 3.5 mm, on its axis.
    np.testing.assert_allclose(out[:, 1], 1.0 / (along**2 - 1.75**2), rtol=1e-6)
    # Nearer than 0.45 mm to the line a place counts as on the wall: finite, and the same as there.
    places = np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0], [0.45, 0.0, 0.0], [0.0, 0.0, 1.7], [0.45, 0.0, 1.7]])
    out = np.empty((5, 3))
    primary_rows(0, 5, places, np.zeros(5, dtype=np.int64), stops, box, tables, out)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[[0, 1], 1], out[2, 1], rtol=1e-12)
    assert out[3, 1] == pytest.approx(out[4, 1], rel=1e-12)
