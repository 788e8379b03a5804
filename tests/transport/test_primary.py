"""Primary kerma against closed forms and a twin that knows nothing of tables and voxels' neighbours."""

import numpy as np
import pytest

from hdrplan.geometry import Dwells, Grid
from hdrplan.materials import MediaMap, media, photon_data, uniform_map
from hdrplan.transport import base_masses, isotropic_ir192, primary_kerma
from naive import primary as naive

PHOTONS = photon_data()
EMISSION = isotropic_ir192(PHOTONS, length_mm=3.5)
NAMES = tuple(media())
GRID = Grid(shape_zyx=(30, 34, 40), origin_mm=np.array([-60.0, -50.0, -45.0]), spacing_mm=np.full(3, 3.0))


def dwells(*positions: tuple[float, float, float]) -> Dwells:
    n = len(positions)
    return Dwells(
        positions_mm=np.array(positions), axes=np.tile([0.0, 0.0, 1.0], (n, 1)), catheter=np.zeros(n, dtype=np.int64),
        offset_mm=5.0 * np.arange(n), catheter_names=("one",),
    )  # fmt: skip


def line_factor(point: np.ndarray, position: np.ndarray, length_mm: float) -> float:
    """TG-43's line integral of 1 / r^2, by a sum."""
    z = position[2] + length_mm * ((np.arange(4000) + 0.5) / 4000 - 0.5)
    return float(np.mean(1.0 / ((point[0] - position[0]) ** 2 + (point[1] - position[1]) ** 2 + (point[2] - z) ** 2)))


def closed_form(masses: dict[str, float], at: str, factor: float) -> float:
    energy = EMISSION.energy_kev
    mu = np.stack([PHOTONS.attenuation(name, energy) for name in masses])
    return naive.kerma(
        energy, EMISSION.share, mu, PHOTONS.energy_absorption(at, energy), np.array(list(masses.values())), factor
    )


def test_any_tissue_attenuates_like_a_sum_of_water_and_bone() -> None:
    parts, energy = base_masses(EMISSION, PHOTONS), EMISSION.energy_kev
    bases = np.stack([PHOTONS.attenuation(name, energy) for name in ("water", "cortical_bone")])
    seen = EMISSION.share * energy * PHOTONS.energy_absorption("water", energy) * np.exp(-3.0 * bases[0])
    for name in NAMES:
        if name == "iridium":
            continue
        true = (seen * np.exp(-15.0 * PHOTONS.attenuation(name, energy))).sum()
        fitted = (seen * np.exp(-15.0 * parts[PHOTONS.number(name)] @ bases)).sum()
        steel = name.startswith(("steel", "titanium"))
        assert fitted == pytest.approx(true, rel=4e-4 if steel else 5e-5), name


def test_in_homogeneous_water_kerma_is_the_sum_of_lines_behind_mu_r() -> None:
    source = dwells((0.0, 0.0, 0.0))
    points = np.array([[20.0, 0.0, 0.0], [10.0, 30.0, 20.0], [0.0, -40.0, -30.0], [5.0, 0.0, 0.0]])
    water = uniform_map(GRID, "water", 0.998, NAMES)
    made = primary_kerma(points, water, source, np.ones(1), EMISSION)
    for p, point in enumerate(points):
        r_cm = float(np.linalg.norm(point)) / 10.0
        true = closed_form({"water": 0.998 * r_cm}, "water", line_factor(point, np.zeros(3), 3.5))
        # 0.05 %: linear between nodes of 0.5 g/cm2, and the line's ends that lie nearer or farther than its middle.
        assert made.all_water_gy[p] == pytest.approx(true, rel=5e-4)
    assert made.water_gy == pytest.approx(made.all_water_gy, rel=1e-5)
    assert made.medium_gy == pytest.approx(made.water_gy, rel=1e-9)


