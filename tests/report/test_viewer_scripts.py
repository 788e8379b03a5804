"""The viewer's arithmetic, run in the browser on its own: unpacking, sampling, outlines."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from hdrplan.geometry import Structure, Volume
from hdrplan.report.pack import ct_pack, dose_pack, mask_pack
from report_view import centred_grid, turned

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def scripts(chromium):
    page = chromium.new_page()
    folder = resources.files("hdrplan.report") / "assets"
    # As functions of the page; the report itself wraps them.
    text = "".join((folder / name).read_text(encoding="utf-8") for name in ("volume.js", "contour.js"))
    page.evaluate(text + "\nObject.assign(window, { Volume, lattice, outline });")
    yield page
    page.close()


def test_packed_values_come_back_exactly(scripts):
    rng = np.random.default_rng(11)
    hu = rng.integers(-1024, 3072, (5, 7, 9)).astype(np.int16)
    ct = ct_pack(Volume(centred_grid((5, 7, 9), (1.0, 1.0, 1.0), np.eye(3)), hu), np.zeros((1, 3)), np.zeros((1, 3)))
    got = scripts.evaluate(
        "async (p) => { const v = await Volume.ofPack(p, true); return [...v.values].map((x) => x - 1024); }", ct
    )
    np.testing.assert_array_equal(np.array(got), hu.ravel())


def test_packed_dose_keeps_its_stated_precision_up_to_its_stated_top(scripts):
    rng = np.random.default_rng(12)
    gy = np.concatenate((rng.uniform(0, 60, 100), rng.uniform(300, 655, 25), [655.35, 700.0, 1e6])).reshape(4, 4, 8)
    pack = dose_pack(Volume(centred_grid((4, 4, 8), (1.0, 1.0, 1.0), np.eye(3)), gy))
    got = scripts.evaluate(
        "async (p) => { const v = await Volume.ofPack(p, false); return [...v.values].map((x) => v.step * x); }", pack
    )
    np.testing.assert_allclose(np.array(got), np.minimum(gy, 655.35).ravel(), atol=0.005 + 1e-9)


def test_packed_masks_come_back_on_their_grid_whatever_its_direction(scripts):
    rng = np.random.default_rng(13)
    grid = centred_grid((6, 7, 8), (1.0, 1.5, 2.0), turned(10, 20, 30))
    structure = Structure(name="s", role="OAR", grid=grid, mask_zyx=rng.random((6, 7, 8)) < 0.2)
    points = grid.points_mm()
    got = scripts.evaluate(
        "async ([p, points]) => { const v = await Volume.ofMask(p); return points.map((q) => v.nearest(q) || 0); }",
        [mask_pack(structure), points.tolist()],
    )
    np.testing.assert_array_equal(np.array(got), structure.mask_zyx.ravel())


AXIAL = {"u": 0, "v": 1, "n": 2}


def lines_of(scripts, pack: dict, at: float, level: float, *, mask: bool = False) -> list[np.ndarray]:
    lines = scripts.evaluate(
        """async ([p, view, at, level, mask]) => {
          const volume = mask ? await Volume.ofMask(p) : await Volume.ofPack(p, false);
          return outline(lattice(volume, view, at), level)?.lines ?? [];
        }""",
        json.loads(json.dumps([pack, AXIAL, at, level, mask])),
    )
    return [np.array(line) for line in lines]


def test_an_isodose_of_an_inverse_square_field_is_its_circle(scripts):
    grid = centred_grid((21, 61, 61), (1.0, 1.0, 1.0), np.eye(3))
    centre = grid.world([30, 30, 10])
    gy = 8000.0 / np.maximum(((grid.points_mm() - centre) ** 2).sum(axis=1), 1.0).reshape(grid.shape_zyx)
    (line,) = lines_of(scripts, dose_pack(Volume(grid, gy)), float(centre[2]), 20.0)
    radius = np.hypot(*(line - centre[:2]).T)
    # Linear interpolation of 1/r^2 over 1 mm at r = 20 mm errs by h^2 f'' / (8 f') = 0.02 mm.
    np.testing.assert_allclose(radius, 20.0, atol=0.03)
    np.testing.assert_allclose(line[0], line[-1])


def test_the_outline_of_a_mask_encloses_its_voxels_and_closes_at_the_rim(scripts):
    mask = np.zeros((3, 12, 12), bool)
    mask[1, 3:9, 2:12] = True
    mask[1, 5:7, 5:8] = False
    grid = centred_grid((3, 12, 12), (1.0, 1.0, 1.0), np.eye(3))
    lines = lines_of(
        scripts,
        mask_pack(Structure(name="s", role="OAR", grid=grid, mask_zyx=mask)),
        float(grid.world([0, 0, 1])[2]),
        0.5,
        mask=True,
    )
    assert len(lines) == 2
    areas = sorted(abs(0.5 * np.sum(p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1])) for p in lines)
    for line in lines:
        np.testing.assert_allclose(line[0], line[-1])
    # Each right-angled corner is cut by a triangle of an eighth of a voxel.
    np.testing.assert_allclose(areas, [6 - 4 / 8, 60 - 4 / 8])


def test_outlines_stop_where_the_dose_grid_ends(scripts):
    grid = centred_grid((5, 20, 20), (1.0, 1.0, 1.0), np.eye(3))
    gy = np.broadcast_to(np.arange(20.0)[:, None], (5, 20, 20))
    (line,) = lines_of(scripts, dose_pack(Volume(grid, gy)), float(grid.world([0, 0, 2])[2]), 7.25)
    assert np.linalg.norm(line[0] - line[-1]) == pytest.approx(19.0, abs=1e-6)
    np.testing.assert_allclose(line[:, 1], grid.world([0, 7.25, 0])[1], atol=1e-5)
