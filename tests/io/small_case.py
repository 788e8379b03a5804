"""A small case: liver (1) round a lesion (32), a stomach (6) apart."""

from __future__ import annotations

import numpy as np

from hdrplan.geometry import Grid

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
