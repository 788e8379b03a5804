"""The rate matrix against the formula written twice, and against the laws it must obey."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dose_cases import hard_points, invented_source, one_dwell, some_dwells

from hdrplan.dose import dose_at_points, dose_rate
from hdrplan.errors import InputError
from hdrplan.geometry import Dwells
from hdrplan.sources import load_source, source_names
from hdrplan.validate.naive_tg43 import rates
from tolerances import BRACHYVISION, MOVED, NAIVE, ROUNDOFF

STRENGTH_U = 40700.0


def test_matrix_is_the_formula() -> None:
    source, dwells = invented_source(), some_dwells()
    points = np.random.default_rng(2).uniform(-90.0, 90.0, (150, 3))
    rate = dose_rate(dwells, points, source, strength_u=STRENGTH_U)
    np.testing.assert_allclose(rate.gy_per_s, rates(dwells, points, source, STRENGTH_U), rtol=NAIVE)


@pytest.mark.parametrize("name", source_names())
def test_every_source_is_the_formula_at_its_hard_points(name: str) -> None:
    source, points = load_source(name), hard_points()
    rate = dose_rate(one_dwell(), points, source, strength_u=STRENGTH_U).gy_per_s
    np.testing.assert_allclose(rate, rates(one_dwell(), points, source, STRENGTH_U), rtol=NAIVE)


def test_reference_point_gives_strength_times_constant() -> None:
    source = invented_source()
    rate = dose_rate(one_dwell(), [[10.0, 0.0, 0.0]], source, strength_u=STRENGTH_U)
    expected = STRENGTH_U * source.dose_rate_constant_gy_per_s_per_u
    assert rate.gy_per_s[0, 0] == pytest.approx(expected, rel=ROUNDOFF)


def test_theta_zero_is_the_tip() -> None:
    up, down = (
        dose_rate(one_dwell(axis), [[0.0, 0.0, 20.0]], invented_source(), strength_u=1.0).gy_per_s[0, 0]
        for axis in ((0.0, 0.0, 1.0), (0.0, 0.0, -1.0))
    )
    f_tip, f_cable = 0.62, 0.4
    assert up / down == pytest.approx(f_tip / f_cable, rel=0.03)  # F varies by 0.02 ln(r) beside these two values


def test_inside_the_capsule_the_side_wall_counts() -> None:
    wall = dose_rate(one_dwell(), [[0.5, 0.0, 1.0], [0.5, 0.0, 0.0]], invented_source(), strength_u=1.0).gy_per_s[:, 0]
    inside = [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(
        dose_rate(one_dwell(), inside, invented_source(), strength_u=1.0).gy_per_s[:, 0], wall, rtol=ROUNDOFF
    )


def test_on_the_axis_is_the_limit_from_beside_it() -> None:
    on, beside = ([[x, 0.0, z] for z in (-40.0, -5.0, 5.0, 40.0)] for x in (0.0, 1e-7))
    on_axis, near = (
        dose_rate(one_dwell(), p, invented_source(), strength_u=1.0).gy_per_s for p in (list(on), list(beside))
    )
    np.testing.assert_allclose(on_axis, near, rtol=1e-6)


def test_points_off_the_table_are_marked() -> None:
    points = [[1.9, 0.0, 0.0], [2.1, 0.0, 0.0], [99.0, 0.0, 0.0], [101.0, 0.0, 0.0]]
    rate = dose_rate(one_dwell(), points, invented_source(), strength_u=1.0)
    assert rate.extrapolated.tolist() == [True, False, False, True]
    assert np.isfinite(rate.gy_per_s).all()


def test_extrapolated_data_are_weighed_by_their_dose() -> None:
    """A point that one of two dwells sees from beyond the table takes little of its dose from there."""
    source, strength_u = invented_source(), 1.0
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 90.0]])
    dwells = Dwells(
        positions_mm=positions,
        axes=np.array([[0.0, 0.0, 1.0]] * 2),
        catheter=np.zeros(2, dtype=np.int64),
        offset_mm=np.array([0.0, 90.0]),
        catheter_names=("A",),
    )
    # From the second dwell the first point lies 107 mm away, beyond the 100 mm of the table.
    points, times_s = np.array([[60.0, 0.0, 0.0], [30.0, 0.0, 40.0]]), np.array([60.0, 20.0])
    dose = dose_at_points(dwells, times_s, points, source, strength_u=strength_u)
    by_dwell = dose_rate(dwells, points, source, strength_u=strength_u).gy_per_s * times_s
    assert dose.extrapolated.tolist() == [True, False]
    np.testing.assert_allclose(dose.extrapolated_gy, [by_dwell[0, 1], 0.0], rtol=ROUNDOFF)
    volume_cc = np.array([3.0, 1.0])
    share = 3.0 * by_dwell[0, 1] / (volume_cc @ by_dwell.sum(axis=1))
    assert dose.extrapolated_frac(volume_cc, slice(0, 2)) == pytest.approx(share, rel=1e-9)
    assert share < 0.1
    assert dose.extrapolated_frac(volume_cc, slice(1, 2)) == 0.0
    nothing = dose_at_points(dwells, [0.0, 0.0], points, source, strength_u=strength_u)
    assert nothing.extrapolated_frac(volume_cc, slice(0, 2)) == 0.0


def test_sum_without_the_matrix_is_the_product() -> None:
    source, dwells = invented_source(), some_dwells()
    points = np.random.default_rng(3).uniform(-60.0, 60.0, (400, 3))
    times_s = np.where(np.arange(len(dwells)) % 3, 7.0, 0.0)
    rate = dose_rate(dwells, points, source, strength_u=STRENGTH_U)
    dose = dose_at_points(dwells, times_s, points, source, strength_u=STRENGTH_U)
    np.testing.assert_allclose(dose.gy, rate.gy_per_s @ times_s, rtol=ROUNDOFF)


@pytest.mark.parametrize("strength_u", [0.0, -1.0, np.nan, np.inf])
def test_strength_must_be_positive(strength_u: float) -> None:
    with pytest.raises(InputError, match="strength must be positive"):
        dose_rate(one_dwell(), [[0.0, 0.0, 20.0]], invented_source(), strength_u=strength_u)


def moved(dwells: Dwells, rotation: np.ndarray, shift: np.ndarray) -> Dwells:
    return Dwells(
        positions_mm=dwells.positions_mm @ rotation.T + shift,
        axes=dwells.axes @ rotation.T,
        catheter=dwells.catheter,
        offset_mm=dwells.offset_mm,
        catheter_names=dwells.catheter_names,
    )


def test_turning_and_moving_all_together_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shift, points, dwells = np.array([300.0, -200.0, 90.0]), rng.uniform(-70.0, 70.0, (200, 3)), some_dwells()
    source = invented_source()
    here = dose_rate(dwells, points, source, strength_u=1.0).gy_per_s
    there = dose_rate(moved(dwells, rotation, shift), points @ rotation.T + shift, source, strength_u=1.0).gy_per_s
    np.testing.assert_allclose(there, here, rtol=MOVED)


def test_order_of_dwells_only_orders_columns() -> None:
    dwells, order = some_dwells(), np.random.default_rng(7).permutation(12)
    points = np.random.default_rng(8).uniform(-70.0, 70.0, (50, 3))
    shuffled = Dwells(
        positions_mm=dwells.positions_mm[order],
        axes=dwells.axes[order],
        catheter=dwells.catheter[order],
        offset_mm=dwells.offset_mm[order],
        catheter_names=dwells.catheter_names,
    )
    one = dose_rate(dwells, points, invented_source(), strength_u=1.0).gy_per_s[:, order]
    np.testing.assert_array_equal(dose_rate(shuffled, points, invented_source(), strength_u=1.0).gy_per_s, one)


def test_far_away_without_g_and_f_it_is_the_inverse_square() -> None:
    source = replace(invented_source(), radial_dose=np.ones(8), anisotropy=np.ones_like(invented_source().anisotropy))
    points = np.array([[0.6, 0.0, 0.8]]) * np.array([[100.0], [200.0], [400.0]])
    rate = dose_rate(one_dwell(), points, source, strength_u=1.0).gy_per_s[:, 0]
    # A line is a point but for (L / r)^2 (4 cos^2 - 1) / 12 + ...: 1.6e-4 at 100 mm and this angle.
    np.testing.assert_allclose(rate[:-1] / rate[1:], 4.0, rtol=1.6e-4)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_serial_is_parallel(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(9).uniform(-70.0, 70.0, (5000, 3))
    times_s = np.arange(12.0)
    args = some_dwells(), invented_source()
    monkeypatch.setenv("HDRPLAN_THREADS", "3")
    matrix = dose_rate(args[0], points, args[1], strength_u=1.0)
    dose = dose_at_points(args[0], times_s, points, args[1], strength_u=1.0)
    monkeypatch.setenv("HDRPLAN_THREADS", threads)
    again = dose_rate(args[0], points, args[1], strength_u=1.0, on_progress=lambda done, total: None)
    np.testing.assert_array_equal(again.gy_per_s, matrix.gy_per_s)
    np.testing.assert_array_equal(dose_at_points(args[0], times_s, points, args[1], strength_u=1.0).gy, dose.gy)


def test_two_point_a_doses_of_brachyvision(shared: Path) -> None:
    """A tandem and ovoids plan of BrachyVision, GammaMed Plus: its own TG-43 point doses."""
    case = json.loads((shared / "data/sources/bv_gmplus_case.json").read_text())
    axes = np.array([dwell["tip_dir"] for dwell in case["dwells"]])
    dwells = Dwells(
        positions_mm=np.array([dwell["position_cm"] for dwell in case["dwells"]]) * 10.0,
        axes=axes / np.linalg.norm(axes, axis=1, keepdims=True),
        catheter=np.array([dwell["channel"] - 1 for dwell in case["dwells"]]),
        offset_mm=np.zeros(len(axes)),
        catheter_names=("1", "2", "3"),
    )
    times_s = [dwell["time_s"] for dwell in case["dwells"]]
    points = np.array([point["position_cm"] for point in case["points"]]) * 10.0
    dose = dose_at_points(
        dwells, times_s, points, load_source("gammamed-plus"), strength_u=case["air_kerma_strength_U"]
    )
    tps_gy = [point["tps_dose_Gy"] for point in case["points"]]
    np.testing.assert_allclose(dose.gy, tps_gy, rtol=BRACHYVISION)


@pytest.mark.parametrize(
    ("radius_mm", "cable_z_mm", "tip_z_mm"), [(0.0, -2.3, 2.6), (0.5, -2.3, 1.7), (0.5, -1.7, 2.6), (0.5, 1.0, 2.6)]
)
def test_a_capsule_must_enclose_the_core(radius_mm: float, cable_z_mm: float, tip_z_mm: float) -> None:
    # The core of 3.5 mm reaches from -1.75 to 1.75 mm; the dose on it is infinite.
    source = invented_source()
    capsule = replace(source.capsule, radius_mm=radius_mm, cable_z_mm=cable_z_mm, tip_z_mm=tip_z_mm)
    with pytest.raises(InputError, match="the capsule must enclose the active core"):
        dose_rate(one_dwell(), [[10.0, 0.0, 0.0]], replace(source, capsule=capsule), strength_u=1.0)
