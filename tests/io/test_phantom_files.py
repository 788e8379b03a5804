"""Phantoms as case folders: structures on other voxels than the CT's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdrplan.geometry import Grid, Phantom, Structure, Volume
from hdrplan.io import read_anatomy, write_phantom


def test_structures_on_other_voxels_than_the_ct_stay_where_they_are(tmp_path: Path):
    ct = Grid(shape_zyx=(4, 6, 8), origin_mm=[0.0, 0.0, 0.0], spacing_mm=[1.0, 1.0, 2.0])
    # As in a NIfTI beside a DICOM series: the same voxels, counted from the other side.
    turned = Grid(
        shape_zyx=(4, 6, 8), origin_mm=[0.0, 5.0, 0.0], spacing_mm=[1.0, 1.0, 2.0], direction=np.diag([1.0, -1.0, 1.0])
    )
    mask = np.zeros((4, 6, 8), dtype=bool)
    mask[1:3, 1, 2:5] = True
    structures = (
        Structure(name="lesion", role="CTV", grid=ct, mask_zyx=mask),
        Structure(name="liver", role="OAR", grid=turned, mask_zyx=mask),
    )
    phantom = Phantom(
        name="turned", text="Two grids.", ct=Volume(ct, np.zeros((4, 6, 8), dtype=np.int16)), structures=structures,
        catheters=(), prescription_gy=20.0, facts={},
    )  # fmt: skip
    write_phantom(tmp_path, phantom, healthy="liver", source="gammamed-12i", strength_u=40700.0)
    _, read, _ = read_anatomy(tmp_path)
    for before, after in zip(structures, sorted(read, key=lambda s: s.role), strict=True):
        assert after.name == before.name
        places = [set(map(tuple, s.voxels_mm.round(3).tolist())) for s in (before, after)]
        assert places[0] == places[1]
