"""The picture of found catheters: which side is up, and names where they can be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Grid, Volume
from hdrplan.report.traced import _side, _straightened


def gradient(axis: int) -> Volume:
    """A CT whose HU are millimetres along an axis of LPS."""
    grid = Grid(shape_zyx=(60, 60, 60), origin_mm=[-30.0, -30.0, -30.0], spacing_mm=[1.0, 1.0, 1.0])
    z, y, x = np.meshgrid(*(np.arange(60) - 30.0,) * 3, indexing="ij")
    return Volume(grid, (x, y, z)[axis].astype(np.float64))


@pytest.mark.parametrize(
    ("tip_mm", "ups"),
    [
        ((20.0, 0.0, 0.0), {"superior": 1, "anterior": -1}),
        ((0.0, -20.0, 0.0), {"superior": 1, "left": 1}),
        ((0.0, 0.0, 20.0), {"left": 1, "anterior": -1}),
    ],
)
def test_up_is_superior_anterior_or_left_and_the_picture_is_so(tip_mm: tuple[float, ...], ups: dict[str, int]) -> None:
    axis = {"left": 0, "anterior": 1, "superior": 2}
    points = np.array([np.zeros(3), tip_mm])
    said = _straightened(gradient(0), points)[2]
    assert sorted(said) == sorted(ups)
    for k, name in enumerate(said):
        _, views, _ = _straightened(gradient(axis[name]), points)
        middle = views[k][20]  # HU across the catheter, from below to above
        assert np.sign(middle[-1] - middle[0]) == ups[name]


def test_an_oblique_side_is_named_by_both_axes() -> None:
    assert _side(np.array([-0.7, -0.7, 0.1])) == "right and anterior"
    assert _side(np.array([0.1, 0.3, -0.95])) == "inferior"
