"""How fast the lower bound of a box closes on the dose when the box shrinks."""

from __future__ import annotations

import numpy as np
import pytest
from compare_blocks import all_left, bound, kept_bounds, run
from kernel_cases import invented_tables, some_dwells

from hdrplan.arrays import frozen
from hdrplan.kernels.boxes import Boxes, linear_bound_rows
from hdrplan.kernels.tg43 import Stops, padded
from naive import tg43 as naive


@pytest.mark.parametrize(("even", "order"), [(True, 2.0), (False, 1.0)])
@pytest.mark.parametrize("seed", range(4))
def test_gap_falls_with_the_square_of_the_box(seed: int, even: bool, order: float) -> None:
    """Where g and F have no bends; a box on a bend of the tables closes in proportion to its size."""
    rng = np.random.default_rng(seed)
    t = invented_tables(rng, even=even)
    t = t._replace(g_r_mm=frozen([*t.g_r_mm[:-1], 200.0]))  # beyond g's table the bound is a constant
    positions, axes = some_dwells(rng, 3)
    weights = frozen(rng.uniform(1.0, 9.0, 3))
    centres = rng.normal(size=(40, 3))
    centres *= rng.uniform(40.0, 70.0, (40, 1)) / np.linalg.norm(centres, axis=1, keepdims=True)
    dose = naive.doses(centres, positions, axes, weights, t)
    gaps = []
    for half in (1.0, 0.5, 0.25, 0.125):
        cubes = np.full(40, half)
        out = bound(linear_bound_rows, t, centres, cubes, np.eye(3), Stops(positions, axes, weights))
        gaps.append(np.median((dose - out[:, 0] + out[:, 4]) / dose))
    assert gaps[0] < 0.1
    assert (np.array(gaps[1:]) <= 1.1 * np.array(gaps[:-1]) / 2.0**order).all(), gaps


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_of_a_bound_is_nowhere_above_it_and_hardly_below(seed: int) -> None:
    """Half precision and single precision: what they round goes into the remainder."""
    rng = np.random.default_rng(seed)
    t, n = invented_tables(rng), 300
    stops = Stops(*some_dwells(rng, 1), frozen([1.0]))
    centres = stops.positions[0] + rng.normal(size=(n, 3)) * 10.0 ** rng.uniform(-1.0, 2.0, (n, 1))
    boxes = Boxes(frozen(centres), frozen(10.0 ** rng.uniform(-3.0, 1.0, n)), np.eye(3))
    lowest_m, room = float(t.g.min() * t.f.min()), kept_bounds(np.arange(n), n, 1)
    plain, kept, again = (
        run(linear_bound_rows, t, boxes, stops, lowest_m, keep, all_left(n, 1), -1.0)[0]
        for keep in (kept_bounds(np.full(n, -1), 0, 1), room, room)
    )
    assert room.value.astype(bool).mean() > 0.99
    assert np.array_equal(kept, again)
    assert (kept[:, 1:4] != plain[:, 1:4]).any()
    change = kept[:, :4] - plain[:, :4]
    # The highest that the change of a linear function gets in the ball round its middle.
    highest = change[:, 0] + boxes.half_diagonal_mm * np.linalg.norm(change[:, 1:], axis=1)
    assert (kept[:, 4] - plain[:, 4] >= highest).all()
    rise = boxes.half_diagonal_mm * np.linalg.norm(plain[:, 1:4], axis=1)
    more = kept[:, 4] - plain[:, 4]
    assert (more <= 2.0**-10 * plain[:, 4] + 2.0**-11 * rise + 1e-6 * plain[:, 0]).all()


def one_source(**tables):
    """A point-like source at the origin along z whose tables are given; nothing lies beyond their ends."""
    t = invented_tables(np.random.default_rng(0), even=True)
    even = {"g_r_mm": [1.0, 500.0], "g": [1.0, 1.0], "f_r_mm": [1.0, 500.0], "f_theta_rad": [0.0, np.pi]}
    tables = {name: frozen(values) for name, values in (even | tables).items()}
    tables.setdefault("f", frozen(np.ones((len(tables["f_theta_rad"]), len(tables["f_r_mm"])))))
    published = np.zeros((len(tables["f_theta_rad"]) - 1, len(tables["f_r_mm"]) - 1), dtype=np.bool_)
    return t._replace(**tables, length_mm=0.1, unpublished=frozen(published, np.bool_))


