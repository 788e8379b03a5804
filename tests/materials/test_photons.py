"""Photon data against NIST's tables; voxel codes."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.materials import DENSITY_UNIT_G_PER_CC, media, photon_data, voxel_codes
from tolerances import NIST_COEFFICIENTS

# Hubbell JH, Seltzer SM, NISTIR 5632 (NIST, 1995), tables 3 and 4: keV; mu/rho and mu_en/rho in cm2/g.
_KEV = (30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800)
_MU = {
    "water": (
        0.3756,
        0.2683,
        0.2269,
        0.2059,
        0.1837,
        0.1707,
        0.1505,
        0.1370,
        0.1186,
        0.1061,
        0.09687,
        0.08956,
        0.07865,
    ),
    "air": (0.3538, 0.2485, 0.2080, 0.1875, 0.1662, 0.1541, 0.1356, 0.1233, 0.1067, 0.09549, 0.08712, 0.08055, 0.07074),
    "cortical_bone": (
        1.331,
        0.6655,
        0.4242,
        0.3148,
        0.2229,
        0.1855,
        0.1480,
        0.1309,
        0.1113,
        0.09908,
        0.09022,
        0.08332,
        0.07308,
    ),
}
_MU_EN = {
    "water": (
        0.1557,
        0.06947,
        0.04223,
        0.03190,
        0.02597,
        0.02546,
        0.02764,
        0.02967,
        0.03192,
        0.03279,
        0.03299,
        0.03284,
        0.03206,
    ),
    "air": (
        0.1537,
        0.06833,
        0.04098,
        0.03041,
        0.02407,
        0.02325,
        0.02496,
        0.02672,
        0.02872,
        0.02949,
        0.02966,
        0.02953,
        0.02882,
    ),
    "cortical_bone": (
        1.070,
        0.4507,
        0.2336,
        0.1400,
        0.06896,
        0.04585,
        0.03183,
        0.03003,
        0.03032,
        0.03069,
        0.03073,
        0.03052,
        0.02973,
    ),
}


@pytest.mark.parametrize("medium", sorted(_MU))
def test_coefficients_are_those_of_nist(medium):
    data = photon_data()
    np.testing.assert_allclose(data.attenuation(medium, _KEV), _MU[medium], rtol=NIST_COEFFICIENTS)
    np.testing.assert_allclose(data.energy_absorption(medium, _KEV), _MU_EN[medium], rtol=NIST_COEFFICIENTS)


def test_shipped_tables_hold_the_media_of_the_list():
    assert photon_data().names == tuple(media())


def test_k_lines_of_iridium():
    data = photon_data()
    iridium = data.number("iridium")
    below, above = np.interp([70.0, 100.0], data.energy_kev, data.fluorescence[iridium])
    assert below == 0.0
    # Yield 0.958 (Hubbell JH et al., J Phys Chem Ref Data 1994;23:339) times four in five photoelectric events.
    assert 0.74 < above < 0.82
    assert (data.line_kev[iridium] > 60.0).all()


def test_codes_hold_medium_and_density():
    data = photon_data()
    medium = np.array([[[0, 5, data.number("iridium")]]])
    density = np.array([[[0.0, 0.0012, 22.42]]])
    codes = voxel_codes(medium, density, data)
    np.testing.assert_array_equal(codes >> 24, medium)
    np.testing.assert_allclose(
        (codes & 0xFFFFFF) * DENSITY_UNIT_G_PER_CC, density, rtol=0.0, atol=DENSITY_UNIT_G_PER_CC / 2
    )


@pytest.mark.parametrize(
    ("medium", "density", "message"),
    [(99, 1.0, "numbers of media"), (0, -1.0, "densities"), (0, 40.0, "densities"), (0, np.nan, "densities")],
)
def test_codes_refuse_what_they_cannot_hold(medium, density, message):
    with pytest.raises(InputError, match=message):
        voxel_codes(np.full((1, 1, 1), medium), np.full((1, 1, 1), density), photon_data())


def test_unknown_medium_names_those_that_are_known():
    with pytest.raises(InputError, match="cortical_bone"):
        photon_data().number("plutonium")
