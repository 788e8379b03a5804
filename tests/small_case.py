"""A small case folder, planned in a second: liver (1) round a lesion (32), a stomach (6) apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hdrplan.geometry import Grid, Volume
from hdrplan.io import write_volume

CASE_TOML = """
name = "small"
ct = "ct.nii.gz"
catheters = "catheters.json"
healthy = "liver"
[[structures]]
file = "labels.nii.gz"
names = "labels.json"
[roles]
lesion = "CTV"
stomach = "OAR"
liver = "other"
[prescription_gy]
lesion = 20.0
[source]
name = "gammamed-12i"
strength_u = 40700.0
[dwells]
step_mm = 5.0
[[goals]]
structure = "stomach"
goal = "D1cc <= 14 Gy"
level = 0
source = "test"
"""

GRID = Grid(shape_zyx=(20, 30, 40), origin_mm=np.array([-60.0, -45.0, 100.0]), spacing_mm=np.array([3.0, 3.0, 5.0]))


def small_labels() -> np.ndarray:
    labels = np.zeros(GRID.shape_zyx, dtype=np.uint8)
    labels[3:17, 5:25, 5:30] = 1
    labels[8:12, 12:18, 12:18] = 32
    labels[5:9, 5:9, 33:38] = 6
    return labels


def write_small_case(folder: Path) -> Path:
    """Write the case with one catheter, hub to tip in three points, and return its folder."""
    folder.mkdir()
    (folder / "case.toml").write_text(CASE_TOML)
    ct = np.random.default_rng(5).integers(-100, 200, GRID.shape_zyx).astype(np.int16)
    write_volume(folder / "ct.nii.gz", Volume(GRID, ct))
    write_volume(folder / "labels.nii.gz", Volume(GRID, small_labels()))
    (folder / "labels.json").write_text('{"1": "liver", "32": "lesion", "6": "stomach"}')
    tip, hub = GRID.world([18, 15, 10]), GRID.world([0, 14, 9])
    (folder / "catheters.json").write_text(
        json.dumps([{"name": "c1", "hub_to_tip_mm_lps": [hub.tolist(), ((hub + tip) / 2).tolist(), tip.tolist()]}])
    )
    return folder