def lowest_margin(t, r_mm, theta, rho_mm):
    """Least of dose - bound over a ball round a point, as a fraction of the dose: never below 0 for a true bound."""
    centre = r_mm * np.array([np.sin(theta), 0.0, np.cos(theta)])
    radial, across = centre / r_mm, np.array([np.cos(theta), 0.0, -np.sin(theta)])
    turned = [np.cos(a) * radial + np.sin(a) * across for a in np.linspace(0.0, 2 * np.pi, 24, endpoint=False)]
    d = rho_mm * np.concatenate([part * np.array([*turned, [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]) for part in (0.5, 1.0)])
    stops = Stops(frozen([[0.0, 0.0, 0.0]]), frozen([[0.0, 0.0, 1.0]]), frozen([1.0]))
    out = bound(linear_bound_rows, t, centre[None], np.array([rho_mm / np.sqrt(3.0)]), np.eye(3), stops)[0]
    assert out[4] > 0.0, "a constant bound: this case would say nothing of the linear one"
    dose = naive.doses(centre + d, stops.positions, stops.axes, stops.weights, t)
    return ((dose - out[0] - d @ out[1:4] + out[4]) / dose).min()


ENTRIES_MM = np.arange(70.0, 131.0, 5.0)


@pytest.mark.parametrize("slopes", [(0.03, -0.03), (-0.02, 0.02, -0.02), (0.01, 0.02, -0.04, 0.0)])
@pytest.mark.parametrize("r_mm", [97.0, 98.5, 99.9, 100.1, 101.5, 103.0])
def test_corners_of_g_stay_above_the_bound(slopes, r_mm):
    """Each fall of the slope of g takes something from the dose beyond its entry; boxes reach over one or two."""
    steps = np.resize(slopes, len(ENTRIES_MM) - 1) * np.diff(ENTRIES_MM)
    g = np.concatenate(([2.0], 2.0 + np.cumsum(steps)))
    t = one_source(g_r_mm=[1.0, *ENTRIES_MM, 500.0], g=[2.0, *g, g[-1]])
    for rho_mm in (0.5, 2.0, 4.0):
        assert lowest_margin(t, r_mm, 1.3, rho_mm) >= -1e-9


@pytest.mark.parametrize("slopes", [(0.03, -0.03), (-0.02, 0.02, -0.02)])
@pytest.mark.parametrize("r_mm", [97.0, 98.5, 99.9, 100.1, 101.5, 103.0])
def test_corners_of_f_in_depth_stay_above_the_bound(slopes, r_mm):
    steps = np.resize(slopes, len(ENTRIES_MM) - 1) * np.diff(ENTRIES_MM)
    row = np.concatenate(([2.0, 2.0], 2.0 + np.cumsum(steps)))
    row = np.append(row, row[-1])
    # Two rows, so that the worst angle is at one or the other end of the box.
    for f in (np.array([row, row]), np.array([row, 0 * row + 2.0]), np.array([0 * row + 2.0, row])):
        t = one_source(f_r_mm=[1.0, *ENTRIES_MM, 500.0], f=f)
        for rho_mm in (0.5, 2.0, 4.0):
            assert lowest_margin(t, r_mm, 1.3, rho_mm) >= -1e-9


@pytest.mark.parametrize("corner", [(1.0, 1.6, 1.0), (1.6, 1.0, 1.6), (1.0, 1.6, 1.4)])
@pytest.mark.parametrize("theta", [1.08, 1.1, 1.12])
def test_corners_of_f_in_angle_stay_above_the_bound(corner, theta):
    angles = np.array([0.0, 0.9, 1.1, 1.3, np.pi])
    column = np.array([1.0, *corner, 1.0])
    even = np.ones(5)
    # The corner at all radii, or at one end only of the cell in which the box lies.
    for near, far in ((column, column), (even, column), (column, even)):
        t = one_source(f_theta_rad=angles, f_r_mm=[1.0, 90.0, 110.0, 500.0], f=np.stack((near, near, far, far), axis=1))
        for rho_mm in (0.5, 2.0, 4.0):
            assert lowest_margin(t, 100.0, theta, rho_mm) >= -1e-9


@pytest.mark.parametrize("rho_mm", [1.0, 2.0, 3.0])
def test_a_product_of_slopes_bends_the_bound_down(rho_mm):
    """Inside one cell g rises as F falls: g F = (1 + e/25)(1 - e/25), all of whose bend lies in the remainder."""
    t = one_source(
        g_r_mm=[1.0, 80.0, 120.0, 500.0], g=[0.2, 0.2, 1.8, 1.8], f_r_mm=[1.0, 80.0, 120.0, 500.0],
        f=np.tile([1.8, 1.8, 0.2, 0.2], (2, 1)),
    )  # fmt: skip
    assert lowest_margin(t, 100.0, 1.4, rho_mm) >= 0.0


@pytest.mark.parametrize("twist", [0.5, -0.5])
@pytest.mark.parametrize("rho_mm", [1.0, 3.0])
def test_a_twisted_cell_of_f_stays_above_the_bound(twist, rho_mm):
    """F rises along one diagonal of (r, theta) and falls along the other."""
    f = 1.0 + twist * np.array(
        [[1.0, 1.0, -1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [-1.0, -1.0, 1.0, 1.0], [-1.0, -1.0, 1.0, 1.0]]
    )
    t = one_source(f_r_mm=[1.0, 80.0, 120.0, 500.0], f_theta_rad=[0.0, 1.3, 1.5, np.pi], f=f)
    assert lowest_margin(t, 100.0, 1.4, rho_mm) >= 0.0


@pytest.mark.parametrize("towards", [1.0, -1.0])
@pytest.mark.parametrize("tip", [0.05, np.pi - 0.05])
def test_near_the_axis_the_cone_of_f_stays_above_the_bound(towards, tip):
    """F rises or falls with the angle from either end of the source; boxes beside the axis and across it."""
    f = 1.0 + towards * 0.4 * np.array([-1.0, 1.0, 1.0, -1.0])
    t = one_source(f_theta_rad=[0.0, 0.7, np.pi - 0.7, np.pi], f=np.stack((f, f), axis=1))
    for away in (1e-3, 0.5, 1.0, 2.0):
        theta = 0.5 * np.pi + (1.0 if tip > 1.0 else -1.0) * (0.5 * np.pi - away / 60.0)
        for rho_mm in (0.3, 0.9):
            assert lowest_margin(t, 60.0, theta, rho_mm) >= -1e-9


@pytest.mark.parametrize("tip", [0.0, np.pi])
@pytest.mark.parametrize("grows", [1.0, -1.0])
def test_the_cone_of_f_may_change_with_depth(tip, grows):
    """F falls from the axis, steeper with r or less steep: on the axis the steepest slope within the box counts."""
    fall = np.array([[0.0, 0.0], [0.9, 0.0]])[:, :: int(grows)]
    rows = np.concatenate((1.0 - fall, 1.0 - fall[::-1]))
    t = one_source(f_r_mm=[1.0, 59.0, 61.0, 500.0], f_theta_rad=[0.0, 0.03, np.pi - 0.03, np.pi],
                   f=np.stack((rows[:, 0], rows[:, 0], rows[:, 1], rows[:, 1]), axis=1))  # fmt: skip
    for away in (1e-4, 0.2):
        for r_mm in (59.5, 60.0, 60.5):
            assert lowest_margin(t, r_mm, abs(tip - away / r_mm), 0.45) >= -1e-9


@pytest.mark.parametrize("rho_mm", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("outward", [-0.8, 0.1, 0.5])
def test_a_box_across_the_wall_of_a_capsule_stays_above_the_bound(rho_mm, outward):
    """The dose rises to the wall and is flat behind it: what a slope from outside promises there is not."""
    t = one_source(g_r_mm=[0.1, 500.0], f_r_mm=[0.1, 500.0])._replace(length_mm=3.5)
    r_mm, along_mm = t.capsule_radius_mm + outward * rho_mm, 0.4
    assert lowest_margin(t, np.hypot(r_mm, along_mm), np.arctan2(r_mm, along_mm), rho_mm) >= -1e-9


@pytest.mark.parametrize("first_mm", [0.0, 0.5, 1.0, 3.0])
def test_padded_tables_have_no_ends(first_mm):
    t = one_source(g_r_mm=[first_mm, 80.0, 500.0], g=[1.2, 1.0, 0.5], f_r_mm=[first_mm, 500.0], f_theta_rad=[0.1, 3.0])
    made = padded(t)
    assert made.g_r_mm[0] == made.f_r_mm[0] == made.f_theta_rad[0] == 0.0
    assert made.f_theta_rad[-1] == np.pi
    assert made.f_r_mm[-1] > 1e5
    for table in (made.g_r_mm, made.f_r_mm, made.f_theta_rad):
        assert (np.diff(table) > 0).all()
    assert made.g[0] == t.g[0]
