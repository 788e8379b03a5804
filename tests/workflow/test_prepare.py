"""A scan becomes a case: what each structure becomes, and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import small_scan
from hdrplan.errors import InputError
from hdrplan.geometry import Margin, Structure, on_grid
from hdrplan.workflow import PreparedCase, PrepareOptions, prepare_case


def prepared(**options: object) -> PreparedCase:
    return prepare_case(small_scan.ct(), small_scan.structures(), PrepareOptions(**options))  # type: ignore[arg-type]


def uses(case: PreparedCase) -> dict[str, tuple[str, float]]:
    return {row.name: (row.use, row.avoid_mm) for row in case.rows}


def test_names_decide() -> None:
    case = prepared()
    assert uses(case) == {
        "lesion": ("CTV", 0.0),
        "liver": ("healthy organ", 0.0),
        "stomach": ("OAR", 5.0),
        "rib_right_9": ("OAR", 3.0),
        "liver_vessels": ("obstacle", 3.0),
    }
    assert case.healthy == "liver"
    assert {s.name: s.role for s in case.structures if s.role == "CTV"} == {"lesion": "CTV"}
    assert "mm from a CTV" in next(row.why for row in case.rows if row.name == "stomach")


def test_organs_far_away_are_obstacles_only() -> None:
    assert uses(prepared(oar_within_mm=20.0))["stomach"] == ("obstacle", 5.0)
    assert uses(prepared(oar_within_mm=20.0, oar=("stomach",)))["stomach"] == ("OAR", 5.0)


def test_a_margin_leaves_the_lesion_whole_and_the_organs_free() -> None:
    stomach = np.array(small_scan.masks()["stomach"])
    near = np.roll(stomach, -18, axis=2)  # 36 mm nearer: 1 mm from the lesion
    structures = tuple(
        s if s.name != "stomach" else Structure(name="stomach", role="other", grid=s.grid, mask_zyx=near)
        for s in small_scan.structures()
    )
    options = PrepareOptions(margin=Margin.all_round(6.0), smooth_mm=2.0)
    case = prepare_case(small_scan.ct(), structures, options)
    masks = {s.name: on_grid(s, small_scan.GRID).mask_zyx for s in case.structures}
    ctv, lesion = masks["CTV_lesion"], small_scan.masks()["lesion"]
    assert (ctv & lesion).sum() == lesion.sum()
    assert not (ctv & near & ~lesion).any()
    assert ctv.sum() > 1.5 * lesion.sum()
    row = next(row for row in case.rows if row.name == "lesion")
    assert row.use == "not used"
    assert "lesion inside a CTV" in row.why


def test_several_parts_are_lesions_of_their_own_or_one() -> None:
    mask = small_scan.masks()["lesion"] | np.roll(small_scan.masks()["lesion"], 18, axis=1)
    both = [s for s in small_scan.structures() if s.name != "lesion"]
    both.append(Structure(name="liver_tumor", role="other", grid=small_scan.GRID, mask_zyx=mask))
    case = prepare_case(small_scan.ct(), both, PrepareOptions())
    assert [row.name for row in case.rows if row.use == "CTV"] == ["liver_tumor_1", "liver_tumor_2"]
    assert "liver_tumor" not in uses(case)
    one = prepare_case(small_scan.ct(), both, PrepareOptions(union=True))
    assert [row.name for row in one.rows if row.use == "CTV"] == ["lesions"]
    assert sum(s.mask_zyx.sum() for s in one.structures if s.name == "lesions") == mask.sum()


def test_a_point_grows_a_lesion_that_must_be_confirmed() -> None:
    structures = [s for s in small_scan.structures() if s.name != "lesion"]
    options = PrepareOptions(picks_mm=(tuple(small_scan.LESION_MM.tolist()),))
    case = prepare_case(small_scan.ct(), structures, options)
    assert [row.name for row in case.rows if row.use == "CTV"] == ["lesion_1"]
    assert [w.id for w in case.warnings] == ["prepared-lesion-grown"]
    with pytest.raises(InputError, match="no liver"):
        prepare_case(small_scan.ct(), structures[1:], options)


def test_a_drawn_lesion_that_was_not_asked_for_is_said() -> None:
    case = prepared(picks_mm=(tuple(small_scan.LESION_MM.tolist()),))
    assert {row.name: row.why for row in case.rows}["lesion"] == "a lesion that was not asked for"


def test_a_scan_without_a_lesion_is_a_case_without_a_ctv() -> None:
    case = prepare_case(small_scan.ct(), [s for s in small_scan.structures() if s.name != "lesion"], PrepareOptions())
    assert not any(s.role == "CTV" for s in case.structures)
    assert "mm from liver" in next(row.why for row in case.rows if row.name == "stomach")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ctv": ("Lesion",)}, "Did you mean 'lesion'"),
        ({"oar": ("kidney",)}, "There are: liver, lesion"),
        ({"healthy": "lver"}, "Did you mean 'liver'"),
        ({"ctv": ("lesion",), "oar": ("lesion",)}, "one role"),
        ({"smooth_mm": 30.0}, "0 to 10 mm"),
    ],
)
def test_names_that_are_none(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        prepared(**options)


def test_names_of_other_letters_and_vessels_inside_the_liver() -> None:
    named = {
        "Leber": "liver",
        "Magen": "stomach",
        "Rippe_9": "rib_right_9",
        "GTV 1": "lesion",
        "Lebervenen": "liver_vessels",
    }
    known = {s.name: s for s in small_scan.structures()}
    case = prepare_case(
        small_scan.ct(), [replace(known[old], name=new) for new, old in named.items()], PrepareOptions()
    )
    assert {name: use for name, (use, _) in uses(case).items()} == {
        "GTV 1": "CTV", "Leber": "healthy organ", "Magen": "OAR", "Rippe_9": "OAR", "Lebervenen": "obstacle",
    }  # fmt: skip
