"""The least dose at any point: bounds that hold against random points, and that close."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hdrplan.dose import MinimumDoseSearch, dose_at_points, dose_rate, kept_bounds, minimum_dose, sample_points
from hdrplan.dose.boxes import CORNERS, BoxTree, first_boxes, levels, lowest_inside
from hdrplan.dose.shape import Shape, shape_of
from hdrplan.dose.tables import tables_of
from hdrplan.geometry import Dwells, Grid, Structure, ellipsoid
from hdrplan.kernels.boxes import Boxes, Kept, Left, linear_bound_rows
from hdrplan.kernels.tg43 import Stops, padded
from hdrplan.sources import load_source

STRENGTH_U = 40700.0


def sphere(radius_mm, spacing_mm=2.0):
    n = int(np.ceil((radius_mm + 6) / spacing_mm))
    axis = np.arange(-n, n + 1) * spacing_mm
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    grid = Grid(shape_zyx=(2 * n + 1,) * 3, origin_mm=[-n * spacing_mm] * 3, spacing_mm=[spacing_mm] * 3)
    return Structure(name="ball", role="CTV", grid=grid, mask_zyx=x**2 + y**2 + z**2 <= radius_mm**2)


def line(n=7, step_mm=4.0, tilt=0.2):
    axis = np.array([tilt, 0.0, 1.0]) / np.hypot(tilt, 1.0)
    k = np.arange(n) - (n - 1) / 2
    return Dwells(
        positions_mm=k[:, None] * step_mm * axis,
        axes=np.tile(axis, (n, 1)),
        catheter=np.zeros(n, int),
        offset_mm=k - k.min(),
        catheter_names=("c",),
    )


def linear_bounds(centres, half_diagonal_mm, stops, source, lowest_m=0.1):
    """Bounds in boxes along the patient's axes, none of which keeps anything or takes anything from a larger one."""
    n, m = len(centres), len(stops.weights)
    boxes = Boxes(centres, half_diagonal_mm, np.eye(3))
    kept = Kept(np.full(n, -1), 0, 0, np.full(m, -1), np.empty(0, dtype=np.float32), np.empty((0, 4), dtype=np.int16))
    left = Left(np.zeros((n, 5)), np.zeros(n, dtype=int), np.full(n, m), np.arange(m, dtype=np.int32))
    inside = Left(np.empty((n, 5)), m * np.arange(n), np.empty(n, dtype=int), np.empty(n * m, dtype=np.int32))
    out = np.empty((n, 5))
    linear_bound_rows(0, n, boxes, stops, lowest_m, padded(tables_of(source)), kept, left, -1.0, out, inside)
    return out


@pytest.mark.parametrize("name", ["gammamed-12i", "flexisource"])
@pytest.mark.parametrize("half_mm", [0.05, 0.3, 1.0, 3.0])
def test_linear_bound_lies_below_the_dose_in_random_boxes(name, half_mm):
    source, dwells, rng = load_source(name), line(), np.random.default_rng(5)
    times = rng.uniform(1.0, 60.0, len(dwells))
    centres = rng.uniform(-22.0, 22.0, (300, 3))
    # Some boxes on the axis and inside capsules, where the tables are at their worst.
    centres[:60] = dwells.positions_mm[rng.integers(0, len(dwells), 60)] + rng.normal(0, 1.0, (60, 3))
    rho = np.full(len(centres), half_mm * np.sqrt(3))
    lowest_m = float(source.radial_dose[source.radial_r_mm <= 100.0].min() * source.anisotropy.min())
    out = linear_bounds(centres, rho, Stops(dwells.positions_mm, dwells.axes, STRENGTH_U * times), source, lowest_m)
    for _ in range(20):
        d = rng.uniform(-half_mm, half_mm, centres.shape)
        dose = dose_at_points(dwells, times, centres + d, source, strength_u=STRENGTH_U).gy
        bound = out[:, 0] + (out[:, 1:4] * d).sum(axis=1) - out[:, 4]
        # The engine that is compared with may round to single precision.
        assert (bound <= dose * (1 + 1e-5)).all()


