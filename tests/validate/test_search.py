"""The searches of the dossier find what is there to be found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.dose import Shape, dose_field, shape_of
from hdrplan.geometry import Dwells, Grid, Structure, Volume
from hdrplan.sources import load_source
from hdrplan.validate.grid_search import worst_voxel
from hdrplan.validate.growing_program import Asked, Target
from hdrplan.validate.naive_tg43 import doses_gy, passing_s
from hdrplan.validate.own_program import judgement
from hdrplan.validate.search import QUICK, coldest

STRENGTH_U = 40700.0


def line(n: int) -> Dwells:
    return Dwells(
        positions_mm=np.stack((np.zeros(n), np.zeros(n), 5.0 * np.arange(n)), axis=1),
        axes=np.tile([0.0, 0.0, -1.0], (n, 1)),
        catheter=np.zeros(n, np.int64),
        offset_mm=5.0 * np.arange(n),
        catheter_names=("c",),
    )


def box(low: tuple[int, int, int], high: tuple[int, int, int]) -> Structure:
    grid = Grid(shape_zyx=(20, 20, 20), origin_mm=[-19.0] * 3, spacing_mm=[2.0] * 3)
    mask = np.zeros(grid.shape_zyx, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return Structure(name="box", role="CTV", grid=grid, mask_zyx=mask)


@pytest.mark.parametrize("high", [(15, 14, 16), (6, 16, 16)])
def test_the_farthest_corner_of_a_shape_is_found(high: tuple[int, int, int]) -> None:
    """A dose that falls with the distance: the minimum is known from a dense lattice."""
    shape = shape_of(box((5, 5, 5), high))

    def dose_gy(at):
        return 1e4 / (100.0 + ((at - [-12.0, -11.0, -13.0]) ** 2).sum(axis=1))

    found = coldest(shape, dose_gy, seed=3)
    axis = np.linspace(-20.0, 20.0, 161)
    lattice = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    truth_gy = dose_gy(lattice[shape.holds(lattice)]).min()
    assert found.minimum_gy <= truth_gy
    assert found.minimum_gy >= truth_gy * (1 - 5e-3)
    # On the surface itself: from mm to indices and back costs the last digit.
    assert (shape.level_at(shape.grid.index(found.points_mm)) >= -1e-9).all()


def test_the_ends_of_needles_are_found() -> None:
    """A level of a twentieth beside -0.9: of such a voxel the shape has a needle that no step of a search meets."""
    level = np.full((20, 20, 20), -0.9, dtype=np.float32)
    level[5:15, 5:15, 5:15] = 1.0
    level[9, 7, 15:18] = level[12, 15:18, 9] = 0.05
    shape = Shape(grid=box((5, 5, 5), (15, 15, 15)).grid, level_zyx=level, reach_mm=10.0)

    def dose_gy(at):
        index = shape.grid.index(at)
        # Colder along the needles alone, and a little less so in eight corners.
        needles = [np.exp(-4.0 * ((index - end) ** 2).sum(axis=1)) for end in ([17.0, 7.0, 9.0], [9.0, 17.0, 12.0])]
        corners = np.exp(-((np.abs(index - 9.5) - 4.5) ** 2).sum(axis=1) / 4.0)
        return 20.0 - np.max(needles, axis=0) - 0.9 * corners

    found = coldest(shape, dose_gy, seed=5, effort=QUICK)
    # The needles reach a nineteenth of a voxel beyond the centre of their last.
    assert found.minimum_gy < 19.01
    assert (shape.level_at(shape.grid.index(found.points_mm)) >= -1e-9).all()


def test_one_wrong_region_of_a_grid_is_found() -> None:
    dwells, source = line(6), load_source()
    times_s = np.linspace(3.0, 9.0, 6)
    grid = Grid(shape_zyx=(30, 30, 30), origin_mm=[-43.5] * 3, spacing_mm=[3.0] * 3)
    field = dose_field(dwells, times_s, grid, source, strength_u=STRENGTH_U)

    def exact(at):
        return doses_gy(dwells, times_s, at, source, STRENGTH_U)

    assert worst_voxel(field, dwells, source, exact).deviation_frac < 1e-3
    values = field.values_zyx.astype(np.float64)
    z, y, x = np.indices(values.shape)
    # A smooth bump of 1 %, four voxels wide, far from the axis.
    values *= 1.0 + 0.01 * np.exp(-((z - 22) ** 2 + (y - 6) ** 2 + (x - 24) ** 2) / 32.0)
    assert worst_voxel(Volume(grid, values), dwells, source, exact).deviation_frac > 9e-3


def test_the_program_finds_the_plan_that_is_best() -> None:
    """One dwell: its time is the prescription over the least rate."""
    shape, source = shape_of(box((7, 7, 7), (13, 13, 13))), load_source()
    dwells = line(1)

    def rates(at):
        return doses_gy(dwells, np.ones(1), at, source, STRENGTH_U)[:, None]

    asked = Asked(
        cost=np.ones(1),
        base=0.0,
        shortest_s=np.zeros(1),
        longest_s=np.array([600.0]),
        rows=np.zeros((0, 1)),
        limits=np.zeros(0),
        targets=(Target(wanted_gy=15.0, shape=shape, points_mm=np.zeros((0, 3))),),
        rates=rates,
        doses_gy=lambda exposure_s, at: rates(at) @ exposure_s,
        passing_s=np.zeros(1),
        earlier_gy=lambda at: np.zeros(len(at)),
    )
    least = coldest(shape, lambda at: rates(at)[:, 0], seed=9).minimum_gy
    best_s = 15.0 / least
    # Nothing lies below a bound that is right: the program says so before it has looked for a plan.
    right = judgement(asked, best_s * 0.999)
    assert right.below(best_s * 0.999) == 0.0
    assert best_s * 0.999 <= right.at_least <= best_s * (1 + 1e-6)
    assert right.found == np.inf
    # A plan lies below one that is too high by a thousandth, and is found.
    wrong = judgement(asked, best_s * 1.001)
    assert wrong.found == pytest.approx(best_s, rel=5e-4)
    assert wrong.below(best_s * 1.001) == pytest.approx(best_s * 0.001, rel=0.5)
    # Half of the dose was given before by the same dwell: half of the time is enough.
    before = replace(asked, earlier_gy=lambda at: rates(at)[:, 0] * best_s / 2)
    assert best_s * 0.4995 <= judgement(before, best_s * 0.4995).at_least <= best_s / 2 * (1 + 1e-6)
    # Half of the time allowed: half of the dose, once prescriptions give way.
    halved = replace(asked, longest_s=np.array([best_s / 2]), held_gy=np.array([7.4]))
    assert judgement(halved, 7.49, of_misses=True).below(7.49) == 0.0
    # The dose held is known to a fraction of itself, however much was given up.
    for held_gy in (7.499, 0.1):
        given_way = replace(halved, held_gy=np.array([held_gy]))
        assert judgement(given_way, 0.999 * held_gy / least).below(0.999 * held_gy / least) == 0.0
    impossible = judgement(replace(halved, held_gy=np.array([8.0])), 60.0)
    assert (impossible.at_least, impossible.times_s) == (np.inf, None)
    # Just possible, but not with the margin that a plan is found with: below the bound, yet nothing is said.
    barely = replace(halved, held_gy=np.array([7.4999]))
    assert np.isnan(judgement(barely, best_s).below(best_s))


def test_transit_counted_catheter_by_catheter_is_the_planner_s() -> None:
    from hdrplan.geometry import Transit

    rng = np.random.default_rng(6)
    catheter = np.repeat([0, 1, 2], 7)
    order = rng.permutation(21)
    dwells = Dwells(
        positions_mm=rng.uniform(-20, 20, (21, 3))[order],
        axes=np.tile([0.0, 0.0, 1.0], (21, 1)),
        catheter=catheter[order],
        offset_mm=np.tile([2.0, 5.0, 9.0, 10.0, 15.0, 40.0, 47.0], 3)[order],
        catheter_names=("a", "b", "c"),
    )
    times_s = np.where(rng.uniform(size=21) < 0.4, rng.uniform(1, 9, 21), 0.0)
    times_s[dwells.catheter == 2] = 0.0
    np.testing.assert_allclose(passing_s(dwells, times_s, 80.0), Transit(80.0).passing_s(dwells, times_s), atol=1e-12)
