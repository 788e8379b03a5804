"""Monte Carlo in media against second estimators: ``python -m benchmarks.media_estimators [--histories N]``.

Slabs of bone, lung and air in water against the analogue Monte Carlo of the tests, which shares cross sections and
neither samplings nor an estimator: it scores the energy that photons leave where they collide. Water without end as a
patient: the correction is 1. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.rows import Row, middle, point_task
from hdrplan.geometry import Grid
from hdrplan.materials import media, photon_data, uniform_map, voxel_codes
from hdrplan.transport import Voxels, correction_at, in_water, isotropic_ir192, primary_kerma, scatter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

# Voxels of 10 mm; a slab 2 to 4 cm from the source. Cells of 10 x 30 x 30 mm.
SLAB = slice(14, 16)
CELLS = (3, 3, 14)
BATCHES = 100
SLABS = ("cortical_bone", "lung", "air")
REST_KEV, KEV_ANGSTROM = 510.99895, 12.398419843
KEV_IN_J = 1.602176634e-16


def cube(n: int, spacing_mm: float) -> Grid:
    """Return a cube of voxels round the middle."""
    return Grid(
        shape_zyx=(n, n, n), origin_mm=np.full(3, -0.5 * (n - 1) * spacing_mm), spacing_mm=np.full(3, spacing_mm)
    )


def slabs(histories: int, names: tuple[str, ...] = SLABS) -> Iterator[Row]:
    """Yield chi-square and mean difference of the track-length kerma from the energy left at collisions.

    In air hardly a photon collides: there the kerma at the places counts where its flights might have collided.
    """
    from naive.photons import scattered_deposits, scattered_kerma

    photons, grid = photon_data(), cube(24, 10.0)
    scored = Grid(shape_zyx=CELLS, origin_mm=np.array([-65.0, -30.0, -30.0]), spacing_mm=np.array([10.0, 30.0, 30.0]))
    for name in names:
        held = media()[name]
        medium = np.full(grid.shape_zyx, photons.number("water"))
        density = np.full(grid.shape_zyx, media()["water"].density_g_per_cc)
        medium[:, :, SLAB], density[:, :, SLAB] = photons.number(name), held.density_g_per_cc
        voxels = Voxels(grid=grid, codes_zyx=voxel_codes(medium, density, photons), photons=photons)
        task = point_task(voxels, scored, seed=11)
        tracks = scatter(task, 4 * histories)
        each = histories // BATCHES
        kev = np.array([scattered_deposits(task, each, seed) for seed in range(BATCHES)])
        at = np.rint(grid.index(scored.points_mm())).astype(int)
        kg = (density[at[:, 2], at[:, 1], at[:, 0]] * scored.voxel_cc * 1e-3).reshape(CELLS)
        analogue = kev * KEV_IN_J / each / kg
        in_slab = (medium[at[:, 2], at[:, 1], at[:, 0]] == photons.number(name)).reshape(CELLS)
        if name == "air":
            kerma = [scattered_kerma(task, each, seed, [name])[name] for seed in range(BATCHES)]
            analogue = np.where(in_slab, np.array(kerma), analogue)
        wanted = np.where(in_slab, tracks.mean_gy(name), tracks.mean_gy("water"))
        track_error = np.where(in_slab, tracks.standard_error_gy(name), tracks.standard_error_gy("water"))
        found, error = analogue.mean(axis=0), analogue.std(axis=0, ddof=1) / np.sqrt(BATCHES)
        both = np.hypot(error, track_error)
        chi2 = float((((found - wanted) / both) ** 2).mean())
        # A variance of 100 batches makes the square of a ratio 99 / 97 on average.
        chi2 *= (BATCHES - 3) / (BATCHES - 1)
        met = "met" if 0.8 <= chi2 <= 1.2 else "not met"
        said = f"slab of {name}: chi-square of {found.size} cells over their number"
        print(f"| {said} | 1 | {chi2:.3f} | | 0.8-1.2 | {met} |")
        places = {"all cells": np.ones(CELLS, dtype=bool), "the slab": in_slab, "behind it": _behind(in_slab)}
        for where, cells in places.items():
            # Sums, so that no cell's own noise decides its weight.
            sums = analogue[:, cells].sum(axis=1)
            total, noise = float(wanted[cells].sum()), float(sums.std(ddof=1) / np.sqrt(BATCHES))
            yield Row(
                name=f"slab of {name}, {where}",
                reference="analogue",
                value="",
                off_pct=100.0 * (total / float(sums.mean()) - 1.0),
                error_pct=100.0 * noise / total,
                tolerance_pct=1.0,
            )


def _behind(in_slab: np.ndarray) -> np.ndarray:
    last = int(np.flatnonzero(in_slab.any(axis=(0, 1))).max())
    behind = np.zeros(in_slab.shape, dtype=bool)
    behind[:, :, last + 1 :] = True
    return behind


def endless_water(histories: int) -> Iterator[Row]:
    """Yield the correction in a patient of water without end: the voxels are water, and so is all beyond them."""
    photons, names, grid = photon_data(), tuple(media()), cube(100, 3.0)
    density = media()["water"].density_g_per_cc
    patient = uniform_map(grid, "water", density, names)
    numbers = np.full(grid.shape_zyx, photons.number("water"))
    codes = voxel_codes(numbers, np.full(grid.shape_zyx, density), photons)
    dwells = middle()
    voxels = Voxels(grid=grid, codes_zyx=codes, photons=photons, outside=int(codes[0, 0, 0]))
    scored = Grid(shape_zyx=(50,) * 3, origin_mm=np.full(3, -147.0), spacing_mm=np.full(3, 6.0))
    task = point_task(voxels, scored, seed=3)
    here, without_end = scatter(task, histories), scatter(in_water(task), histories)
    rng = np.random.default_rng(4)
    points = rng.uniform(-145.0, 145.0, (20_000, 3))
    points = points[np.linalg.norm(points, axis=1) > 5.0]
    primary = primary_kerma(points, patient, dwells, np.ones(1), isotropic_ir192(photons))
    factor = correction_at(points, patient, primary, here, without_end).medium
    worst = float(np.abs(factor - 1.0).max())
    yield Row(
        name=f"water without end, the farthest of {len(points):,} points from 0.5 cm",
        reference="1",
        value=f"{factor[np.abs(factor - 1.0).argmax()]:.6f}",
        off_pct=100.0 * worst,
        error_pct=0.0,
        tolerance_pct=0.1,
    )


def not_in_mu_en(name: str, energy_kev: float) -> float:
    """Return by how many percent mu_en is below what photons leave at collisions: K lines and bremsstrahlung.

    The analogue estimator counts that energy where it arises, as a patient's tissue takes it up within 0.1 mm.
    """
    photons = photon_data()
    number, steps = photons.number(name), 20_001
    cosine = np.linspace(-1.0, 1.0, steps)
    ratio = 1.0 / (1.0 + energy_kev / REST_KEV * (1.0 - cosine))
    transfer = energy_kev / KEV_ANGSTROM * np.sqrt(0.5 * (1.0 - cosine))
    place = np.minimum(transfer / (1.0 + transfer) / photons.transfer[1], len(photons.transfer) - 1.001)
    bound = np.interp(place, np.arange(len(photons.transfer)), photons.scattering_function[number])
    height = ratio**2 * (ratio + 1.0 / ratio - 1.0 + cosine**2) * bound
    left = float((height * (1.0 - ratio)).sum() / height.sum())
    taken = [
        float(np.interp(energy_kev, photons.energy_kev, table[number]))
        for table in (photons.photoelectric, photons.incoherent, photons.absorption)
    ]
    return 100.0 * (1.0 - taken[2] / (taken[0] + left * taken[1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000_000, help="photons of the analogue Monte Carlo")
    parser.add_argument("--only", choices=("water", *SLABS), help="one of them")
    asked = parser.parse_args()
    histories = asked.histories
    print("| test | reference | value | off | tolerance | |\n|---|---|---|---|---|---|")
    water = endless_water(max(10_000, histories // 5)) if asked.only in (None, "water") else iter(())
    for rows in (water, slabs(histories, tuple(name for name in SLABS if asked.only in (None, name)))):
        for row in rows:
            print(row.text(), flush=True)
    if asked.only is None:
        print("\n| mu_en is below the energy left at collisions by | 60 keV | 100 keV | 200 keV |\n|---|---|---|---|")
        for name in ("cortical_bone", "lung", "water"):
            print(
                f"| {name} | " + " | ".join(f"{not_in_mu_en(name, kev):.2f} %" for kev in (60.0, 100.0, 200.0)) + " |"
            )


if __name__ == "__main__":
    main()