def test_remainder_is_of_second_order():
    """The proof's work hangs on it: a first-order remainder halves where this one falls to a quarter."""
    source, dwells = load_source("gammamed-12i"), line()
    times = np.full(len(dwells), 60.0)
    centres = np.random.default_rng(8).uniform(-22.0, 22.0, (2000, 3))
    centres = centres[np.linalg.norm(centres[:, None] - dwells.positions_mm[None], axis=2).min(axis=1) > 8.0]
    rest = []
    for rho_mm in (0.8, 0.4, 0.2):
        stops = Stops(dwells.positions_mm, dwells.axes, STRENGTH_U * times)
        out = linear_bounds(centres, np.full(len(centres), rho_mm), stops, source)
        rest.append(out[:, 4])
        # Twice the 1 / r^2 part of the remainder for the tables' share, at the nearest dwell's distance.
        assert np.median(out[:, 4] / out[:, 0]) < 2.0 * rho_mm**2 / 8.0**2
    assert np.median(rest[1] / rest[0]) < 0.3
    assert np.median(rest[2] / rest[1]) < 0.3


def test_minimum_dose_encloses_that_of_many_points():
    source, dwells, structure = load_source("gammamed-12i"), line(), sphere(14.0)
    times = np.full(len(dwells), 60.0)
    shape = shape_of(structure)
    rng = np.random.default_rng(1)
    points = rng.uniform(-15.0, 15.0, (60_000, 3))
    points = points[shape.holds(points)]
    seen = float(dose_at_points(dwells, times, points, source, strength_u=STRENGTH_U).gy.min())
    found = minimum_dose(
        shape, dwells, times, source, strength_u=STRENGTH_U, wanted_gy=0.96 * seen, tolerance_gy=0.01 * seen
    )
    assert found.finished
    assert 0.96 * seen <= found.lower_gy <= seen
    assert len(found.cold_mm) == 0
    wrong = minimum_dose(
        shape, dwells, times, source, strength_u=STRENGTH_U, wanted_gy=1.05 * seen, tolerance_gy=1e-3 * seen
    )
    assert not wrong.finished
    assert len(wrong.cold_mm) > 0
    assert shape.holds(wrong.cold_mm).all()
    assert wrong.lower_gy <= seen <= wrong.upper_gy * 1.02
    cold = dose_rate(dwells, wrong.cold_mm[:1], source, strength_u=STRENGTH_U).gy_per_s @ times
    assert cold[0] < 1.05 * seen


def test_a_search_for_nothing_but_a_proof_says_whether_there_is_one():
    source, dwells, shape = load_source("gammamed-12i"), line(), shape_of(sphere(14.0))
    times = np.full(len(dwells), 60.0)
    search = MinimumDoseSearch(shape, dwells, source, strength_u=STRENGTH_U)
    whole = search.minimum_dose(times, wanted_gy=9.0, tolerance_gy=0.01)
    for wanted_gy in (0.97 * whole.lower_gy, 1.04 * whole.upper_gy):
        asked = {"wanted_gy": wanted_gy, "tolerance_gy": 1e-3 * wanted_gy}
        thorough = search.minimum_dose(times, **asked)
        new = MinimumDoseSearch(shape, dwells, source, strength_u=STRENGTH_U)
        quick = new.minimum_dose(times, only_proof=True, **asked)
        assert quick.finished == thorough.finished
        assert quick.boxes <= thorough.boxes
        assert quick.lower_gy <= thorough.lower_gy * (1 + 1e-6)
        if not quick.finished:
            assert quick.boxes < 0.8 * thorough.boxes
            assert quick.upper_gy == pytest.approx(thorough.upper_gy, rel=1e-3)
            # Each cold place that the thorough search tells has one of the quick one's nearby.
            assert cKDTree(quick.cold_mm).query(thorough.cold_mm)[0].max() < 2.0
            # Places with less than the tolerance more than is wanted are told too, by the next search as well.
            for found in (quick, new.minimum_dose(times, only_proof=True, **asked)):
                assert len(found.short_mm)
                assert shape.holds(found.short_mm).all()
                gy = dose_at_points(dwells, times, found.short_mm, source, strength_u=STRENGTH_U).gy
                assert gy.max() < wanted_gy * (1 + 1e-3)
        else:
            assert not len(quick.short_mm)


