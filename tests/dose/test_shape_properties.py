"""What must hold for the signed distance of any smoothed shape."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.odd_shapes import odd_shapes
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hdrplan.dose import shape as shape_module
from hdrplan.dose.shape import shape_of
from hdrplan.dose.slices import rim_pixels, sections
from hdrplan.geometry import Grid, Structure
from tolerances import FLOAT32_SUM

# The level is a float32 blur of some tens of voxels, and its slope a difference of two such values.
LEVEL_MM = 1e3 * FLOAT32_SUM


def blob(rng: np.random.Generator) -> np.ndarray:
    """Random smooth lumps, some of them apart."""
    soft = ndimage.gaussian_filter(rng.normal(size=(14, 15, 16)), 2.0)
    mask: np.ndarray = soft > np.quantile(soft, rng.uniform(0.6, 0.9))
    return mask


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 1.2, 2.5]), st.floats(0.5, 3.0))
@example(116396, 2.5, 1.0)
def test_sign_is_the_side_and_the_frame_does_not_matter(seed: int, slice_mm: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    mask = blob(rng)
    grid = Grid(shape_zyx=mask.shape, origin_mm=rng.uniform(-100.0, 100.0, 3), spacing_mm=[1.0, 1.0, slice_mm])
    index = rng.uniform(-3.0, 18.0, (200, 3))
    points = grid.world(index)
    plain, inward = shape_of(Structure(name="s", role="CTV", grid=grid, mask_zyx=mask)).distance_mm(points)
    # Two voxels or more from the mask's surface the smoothing does not reach.
    padded = np.pad(mask, 8)
    gap = [ndimage.distance_transform_edt(side, sampling=(slice_mm, 1.0, 1.0)) for side in (padded, ~padded)]
    z, y, x = np.rint(index[:, ::-1]).astype(int).T + 8
    assert (plain[gap[0][z, y, x] > 3.0 * slice_mm] > 0.0).all()
    assert (plain[gap[1][z, y, x] > 3.0 * slice_mm] < 0.0).all()
    size = np.linalg.norm(inward, axis=1)
    # Unit vectors, or none where the level is flat: its slope there is rounding (seed 116396, slices of 2.5 mm).
    assert ((np.abs(size - 1.0) < LEVEL_MM) | (size == 0.0)).all()
    # Turned and shifted: the same distances, the vectors turned.
    turn, shift = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.uniform(-50.0, 50.0, 3)
    there = Grid(
        shape_zyx=grid.shape_zyx,
        origin_mm=turn @ grid.origin_mm + shift,
        spacing_mm=grid.spacing_mm,
        direction=turn @ grid.direction,
    )
    found, vector = shape_of(Structure(name="t", role="CTV", grid=there, mask_zyx=mask)).distance_mm(
        points @ turn.T + shift
    )
    np.testing.assert_allclose(found, plain, atol=LEVEL_MM)
    clear = np.abs(size - 1.0) < LEVEL_MM
    assert (np.abs(vector - inward @ turn.T).max(axis=1)[clear] < 10 * LEVEL_MM).mean() > 0.99
    # In other units.
    larger = Grid(shape_zyx=grid.shape_zyx, origin_mm=scale * grid.origin_mm, spacing_mm=scale * grid.spacing_mm)
    known = np.abs(plain) < 100.0
    found, _ = shape_of(Structure(name="u", role="CTV", grid=larger, mask_zyx=mask)).distance_mm(scale * points)
    np.testing.assert_allclose(found[known], scale * plain[known], atol=scale * LEVEL_MM)


@pytest.mark.parametrize("spacing_mm", [(0.8, 0.8, 5.0), (1.0, 2.0, 4.0), (2.0, 1.0, 4.0)])
def test_empty_voxels_round_a_mask_change_nothing(spacing_mm, monkeypatch) -> None:
    # Blurs mirror what lies at the end of the grid: with a rim of a few voxels a structure met its own image there.
    structure = next(s for s in odd_shapes(spacing_mm) if s.name == "box")
    points = structure.grid.points_mm() + np.random.default_rng(0).uniform(-0.5, 0.5, (structure.mask_zyx.size, 3))
    found = []
    for rim in (rim_pixels, lambda spacing: (20, 20)):
        monkeypatch.setattr(shape_module, "rim_pixels", rim)
        shape = shape_of(structure)
        found.append(shape.level_at(shape.grid.index(points)))
    near = np.abs(found[1]) < 3.0
    assert near.sum() > 1000
    np.testing.assert_allclose(found[0][near], found[1][near], atol=LEVEL_MM)


def discs(areas: tuple[int, ...], n: int = 31) -> np.ndarray:
    """A stack of discs of as many pixels, an empty slice at both ends; their middle lies on no pixel's edge or axis."""
    y, x = np.mgrid[:n, :n] - n / 2
    radius = np.hypot(x - 0.13, y + 0.31)
    smallest = np.sort(radius.ravel())
    return np.stack([radius <= smallest[area - 1] if area else radius < 0 for area in (0, *areas, 0)])


@pytest.mark.parametrize("areas", [(1, 121, 81, 1), (1, 121, 81), (30, 60, 100, 150), (90, 60), (1, 90)])
def test_areas_between_slices_follow_a_spline_through_the_areas_of_the_slices(areas: tuple[int, ...]) -> None:
    sections_per_slice, spacing_mm = 4, np.array([1.0, 1.0, 20.0])
    # Slices so far apart that no section is held back by how far an outline may move.
    level = sections(discs(areas), spacing_mm, sections_per_slice=sections_per_slice, reach_mm=40.0)
    area = (level > 0).sum(axis=(1, 2))
    # Beyond the ends: the parabola through the last three areas, or the line through two.
    before, after = (np.polyval(np.polyfit(range(m), end[:m], m - 1), -1.0) for end, m in _ends(areas))
    known = np.array([before, *areas, after])
    tangent = (known[2:] - known[:-2]) / 2
    for k in range(len(areas) - 1):
        for j in range(sections_per_slice + 1):
            t = j / sections_per_slice
            hermite = np.array([2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2])
            wanted = float(hermite @ [areas[k], tangent[k], areas[k + 1], tangent[k + 1]])
            wanted = np.clip(wanted, 0.5 * min(areas[k : k + 2]), 1.5 * max(areas[k : k + 2]))
            assert abs(area[(k + 1) * sections_per_slice + j] - wanted) <= 1.0, (k, t)


@pytest.mark.parametrize("areas", [(1, 90), (60, 90), (50,)])
def test_one_or_two_slices_end_flat_half_a_slice_beyond(areas: tuple[int, ...]) -> None:
    # Two areas tell no curve: where the end lies is not guessed from them.
    level = sections(discs(areas), np.array([1.0, 1.0, 20.0]), sections_per_slice=4, reach_mm=40.0)
    area = (level > 0).sum(axis=(1, 2))
    assert area[:4].tolist() == [0, 0, 0, areas[0]]
    assert area[-4:].tolist() == [areas[-1], 0, 0, 0]


def _ends(areas: tuple[int, ...]) -> list[tuple[tuple[int, ...], int]]:
    return [(end, min(3, len(areas))) for end in (areas, areas[::-1])]
