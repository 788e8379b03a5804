"""From a lesion to its target: parts, margins, smoothing, and what grows from a point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import small_scan
from hdrplan.errors import InputError
from hdrplan.geometry import (
    Grid,
    Margin,
    Structure,
    Volume,
    grown_lesion,
    joined,
    on_grid,
    parts_of,
    smoothed,
    with_margin,
)
from hdrplan.io import read_label_map, read_mask, read_segmentation, read_volume

FINE = Grid(shape_zyx=(60, 60, 60), origin_mm=np.zeros(3), spacing_mm=np.array([1.0, 1.0, 1.0]))


def ball(grid: Grid, centre: tuple[float, float, float], radius_mm: float, name: str = "ball") -> Structure:
    nz, ny, nx = grid.shape_zyx
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    at = grid.world(np.stack((x, y, z), axis=-1).reshape(-1, 3))
    mask = (np.linalg.norm(at - centre, axis=1) <= radius_mm).reshape(grid.shape_zyx)
    return Structure(name=name, role="CTV", grid=grid, mask_zyx=mask)


def test_a_margin_makes_a_ball_of_the_larger_radius() -> None:
    grown = on_grid(with_margin(ball(FINE, (30, 30, 30), 12), Margin.all_round(5), image=FINE), FINE)
    expected = ball(FINE, (30, 30, 30), 17)
    # Of 8,000 voxels of a staircase's surface some differ.
    assert (grown.mask_zyx != expected.mask_zyx).sum() < 0.04 * expected.mask_zyx.sum()
    assert grown.volume_cc == pytest.approx(expected.volume_cc, rel=0.03)


@pytest.mark.parametrize(
    ("spacing_mm", "tolerance_mm"),
    [
        ((0.8, 0.8, 0.8), 0.2),
        ((1.5, 1.5, 1.5), 0.2),
        ((0.8, 0.8, 3.0), 0.2),
        ((0.8, 0.8, 5.0), 0.7),
        ((3.0, 3.0, 3.0), 0.7),
    ],
)
@pytest.mark.parametrize("margin_mm", [3.0, 5.0, 8.0, 10.0])
def test_the_radius_of_a_ball_grows_by_the_margin(
    spacing_mm: tuple[float, float, float], tolerance_mm: float, margin_mm: float
) -> None:
    """As docs/howto/prepare.md says; the mean of three places on the lattice."""
    nx, ny, nz = (round(80 / step) for step in spacing_mm)
    grid = Grid(shape_zyx=(nz, ny, nx), origin_mm=np.zeros(3), spacing_mm=np.array(spacing_mm))
    errors_mm = []
    for centre in ((40.0, 40.0, 40.0), (40.3, 39.8, 41.7), (39.6, 40.2, 38.9)):
        lesion = ball(grid, centre, 22.0)
        volumes_cc = np.array(
            [lesion.volume_cc, with_margin(lesion, Margin.all_round(margin_mm), image=grid).volume_cc]
        )
        before_mm, after_mm = 10 * (volumes_cc * 0.75 / np.pi) ** (1 / 3)
        errors_mm.append(after_mm - before_mm - margin_mm)
    assert abs(np.mean(errors_mm)) < tolerance_mm


@pytest.mark.parametrize(
    ("side", "axis", "sign"),
    [
        ("left", 0, 1), ("right", 0, -1), ("posterior", 1, 1), ("anterior", 1, -1), ("superior", 2, 1),
        ("inferior", 2, -1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flip", [False, True], ids=["LPS", "flipped axes"])
def test_a_margin_by_side_goes_to_that_side_of_the_patient(side: str, axis: int, sign: int, flip: bool) -> None:
    """Whatever way the image's axes run."""
    direction = np.diag([-1.0, -1.0, 1.0]) if flip else np.eye(3)
    grid = Grid(
        shape_zyx=(50, 50, 50),
        origin_mm=np.array([50.0, 50.0, 0.0]) if flip else np.zeros(3),
        spacing_mm=np.array([1.0, 1.0, 1.0]),
        direction=direction,
    )
    before = ball(grid, (25, 25, 25), 8)
    moved = with_margin(before, Margin(**{side: 6.0}), image=grid).box_mm - before.box_mm
    expected = np.zeros((2, 3))
    expected[(1 if sign > 0 else 0), axis] = 6.0 * sign
    assert moved == pytest.approx(expected, abs=1e-9)


def test_a_margin_stays_out_of_organs_and_inside_the_image() -> None:
    lesion = ball(FINE, (52, 30, 30), 6)
    organ = ball(FINE, (38, 30, 30), 7, "stomach")
    grown = on_grid(with_margin(lesion, Margin.all_round(10), image=FINE, keep_out=[organ]), FINE)
    assert not (grown.mask_zyx & organ.mask_zyx & ~lesion.mask_zyx).any()
    assert (grown.mask_zyx & lesion.mask_zyx).sum() == lesion.mask_zyx.sum()


def test_margins_that_cannot_be() -> None:
    with pytest.raises(InputError, match="0 to 50 mm"):
        Margin(left=-1.0)
    with pytest.raises(InputError, match="0 to 50 mm"):
        Margin.all_round(51.0)


