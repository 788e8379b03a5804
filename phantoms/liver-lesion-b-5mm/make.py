"""Make the variant with 5 mm slices: python phantoms/liver-lesion-b-5mm/make.py.

The CT is averaged over each slice's 5 mm; the labels are those at the slice's middle, as contours are drawn.
Reads phantoms/liver-lesion-b; nothing is random.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from hdrplan.geometry import Grid, Volume
from hdrplan.io import read_volume, write_volume

HERE = Path(__file__).parent
FINE = HERE.parent / "liver-lesion-b"
SLICE_MM = 5.0


def main() -> None:
    """Write CT, labels, and copies of the files that do not change."""
    ct, labels = read_volume(FINE / "ct.nii.gz"), read_volume(FINE / "labels.nii.gz")
    thin_mm = float(ct.grid.spacing_mm[2])
    bottom_mm = -thin_mm / 2
    count = int(ct.grid.shape_zyx[0] * thin_mm / SLICE_MM)
    edges = bottom_mm + SLICE_MM * np.arange(count + 1)
    thin = np.arange(ct.grid.shape_zyx[0]) * thin_mm
    # Share of each thin slice in each thick one.
    overlap = np.minimum(edges[1:, None], thin + thin_mm / 2) - np.maximum(edges[:-1, None], thin - thin_mm / 2)
    share = np.maximum(overlap, 0.0) / SLICE_MM
    mean = np.tensordot(share, ct.values_zyx.astype(np.float64), axes=1)
    middle_mm = (edges[:-1] + edges[1:]) / 2
    grid = Grid(
        shape_zyx=(count, *ct.grid.shape_zyx[1:]),
        origin_mm=ct.grid.world([0.0, 0.0, middle_mm[0] / thin_mm]),
        spacing_mm=[*ct.grid.spacing_mm[:2], SLICE_MM],
        direction=ct.grid.direction,
    )
    nearest = np.rint(middle_mm / thin_mm).astype(int)
    write_volume(HERE / "ct.nii.gz", Volume(grid, np.rint(mean).astype(np.int16)))
    write_volume(HERE / "labels.nii.gz", Volume(grid, labels.values_zyx[nearest].astype(np.uint8)))
    for name in ("labels.json", "catheters.mrk.json", "goals.toml", "LICENSE"):
        shutil.copyfile(FINE / name, HERE / name)
    notice = (FINE / "NOTICE").read_text(encoding="utf-8")
    (HERE / "NOTICE").write_text(notice + "\nFurther change: 5 mm slices.\n", encoding="utf-8")
    case = (FINE / "case.toml").read_text(encoding="utf-8")
    case = case.replace("see NOTICE)", "see NOTICE), on 5 mm slices").replace(
        '"liver-lesion-b"', '"liver-lesion-b-5mm"'
    )
    (HERE / "case.toml").write_text(case, encoding="utf-8")


if __name__ == "__main__":
    main()