def test_a_place_that_was_nearly_cold_is_looked_at_before_any_box():
    """Times of the next round: somewhat less from one dwell is a cold place where it was nearly cold, and no search."""
    source, dwells, shape = load_source("gammamed-12i"), line(), shape_of(sphere(14.0))
    times = np.full(len(dwells), 60.0)
    search = MinimumDoseSearch(shape, dwells, source, strength_u=STRENGTH_U)
    points = np.random.default_rng(1).uniform(-15.0, 15.0, (60_000, 3))
    points = points[shape.holds(points)]
    wanted_gy = 0.998 * float(dose_at_points(dwells, times, points, source, strength_u=STRENGTH_U).gy.min())
    asked = {"wanted_gy": wanted_gy, "tolerance_gy": 1e-3 * wanted_gy, "only_proof": True}
    first = search.minimum_dose(times, **asked)
    again = search.minimum_dose(0.995 * times, **asked)
    assert again.boxes == 0
    assert not again.finished
    assert again.lower_gy <= again.upper_gy < wanted_gy
    gy = dose_at_points(dwells, 0.995 * times, again.cold_mm, source, strength_u=STRENGTH_U).gy
    assert gy[0] == pytest.approx(again.upper_gy)
    assert (np.diff(gy) >= -1e-9).all()
    assert (gy < wanted_gy * 1.0005).all()
    # Where none of them is cold, a proof needs the boxes, and a search to the end always takes them.
    assert search.minimum_dose(1.02 * times, **asked).finished
    assert search.minimum_dose(0.995 * times, **(asked | {"only_proof": False})).boxes >= first.boxes > 0


@pytest.mark.parametrize("room_bytes", [100 << 20, 20 * 7 * 500, 0])
def test_a_search_that_goes_on_says_what_a_new_one_says(room_bytes, monkeypatch):
    """Other times, other dwells at work, another dose wanted: what is kept of boxes and dwells changes no bound."""
    monkeypatch.setattr(kept_bounds, "_KEPT_BYTES", room_bytes)
    source, dwells, shape = load_source("gammamed-12i"), line(), shape_of(sphere(14.0))
    search = MinimumDoseSearch(shape, dwells, source, strength_u=STRENGTH_U)
    rng = np.random.default_rng(4)
    points = rng.uniform(-15.0, 15.0, (20_000, 3))
    points = points[shape.holds(points)]
    for k in range(5):
        times = rng.uniform(20.0, 60.0, len(dwells)) * (rng.random(len(dwells)) < 0.8)
        dose = dose_at_points(dwells, times, points, source, strength_u=STRENGTH_U).gy.min()
        asked = {"wanted_gy": dose * (0.9 + 0.03 * k), "tolerance_gy": 0.01 * dose}
        going_on = search.minimum_dose(times, **asked)
        new = minimum_dose(shape, dwells, times, source, strength_u=STRENGTH_U, **asked)
        assert going_on.finished == new.finished
        assert going_on.lower_gy <= dose
        np.testing.assert_allclose(
            [going_on.lower_gy, going_on.upper_gy], [new.lower_gy, new.upper_gy], rtol=1e-5 if new.finished else 1e-3
        )
        # Single precision may open or close a box whose bound stands at the dose wanted.
        assert abs(going_on.boxes - new.boxes) <= 2 + 0.001 * new.boxes
        assert abs(len(going_on.cold_mm) - len(new.cold_mm)) <= 2 + 0.001 * new.boxes


def test_the_small_boxes_of_a_large_session_are_kept():
    """A lesion of 17 cc among 900 dwells took 67,000 boxes a round, of which 5,500 were kept."""
    near = np.arange(908) < 220
    used = near & (np.arange(908) % 2 == 0)
    bounds = kept_bounds.KeptBounds(near)
    # The tree numbers boxes that are never asked for, too: 60,000 are, among twice as many.
    kept = bounds.of(np.arange(0, 120_000, 2), used)
    assert (kept.rows >= 0).all()
    assert np.array_equal(bounds.of(np.array([4, 0, 119_998]), used).rows, [2, 0, 59_999])
    slots = 908 * kept.n_large + kept.n_columns * (kept.rows.max() + 1 - kept.n_large)
    assert 12 * slots <= kept.value.nbytes + kept.parts.nbytes <= 120 << 20
    assert (bounds.of(np.arange(120_000, 180_000), used).rows[-1000:] == -1).all()
    assert np.array_equal(np.sort(kept.columns[used]), np.arange(110))
    assert (kept.columns[~used] == -1).all()


def test_near_dwells_that_later_times_use_have_room_until_it_is_taken():
    near = np.arange(60) < 50
    kept = kept_bounds.KeptBounds(near)
    kept.of(np.arange(3), np.arange(60) < 20)
    later = kept.of(np.arange(3), np.arange(60) >= 10)
    assert np.array_equal(later.columns[:36], np.arange(36))
    assert (later.columns[36:] == -1).all()


