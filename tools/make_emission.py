"""Make src/hdrplan/transport/emission.npz: what leaves each source whose capsule is known.

``python tools/make_emission.py [HISTORIES]``, 5e7 by default: 20 CPU seconds a source.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hdrplan.materials import PhotonData, photon_data
from hdrplan.transport import air_kerma_gy_cm2, capsule_bodies, capsule_names, iridium_lines, leaving, primary_kerma_gy

OUT = Path(__file__).resolve().parents[1] / "src" / "hdrplan" / "transport" / "emission.npz"
# Ranges of 0.05 of the cosine: the middle two are the 100 mm wide voxel at 1 m of the reference values.
N_COSINES = 40
MIDDLE = slice(N_COSINES // 2 - 1, N_COSINES // 2 + 1)
_METRE_MM = 1000.0


def air_kerma(
    name: str, count: npt.NDArray[np.float64], kev: npt.NDArray[np.float64], photons: PhotonData
) -> tuple[float, float]:
    """Return air kerma times distance squared per photon that starts, Gy cm2, and its standard error.

    Primary photons are traced without noise, scattered ones and K lines counted.
    """
    vacuum = capsule_bodies(name, around="air", around_g_per_cc=0.0)
    point = [[_METRE_MM, 0.0, 0.0]]
    primary = primary_kerma_gy(vacuum, photons, iridium_lines(), point, n_starts=16384)[0] * (_METRE_MM / 10.0) ** 2
    scattered = count[:, :, MIDDLE, 1].sum(axis=2) * (N_COSINES / 2)
    batches = np.array([air_kerma_gy_cm2(kev, row, photons) for row in scattered])
    return float(primary + batches.mean()), float(batches.std(ddof=1) / np.sqrt(len(batches)))


def main() -> None:
    """Write the file and print what it holds."""
    histories = int(float(sys.argv[1])) if len(sys.argv) > 1 else 50_000_000
    photons, held = photon_data(), {}
    for name in capsule_names():
        vacuum = capsule_bodies(name, around="air", around_g_per_cc=0.0)
        count, kev = leaving(vacuum, photons, iridium_lines(), histories=histories, n_cosines=N_COSINES)
        kerma, error = air_kerma(name, count, kev, photons)
        mean = count.sum(axis=3).mean(axis=0)
        used = mean.sum(axis=1) > 0.0
        held[f"{name} share"] = (mean[used] / mean.sum()).astype(np.float32)
        held[f"{name} kev"] = kev[used]
        held[f"{name} air_kerma"] = np.array(kerma / mean.sum())
        held[f"{name} per_start"] = np.array(mean.sum())
        print(f"{name}: {mean.sum():.4f} photons leave, {kerma:.5e} +- {error:.1e} Gy cm2 per photon that starts")
    np.savez_compressed(OUT, **held)
    print(f"{OUT}: {OUT.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
