"""A scan that holds a lesion or an organ twice makes a case that holds it once, and says so."""

from __future__ import annotations

import numpy as np
import pytest

import small_scan
from hdrplan.geometry import Grid, Structure
from hdrplan.workflow import PreparedCase, PrepareOptions, prepare_case
from hdrplan.workflow.drawn_twice import each_lesion_once, each_organ_once


def ball(name: str, radius_mm: float, *, shift_mm: float = 0.0, step_mm: float = 1.0) -> Structure:
    """A ball beside the lesion's centre, on a grid of its own."""
    n = int(np.ceil(2 * (radius_mm + 2.0) / step_mm)) | 1
    centre_mm = small_scan.LESION_MM + np.array([shift_mm, 0.0, 0.0])
    spacing_mm = np.full(3, step_mm)
    grid = Grid(shape_zyx=(n, n, n), origin_mm=centre_mm - spacing_mm * (n // 2), spacing_mm=spacing_mm)
    z, y, x = np.indices((n, n, n)) - n // 2
    return Structure(name=name, role="other", grid=grid, mask_zyx=np.hypot(np.hypot(x, y), z) * step_mm <= radius_mm)


def prepared(*more: Structure, drop: str = "", **options: object) -> PreparedCase:
    kept = [s for s in small_scan.structures() if s.name != drop]
    return prepare_case(small_scan.ct(), [*kept, *more], PrepareOptions(**options))  # type: ignore[arg-type]


def ctvs(case: PreparedCase) -> list[str]:
    return [s.name for s in case.structures if s.role == "CTV"]


def told(case: PreparedCase) -> list[str]:
    return [warning.id for warning in case.warnings]


def row(case: PreparedCase, name: str) -> tuple[str, str]:
    return next((r.use, r.why) for r in case.rows if r.name == name)


@pytest.mark.parametrize("name", ["lesion (mask.nii.gz)", "tumour"])
def test_a_lesion_in_two_files_is_one_ctv(name: str) -> None:
    case = prepared(ball(name, small_scan.LESION_RADIUS_MM))
    assert len(ctvs(case)) == 1
    (other,) = {"lesion", name} - set(ctvs(case))
    use, why = row(case, other)
    assert use == "not used"
    assert "the same as" in why
    assert "Dice 0.9" in why
    assert told(case) == ["prepared-lesion-twice"]


def test_of_a_gtv_in_its_ctv_the_ctv_is_treated() -> None:
    case = prepared(ball("GTV", 8.0), ball("CTV 1", 12.0), drop="lesion")
    assert ctvs(case) == ["CTV 1"]
    assert row(case, "GTV") == ("not used", "100 % of it lies in CTV 1")
    # Also where the planner's CTV is the smaller drawing of the two.
    assert ctvs(prepared(ball("GTV", 12.0), ball("CTV 1", 11.0), drop="lesion")) == ["CTV 1"]


def test_a_ptv_is_not_treated_beside_its_ctv() -> None:
    case = prepared(ball("PTV", 16.0), ball("CTV", 10.0), ball("GTV", 7.0), drop="lesion")
    assert ctvs(case) == ["CTV"]
    assert row(case, "PTV") == ("not used", "CTV lies in it")
    assert row(case, "GTV") == ("not used", "100 % of it lies in CTV")


def test_lesions_that_share_some_tissue_stay_two_and_are_told() -> None:
    case = prepared(ball("left lesion", 10.0, shift_mm=-6.0), ball("right lesion", 10.0, shift_mm=6.0), drop="lesion")
    assert sorted(ctvs(case)) == ["left lesion", "right lesion"]
    assert told(case) == ["prepared-lesions-overlap"]


def test_neighbours_are_two_in_silence() -> None:
    case = prepared(ball("left lesion", 8.0, shift_mm=-12.0), ball("right lesion", 8.0, shift_mm=12.0), drop="lesion")
    assert sorted(ctvs(case)) == ["left lesion", "right lesion"]
    assert told(case) == []


def test_what_the_planner_names_stays_and_is_told() -> None:
    case = prepared(ball("tumour", small_scan.LESION_RADIUS_MM), ctv=("lesion", "tumour"))
    assert sorted(ctvs(case)) == ["lesion", "tumour"]
    assert told(case) == ["prepared-lesions-overlap"]
    alone = prepared(ball("tumour", small_scan.LESION_RADIUS_MM), ctv=("tumour",))
    assert ctvs(alone) == ["tumour"]
    assert told(alone) == []


def test_parts_of_one_label_and_masks_of_the_same_lesions() -> None:
    singles = [ball("lesion a", 6.0, shift_mm=-14.0), ball("lesion b", 6.0, shift_mm=14.0)]
    whole = np.zeros(small_scan.GRID.shape_zyx, dtype=bool)
    at = small_scan.points_mm()
    for shift_mm in (-14.0, 14.0):
        near = np.linalg.norm(at - small_scan.LESION_MM - [shift_mm, 0.0, 0.0], axis=1) <= 6.0
        whole |= near.reshape(whole.shape)
    both = Structure(name="lesions", role="other", grid=small_scan.GRID, mask_zyx=whole)
    case = prepared(both, *singles, drop="lesion")
    assert len(ctvs(case)) == 2
    assert told(case) == ["prepared-lesion-twice"] * 2


def test_an_organ_in_two_files_is_used_once() -> None:
    stomach = next(s for s in small_scan.structures() if s.name == "stomach")
    copy = Structure(name="stomach (b.nii.gz)", role="other", grid=stomach.grid, mask_zyx=stomach.mask_zyx)
    case = prepared(copy)
    assert row(case, "stomach")[0] == "OAR"
    assert row(case, "stomach (b.nii.gz)") == ("not used", "the same as stomach (Dice 1.00)")
    assert told(case) == ["prepared-organ-twice"]
    # One that the planner names is kept.
    assert row(prepared(copy, oar=("stomach (b.nii.gz)",)), "stomach (b.nii.gz)")[0] == "OAR"


def test_nothing_is_lost_and_the_order_stays() -> None:
    drawn = [ball(f"lesion {k}", 5.0, shift_mm=shift_mm) for k, shift_mm in enumerate((0.0, 30.0, 0.5, 31.0, 60.0))]
    kept, doubles, _ = each_lesion_once(drawn, chosen=False)
    assert [s.name for s in kept] == ["lesion 0", "lesion 1", "lesion 4"]
    assert {s.name for s in kept} | {d.structure.name for d in doubles} == {s.name for s in drawn}
    organs, copies = each_organ_once(drawn, first=())
    assert len(organs) + len(copies) == len(drawn)
