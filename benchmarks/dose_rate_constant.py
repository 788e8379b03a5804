"""What a dose-rate constant hangs on: ``python -m benchmarks.dose_rate_constant [--histories N]``.

Each ingredient of the constant of the GammaMed 12i changed by itself, as far as sources of data differ or farther, and
how much the constant moves. Then, for five tables of one study, how far the cell at 1 cm and 90 degrees, whose dose the
constant is, and the cells beside it lie from a smooth curve through these.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from benchmarks.model_based_dose import LINES_1993
from hdrplan.materials import photon_data
from hdrplan.sources import load_source
from hdrplan.transport import (
    Bodies,
    Solid,
    air_kerma_gy_cm2,
    capsule_bodies,
    iridium_lines,
    kerma_shells,
    leaving,
    primary_kerma_gy,
)

Array = npt.NDArray[np.float64]
NAME, METRE_MM, WATER = "gammamed-12i", 1000.0, 0.998
# Photons from farther in water are left out of all rows alike; they are 0.2 % of the dose at 1 cm.
REACH_MM = 200.0
N_COSINES = 40
ACROSS = slice(17, 23)
TABLES = ("gammamed-12i", "gammamed-plus-clrp", "microselectron-v1-clrp", "microselectron-v2-clrp", "flexisource-clrp")


def constant(source: Bodies, lines: Array, histories: int, *, water: float = WATER, above_kev: float = 0.0) -> Array:
    """Return the dose-rate constant in cGy/h/U of each batch of histories.

    Parameters
    ----------
    source : Bodies
        With anything around.
    lines : (n, 2) array
        keV, intensity.
    histories : int
        In water, and as many in vacuum.
    water : float
        g/cm3.
    above_kev : float
        Softer photons are left out of the air kerma.
    """
    data = photon_data()
    vacuum = replace(source, around="air", around_g_per_cc=0.0, reach_mm=100.0)
    count, kev = leaving(vacuum, data, lines, histories=histories, n_cosines=N_COSINES)
    air = primary_kerma_gy(vacuum, data, lines, [[METRE_MM, 0.0, 0.0]], n_starts=16384)[0] * (METRE_MM / 10.0) ** 2
    # Ranges of the cosine across the axis; a range's photons stand for all directions.
    scattered = count[:, :, ACROSS, 1].mean(axis=2) * N_COSINES * (kev >= above_kev)
    air += np.mean([air_kerma_gy_cm2(kev, row, data) for row in scattered])
    wet = replace(source, around="water", around_g_per_cc=water, reach_mm=REACH_MM)
    shells = kerma_shells(wet, data, lines, histories=histories, n_cosines=N_COSINES).batches_gy_mm2[..., 1]
    primary = primary_kerma_gy(wet, data, lines, [[10.0, 0.0, 0.0]], n_starts=16384)[0]
    return np.asarray((primary + shells[:, 3:5, ACROSS].mean(axis=(1, 2)) / 100.0) / air)


def changed(source: Bodies, what: str, **to: object) -> Bodies:
    """Return a source whose solids of a medium are others."""
    solids = tuple(replace(one, **to) if one.medium == what else one for one in source.solids)  # type: ignore[arg-type]
    return replace(source, solids=solids)


def ingredients(histories: int) -> Iterator[tuple[str, Array]]:
    """Yield what is changed and the constant's batches; the first is unchanged."""
    source = capsule_bodies(NAME, around="water", around_g_per_cc=WATER)
    lines = iridium_lines()
    yield "nothing", constant(source, lines, histories)
    yield "spectrum of 1993 (Duchemin and Coursol)", constant(source, np.array(LINES_1993), histories)
    yield "no K lines of the decay", constant(source, lines[(lines[:, 0] < 60.0) | (lines[:, 0] > 80.0)], histories)
    yield "air kerma from 10 keV", constant(source, lines, histories, above_kev=10.0)
    yield "air kerma from 60 keV", constant(source, lines, histories, above_kev=60.0)
    yield "steel 2 % denser", constant(changed(source, "steel", density_g_per_cc=8.06 * 1.02), lines, histories)
    yield (
        "steel of the generic capsule",
        constant(changed(source, "steel", medium="steel_generic_capsule"), lines, histories),
    )
    yield "iridium 22.56 g/cm3", constant(changed(source, "iridium", density_g_per_cc=22.56), lines, histories)
    gap: dict[str, object] = {"medium": "steel", "density_g_per_cc": 8.06}
    yield "steel in place of the gap of air", constant(changed(source, "air", **gap), lines, histories)
    thin: tuple[Solid, ...] = tuple(
        replace(one, radius_mm=0.45) if one.radius_mm == 0.55 and one.end_radius_mm is None else one
        for one in source.solids
    )
    yield "wall 0.1 mm thinner", constant(replace(source, solids=thin), lines, histories)
    core = replace(source.solids[0], from_mm=-1.8, to_mm=1.8)
    longer = replace(source, core_length_mm=3.6, solids=(core, *source.solids[1:]))
    yield "core 0.1 mm longer", constant(longer, lines, histories)
    yield "water of 1 g/cm3", constant(source, lines, histories, water=1.0)


def noise_of_cells(name: str) -> tuple[float, float]:
    """Return how far the cell at 90 degrees and, root mean square, its neighbours at 1 cm are off a parabola, percent.

    The parabola goes through the cells up to 26 degrees to either side, without the one at 90.
    """
    source = load_source(name)
    column = int(np.abs(source.anisotropy_r_mm - 10.0).argmin())
    off, values = np.degrees(source.anisotropy_theta_rad) - 90.0, source.anisotropy[:, column]
    held = (np.abs(off) <= 26.0) & (np.abs(off) > 0.5) & np.isfinite(values)
    fit = np.polyfit(off[held], values[held], 2)
    others = values[held] - np.polyval(fit, off[held])
    middle = float(values[np.abs(off).argmin()] / fit[2] - 1.0)
    return 100.0 * middle, 100.0 * float(np.sqrt((others**2).sum() / (held.sum() - 3)))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=4_000_000, help="photons of each row, in water and in vacuum")
    histories = parser.parse_args().histories
    print(f"| changed | {NAME} | moves it by |\n|---|---|---|")
    first, error = 0.0, 0.0
    for what, batches in ingredients(histories):
        changes = first > 0.0
        mean, own = float(batches.mean()), float(batches.std(ddof=1) / np.sqrt(len(batches)))
        first, error = (first, error) if first else (mean, own)
        moved, noise = 100.0 * (mean / first - 1.0), 100.0 * np.hypot(own, error) / first
        print(f"| {what} | {mean:.4f} | " + (f"{moved:+.2f} ± {noise:.2f} % |" if changes else "|"), flush=True)
    print("\n| table | cell at 1 cm, 90 degrees | its neighbours, root mean square |\n|---|---|---|")
    for name in TABLES:
        cell, others = noise_of_cells(name)
        print(f"| {name} | {cell:+.2f} % | {others:.2f} % |")


if __name__ == "__main__":
    main()
