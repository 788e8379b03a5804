"""The folders of phantoms/ hold what their facts say, and what their makers make."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from hdrplan.dose import dose_at_points, sample_points
from hdrplan.geometry import PHANTOMS, inside
from hdrplan.io import read_case, read_dwells_csv, read_points_csv, read_volume
from hdrplan.metrics import dvh
from hdrplan.sources import load_source
from tolerances import ROUNDOFF


def facts_of(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "facts.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*PHANTOMS, "water-one-dwell", "liver-lesion-b-5mm"])
def test_maker_makes_the_same_folder(name: str, phantoms: Path, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    maker = (phantoms / name / "make.py").read_text(encoding="utf-8")
    (folder / "make.py").write_text(maker, encoding="utf-8")
    if "liver" in name:
        (tmp_path / "liver-lesion-b").symlink_to(phantoms / "liver-lesion-b")
    env = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    subprocess.run([sys.executable, str(folder / "make.py")], check=True, env=env)
    kept = sorted(p.name for p in (phantoms / name).iterdir() if p.is_file() and p.name != "make.py")
    for file in kept:
        if not (folder / file).exists():
            assert file in ("facts.toml",), file  # counted by hand in the labels
        elif file.endswith(".gz"):
            # Compressed bytes differ between versions of the image library, voxels do not.
            made, stored = read_volume(folder / file), read_volume(phantoms / name / file)
            assert made.grid.same_as(stored.grid)
            assert (made.values_zyx == stored.values_zyx).all()
        elif not file.endswith(".nrrd"):
            assert (folder / file).read_text(encoding="utf-8") == (phantoms / name / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PHANTOMS)
def test_volume_is_the_analytic_one(name: str, phantoms: Path) -> None:
    facts, case = facts_of(phantoms / name), read_case(phantoms / name).case
    # Voxel centres in a smooth solid: 1 % of 8 to 15 cc.
    assert case.ctvs[0].volume_cc == pytest.approx(facts["volume_cc"], rel=0.012)


@pytest.mark.parametrize("name", ["sphere", "ellipsoid"])
def test_inverse_square_field_round_the_centre(name: str, phantoms: Path) -> None:
    facts, case = facts_of(phantoms / name), read_case(phantoms / name).case
    points = sample_points(case.ctvs, spacing_mm=0.7, max_points=200_000)
    away = np.linalg.norm(points.points_mm - facts["centre_mm"], axis=1)
    curve = dvh(1e4 / np.maximum(away, 0.1) ** 2, points.volume_cc)
    # 0.5 mm at the end of the longest axis, from where the mask's last voxel is guessed.
    end_mm = np.sqrt(1e4 / facts["inverse_square_d100_gy"])
    assert np.sqrt(1e4 / curve.min_gy) == pytest.approx(end_mm, abs=0.5)
    if name == "sphere":
        assert curve.dose_at_frac(0.5) == pytest.approx(facts["inverse_square_d50_gy"], rel=0.005)
        # The cube at the centre holds the pole of the field: 0.4 mm of 15.
        assert curve.mean_gy == pytest.approx(facts["inverse_square_mean_gy"], rel=0.03)


def test_marker_is_where_it_was_put(phantoms: Path) -> None:
    facts, case = facts_of(phantoms / "asymmetric-marker"), read_case(phantoms / "asymmetric-marker").case
    assert case.ct is not None
    bright = np.argwhere(case.ct.values_zyx > 1000)[:, ::-1]
    np.testing.assert_allclose(case.ct.grid.world(bright).mean(axis=0), facts["centre_mm"], atol=1e-3)
    assert inside(case.ctvs[0], np.array([facts["centre_mm"]])).all()
    nz, ny, nx = case.ct.grid.shape_zyx
    np.testing.assert_allclose(case.ct.grid.world([nx - 1, ny - 1, nz - 1]), facts["last_voxel_mm"], atol=1e-3)


def test_one_dwell_in_water(phantoms: Path) -> None:
    folder = phantoms / "water-one-dwell"
    facts = facts_of(folder)
    dwells, times_s = read_dwells_csv(folder / "dwells.csv")
    points = read_points_csv(folder / "points.csv").points_mm
    source = load_source(str(facts["source"]))
    dose = dose_at_points(dwells, times_s, points, source, strength_u=float(facts["strength_u"])).gy
    assert dose[0] == pytest.approx(facts["reference_dose_gy"], rel=1e-9)
    for rows in facts["equal_rows"]:
        np.testing.assert_allclose(dose[rows], dose[rows[0]], rtol=1e3 * ROUNDOFF)
    # Tip and cable side differ: the source's sense is respected.
    assert dose[5] != pytest.approx(dose[7], rel=1e-4)


@pytest.mark.parametrize("name", ["liver-lesion-b", "liver-lesion-b-5mm"])
def test_liver_case_is_what_its_facts_say(name: str, phantoms: Path) -> None:
    facts, found = facts_of(phantoms / name), read_case(phantoms / name)
    for structure, volume_cc in facts["volume_cc"].items():
        assert found.case.structure(structure).volume_cc == pytest.approx(volume_cc, rel=1e-9)
    assert list(found.case.ct.grid.shape_zyx[::-1]) == facts["ct"]["size_xyz"]
    assert all(goal.source for goal in found.goals.goals)
    assert (phantoms / name / "LICENSE").read_text(encoding="utf-8").strip().startswith("Apache License")
    assert "10.1148/ryai.230024" in (phantoms / name / "NOTICE").read_text(encoding="utf-8")
