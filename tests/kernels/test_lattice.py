"""The float32 table of a source is as fine as the bends of its g and F ask for."""

from __future__ import annotations

import numpy as np
import pytest
from compare_dose import value_of
from kernel_cases import invented_tables

from hdrplan.arrays import frozen
from hdrplan.kernels import lattice
from hdrplan.kernels.lattice import lattice_of, place_at
from naive import tg43 as naive
from tolerances import FLOAT32_SUM

# What lattice_of allows at a bend, and float32.
BEND = 1e-4 + 4 * FLOAT32_SUM


@pytest.fixture(autouse=True)
def quick_table(monkeypatch):
    """The table's entries by NumPy: with Numba switched off the loop over a fine table takes a minute."""

    def fill(r_mm, theta, t, out):
        i = np.clip(np.searchsorted(t.f_theta_rad, theta, side="right") - 1, 0, len(t.f_theta_rad) - 2)
        u = np.clip((theta - t.f_theta_rad[i]) / (t.f_theta_rad[i + 1] - t.f_theta_rad[i]), 0.0, 1.0)[:, None]
        f = np.array([np.interp(r_mm, t.f_r_mm, row) for row in t.f])
        g = np.array([naive.radial_dose(r, t) for r in r_mm])
        out[...] = t.scale * g[:, None] * ((1.0 - u) * f[i] + u * f[i + 1]).T

    monkeypatch.setattr(lattice, "_fill", fill)


def error_at(t, r_mm, degrees):
    along, away = (np.float32(r_mm * f(np.deg2rad(degrees))) for f in (np.cos, np.sin))
    made = lattice_of(t)
    return value_of(place_at(along, away * away, made), made.shape) / naive.rate(float(along), float(away), t) - 1.0


@pytest.mark.parametrize("fall", [0.002, 0.004])
def test_a_bend_of_g_between_two_steps_is_met(fall):
    t = invented_tables(np.random.default_rng(0), even=True)
    t = t._replace(g_r_mm=frozen([2.0, 40.2, 100.0]), g=frozen([1.0, 1.0, 1.0 - 59.8 * fall]))
    assert abs(error_at(t, 40.2, 90.0)) < BEND


def test_a_bend_of_f_beside_the_core_is_met():
    """Only there, between the ends of the capsule: places inside the capsule ask for nothing, those beside it do."""
    t = invented_tables(np.random.default_rng(0), even=True)
    f = np.ones((5, 3))
    f[2, 2] = 0.4
    t = t._replace(f_r_mm=frozen([1.0, 3.1, 10.0]), f_theta_rad=frozen(np.deg2rad([0, 60, 90, 120, 180])), f=frozen(f))
    t = t._replace(length_mm=4.0, capsule_low_mm=-3.5, capsule_high_mm=3.5)
    assert abs(error_at(t, 3.1, 90.0)) < BEND
