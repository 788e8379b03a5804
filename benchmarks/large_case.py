"""One large session as a folder: a CT of 512 x 512 x 400 voxels, four CTVs of 17 cc, 60 catheters, organs beside them.

Run: python -m benchmarks.large_case FOLDER; then hdrplan plan FOLDER --step 2 -o OUT --profile
The page docs/explanation/where-time-goes.md shows its profile.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from hdrplan.geometry import Grid, Volume
from hdrplan.io import write_volume

GRID = Grid(shape_zyx=(400, 512, 512), origin_mm=[-204.8, -204.8, -200.0], spacing_mm=[0.8, 0.8, 1.0])
# Middles of the CTVs, and their radius: 17 cc.
MIDDLES_MM = ((-40.0, -35.0, -30.0), (-40.0, 35.0, 30.0), (-110.0, -35.0, 30.0), (-110.0, 35.0, -30.0))
RADIUS_MM = 15.95
CATHETERS_EACH = 15
# name -> middle and half axes, mm.
ORGANS = {
    "liver": ((-75.0, 0.0, 0.0), (95.0, 85.0, 80.0)),
    "stomach": ((60.0, -20.0, 20.0), (40.0, 35.0, 50.0)),
    "duodenum": ((35.0, -20.0, -40.0), (14.0, 30.0, 14.0)),
    "colon": ((-60.0, -110.0, -60.0), (70.0, 22.0, 22.0)),
    "spinal_cord": ((10.0, 120.0, 0.0), (7.0, 7.0, 190.0)),
}
_CASE = """name = "large session"
ct = "ct.nii.gz"
catheters = "catheters.json"
healthy = "liver"

[[structures]]
file = "labels.nii.gz"
names = "labels.json"

[roles]
{roles}

[prescription_gy]
{prescriptions}

[source]
name = "gammamed-12i"
strength_u = 40700.0

[[goals]]
structure = "duodenum"
goal = "D1cc <= 14 Gy"
source = "benchmark"

[[goals]]
structure = "liver"
goal = "V10Gy <= 33 %"
level = 1
source = "benchmark"
"""


def _inside(middle_mm: tuple[float, float, float], half_mm: tuple[float, float, float]) -> np.ndarray:
    """Voxels of an ellipsoid, (nz, ny, nx)."""
    x, y, z = (
        ((GRID.origin_mm[k] + GRID.spacing_mm[k] * np.arange(GRID.shape_zyx[2 - k]) - middle_mm[k]) / half_mm[k]) ** 2
        for k in range(3)
    )
    return np.asarray(z[:, None, None] + y[None, :, None] + x[None, None, :] <= 1.0)


def _catheters() -> list[dict[str, object]]:
    """Rows of five along y and three along z through each CTV, from the skin at the right to beyond the CTV."""
    rows = []
    for lesion, (x, y, z) in enumerate(MIDDLES_MM):
        for k in range(CATHETERS_EACH):
            dy, dz = 6.0 * (k % 5 - 2), 9.0 * (k // 5 - 1)
            tip = x + float(np.sqrt(max(0.0, RADIUS_MM**2 - dy * dy - dz * dz))) + 3.0
            rows.append(
                {
                    "name": f"c{lesion + 1}-{k + 1}",
                    "hub_to_tip_mm_lps": [[-190.0, y + dy, z + dz], [tip, y + dy, z + dz]],
                }
            )
    return rows


def write_large_case(folder: Path) -> None:
    """Write the case.

    Parameters
    ----------
    folder : Path
        Must not exist.
    """
    folder.mkdir(parents=True)
    labels, names = np.zeros(GRID.shape_zyx, dtype=np.uint8), {}
    half = (RADIUS_MM, RADIUS_MM, RADIUS_MM)
    lesions = {f"lesion_{k + 1}": (middle, half) for k, middle in enumerate(MIDDLES_MM)}
    for number, (name, (middle, axes)) in enumerate((ORGANS | lesions).items(), start=1):
        labels[_inside(middle, axes)] = number
        names[str(number)] = name
    body = _inside((-30.0, 0.0, 0.0), (172.0, 170.0, 420.0))
    ct = np.where(body, np.int16(40), np.int16(-1000)).astype(np.int16)
    ct += np.random.default_rng(1).integers(-15, 16, GRID.shape_zyx, dtype=np.int16)
    write_volume(folder / "ct.nii.gz", Volume(GRID, ct))
    write_volume(folder / "labels.nii.gz", Volume(GRID, labels))
    (folder / "labels.json").write_text(json.dumps(names))
    (folder / "catheters.json").write_text(json.dumps(_catheters()))
    roles = "\n".join(f'{name} = "{"CTV" if name in lesions else "OAR"}"' for name in names.values())
    (folder / "case.toml").write_text(
        _CASE.format(roles=roles, prescriptions="\n".join(f"{n} = 20.0" for n in lesions))
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_large_case(parser.parse_args().folder)
