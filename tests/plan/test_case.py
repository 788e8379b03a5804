"""A case: which of its structures a plan's dose is asked of."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.geometry import Grid, Role, Structure
from hdrplan.plan import AROUND, Case, Goals, Organs, Prescription, parse_goal

GRID = Grid(shape_zyx=(10, 10, 10), origin_mm=[0.0, 0.0, 0.0], spacing_mm=[2.0, 2.0, 2.0])
ROLES: dict[str, Role] = {
    "lesion": "CTV",
    "liver": "other",
    "stomach": "OAR",
    "ribs": "OAR",
    "duodenum": "other",
    "skin": "other",
}


def _case() -> Case:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[4:6, 4:6, 4:6] = True
    structures = tuple(Structure(name=n, role=role, grid=GRID, mask_zyx=mask) for n, role in ROLES.items())
    return Case(name="case", ct=None, structures=structures, catheters=(), healthy="liver")


def _goals(*more: str) -> Goals:
    texts = {"stomach: D1cc <= 14 Gy": 0, "duodenum: D1cc <= 14 Gy": 1} | dict.fromkeys(more, 0)
    goals = tuple(
        parse_goal(text.split(": ")[1], structure=text.split(": ")[0], source="test", level=level)
        for text, level in texts.items()
    )
    return Goals((Prescription("lesion", 20.0),), goals)


@pytest.mark.parametrize(
    ("organs", "names"),
    [
        ("all", ["lesion", "liver", "stomach", "ribs", "duodenum"]),
        ("with goals", ["lesion", "liver", "stomach", "duodenum"]),
        ("with limits", ["lesion", "liver", "stomach"]),
    ],
)
def test_dose_is_asked_of_targets_the_healthy_organ_and_the_organs_that_count(organs: Organs, names: list[str]) -> None:
    assert [s.name for s in _case().dosed_structures(_goals(), organs)] == names


def test_tissue_around_the_targets_counts_where_all_organs_do() -> None:
    goals = _goals("lesion: COIN >= 0.8")
    assert _case().dosed_structures(goals)[-1].name == AROUND
    assert AROUND not in {s.name for s in _case().dosed_structures(goals, "with goals")}
