"""Physics of model-based dose against published values: ``python -m benchmarks.model_based_dose [--histories N]``.

Prints each row with reference, value, tolerance, and whether it is met. Seeds are fixed. References that may not be
part of the project are read from ../shared; their rows are left out where it is absent.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RegularGridInterpolator

from hdrplan.dose import dose_at_points
from hdrplan.geometry import Dwells, Grid
from hdrplan.materials import MediaMap, media, photon_data, voxel_codes
from hdrplan.sources import load_source
from hdrplan.transport import (
    Bodies,
    ScatterTask,
    Voxels,
    capsule_bodies,
    capsule_names,
    correction_at,
    in_water,
    iridium_lines,
    isotropic_ir192,
    kerma_shells,
    load_emission,
    primary_kerma,
    primary_kerma_gy,
    scatter,
)

Array = npt.NDArray[np.float64]
SHARED = Path(__file__).resolve().parents[2] / "shared"
NAMES = {"gammamed-12i": "GammaMed12i", "gammamed-plus": "GammaMedPlus", "mbdca-generic": "MBDCA-WG"}
# Taylor and Rogers 2008; Perez-Calatayud 2012; Ballester 2015.
DOSE_RATE_CONSTANTS = {"gammamed-12i": 1.117, "gammamed-plus": 1.1165, "mbdca-generic": 1.1109}
# Sources whose constant is, or is a mean with, that of one cell of a table by Taylor and Rogers 2008 -> this table.
BESIDE = {"gammamed-12i": "gammamed-12i", "gammamed-plus": "gammamed-plus-clrp"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison; error is a standard error in percent, 0 where there is no noise."""

    name: str
    reference: str
    value: str
    off_pct: float
    error_pct: float
    tolerance_pct: float

    def text(self) -> str:
        """Return the row as a line of a table."""
        met = "met" if abs(self.off_pct) <= self.tolerance_pct else "not met"
        error = f" +- {self.error_pct:.2f}" if self.error_pct else ""
        off = f"{self.off_pct:+.2f}{error} %"
        return f"| {self.name} | {self.reference} | {self.value} | {off} | {self.tolerance_pct:g} % | {met} |"


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
    yield _row("energy taken up by 1.6 m of water", 1.0, joules / _mean_joules(lines), 0.1)


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
        yield _row(f"scatter to primary, {radius_cm:g} cm", wanted, batches, 0.7)


def _row(name: str, wanted: float, batches: Array, tolerance_pct: float) -> Row:
    mean, error = float(batches.mean()), float(batches.std(ddof=1) / np.sqrt(len(batches)))
    return Row(
        name=name,
        reference=f"{wanted:.5g}",
        value=f"{mean:.5g}",
        off_pct=100.0 * (mean / wanted - 1.0),
        error_pct=100.0 * error / wanted,
        tolerance_pct=tolerance_pct,
    )


def sources(histories: int) -> Iterator[Row]:
    """Yield air kerma per photon and dose-rate constant of each capsule; the along-away table of the generic one."""
    data = photon_data()
    facts = SHARED / "data" / "sources" / "geometry_facts.json"
    wanted = json.loads(facts.read_text(encoding="utf-8")) if facts.exists() else {}
    for name in capsule_names():
        emission = load_emission(name, data)
        kerma = emission.air_kerma_gy_cm2 * emission.per_start
        if wanted:
            reference = wanted[NAMES[name]]["air_kerma_Gy_cm2_per_history"]
            yield Row(
                name=f"air kerma per photon, {name}",
                reference=f"{reference:.5e}",
                value=f"{kerma:.5e}",
                off_pct=100.0 * (kerma / reference - 1.0),
                error_pct=0.0,
                tolerance_pct=0.3,
            )
        bodies = capsule_bodies(name, around="water", around_g_per_cc=0.998, reach_mm=500.0)
        around = kerma_shells(bodies, data, iridium_lines(), histories=histories, n_cosines=40)
        scattered = around.batches_gy_mm2[..., 1]
        primary = primary_kerma_gy(bodies, data, iridium_lines(), [[10.0, 0.0, 0.0]], n_starts=16384)[0]
        constant = (primary + scattered[:, 3:5, 17:23].mean(axis=(1, 2)) / 100.0) / kerma
        yield _row(f"dose-rate constant, {name}", DOSE_RATE_CONSTANTS[name], constant, 0.5)
        if name in BESIDE:
            smooth, error = beside_90_degrees(BESIDE[name])
            row = _row(f"dose-rate constant, {name}, of the cells beside 90 degrees", smooth, constant, 0.5)
            yield replace(row, reference=f"{smooth:.4f} +- {error:.4f}")
            yield from whole_table(name, bodies, (around.radius_mm, around.cosine, scattered.mean(axis=0)), kerma)
        if name == "mbdca-generic":
            yield from along_away(bodies, (around.radius_mm, around.cosine, scattered.mean(axis=0)), kerma)


