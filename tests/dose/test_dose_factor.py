"""The least dose when TG-43 is multiplied by a factor: bounds that hold, a minimum that encloses that of a search."""

import numpy as np
import pytest
from test_minimum import STRENGTH_U, line, sphere

from hdrplan.dose import DoseFactor, FactorBound, MinimumDoseSearch, dose_at_points, nodes_of
from hdrplan.dose.shape import shape_of
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Volume
from hdrplan.sources import load_source

SOURCE = load_source("gammamed-12i")


def rough_field(shape, spacing_mm=3.0, seed=2):
    """Return a factor that falls to one side and is rough: far worse than that of a patient."""
    grid = nodes_of(shape, spacing_mm)
    slope = 0.97 - 0.002 * grid.points_mm()[:, 0]
    rough = np.random.default_rng(seed).normal(0.0, 0.01, grid.size)
    return Volume(grid, (slope + rough).reshape(grid.shape_zyx))


def points_in(shape, n=60_000):
    points = np.random.default_rng(1).uniform(-15.0, 15.0, (n, 3))
    return points[shape.holds(points)]


def test_minimum_with_a_factor_encloses_that_of_many_points():
    dwells, shape = line(), shape_of(sphere(14.0))
    times, field = np.full(len(dwells), 60.0), rough_field(shape)
    points = points_in(shape)
    tg43 = dose_at_points(dwells, times, points, SOURCE, strength_u=STRENGTH_U).gy
    seen = float((tg43 * field.at(points)).min())
    search = MinimumDoseSearch(shape, dwells, SOURCE, strength_u=STRENGTH_U, factor=field)
    held = search.minimum_dose(times, wanted_gy=0.97 * seen, tolerance_gy=0.01 * seen)
    assert held.finished
    assert 0.97 * seen <= held.lower_gy <= seen
    missed = search.minimum_dose(times, wanted_gy=1.02 * seen, tolerance_gy=1e-3 * seen)
    assert not missed.finished
    assert missed.lower_gy <= seen
    cold = missed.cold_mm[:1]
    assert shape.holds(cold).all()
    gy = dose_at_points(dwells, times, cold, SOURCE, strength_u=STRENGTH_U).gy * field.at(cold)
    assert gy[0] == pytest.approx(missed.upper_gy, rel=1e-12)
    # TG-43 alone has its minimum elsewhere and higher: the factor is no mere scale.
    plain = MinimumDoseSearch(shape, dwells, SOURCE, strength_u=STRENGTH_U)
    assert plain.minimum_dose(times, wanted_gy=1.02 * seen, tolerance_gy=1e-3 * seen).finished


def test_a_factor_of_one_changes_nothing_but_rounding():
    dwells, shape = line(), shape_of(sphere(10.0))
    times, grid = np.full(len(dwells), 30.0), nodes_of(shape, 2.0)
    one = Volume(grid, np.ones(grid.shape_zyx))
    found = [
        MinimumDoseSearch(shape, dwells, SOURCE, strength_u=STRENGTH_U, factor=factor).minimum_dose(
            times, wanted_gy=9.0, tolerance_gy=0.01
        )
        for factor in (None, one)
    ]
    assert found[1].boxes == pytest.approx(found[0].boxes, rel=0.02)
    assert found[1].lower_gy == pytest.approx(found[0].lower_gy, rel=1e-4)


@pytest.mark.parametrize("rough", [0.0, 0.01, 0.5])
def test_bounds_lie_below_the_product_in_random_boxes(rough):
    """Boxes inside one piece, over several, on nodes; factors for which only a constant bound is left."""
    rng = np.random.default_rng(7)
    shape = shape_of(sphere(14.0))
    grid = nodes_of(shape, 3.0)
    field = Volume(grid, 0.96 + 0.02 * rng.random(grid.shape_zyx) + rough * rng.random(grid.shape_zyx))
    n = 400
    size = rng.uniform(0.05, 5.0, (n, 3))
    low = rng.uniform(0.0, np.subtract(shape.grid.shape_zyx[::-1], 1) - size)
    low[:50] = np.rint(low[:50])
    # A dose that is linear in each box, and more than the bound by up to its remainder.
    linear = np.concatenate(
        (rng.uniform(10.0, 40.0, (n, 1)), rng.normal(0.0, 1.5, (n, 3)), rng.uniform(0, 1, (n, 1))), 1
    )
    bound = linear.copy()
    FactorBound(shape.grid, field).apply(low, size, bound)
    middle = shape.grid.world(low + size / 2)
    half_mm = size / 2 * shape.grid.spacing_mm
    for _ in range(40):
        d = rng.uniform(-1.0, 1.0, (n, 3)) * half_mm
        d[:, rng.integers(0, 3)] *= rng.choice((-1.0, 1.0))
        dose = linear[:, 0] + (linear[:, 1:4] * d).sum(axis=1) - linear[:, 4]
        held = dose > 0.0
        product = dose * field.at(middle + d)
        least = bound[:, 0] + (bound[:, 1:4] * d).sum(axis=1) - bound[:, 4]
        assert (least[held] <= product[held] + 1e-9).all()
    if not rough:
        assert np.median(bound[:, 4]) < 3.0  # no bound that holds because it says nothing


def test_nodes_reach_round_the_shape_and_others_are_refused():
    shape = shape_of(sphere(9.0))
    nodes = nodes_of(shape, 2.5)
    assert (nodes.spacing_mm <= 2.5 + 1e-12).all()
    assert nodes.contains(shape.grid.world(np.subtract(shape.grid.shape_zyx[::-1], 1))[None], rim_voxels=1e-9).all()
    turned = Grid(
        shape_zyx=nodes.shape_zyx, origin_mm=nodes.origin_mm, spacing_mm=nodes.spacing_mm, direction=-np.eye(3)
    )
    small = nodes.box([1, 0, 0], (nodes.shape_zyx[0], nodes.shape_zyx[1], nodes.shape_zyx[2] - 1))
    for grid in (turned, small):
        with pytest.raises(InputError, match="nodes must lie along a structure's axes"):
            FactorBound(shape.grid, Volume(grid, np.ones(grid.shape_zyx)))
    for wrong in (0.0, -1.0):
        values = np.ones(nodes.shape_zyx)
        values[0, 0, 0] = wrong
        with pytest.raises(InputError, match="must be positive"):
            DoseFactor(fields={"a": Volume(nodes, values)}, elsewhere=lambda points: np.ones(len(points)))
