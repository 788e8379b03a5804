"""Where a needle enters and at which angle, in the words of its card."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Structure, Volume
from hdrplan.plan import Case
from hdrplan.report.needle_cards import axial_angle, entry_text
from report_view import CENTRE_MM, centred_grid, small_view


@pytest.mark.parametrize(
    ("along", "words"),
    [
        ((0.0, 50.0, 0.0), "0° from the vertical, going posterior"),
        ((50.0, 50.0, 10.0), "45° from the vertical toward the patient's left, going posterior"),
        ((-30.0, -30.0, 0.0), "45° from the vertical toward the patient's right, going anterior"),
        ((0.0, 0.0, 40.0), "none: the needle is perpendicular to it"),
    ],
)
def test_the_angle_in_the_axial_plane(along, words):
    assert axial_angle(np.array(along)) == words


@pytest.mark.parametrize("up", [1.0, -1.0], ids=["from below", "from above"])
def test_the_entry_names_its_slice_and_its_place_beside_the_cord(up):
    view = small_view()
    grid = centred_grid((11, 30, 30), (2.0, 2.0, 5.0), np.diag([1.0, 1.0, up]))
    mask = np.linalg.norm((grid.points_mm() - CENTRE_MM)[:, :2] - [0.0, 20.0], axis=1).reshape(grid.shape_zyx) < 6.0
    cord = Structure(name="spinal_cord", role="OAR", grid=grid, mask_zyx=mask)
    case = Case(
        name="c", ct=Volume(grid, np.zeros(grid.shape_zyx, np.int16)), structures=(view.structures[0], cord),
        catheters=view.catheters, healthy=None,
    )  # fmt: skip
    words = entry_text(case, CENTRE_MM + np.array([-50.0, -10.0, 10.0]))
    assert words.startswith(f"slice z = {CENTRE_MM[2] + 10.0:.1f} mm (8 of 11, from inferior)")
    assert "10 mm superior of the middle of lesion" in words
    assert words.endswith("50 mm right and 30 mm anterior of spinal_cord")