def beside_90_degrees(source_name: str) -> tuple[float, float]:
    """Return the dose-rate constant that a source's table has without its one cell at 1 cm and 90 degrees, with error.

    A parabola in the angle through the cells up to 26 degrees to either side stands for that cell.
    """
    source = load_source(source_name)
    column = int(np.abs(source.anisotropy_r_mm - 10.0).argmin())
    off = np.degrees(source.anisotropy_theta_rad) - 90.0
    values = source.anisotropy[:, column]
    held = (np.abs(off) <= 26.0) & (np.abs(off) > 0.5) & np.isfinite(values)
    fit, covariance = np.polyfit(off[held], values[held], 2, cov=True)
    # Gy/s per U to cGy/h per U.
    constant = source.dose_rate_constant_gy_per_s_per_u * 3.6e5
    return float(constant * fit[2]), float(constant * np.sqrt(covariance[2, 2]))


def whole_table(name: str, bodies: Bodies, scattered: tuple[Array, Array, Array], kerma: float) -> Iterator[Row]:
    """Yield mean and spread of the deviations from the published dose, every 10 degrees at six radii.

    A table is dose over that of its cell at 1 cm and 90 degrees: noise of this cell leaves the product with the
    constant, which is that of the same cell.
    """
    radius, angle = (a.ravel() for a in np.meshgrid([5.0, 10.0, 15.0, 20.0, 30.0, 50.0], np.arange(20.0, 161.0, 10.0)))
    away, along = radius * np.sin(np.radians(angle)), radius * np.cos(np.radians(angle))
    points = np.stack((away, 0.0 * away, along), axis=1)
    one = middle()
    published = dose_at_points(one, np.ones(1), points, load_source(BESIDE[name]), strength_u=1.0).gy * 3.6e5
    ours = _absolute(points, bodies, scattered) / kerma
    off = 100.0 * (ours / published - 1.0)
    for what, value, tolerance in (("mean", off.mean(), 0.5), ("median", np.median(off), 0.5)):
        yield Row(
            name=f"dose, {name}, {len(off)} places of 0.5-5 cm, 20-160 degrees: {what}",
            reference="Taylor 2008",
            value="",
            off_pct=float(value),
            error_pct=float(off.std(ddof=1) / np.sqrt(len(off))),
            tolerance_pct=tolerance,
        )


def _absolute(points: Array, bodies: Bodies, scattered: tuple[Array, Array, Array]) -> Array:
    """Return the kerma in water around a capsule per photon that starts, Gy."""
    radii, cosines, values = scattered
    smooth = RegularGridInterpolator((radii, cosines), values, bounds_error=False, fill_value=None)
    radius = np.linalg.norm(points, axis=1)
    around = smooth(np.stack((radius, points[:, 2] / radius), axis=1)) / radius**2
    return np.asarray(primary_kerma_gy(bodies, photon_data(), iridium_lines(), points) + around)


