"""Lesions set by rule in a box of liver with bowel below it and a vein behind it."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, distance_mm, inside
from hdrplan.workflow import filled_organ, lesion_places

GRID = Grid(shape_zyx=(40, 40, 40), origin_mm=np.zeros(3), spacing_mm=np.full(3, 3.0))


def box(name: str, low: tuple[int, int, int], high: tuple[int, int, int], role: str = "other") -> Structure:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))] = True
    return Structure(name=name, role=role, grid=GRID, mask_zyx=mask)  # type: ignore[arg-type]


LIVER, HOLE = box("liver", (4, 4, 4), (36, 36, 36)), box("lesion", (18, 18, 18), (22, 22, 22), "CTV")
AROUND = (
    LIVER,
    HOLE,
    box("colon", (4, 4, 0), (12, 36, 3)),
    box("portal_vein_and_splenic_vein", (18, 37, 18), (22, 40, 22)),
)


def test_each_rule_puts_whole_lesions_where_it_says_and_apart() -> None:
    organ = filled_organ(AROUND, "liver", GRID)
    assert organ.mask_zyx[20, 20, 20]
    places = lesion_places(organ, AROUND, diameter_mm=24.0, count=10)
    rules = [place.rule for place in places]
    assert rules == sorted(rules)
    assert [rules.count(rule) for rule in ("bowel", "dome", "hilum", "subcapsular")] == [3, 3, 2, 2]
    at = {rule: np.array([p.centre_mm for p in places if p.rule == rule]) for rule in set(rules)}
    low, high = GRID.world([4, 4, 4]), GRID.world([35, 35, 35])
    for centre in np.concatenate(list(at.values())):
        assert inside(organ, centre[None])[0]
        assert min((centre - low).min(), (high - centre).min()) >= 12.0 - 3.0
    everywhere = GRID.world(np.argwhere(organ.mask_zyx)[::50][:, ::-1])
    for rule, name in (("bowel", "colon"), ("hilum", "portal_vein_and_splenic_vein")):
        near = next(s for s in AROUND if s.name == name)
        assert distance_mm(near, at[rule]).max() < np.quantile(distance_mm(near, everywhere), 0.5)
    assert at["dome"][:, 2].min() > at["bowel"][:, 2].max()
    for centres in at.values():
        apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
        assert apart[~np.eye(len(centres), dtype=bool)].min() > 9.0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"rules": ("moon",)}, "rules are bowel, dome, hilum, subcapsular"),
        ({"diameter_mm": 118.0}, "fits nowhere in liver"),
        ({"structures": (LIVER,)}, "the rule needs stomach or bowel"),
    ],
)
def test_what_cannot_be_is_said(more: dict[str, object], said: str) -> None:
    asked = {"structures": AROUND, "diameter_mm": 20.0, "count": 4} | more
    structures = asked.pop("structures")
    with pytest.raises(InputError, match=said):
        lesion_places(LIVER, structures, **asked)  # type: ignore[arg-type]
