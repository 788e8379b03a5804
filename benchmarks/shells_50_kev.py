"""Water and air in turn around a point of 50 keV, absolute: ``python -m benchmarks.shells_50_kev [--histories N]``.

Balls of 1, 2, 3, 4 and 5 mm, water innermost; the point lies in a titanium shell of 0.35 to 0.40 mm filled with air.
Beyond is vacuum. The published doses are read from ../shared; without it nothing is compared. Primary photons are
integrated in closed form over each shell, scattered ones followed through voxels of 0.1 mm.
"""

from __future__ import annotations

import argparse
import re

import numpy as np

from benchmarks.model_based_dose import SHARED
from benchmarks.rows import Row, row_of
from hdrplan.geometry import Grid
from hdrplan.materials import photon_data, voxel_codes
from hdrplan.transport import Emission, ScatterTask, Voxels, air_kerma_gy_cm2, scatter
from hdrplan.transport.tables import GY_PER_KEV_PER_MM2_G

KEV = 50.0
# Outer radius in mm, medium, g/cm3.
BODIES = (
    (0.35, "air", 0.0012),
    (0.40, "titanium", 4.54),
    (1.0, "water", 0.998),
    (2.0, "air", 0.0012),
    (3.0, "water", 0.998),
    (4.0, "air", 0.0012),
    (5.0, "water", 0.998),
)
VOXEL_MM, CELL_MM, SIDE_MM = 0.1, 0.2, 10.4
POINTS = 20_000


def primary_gy(low_mm: float, high_mm: float) -> float:
    """Return the primary kerma per photon, mean over the volume between two radii of one medium."""
    photons = photon_data()
    radius = low_mm + (np.arange(POINTS) + 0.5) * (high_mm - low_mm) / POINTS
    depth, inner = np.zeros(POINTS), 0.0
    for outer, name, density in BODIES:
        mu_per_mm = 0.1 * density * float(photons.attenuation(name, np.array([KEV]))[0])
        depth += mu_per_mm * np.clip(radius - inner, 0.0, outer - inner)
        inner = outer
    name = next(name for outer, name, _ in BODIES if outer >= high_mm)
    kerma = (
        KEV * float(photons.energy_absorption(name, np.array([KEV]))[0]) * np.exp(-depth) / (4.0 * np.pi * radius**2)
    )
    return float((kerma * radius**2).sum() / (radius**2).sum() * GY_PER_KEV_PER_MM2_G)


def point(histories: int) -> dict[float, np.ndarray]:
    """Return outer radius -> scattered kerma per photon of each batch, for the shells of 1 to 5 mm."""
    photons = photon_data()
    n = round(SIDE_MM / VOXEL_MM)
    grid = Grid(shape_zyx=(n,) * 3, origin_mm=np.full(3, -0.5 * (n - 1) * VOXEL_MM), spacing_mm=np.full(3, VOXEL_MM))
    radius = np.linalg.norm(grid.points_mm(), axis=1).reshape(grid.shape_zyx)
    medium, density = np.full(grid.shape_zyx, photons.number("air")), np.zeros(grid.shape_zyx)
    for outer, name, g_per_cc in reversed(BODIES):
        medium[radius < outer], density[radius < outer] = photons.number(name), g_per_cc
    m = round(SIDE_MM / CELL_MM)
    scored = Grid(shape_zyx=(m,) * 3, origin_mm=np.full(3, -0.5 * (m - 1) * CELL_MM), spacing_mm=np.full(3, CELL_MM))
    emission = Emission(
        name="50 keV",
        energy_kev=np.array([KEV]),
        cosine=np.array([[-1.0, 1.0]]),
        share=np.ones(1),
        length_mm=1e-6,
        air_kerma_gy_cm2=air_kerma_gy_cm2([KEV], [1.0], photons),
    )
    task = ScatterTask(
        voxels=Voxels(grid=grid, codes_zyx=voxel_codes(medium, density, photons), photons=photons),
        emission=emission,
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        times_s=np.ones(1),
        scored=scored,
        seed=1,
    )
    found = scatter(task, histories)
    cells = np.linalg.norm(scored.points_mm(), axis=1).reshape(scored.shape_zyx)
    out, inner = {}, 0.0
    for outer, name, _ in BODIES:
        if outer >= 1.0:
            held = (cells >= inner) & (cells < outer)
            out[outer] = found.batches_gy(name)[:, held].mean(axis=1, dtype=np.float64)
        inner = outer
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=4_000_000)
    histories = parser.parse_args().histories
    notes = SHARED / "reference" / "model_based_dose.md"
    text = notes.read_text(encoding="utf-8") if notes.exists() else ""
    published = re.search(r"simple_dose_sph: ([\d.e, -]+) Gy/history", text)
    wanted = [float(value) for value in published[1].split(",")] if published else [np.nan] * 5
    scattered, inner = point(histories), 0.40
    print("| test | reference | value | off | tolerance | |\n|---|---|---|---|---|---|")
    for (outer, batches), reference in zip(scattered.items(), wanted, strict=True):
        name = next(name for radius, name, _ in BODIES if radius == outer)
        row: Row = row_of(f"{name}, up to {outer:g} mm", reference, primary_gy(inner, outer) + batches, 0.5)
        print(row.text(), f"scatter {100 * batches.mean() / primary_gy(inner, outer):.1f} % of primary", flush=True)
        inner = outer


if __name__ == "__main__":
    main()