def along_away(bodies: Bodies, scattered: tuple[Array, Array, Array], kerma: float) -> Iterator[Row]:
    """Yield mean and spread of the deviations from the published along-away table."""
    path = SHARED / "data" / "sources" / "mbdca_generic.json"
    if not path.exists():
        return
    table = json.loads(path.read_text(encoding="utf-8"))["along_away"]
    rates = np.array(table["dose_rate_cGy_per_h_per_U"], dtype=np.float64)
    along, away = np.meshgrid(10.0 * np.array(table["along_cm"]), 10.0 * np.array(table["away_cm"]), indexing="ij")
    radius, angle = np.hypot(along, away), np.degrees(np.arctan2(away, along))
    used = (radius > 4.99) & (angle >= 20.0) & (angle <= 160.0) & np.isfinite(rates)
    points = np.stack((away[used], 0.0 * away[used], along[used]), axis=1)
    off = 100.0 * (_absolute(points, bodies, scattered) / kerma / rates[used] - 1.0)
    yield Row(
        name=f"along-away, {used.sum()} cells from 0.5 cm, 20-160 degrees: mean",
        reference="Ballester 2015",
        value="",
        off_pct=float(off.mean()),
        error_pct=0.0,
        tolerance_pct=0.2,
    )
    yield Row(
        name="along-away: what 95 % of cells are within",
        reference="Ballester 2015",
        value="",
        off_pct=float(np.quantile(np.abs(off), 0.95)),
        error_pct=0.0,
        tolerance_pct=0.7,
    )


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
        yield _row(f"ball of 15 cm over endless water, {radius_mm / 10:g} cm", wanted, factors, 0.5)


def middle() -> Dwells:
    """Return one dwell at the origin, its axis along z."""
    return Dwells(
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        catheter=np.zeros(1, dtype=np.int64),
        offset_mm=np.zeros(1),
        catheter_names=("middle",),
    )


def point_task(voxels: Voxels, scored: Grid, *, seed: int) -> ScatterTask:
    """Return one second of an isotropic point of Ir-192 in the middle."""
    return ScatterTask(
        voxels=voxels,
        emission=isotropic_ir192(voxels.photons),
        positions_mm=np.zeros((1, 3)),
        axes=np.array([[0.0, 0.0, 1.0]]),
        times_s=np.ones(1),
        scored=scored,
        seed=seed,
    )


def speed(histories: int) -> Iterator[str]:
    """Yield histories and primary points per CPU second in a trunk of liver with a layer of bone, on this machine."""
    data = photon_data()
    grid = Grid(shape_zyx=(100, 100, 100), origin_mm=np.full(3, -148.5), spacing_mm=np.full(3, 3.0))
    medium, density = np.full(grid.shape_zyx, data.number("liver")), np.full(grid.shape_zyx, 1.05)
    medium[:, :10], density[:, :10] = data.number("cortical_bone"), 1.6
    scored = Grid(shape_zyx=(50, 50, 50), origin_mm=np.full(3, -147.0), spacing_mm=np.full(3, 6.0))
    task = point_task(Voxels(grid=grid, codes_zyx=voxel_codes(medium, density, data), photons=data), scored, seed=1)
    scatter(task, 100)
    begin = time.process_time()
    scatter(task, histories)
    yield f"{histories / (time.process_time() - begin):.0f} histories per CPU second"
    names = tuple(media())
    numbers = np.where(medium == data.number("liver"), names.index("liver"), names.index("cortical_bone"))
    patient = MediaMap(
        grid=grid,
        medium_zyx=numbers.astype(np.uint8),
        density_g_per_cc_zyx=density.astype(np.float32),
        names=names,
        rules="trunk",
    )
    rng = np.random.default_rng(1)
    dwells = Dwells(
        positions_mm=rng.uniform(-25.0, 25.0, (30, 3)),
        axes=np.tile([0.0, 0.0, 1.0], (30, 1)),
        catheter=np.zeros(30, dtype=np.int64),
        offset_mm=np.arange(30.0),
        catheter_names=("all",),
    )
    # Every voxel is a point: in all directions and to the far corners.
    points = grid.points_mm()
    primary_kerma(points[:100], patient, dwells, np.ones(30), isotropic_ir192(data))
    begin = time.process_time()
    primary_kerma(points, patient, dwells, np.ones(30), isotropic_ir192(data))
    yield f"{time.process_time() - begin:.1f} CPU seconds for the primary of {len(points):,} points and 30 dwells"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000_000, help="photons of each Monte Carlo row")
    parser.add_argument("--speed", action="store_true", help="nothing but the speed")
    asked = parser.parse_args()
    histories = asked.histories
    if asked.speed:
        print(*speed(1_000_000), sep="\n")
        return
    print("| test | reference | value | off | tolerance | |\n|---|---|---|---|---|---|")
    quarter = histories // 4
    for rows in (coefficients(), energy_balance(histories), shells(histories), sources(histories), ball(quarter)):
        for row in rows:
            print(row.text(), flush=True)
    print()
    for line in speed(min(histories, 1_000_000)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
