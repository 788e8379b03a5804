"""Catheters through bone, lung, bowel, gallbladder and great vessels are named, with or without a role in the case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hdrplan.geometry import Catheter, Grid, Structure
from hdrplan.io import read_case, write_markups
from hdrplan.plausibility import doubts_of_punctures

ROOT = Path(__file__).resolve().parents[2]


def box(name: str, low_mm: float, high_mm: float) -> Structure:
    """A slab of 1 mm voxels across the x axis whose faces lie at low and high."""
    grid = Grid(shape_zyx=(20, 20, 60), origin_mm=np.array([-30.0, -10.0, -10.0]), spacing_mm=np.ones(3))
    mask = np.zeros(grid.shape_zyx, dtype=np.bool_)
    x = np.arange(60) - 30.0
    mask[:, :, (x > low_mm) & (x < high_mm)] = True
    return Structure(name=name, role="other", grid=grid, mask_zyx=mask)


@pytest.mark.parametrize(
    "name", ["rib_right_9", "lung_lower_lobe_right", "colon", "gallbladder", "aorta", "portal_vein_and_splenic_vein"]
)
@pytest.mark.parametrize("thick_mm", [3, 6])
def test_the_length_inside_is_said(name: str, thick_mm: int) -> None:
    needle = Catheter("cath_1", np.array([[-25.0, 0.0, 0.0], [25.0, 0.0, 0.0]]))
    (doubt,) = doubts_of_punctures([needle], [box(name, -0.5, thick_mm - 0.5)])
    assert doubt.id == "catheter-through-organ"
    said_mm = dict(doubt.values)["mm"]
    # Samples are a quarter of a millimetre apart, one at each end more.
    assert isinstance(said_mm, float)
    assert abs(said_mm - thick_mm) <= 0.5


@pytest.mark.parametrize("name", ["liver", "body", "liver_vessels", "gluteus_maximus_left", "ring"])
def test_what_needles_pass_is_left_alone(name: str) -> None:
    needle = Catheter("cath_1", np.array([[-25.0, 0.0, 0.0], [25.0, 0.0, 0.0]]))
    assert doubts_of_punctures([needle], [box(name, -0.5, 9.5)]) == []


def test_a_rib_without_a_role_is_named(tmp_path: Path) -> None:
    """Structures that the case gives no role are read for this alone."""
    source = ROOT / "phantoms" / "liver-lesion-b-5mm"
    for path in source.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    toml = (source / "case.toml").read_text()
    (tmp_path / "case.toml").write_text("\n".join(line for line in toml.splitlines() if not line.startswith("ribs")))
    ribs = read_case(source).case.structure("ribs")
    lesion = read_case(source).case.ctvs[0].centre_mm
    across = ribs.voxels_mm[np.linalg.norm(ribs.voxels_mm - lesion, axis=1).argmin()]
    outside = across + 30.0 * (across - lesion) / np.linalg.norm(across - lesion)
    write_markups(tmp_path / "catheters.mrk.json", [Catheter("cath_1", np.stack((outside, lesion)))])
    case_file = read_case(tmp_path)
    assert "ribs" not in [s.name for s in case_file.case.structures]
    said = [c for c in case_file.warnings if c.id == "catheter-through-organ"]
    assert [dict(c.values)["organ"] for c in said] == ["ribs"]
