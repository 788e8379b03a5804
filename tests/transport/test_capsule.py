"""What leaves capsules, and kerma around cores: published values, exact primaries, conservation of energy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from hdrplan.materials import media, photon_data
from hdrplan.transport import (
    Bodies,
    capsule_names,
    emission_names,
    iridium_lines,
    isotropic_ir192,
    kerma_shells,
    load_emission,
    primary_kerma_gy,
)
from hdrplan.transport.tables import kerma_weights
from tolerances import AIR_KERMA_PER_PHOTON, MIXED_KERMA

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "sources" / "geometry_facts.json"
NAMES = {"gammamed-12i": "GammaMed12i", "gammamed-plus": "GammaMedPlus", "mbdca-generic": "MBDCA-WG"}


def point_in_water(reach_mm: float) -> Bodies:
    return Bodies(
        core_radius_mm=1e-6,
        core_length_mm=1e-6,
        solids=(),
        around="water",
        around_g_per_cc=0.998,
        inner_mm=(0.0, 0.0, 0.0),
        reach_mm=reach_mm,
    )


def test_every_known_capsule_has_an_emission():
    assert emission_names() == capsule_names()
    assert set(NAMES) == set(capsule_names())


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(NAMES))
def test_air_kerma_per_photon_is_the_reference(name):
    if not FACTS.exists():
        pytest.skip("../shared is not there")
    wanted = json.loads(FACTS.read_text(encoding="utf-8"))[NAMES[name]]["air_kerma_Gy_cm2_per_history"]
    emission = load_emission(name, photon_data())
    assert emission.air_kerma_gy_cm2 * emission.per_start == pytest.approx(wanted, rel=AIR_KERMA_PER_PHOTON)


def test_a_capsule_hardens_and_shades():
    emission = load_emission("gammamed-12i", photon_data())
    assert emission.mean_kev > isotropic_ir192(photon_data()).mean_kev - 40.0
    along = np.abs(emission.cosine.mean(axis=1))
    density = [emission.share[(along > low) & (along < low + 0.05)].sum() for low in (0.0, 0.95)]
    assert density[1] < 0.8 * density[0]


def test_an_unknown_capsule_emits_alike_in_all_directions_and_says_so():
    assert load_emission("flexisource", photon_data()).name == "isotropic Ir-192"


@pytest.mark.parametrize("name", [n for n in media() if not n.startswith(("steel", "titanium", "iridium"))])
def test_kerma_of_every_tissue_is_a_sum_of_four(name):
    data = photon_data()
    used = (data.energy_kev >= 20.0) & (data.energy_kev <= 700.0)
    bases = np.stack(
        [data.absorption[data.number(b)] for b in ("water", "adipose", "cortical_bone", "liver_with_iodine")]
    )
    summed = kerma_weights(data, name) @ bases
    np.testing.assert_allclose(summed[used], data.absorption[data.number(name)][used], rtol=MIXED_KERMA)


def test_primary_photons_of_a_point_fall_as_they_must():
    data, lines = photon_data(), iridium_lines(hard=True)
    shells = kerma_shells(point_in_water(60.0), data, lines, histories=20_000)
    energy, intensity = lines.T
    mu = 0.0998 * data.attenuation("water", energy)
    kerma = intensity / intensity.sum() * energy * data.energy_absorption("water", energy)
    exact = (kerma * np.exp(-mu * shells.radius_mm[:, None])).sum(axis=1) * 1.602176634e-11 / (4.0 * np.pi)
    primary = shells.batches_gy_mm2[:, :, 0, 0]
    error = primary.std(axis=0, ddof=1) / np.sqrt(len(primary))
    # Neighbouring shells see the same photons: the mean of all is judged, and each loosely.
    assert np.abs(primary.mean(axis=0) / exact - 1.0).max() < 0.03
    assert (np.abs(primary.mean(axis=0) - exact) < 4.5 * error + 1e-3 * exact).all()
    points = np.stack((0 * shells.radius_mm, shells.radius_mm, 0 * shells.radius_mm), axis=1)
    traced = primary_kerma_gy(point_in_water(60.0), data, lines, points, n_starts=1)
    np.testing.assert_allclose(traced * shells.radius_mm**2, exact, rtol=1e-5)


@pytest.mark.shared
def test_scatter_to_primary_in_a_sphere_of_water():
    notes = FACTS.parents[2] / "reference" / "model_based_dose.md"
    if not notes.exists():
        pytest.skip("../shared is not there")
    found = re.search(r"at ([\d./]+) cm = ([\d./]+) \(from its printed doses\)", notes.read_text(encoding="utf-8"))
    radii, ratios = ([float(value) for value in found[i].split("/")] for i in (1, 2))
    shells = kerma_shells(point_in_water(100.0), photon_data(), iridium_lines(hard=True), histories=40_000)
    primary, scattered = shells.batches_gy_mm2[:, :, 0].mean(axis=0).T
    for radius_cm, ratio in zip(radii[1:], ratios[1:], strict=True):
        i = 2 * int(radius_cm / 0.5)
        assert scattered[i : i + 2].sum() / primary[i : i + 2].sum() == pytest.approx(ratio, rel=0.03)