def test_the_halves_of_a_box_keep_their_numbers():
    shape = shape_of(sphere(9.0))
    tree = BoxTree(shape)
    some = tree.roots[::3]
    first = tree.halves(some)
    tree.halves(tree.roots)
    assert np.array_equal(tree.halves(some), first)
    assert len(np.unique(tree.halves(tree.roots))) == len(tree.halves(tree.roots))
    # Each half lies in its box, and no point of the shape in a box is left out.
    low, size = tree.low(some), tree.size(some)
    points = (low[:, None] + np.random.default_rng(0).random((len(some), 40, 3)) * size[:, None]).reshape(-1, 3)
    points = points[shape.level_at(points) >= 0.0]
    from_half = tree.low(first), tree.low(first) + tree.size(first)
    held = ((points[:, None] >= from_half[0]) & (points[:, None] <= from_half[1])).all(axis=2).any(axis=1)
    assert len(points) > 20
    assert held.all()
    # Halves of halves, within one cell and in larger boxes, know what they are halves of.
    second = tree.halves(first)
    whole = first[tree.rows_of_halves(first)]
    assert (tree.low(second) >= tree.low(whole)).all()
    assert (tree.low(second) + tree.size(second) <= tree.low(whole) + tree.size(whole)).all()
    assert np.array_equal(tree.level(first), levels(shape, tree.low(first), tree.size(first)))


def test_the_inside_of_a_capsule_takes_no_search():
    """A stop of two seconds in 20 Gy: the formula goes on into its capsule and falls there, the dose given does not.

    The bound inside is that of the dose given. With the formula's, boxes were halved down to a thousandth of a
    millimetre, a million of them.
    """
    source = load_source("gammamed-12i")
    grid = Grid(shape_zyx=(20, 20, 20), origin_mm=[-19.0] * 3, spacing_mm=[2.0] * 3)
    structure = ellipsoid("ball", grid, [0.0, 0.0, 0.0], [15.0, 15.0, 15.0])
    at = np.array([(x, 0.0, z) for x in (-5.0, 5.0) for z in (-13.3, -3.3, 1.7, 11.7)])
    dwells = Dwells(
        positions_mm=at,
        axes=np.tile([0.0, 0.0, -1.0], (8, 1)),
        catheter=np.repeat([0, 1], 4),
        offset_mm=np.tile([0.0, 10.0, 15.0, 25.0], 2),
        catheter_names=("a", "b"),
    )
    times = np.tile([0.71259, 70.543, 126.28278, 2.10394], 2)
    shape = shape_of(structure)
    found = minimum_dose(shape, dwells, times, source, strength_u=STRENGTH_U, wanted_gy=20.0, tolerance_gy=0.02)
    assert found.boxes < 50_000
    # No less anywhere round the capsules and in them.
    t, rng = tables_of(source), np.random.default_rng(3)
    points = at[rng.integers(0, 8, 40_000)] + rng.uniform(-3.5, 3.5, (40_000, 3)) * [0.5, 0.5, 1.0]
    points = points[shape.holds(points)]
    away = np.hypot(*np.moveaxis(points[:, None, :2] - at[:, :2], 2, 0))
    assert (away < t.capsule_radius_mm).sum() > 1000
    dose = dose_at_points(dwells, times, points, source, strength_u=STRENGTH_U).gy
    assert dose.min() >= found.lower_gy
    assert len(found.cold_mm) > 0


def test_a_lesion_inside_the_catheter_is_asked_like_any_other():
    """Voxels of 0.6 mm in one line, along the catheter: all of them in capsules, where a touch was proof of 20 Gy."""
    mask = np.zeros((40, 9, 9), dtype=bool)
    mask[5:35, 4, 4] = True
    grid = Grid(shape_zyx=mask.shape, origin_mm=[-2.4, -2.4, -12.0], spacing_mm=[0.6] * 3)
    structure = Structure(name="thin", role="CTV", grid=grid, mask_zyx=mask)
    source, dwells = load_source("gammamed-12i"), line(9, 3.0, tilt=0.0)
    points = sample_points([structure])
    shape = points.shape("thin")
    for time_s, enough in ((1e-6, False), (1.0, False), (2.0, True)):
        times = np.full(len(dwells), time_s)
        dose = dose_at_points(dwells, times, points.points_mm, source, strength_u=STRENGTH_U).gy
        found = minimum_dose(shape, dwells, times, source, strength_u=STRENGTH_U, wanted_gy=20.0, tolerance_gy=0.02)
        assert found.finished == enough
        assert found.lower_gy <= dose.min()
        assert found.boxes < 200_000


def test_first_boxes_cover_the_shape_once():
    shape = shape_of(sphere(20.0))
    low, size = first_boxes(shape)
    points = np.random.default_rng(2).uniform(0, np.array(shape.level_zyx.shape[::-1]) - 1.001, (3000, 3))
    inside = shape.distance_mm(shape.grid.world(points))[0] > 0
    holds = ((points[:, None] >= low) & (points[:, None] < low + size)).all(axis=2).sum(axis=1)
    assert (holds[inside] == 1).all()
    assert (holds <= 1).all()
    assert (size == 8).all()


