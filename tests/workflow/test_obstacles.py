"""Obstacles of needles: by name, with margins that hold exactly, vessels of the liver by their thickness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import InfeasibleError
from hdrplan.geometry import Grid, Reach, Structure, clearance, distance_mm, thick_part
from hdrplan.io import read_case
from hdrplan.workflow import default_obstacles
from hdrplan.workflow.candidates import BESIDE_GIVEN, candidate_trajectories
from hdrplan.workflow.obstacles import as_obstacles

PHANTOM = Path(__file__).resolve().parents[2] / "phantoms" / "liver-lesion-b-5mm"


def tube(name: str, radius_mm: float) -> Structure:
    """A tube along x in 1 mm voxels."""
    grid = Grid(shape_zyx=(25, 25, 40), origin_mm=np.array([0.0, -12.0, -12.0]), spacing_mm=np.ones(3))
    z, y, _ = np.meshgrid(np.arange(25) - 12, np.arange(25) - 12, np.arange(40), indexing="ij")
    return Structure(name=name, role="other", grid=grid, mask_zyx=y * y + z * z <= radius_mm**2)


def test_only_thick_vessels_of_the_liver_are_obstacles() -> None:
    assert thick_part(tube("liver_vessels", 1.5), 5.0) is None
    thick = thick_part(tube("liver_vessels", 4.0), 5.0)
    assert thick is not None
    # All of it but the rims of its flat ends.
    assert np.array_equal(thick.mask_zyx[:, :, 5:-5], tube("liver_vessels", 4.0).mask_zyx[:, :, 5:-5])


def test_vessels_glands_and_diaphragm_are_avoided_by_default() -> None:
    case = read_case(PHANTOM, before_puncture=True).case
    names = ["liver_vessels", "vessels", "hepatic_vessel", "vena", "pericardium", "adrenal_gland_left", "diaphragm"]
    at = case.ctvs[0].centre_mm + np.array([0.0, 0.0, 60.0])
    grid = Grid(shape_zyx=(9, 9, 9), origin_mm=at - 4.0, spacing_mm=np.ones(3))
    known = {s.name for s in case.structures}
    more = [
        Structure(name=name, role="other", grid=grid, mask_zyx=np.ones((9, 9, 9), dtype=np.bool_))
        for name in names
        if name not in known
    ]
    margins_mm = default_obstacles(replace(case, structures=(*case.structures, *more)))
    assert set(names) <= set(margins_mm)
    assert margins_mm["pericardium"] == 5.0
    assert margins_mm["liver_vessels"] == 3.0
    assert "liver" not in margins_mm
    assert "body" not in margins_mm


def test_thin_vessels_leave_the_margins_too() -> None:
    case = read_case(PHANTOM, before_puncture=True).case
    thin = replace(case, structures=(*case.structures, tube("liver_vessels", 1.5)))
    _, margins_mm = as_obstacles(thin, default_obstacles(thin))
    assert "liver_vessels" not in margins_mm
    assert "ribs" in margins_mm


@pytest.mark.parametrize("margin_mm", [3.0, 6.0])
def test_margins_hold_on_the_distances_that_are_shown(margin_mm: float) -> None:
    """On voxels alone, paths came up to a voxel nearer than their margin: 2.5 mm for 3 mm of ribs."""
    case = read_case(PHANTOM, before_puncture=True).case
    margins_mm = default_obstacles(case) | {"ribs": margin_mm}
    room = clearance(case.ctvs, case.structures, margins_mm, ct=case.ct, reach_mm=150.0)
    paths, _ = candidate_trajectories(case, room, Reach(), count=40)
    assert len(paths) >= 20
    for name, margin in margins_mm.items():
        for start_mm, end_mm in zip(paths.entry_mm, paths.tip_mm, strict=True):
            steps = int(np.linalg.norm(end_mm - start_mm)) + 1
            line_mm = start_mm + np.linspace(0.0, 1.0, steps + 1)[:, None] * (end_mm - start_mm)
            near = line_mm if name == "ribs" else line_mm[::8]
            assert distance_mm(case.structure(name), near).min() >= margin


def test_paths_that_were_candidates_stay_candidates_where_they_are_clear_of_what_is_in() -> None:
    case = read_case(PHANTOM, before_puncture=True).case
    margins_mm = default_obstacles(case)
    room = clearance(case.ctvs, case.structures, margins_mm, ct=case.ct, reach_mm=150.0)
    before, free = candidate_trajectories(case, room, Reach(), count=20)
    middle = float(np.median(before.entry_mm[:, 2]))
    after, still_free = candidate_trajectories(
        case, room, Reach(), count=20, clear=lambda paths: paths.entry_mm[:, 2] > middle
    )
    assert 0 < still_free < free
    assert (after.entry_mm[:, 2] > middle).all()
    assert len(after) == 20
    assert after.blocked[BESIDE_GIVEN] == free - still_free
    kept = {tuple(ends) for ends in np.hstack((after.entry_mm, after.tip_mm))}
    for ends in np.hstack((before.entry_mm, before.tip_mm))[before.entry_mm[:, 2] > middle]:
        assert tuple(ends) in kept
    with pytest.raises(InfeasibleError, match="clear of the catheters that are in"):
        candidate_trajectories(case, room, Reach(), count=20, clear=lambda paths: np.zeros(len(paths), dtype=bool))
