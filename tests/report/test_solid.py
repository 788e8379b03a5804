"""Surfaces in space and the 3D page."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Structure, Volume
from hdrplan.report import solid_html
from hdrplan.report.surfaces import skin_surface, structure_surface, surface
from report_view import CENTRE_MM, centred_grid, small_view, turned

DIRECTIONS = {"upright": np.eye(3), "oblique": turned(20, -30, 40), "left-handed": np.diag([1.0, 1.0, -1.0])}


def enclosed_cc(vertices_mm: np.ndarray, triangles: np.ndarray) -> float:
    """Signed volume by the divergence theorem; positive where triangles turn counter-clockwise seen from outside."""
    a, b, c = (vertices_mm[triangles[:, k]] - vertices_mm.mean(axis=0) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0 / 1000.0)


def edges_met_twice(triangles: np.ndarray) -> bool:
    """Whether every directed edge has exactly one opposite partner: the surface is closed and evenly turned."""
    directed = np.vstack((triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]))
    there = {tuple(edge) for edge in directed.tolist()}
    return len(there) == len(directed) and all((b, a) in there for a, b in there)


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_a_ball_has_its_volume_and_lies_in_its_place(direction):
    grid = centred_grid((30, 40, 34), (1.0, 1.2, 1.5), direction)
    centre = CENTRE_MM + np.array([2.0, -1.0, 1.5])
    distance = np.linalg.norm(grid.points_mm() - centre, axis=1).reshape(grid.shape_zyx)
    vertices, triangles = surface(grid, 12.0 - distance, 0.0)
    assert edges_met_twice(triangles)
    # A vertex is the mean of its cell's crossings: inside the sphere by up to h^2 / 4R, 0.047 mm of 12 mm for the
    # coarsest axis, and three times that share of the volume.
    assert np.abs(np.linalg.norm(vertices - centre, axis=1) - 12.0).max() < 0.1
    assert enclosed_cc(vertices, triangles) == pytest.approx(4 / 3 * np.pi * 1.2**3, rel=0.015)


def test_a_structure_at_the_rim_of_its_grid_is_closed_and_keeps_its_volume():
    grid = centred_grid((20, 20, 20), (1.5, 1.5, 2.0), np.eye(3))
    mask = np.zeros((20, 20, 20), bool)
    mask[:12, :, 3:] = True
    structure = Structure(name="s", role="OAR", grid=grid, mask_zyx=mask)
    vertices, triangles = structure_surface(structure, None)
    assert edges_met_twice(triangles)
    # Blurring by 0.8 voxels moves no plane; it rounds the twelve edges of this box of 18 by 30 by 34 mm.
    assert enclosed_cc(vertices, triangles) == pytest.approx(structure.volume_cc, rel=0.04)


def test_no_crossing_gives_no_surface():
    grid = centred_grid((4, 4, 4), (1.0, 1.0, 1.0), np.eye(3))
    vertices, triangles = surface(grid, np.zeros((4, 4, 4)), 5.0)
    assert len(vertices) == len(triangles) == 0


def test_the_skin_lies_round_the_body_and_is_open_where_the_ct_ends():
    grid = centred_grid((30, 60, 60), (2.0, 2.0, 3.0), np.eye(3))
    radius = np.linalg.norm((grid.points_mm() - CENTRE_MM)[:, :2], axis=1).reshape(grid.shape_zyx)
    hu = np.where(radius < 40.0, 40, -1000)
    hu[10:20, 28:32, 28:32] = -950
    hu[:, :2, :2] = 300
    vertices, triangles = skin_surface(Volume(grid, hu.astype(np.int16)))
    drawn = np.unique(triangles)
    radii = np.linalg.norm(vertices[drawn][:, :2] - CENTRE_MM[:2], axis=1)
    # Points 4 mm apart; neither the gas inside nor the table beside the body.
    assert 37.0 < radii.min() <= radii.max() < 43.0
    low, high = grid.world([0, 0, 0])[2], grid.world([0, 0, 29])[2]
    middles = vertices[triangles].mean(axis=1)
    assert (np.linalg.norm(middles[:, :2] - CENTRE_MM[:2], axis=1) > 36.0).all()
    assert middles[:, 2].min() < low + 6.0
    assert middles[:, 2].max() > high - 6.0


@pytest.mark.browser
@pytest.mark.parametrize("size", [(390, 844), (1366, 768)], ids=["phone", "laptop"])
def test_the_picture_is_not_stretched_and_no_letters_overlap(opened, size):
    page = opened(solid_html(small_view())).page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(300)
    width, height, w, h = page.evaluate(
        "() => { const c = document.getElementById('solid'), b = c.getBoundingClientRect();"
        " return [c.width, c.height, b.width, b.height]; }"
    )
    assert width / height == pytest.approx(w / h, rel=0.01)
    assert page.locator("#solid").get_attribute("data-from") == "catheters"


@pytest.mark.browser
def test_the_page_draws_what_is_switched_on_and_nothing_else_is_asked_for(opened):
    page = opened(solid_html(small_view(names=("<b>lesion</b>", "stomach"))))
    assert page.page.locator("html").get_attribute("data-ready") != "failed"
    assert [text for text in page.said if "GL Driver" not in text] == []
    assert len(page.asked) == 1
    assert page.page.locator("#bodies .name").all_inner_texts()[0] == "<b>lesion</b>"
    drawn = """() => {
      const copy = document.createElement("canvas"), solid = document.getElementById("solid");
      copy.width = solid.width; copy.height = solid.height;
      const pen = copy.getContext("2d");
      pen.drawImage(solid, 0, 0);
      const data = pen.getImageData(0, 0, copy.width, copy.height).data;
      let pink = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i] > 120 && data[i + 2] > 90 && data[i + 1] < data[i] - 30) pink += 1;
      }
      return pink;
    }"""
    page.settle()
    with_lesion = page.page.evaluate(drawn)
    page.page.locator("#bodies input[type=checkbox]").first.click()
    page.settle()
    assert with_lesion > 1000
    assert page.page.evaluate(drawn) < 0.2 * with_lesion