def test_a_box_across_the_axis_loses_nothing_to_the_crease_there():
    """F rises steeply from the axis; the plane of one side would fall below the crease on the other."""
    source = load_source("gammamed-12i")
    dwells = Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        catheter=np.zeros(1, int),
        offset_mm=np.zeros(1),
        catheter_names=("c",),
    )
    weights, rho_mm = np.array([STRENGTH_U * 30.0]), 0.05
    # Between table entries, whose bends cost a little more.
    for along_mm in (-33.0, -6.3, -2.7, 33.0):
        stops = Stops(dwells.positions_mm, dwells.axes, weights)
        out = linear_bounds(np.array([[0.02, 0.0, along_mm]]), np.array([rho_mm]), stops, source)
        value, slope, rest = out[0, 0], out[0, 1:4], out[0, 4]
        lowest = value - rest - rho_mm * np.linalg.norm(slope[:2])
        on_axis = dose_at_points(dwells, [30.0], np.array([[0.0, 0.0, along_mm]]), source, strength_u=STRENGTH_U).gy[0]
        assert lowest <= on_axis * (1 + 1e-5)
        # Of second order: twice rho^2 / s^4 for the core's nearest point, beside a dose of 1 / r^2. The plane of one
        # side lay 0.7 % too low at 33 mm.
        assert on_axis - lowest <= on_axis * (2.0 * rho_mm**2 * along_mm**2 / (abs(along_mm) - 1.8) ** 4 + 2e-5)


@pytest.mark.parametrize("tip_mm", [4.03, 5.03])
def test_a_sliver_is_part_of_the_structure(tip_mm):
    """The coldest point is a tip 0.03 mm beyond a face of a cell, or beyond one at which a cell is halved."""
    source = load_source("gammamed-12i")
    dwells = Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[1.0, 0.0, 0.0]]),
        catheter=np.zeros(1, int),
        offset_mm=np.zeros(1),
        catheter_names=("c",),
    )
    axis = np.arange(-6, 7) * 2.0
    z, y, x = np.abs(np.meshgrid(axis, axis, axis, indexing="ij"))
    level = np.minimum(np.minimum(tip_mm - z, 1.5 - x), 1.5 - y).astype(np.float32)
    grid = Grid(shape_zyx=level.shape, origin_mm=[-12.0] * 3, spacing_mm=[2.0] * 3)
    shape = Shape(grid, level, 8.0)
    at_tip = dose_at_points(dwells, [60.0], np.array([[0.0, 0.0, tip_mm]]), source, strength_u=STRENGTH_U).gy[0]
    found = minimum_dose(
        shape, dwells, [60.0], source, strength_u=STRENGTH_U, wanted_gy=1.004 * at_tip, tolerance_gy=1e-3 * at_tip
    )
    assert not found.finished
    assert found.lower_gy <= at_tip * (1 + 1e-5)
    assert np.abs(np.abs(found.cold_mm[:, 2]) - tip_mm).min() < 0.02


def test_a_box_cut_by_the_surface_is_charged_for_no_more_than_its_part_inside():
    """Weak duality: what is said of a box holds at each of its points in the structure, wherever the dose falls to."""
    rng = np.random.default_rng(0)
    places = rng.uniform(-1.0, 1.0, (400, 3))
    corners = CORNERS
    weight = ((1.0 + places[:, None] * corners) / 2.0).prod(axis=2)  # trilinear
    slope, tilt = rng.normal(size=(2, 500, 3))
    rise = slope @ corners.T
    # Slopes of the level along those of the dose, against them, anywhere; the surface anywhere in the box.
    tilt[:200] = slope[:200] * np.sign(rng.normal(size=(200, 1))) + 0.2 * tilt[:200]
    level = tilt @ corners.T + rng.uniform(-2.0, 2.0, (500, 1)) + 0.2 * rng.normal(size=(500, 8))
    bound = lowest_inside(rise, level)
    least = np.where(level @ weight.T >= 0.0, rise @ weight.T, np.inf).min(axis=1)
    assert (bound <= least + 1e-12).all()
    assert (bound >= rise.min(axis=1)).all()
    # Where dose and level fall together the part outside is not charged: the bound is that at the surface.
    cut = rng.uniform(-0.5, 0.5, 500)
    together = lowest_inside(rise, rise - cut[:, None] * rise.max(axis=1, keepdims=True))
    np.testing.assert_allclose(together, cut * rise.max(axis=1), atol=1e-12)
