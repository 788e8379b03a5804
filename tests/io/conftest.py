"""A small case folder that reads well; tests break one thing in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_case import CASE_TOML, GRID, small_labels

from hdrplan.geometry import Volume
from hdrplan.io import write_volume


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    """Write the case: liver (1) round a lesion (32), a stomach (6) apart, one catheter along x."""
    folder = tmp_path / "case"
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
