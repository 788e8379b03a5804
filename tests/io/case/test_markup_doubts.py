"""The curve that 3D Slicer shows between control points."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from hdrplan.io.case.markup_doubts import doubts_of_markups


def _beside_mm(points_mm: np.ndarray) -> float:
    """Distance of SciPy's natural spline from the straight lines, at their middles."""
    steps_mm = np.linalg.norm(np.diff(points_mm, axis=0), axis=1)
    along_mm = np.concatenate(([0.0], np.cumsum(steps_mm)))
    off_mm = CubicSpline(along_mm, points_mm, bc_type="natural")((along_mm[:-1] + along_mm[1:]) / 2) - points_mm[:-1]
    chord = np.diff(points_mm, axis=0) / steps_mm[:, None]
    return float(np.linalg.norm(off_mm - (off_mm * chord).sum(axis=1, keepdims=True) * chord, axis=1).max())


@pytest.mark.parametrize("count", [3, 4, 12])
def test_how_far_a_curve_bends_beside_its_points_is_that_of_a_natural_spline(count: int, tmp_path: Path) -> None:
    points_mm = np.random.default_rng(count).normal(0.0, 20.0, (count, 3))
    twice = np.insert(points_mm, 1, points_mm[1], axis=0)  # a point that was clicked twice is one
    controls = [{"position": point, "positionStatus": "defined"} for point in twice.tolist()]
    curve = {"type": "Curve", "name": "c1", "coordinateSystem": "LPS", "controlPoints": controls}
    path = tmp_path / "catheters.mrk.json"
    path.write_text(json.dumps({"markups": [curve]}))
    (doubt,) = doubts_of_markups(path)
    assert doubt.kind.id == "catheter-bends-between"
    assert dict(doubt.values)["mm"] == pytest.approx(_beside_mm(points_mm), rel=1e-9)
