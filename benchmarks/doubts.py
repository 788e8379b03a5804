"""What the checks of anatomy notice, and whether they speak where nothing is wrong: names exchanged, CTs moved, noise.

PYTHONPATH=src:tests python -m benchmarks.doubts [--data ../shared/data] [--only exchanges,shifts,clean]

Cases: the packaged liver on 1.5 and 5 mm slices, the small patient of the tests, and two public CTs of one trunk.
Exchanges: every pair of names of a CT's organs, one at a time. Shifts: the CT moved against all outlines along one
axis. Clean: noise of 20 and 60 HU more, slices of 3 and 5 mm, and outlines grown or shrunk by a voxel of 1.5 mm.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import ndimage

from body_case import Given
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.io import case_of_table, read_case
from hdrplan.plan import Case
from hdrplan.plausibility import doubts_of_anatomy_and_catheters
from hdrplan.plausibility.anatomy import doubts_of_anatomy, doubts_of_tissue, doubts_of_volumes
from hdrplan.plausibility.exchanges import doubts_of_extents

ROOT = Path(__file__).resolve().parents[1]
# Folder, labels, their names; what is in the names alone.
PUBLIC = (
    ("liver_case_1p5mm", "labels.nii.gz", "labels.json"),
    ("ts_torso_3mm", "totalseg_v2_labels.nii.gz", "totalseg_v2_labels.json"),
)
EMPTY = ("heart", "body", "esophagus")
ORGANS = (
    "liver", "spleen", "kidney_right", "kidney_left", "gallbladder", "stomach", "duodenum", "small_bowel", "colon",
    "pancreas", "aorta", "inferior_vena_cava", "portal_vein_and_splenic_vein", "adrenal_gland_right",
    "adrenal_gland_left", "spinal_cord", "lungs", "vertebrae", "ribs", "costal_cartilages", "urinary_bladder",
    "vertebrae_L2", "rib_right_9", "hip_left", "sacrum",
)  # fmt: skip
_FINE_MM = 2.0
_SHIFTS_MM = (-10.0, -5.0, 5.0, 10.0)


def _public(folder: Path, labels: str, names: str) -> Case:
    known = [str(name) for name in json.loads((folder / names).read_text()).values()]
    ctv = "lesion_B" if "lesion_B" in known else "gallbladder"
    roles = {name: "OAR" for name in known if name not in EMPTY and not name.startswith("lesion")} | {ctv: "CTV"}
    table: dict[str, object] = {
        "ct": "ct.nii.gz",
        "structures": [{"file": labels, "names": names}],
        "roles": roles,
        "healthy": "liver",
        "prescription_gy": 20.0,
        "source": {"name": "gammamed-12i", "strength_u": 40700.0},
    }
    return case_of_table(table, folder, where="benchmark").case


def cases(data: Path) -> Iterator[tuple[str, Case]]:
    """Yield the cases with their names."""
    for name in ("liver-lesion-b", "liver-lesion-b-5mm"):
        yield name, read_case(ROOT / "phantoms" / name).case
    with tempfile.TemporaryDirectory() as folder:
        yield "small patient", read_case(Given().write(Path(folder) / "case")).case
    for folder_name, labels, names in PUBLIC:
        yield folder_name, _public(data / folder_name, labels, names)


def _said(case: Case, ct: Volume | None = None, structures: tuple[Structure, ...] = ()) -> set[str]:
    """Ids and first words of what is said of a case without its catheters."""
    doubts = doubts_of_anatomy_and_catheters(ct or case.ct, structures or case.structures, (), case.healthy)
    # Where no lesion is drawn an organ stands for the CTV.
    return {doubt.sentence for doubt in doubts if doubt.id != "ctv-named-as-organ"}


def _by_names(case: Case, structures: Sequence[Structure]) -> set[str]:
    """Return what is said of the names alone: places, tissue, volumes, spread."""
    assert case.ct is not None
    checks = (doubts_of_anatomy, doubts_of_tissue, doubts_of_volumes, doubts_of_extents)
    return {doubt.sentence for check in checks for doubt in check(structures, case.ct)}


def _exchanges(case: Case) -> tuple[int, list[str]]:
    before = _by_names(case, case.structures)
    organs = [s.name for s in case.structures if s.name in ORGANS and s.role != "CTV"]
    silent = []
    for first, second in combinations(organs, 2):
        names = {first: second, second: first}
        given = tuple(replace(s, name=names.get(s.name, s.name)) for s in case.structures)
        if not _by_names(case, given) - before:
            silent.append(f"{first} with {second}")
    return len(organs) * (len(organs) - 1) // 2, silent


def _shifts(case: Case) -> tuple[int, list[str]]:
    assert case.ct is not None
    grid, silent = case.ct.grid, []
    for axis in range(3):
        for mm in _SHIFTS_MM:
            voxels = int(np.sign(mm)) * max(1, round(abs(mm) / grid.spacing_mm[2 - axis]))
            moved = Volume(grid, np.ascontiguousarray(np.roll(case.ct.values_zyx, voxels, axis=axis)))
            if not any("edges beside" in sentence for sentence in _said(case, moved)):
                silent.append(f"{'zyx'[axis]} {mm:+g} mm")
    return 3 * len(_SHIFTS_MM), silent


def _thick(ct: Volume, mm: float) -> Volume:
    """Return the CT with slices of about this thickness, means of its own."""
    n = max(1, round(mm / ct.grid.spacing_mm[2]))
    whole = ct.values_zyx[: len(ct.values_zyx) // n * n].astype(np.float64)
    values = whole.reshape(-1, n, *whole.shape[1:]).mean(axis=1)
    grid = Grid(
        shape_zyx=values.shape,
        origin_mm=ct.grid.world([0, 0, (n - 1) / 2]),
        spacing_mm=ct.grid.spacing_mm * [1, 1, n],
        direction=ct.grid.direction,
    )
    return Volume(grid, np.ascontiguousarray(np.rint(values).astype(np.int16)))


def _grown(structure: Structure, voxels: int) -> Structure:
    mask = np.pad(structure.mask_zyx, 1)
    change = ndimage.binary_dilation if voxels > 0 else ndimage.binary_erosion
    changed = np.ascontiguousarray(change(mask)[1:-1, 1:-1, 1:-1])
    return replace(structure, mask_zyx=changed) if changed.sum() > 30 else structure


def _clean(case: Case) -> tuple[int, list[str]]:
    assert case.ct is not None
    ct, before, alarms = case.ct, _said(case), []
    rng = np.random.default_rng(0)
    given: dict[str, tuple[Volume, tuple[Structure, ...]]] = {"as it is": (ct, case.structures)}
    for hu in (20.0, 60.0):
        noisy = ct.values_zyx + rng.normal(0.0, hu, ct.values_zyx.shape)
        given[f"noise of {hu:g} HU"] = (Volume(ct.grid, np.rint(noisy).astype(np.int16)), case.structures)
    for mm in (3.0, 5.0):
        given[f"slices of {mm:g} mm"] = (_thick(ct, mm), case.structures)
    # A voxel of 3 mm more is a mistake.
    for voxels, name in ((1, "grown"), (-1, "shrunk")) if max(ct.grid.spacing_mm) < _FINE_MM else ():
        organs = tuple(s if s.role == "CTV" else _grown(s, voxels) for s in case.structures)
        given[f"outlines {name} by a voxel"] = (ct, organs)
    for name, (other, structures) in given.items():
        more = _said(case, other, structures) - (before if name != "as it is" else set())
        if more:
            alarms.append(f"{name}: {'; '.join(sorted(more))[:160]}")
    return len(given), alarms


def main() -> None:
    """Run what is wanted and print a table for each."""
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parse.add_argument("--only", default="exchanges,shifts,clean")
    wanted = parse.parse_args()
    runs = {"exchanges": _exchanges, "shifts": _shifts, "clean": _clean}
    print("| case | what | tried | silent; of clean ones: not silent |")
    print("|---|---|---|---|")
    for name, case in cases(wanted.data):
        for what in wanted.only.split(","):
            tried, odd = runs[what](case)
            print(f"| {name} | {what} | {tried} | {len(odd)}{': ' if odd else ''}{'; '.join(odd)} |", flush=True)


if __name__ == "__main__":
    main()