@pytest.mark.parametrize("slab", ["cortical_bone", "lung", "air", "adipose", "spongiosa"])
def test_behind_a_slab_the_masses_are_those_of_the_oblique_line(slab: str) -> None:
    density = media()[slab].density_g_per_cc
    base = uniform_map(GRID, "water", 0.998, NAMES)
    medium, dense = base.medium_zyx.copy(), base.density_g_per_cc_zyx.copy()
    # Columns 25 to 28: x from 13.5 to 25.5 mm.
    medium[:, :, 25:29], dense[:, :, 25:29] = NAMES.index(slab), density
    slabbed = MediaMap(grid=GRID, medium_zyx=medium, density_g_per_cc_zyx=dense, names=NAMES, rules="slab")
    for point in (np.array([40.0, 0.0, 0.0]), np.array([45.0, 20.0, -25.0]), np.array([20.0, 4.0, 3.0])):
        made = primary_kerma(point[None], slabbed, dwells((0.0, 0.0, 0.0)), np.ones(1), EMISSION)
        per_x = float(np.linalg.norm(point)) / point[0] / 10.0
        within = (min(point[0], 25.5) - 13.5) * per_x * density
        masses = {"water": (point[0] - (min(point[0], 25.5) - 13.5)) * per_x * 0.998, slab: within}
        inside = point[0] < 25.5
        factor = line_factor(point, np.zeros(3), 3.5)
        assert made.water_gy[0] == pytest.approx(closed_form(masses, "water", factor), rel=5e-4)
        assert made.medium_gy[0] == pytest.approx(closed_form(masses, slab if inside else "water", factor), rel=5e-4)


def test_random_voxels_and_lines_agree_with_the_twin() -> None:
    rng = np.random.default_rng(7)
    used = [NAMES.index(name) for name in ("water", "air", "liver", "lung", "adipose", "cortical_bone", "spongiosa")]
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    grid = Grid(
        shape_zyx=(9, 8, 7), origin_mm=np.array([3.0, -8.0, 5.0]), spacing_mm=np.array([2.0, 3.0, 4.0]), direction=turn
    )
    medium = rng.choice(used, grid.shape_zyx).astype(np.uint8)
    density = rng.uniform(0.0, 2.0, grid.shape_zyx).astype(np.float32)
    box = MediaMap(grid=grid, medium_zyx=medium, density_g_per_cc_zyx=density, names=NAMES, rules="random")
    inside = grid.world(rng.uniform(-0.5, np.array([6.5, 7.5, 8.5]), (20, 3)))
    places = inside[:3]
    # Some points lie beyond the grid, where there is nothing.
    points = np.concatenate((inside[3:], inside[3:8] + 40.0))
    source = Dwells(
        positions_mm=places, axes=np.tile([0.0, 0.0, 1.0], (3, 1)), catheter=np.zeros(3, dtype=np.int64),
        offset_mm=np.arange(3.0), catheter_names=("one",),
    )  # fmt: skip
    times = np.array([1.0, 2.0, 5.0])
    alone = [primary_kerma(points, box, source, share, EMISSION) for share in np.eye(3)]
    energy = EMISSION.energy_kev
    mu = np.stack([PHOTONS.attenuation(name, energy) for name in NAMES])
    at = box.medium_at(points)
    xyz = (medium.T.astype(np.int64), density.T.astype(np.float64))
    for p, point in enumerate(points):
        for d, place in enumerate(places):
            a, b = (grid.index(q) * grid.spacing_mm for q in (place, point))
            masses = naive.path_by_medium(-0.5 * grid.spacing_mm, grid.spacing_mm, *xyz, a, b)
            if np.linalg.norm(point - place) < 5.0:
                continue  # there the line of the source is no point
            absorbed = PHOTONS.energy_absorption(NAMES[at[p]] if at[p] >= 0 else "water", energy)
            factor = line_factor(point, place, 3.5)
            true = naive.kerma(energy, EMISSION.share, mu[: len(masses)], absorbed, masses, factor)
            assert alone[d].medium_gy[p] == pytest.approx(true, rel=1e-3)
    together = primary_kerma(points, box, source, times, EMISSION)
    share = times / times.sum()
    assert together.medium_gy == pytest.approx(share @ [one.medium_gy for one in alone], rel=1e-12)
    assert together.all_water_gy == pytest.approx(share @ [one.all_water_gy for one in alone], rel=1e-12)
