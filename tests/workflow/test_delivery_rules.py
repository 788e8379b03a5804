"""The afterloader's rules as the options ask for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.geometry import Dwells
from hdrplan.options import PlanOptions
from hdrplan.workflow import delivery_rules


def dwells(*catheters: int) -> Dwells:
    n = len(catheters)
    return Dwells(
        positions_mm=np.arange(3.0 * n).reshape(n, 3),
        axes=np.tile([0.0, 0.0, 1.0], (n, 1)),
        catheter=np.array(catheters),
        offset_mm=10.0 * np.arange(n),
        catheter_names=tuple("abc"[: max(catheters) + 1]),
    )


@pytest.mark.parametrize(("catheters", "pairs"), [((0, 0, 1), [[0, 1]]), ((0, 0, 0), [[0, 1], [1, 2]])])
def test_a_ratio_is_of_neighbours_in_one_catheter(catheters: tuple[int, ...], pairs: list[list[int]]) -> None:
    rules = delivery_rules(dwells(*catheters), PlanOptions(time_ratio=2.0))
    assert rules is not None
    assert rules.ratio == 2.0
    assert rules.neighbours.tolist() == pairs


def test_catheters_of_one_position_each_have_no_ratio_to_hold() -> None:
    """A plan of one dwell in each catheter was refused: "a ratio needs the pairs of neighbours, got none"."""
    options = PlanOptions(time_ratio=2.0)
    rules = delivery_rules(dwells(0, 1, 2), options)
    assert rules is not None
    assert rules.ratio is None
    assert rules.resolution_s == options.time_step_s
    assert delivery_rules(dwells(0, 1, 2), replace(options, time_step_s=0.0)) is None
