"""A placement samples its case twice, with cubes of two sizes: shapes behind masks are made once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hdrplan.dose import Shape, points, sample_points
from hdrplan.geometry import Structure
from hdrplan.io import read_case
from hdrplan.options import PlanOptions
from hdrplan.workflow import PlaceOptions, default_obstacles, place_case

PHANTOM = Path(__file__).parents[2] / "phantoms" / "liver-lesion-b-5mm"


def test_shapes_are_made_once_and_the_plan_has_the_points_of_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Counter[str] = Counter()
    real = points.shape_of

    def counted(structure: Structure) -> Shape:
        made[structure.name] += 1
        return real(structure)

    monkeypatch.setattr(points, "shape_of", counted)
    file = read_case(PHANTOM)
    asked = PlaceOptions(
        margins_mm=default_obstacles(file.case), candidates=4, most=1, sample_mm=4.0, without=("vessels",)
    )
    planning = PlanOptions(**file.options, sample_mm=3.0)
    placed = place_case(file.case, file.goals, file.source, file.strength, options=asked, plan_options=planning)
    with_limits = {s.name for s in file.case.dosed_structures(file.goals, "with limits")}
    assert {"lesion_B", "liver"} <= with_limits < set(made)
    assert set(made.values()) == {1}

    anew = sample_points(file.case.dosed_structures(file.goals), spacing_mm=3.0, healthy=file.case.healthy)
    assert placed.planned.points.names == anew.names
    np.testing.assert_array_equal(placed.planned.points.points_mm, anew.points_mm)
    np.testing.assert_array_equal(placed.planned.points.volume_cc, anew.volume_cc)
