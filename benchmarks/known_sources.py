"""Sources whose capsule is known against what is published of them: rows of ``benchmarks.model_based_dose``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.interpolate import RegularGridInterpolator

from benchmarks.rows import Row, middle, row_of
from hdrplan.dose import dose_at_points
from hdrplan.materials import photon_data
from hdrplan.sources import load_source
from hdrplan.transport import (
    Bodies,
    capsule_bodies,
    capsule_names,
    iridium_lines,
    kerma_shells,
    load_emission,
    primary_kerma_gy,
)

Array = npt.NDArray[np.float64]
SHARED = Path(__file__).resolve().parents[2] / "shared"
NAMES = {"gammamed-12i": "GammaMed12i", "gammamed-plus": "GammaMedPlus", "mbdca-generic": "MBDCA-WG"}
# Taylor and Rogers 2008; Perez-Calatayud 2012; Ballester 2015.
DOSE_RATE_CONSTANTS = {"gammamed-12i": 1.117, "gammamed-plus": 1.1165, "mbdca-generic": 1.1109}
# Sources whose constant is, or is a mean with, that of one cell of a table by Taylor and Rogers 2008 -> this table.
BESIDE = {"gammamed-12i": "gammamed-12i", "gammamed-plus": "gammamed-plus-clrp"}


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
        yield row_of(f"dose-rate constant, {name}", DOSE_RATE_CONSTANTS[name], constant, 0.5)
        if name in BESIDE:
            smooth, error = beside_90_degrees(BESIDE[name])
            row = row_of(f"dose-rate constant, {name}, of the cells beside 90 degrees", smooth, constant, 0.5)
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