def test_smoothing_keeps_the_volume_and_takes_the_spikes() -> None:
    lesion = ball(FINE, (30, 30, 30), 10)
    mask = lesion.mask_zyx.copy()
    mask[30, 30, 40:50] = True
    spiky = Structure(name="x", role="CTV", grid=FINE, mask_zyx=mask)
    smooth = on_grid(smoothed(spiky, 2.0), FINE)
    assert smooth.mask_zyx.sum() == pytest.approx(mask.sum(), abs=12)
    assert not smooth.mask_zyx[30, 30, 45:50].any()
    assert smoothed(spiky, 0.0) is spiky
    with pytest.raises(InputError, match="0 to 10 mm"):
        smoothed(spiky, 11.0)


def test_parts_are_numbered_by_volume_and_stray_voxels_left_out() -> None:
    both = joined("tumour", [ball(FINE, (15, 15, 15), 5), ball(FINE, (40, 40, 40), 9)], FINE)
    mask = both.mask_zyx.copy()
    low = np.rint(FINE.index(both.grid.origin_mm)).astype(int)[::-1]
    mask[2, 40 - low[1], 5] = True
    parts, stray_cc = parts_of(Structure(name="tumour", role="CTV", grid=both.grid, mask_zyx=mask))
    assert [p.name for p in parts] == ["tumour_1", "tumour_2"]
    assert parts[0].centre_mm == pytest.approx([40, 40, 40], abs=1e-6)
    assert stray_cc == pytest.approx(0.001)
    alone, none_cc = parts_of(ball(FINE, (30, 30, 30), 3))
    assert ([p.name for p in alone], none_cc) == (["ball"], 0.0)


def test_a_lesion_grows_from_a_point_to_what_was_drawn() -> None:
    ct, known = small_scan.ct(), {s.name: s for s in small_scan.structures()}
    truth = known["lesion"].mask_zyx
    for off_mm in ((0.0, 0.0, 0.0), (5.0, -4.0, 3.0)):
        grown = on_grid(grown_lesion(ct, small_scan.LESION_MM + off_mm, "x", organ=known["liver"]), ct.grid)
        dice = 2 * (grown.mask_zyx & truth).sum() / (grown.mask_zyx.sum() + truth.sum())
        assert dice > 0.93


def test_points_without_a_lesion_are_refused() -> None:
    ct, known = small_scan.ct(), {s.name: s for s in small_scan.structures()}
    with pytest.raises(InputError, match="differ from liver by 2 standard deviations"):
        grown_lesion(ct, (-5.0, 28.0, 70.0), "x", organ=known["liver"])
    with pytest.raises(InputError, match="must lie in liver"):
        grown_lesion(ct, (52.0, -10.0, 70.0), "x", organ=known["liver"])
    with pytest.raises(InputError, match="inside the CT"):
        grown_lesion(ct, (500.0, 0.0, 70.0), "x", organ=known["liver"])
    with pytest.raises(InputError, match="must end within 10 mm"):
        grown_lesion(ct, small_scan.LESION_MM, "x", organ=known["liver"], radius_mm=10.0)


def test_a_vessel_is_no_part_of_a_lesion_that_it_touches() -> None:
    """A bridge of 2 mm leads from the lesion to a second dark region."""
    ct = small_scan.ct()
    at = small_scan.points_mm()
    hu = ct.values_zyx.astype(np.float64)
    bridge = (np.hypot(at[:, 1] + 5.0, at[:, 2] - 70.0) < 2.5) & (np.abs(at[:, 0] - 5.0) < 12.0)
    far = np.linalg.norm(at - [15.0, -5.0, 70.0], axis=1) < 8.0
    hu[(bridge | far).reshape(hu.shape)] = 15.0
    liver = next(s for s in small_scan.structures() if s.name == "liver")
    grown = on_grid(grown_lesion(Volume(ct.grid, hu), small_scan.LESION_MM, "x", organ=liver), ct.grid)
    assert (grown.mask_zyx & far.reshape(hu.shape)).sum() < 0.05 * far.sum()


@pytest.mark.parametrize(("name", "at_least"), [("A", 0.90), ("B", 0.93), ("C", 0.87)])
def test_synthetic_lesions_of_a_real_ct_are_found(shared: Path, name: str, at_least: float) -> None:
    """The figures of docs/howto/prepare.md."""
    folder = shared / "data" / "liver_case_1p5mm"
    ct = read_volume(folder / "ct.nii.gz")
    organs = (
        read_segmentation(folder / "segmentation.seg.nrrd", {"liver": "other"})[0],
        read_label_map(folder / "labels.nii.gz", folder / "labels.json", {"liver": "other"})[0],
    )
    drawn = read_mask(folder / f"lesion_{name}.nii.gz", name, "CTV")
    truth = on_grid(drawn, ct.grid).mask_zyx
    for organ in organs:
        for off_mm in ((0.0, 0.0, 0.0), (4.0, -3.0, 2.0)):
            grown = on_grid(grown_lesion(ct, drawn.centre_mm + off_mm, "x", organ=organ), ct.grid).mask_zyx
            assert 2 * (grown & truth).sum() / (grown.sum() + truth.sum()) >= at_least
