"""Physics of model-based dose against published values: ``python -m benchmarks.model_based_dose [--histories N]``.

Prints each row with reference, value, tolerance, and whether it is met. Seeds are fixed. References that may not be
part of the project are read from ../shared; their rows are left out where it is absent.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.known_sources import sources
from benchmarks.rows import Row, middle, point_task, row_of
from hdrplan.geometry import Grid
from hdrplan.materials import MediaMap, media, photon_data, voxel_codes
from hdrplan.sources import load_source
from hdrplan.transport import (
    Bodies,
    Voxels,
    correction_at,
    in_water,
    iridium_lines,
    isotropic_ir192,
    kerma_shells,
    primary_kerma,
    scatter,
)

Array = npt.NDArray[np.float64]
SHARED = Path(__file__).resolve().parents[2] / "shared"
# Hubbell and Seltzer, NISTIR 5632: keV; mu/rho, mu_en/rho in cm2/g.
NIST_KEV = (30, 60, 100, 200, 300, 400, 600, 800)
NIST = {
    "water": (
        (0.3756, 0.2059, 0.1707, 0.1370, 0.1186, 0.1061, 0.08956, 0.07865),
        (0.1557, 0.03190, 0.02546, 0.02967, 0.03192, 0.03279, 0.03284, 0.03206),
    ),
    "air": (
        (0.3538, 0.1875, 0.1541, 0.1233, 0.1067, 0.09549, 0.08055, 0.07074),
        (0.1537, 0.03041, 0.02325, 0.02672, 0.02872, 0.02949, 0.02953, 0.02882),
    ),
    "cortical_bone": (
        (1.331, 0.3148, 0.1855, 0.1309, 0.1113, 0.09908, 0.08332, 0.07308),
        (1.070, 0.1400, 0.04585, 0.03003, 0.03032, 0.03069, 0.03052, 0.02973),
    ),
}
# Lines of the bare source of the published shells: Duchemin B, Coursol N, LPRI/93/018 (1993); keV, per 100 decays.
LINES_1993 = (
    *((10.5, 5.8), (62.0, 3.57), (64.0, 3.57), (66.0, 3.58), (73.0, 0.964), (75.0, 0.964), (77.0, 0.964)),
    *((136.5, 0.181), (201.5, 0.485), (205.5, 3.33), (283.5, 0.266), (295.5, 28.85), (308.5, 30.05), (316.5, 82.8)),
    *((374.5, 0.721), (416.5, 0.664), (468.5, 47.8), (484.5, 3.16), (489.5, 0.427), (588.5, 4.48), (604.5, 8.16)),
    *((612.5, 5.26), (884.5, 0.288)),
)


def _point(reach_mm: float) -> Bodies:
    return Bodies(
        core_radius_mm=1e-6,
        core_length_mm=1e-6,
        solids=(),
        around="water",
        around_g_per_cc=0.998,
        inner_mm=(0.0, 0.0, 0.0),
        reach_mm=reach_mm,
    )


def coefficients() -> Iterator[Row]:
    """Yield the largest deviation of mu and mu_en from NIST, medium by medium."""
    data = photon_data()
    for medium, (mu, mu_en) in NIST.items():
        for what, ours, theirs in (
            ("mu", data.attenuation(medium, NIST_KEV), mu),
            ("mu_en", data.energy_absorption(medium, NIST_KEV), mu_en),
        ):
            off = 100.0 * (ours / np.array(theirs) - 1.0)
            worst = int(np.abs(off).argmax())
            yield Row(
                name=f"{what}, {medium}, 30-800 keV",
                reference="NIST",
                value=f"farthest at {NIST_KEV[worst]} keV",
                off_pct=float(off[worst]),
                error_pct=0.0,
                tolerance_pct=0.2,
            )


def energy_balance(histories: int) -> Iterator[Row]:
    """Yield the energy that water takes up over the mean energy of photons; bremsstrahlung takes some 0.05 % away."""
    lines = iridium_lines(hard=True)
    # A sphere of 1 m lets a thousandth of the energy out.
    around = kerma_shells(_point(1600.0), photon_data(), lines, histories=histories)
    kg_per_mm3 = 0.998e-6
    joules = around.batches_gy_mm2.sum(axis=(1, 2, 3)) * 2.5 * 4.0 * np.pi * kg_per_mm3
    yield row_of("energy taken up by 1.6 m of water", 1.0, joules / _mean_joules(lines), 0.1)


def _mean_joules(lines: Array) -> float:
    return float(lines[:, 0] @ lines[:, 1] / lines[:, 1].sum() * 1.602176634e-16)


def shells(histories: int) -> Iterator[Row]:
    """Yield scattered over primary dose in a sphere of 10 cm."""
    notes = SHARED / "reference" / "model_based_dose.md"
    if not notes.exists():
        return
    found = re.search(r"at ([\d./]+) cm = ([\d./]+) \(from its printed doses\)", notes.read_text(encoding="utf-8"))
    if found is None:
        return
    radii, ratios = ([float(v) for v in found[i].split("/")] for i in (1, 2))
    data, lines = photon_data(), np.array(LINES_1993)
    energy, intensity = lines.T
    around = kerma_shells(_point(100.0), data, lines, histories=histories)
    kerma = intensity / intensity.sum() * energy * data.energy_absorption("water", energy)
    mu = 0.0998 * data.attenuation("water", energy)
    primary = (kerma * np.exp(-mu * around.radius_mm[:, None])).sum(axis=1) * 1.602176634e-11 / (4.0 * np.pi)
    for radius_cm, wanted in zip(radii, ratios, strict=True):
        i = 2 * int(radius_cm / 0.5)
        batches = around.batches_gy_mm2[:, i : i + 2, 0, 1].sum(axis=1) / primary[i : i + 2].sum()
        yield row_of(f"scatter to primary, {radius_cm:g} cm", wanted, batches, 0.7)


def ball(histories: int) -> Iterator[Row]:
    """Yield the correction in a ball of water in air, against published g of such a ball over g of endless water.

    Daskalov 1998 computed in a ball of 15 cm radius, Taylor and Rogers 2008 in one of 40 cm; g is 1 at 1 cm.
    """
    data, names, step, count = photon_data(), tuple(media()), 3.0, 104
    grid = Grid(shape_zyx=(count,) * 3, origin_mm=np.full(3, -step * (count - 1) / 2), spacing_mm=np.full(3, step))
    inside = (np.linalg.norm(grid.points_mm(), axis=1) <= 150.0).reshape(grid.shape_zyx)
    held = [media()[name] for name in ("air", "water")]
    medium = np.where(inside, names.index("water"), names.index("air")).astype(np.uint8)
    density = np.where(inside, held[1].density_g_per_cc, held[0].density_g_per_cc).astype(np.float32)
    patient = MediaMap(grid=grid, medium_zyx=medium, density_g_per_cc_zyx=density, names=names, rules="ball")
    dwells = middle()
    codes = voxel_codes(np.array([data.number(name) for name in names])[medium], density, data)
    scored = Grid(shape_zyx=(count // 2,) * 3, origin_mm=grid.origin_mm + step / 2, spacing_mm=np.full(3, 2 * step))
    bounded, endless = load_source("microselectron-v2-daskalov"), load_source("microselectron-v2-clrp")
    k = np.arange(400) + 0.5
    cosine, turn = 1.0 - 2.0 * k / len(k), np.pi * (1.0 + 5.0**0.5) * k
    sine = np.sqrt(1.0 - cosine**2)
    directions = np.stack((sine * np.cos(turn), sine * np.sin(turn), cosine), axis=1)
    runs = []
    for seed in range(4):
        task = point_task(Voxels(grid=grid, codes_zyx=codes, photons=data), scored, seed=seed)
        runs.append((scatter(task, histories), scatter(in_water(task), histories)))

    def factors_at(radius_mm: float) -> Array:
        points = radius_mm * directions
        primary = primary_kerma(points, patient, dwells, np.ones(1), isotropic_ir192(data))
        return np.array([correction_at(points, patient, primary, *run).medium.mean() for run in runs])

    at_1_cm = factors_at(10.0)
    for radius_mm in (30.0, 50.0, 80.0, 100.0, 120.0):
        factors = factors_at(radius_mm) / at_1_cm
        wanted = np.interp(radius_mm, bounded.radial_r_mm, bounded.radial_dose)
        wanted /= np.interp(radius_mm, endless.radial_r_mm, endless.radial_dose)
        yield row_of(f"ball of 15 cm over endless water, {radius_mm / 10:g} cm", wanted, factors, 0.5)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000_000, help="photons of each Monte Carlo row")
    histories = parser.parse_args().histories
    print("| test | reference | value | off | tolerance | |\n|---|---|---|---|---|---|")
    quarter = histories // 4
    for rows in (coefficients(), energy_balance(histories), shells(histories), sources(histories), ball(quarter)):
        for row in rows:
            print(row.text(), flush=True)


if __name__ == "__main__":
    main()
