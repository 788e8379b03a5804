"""Media and densities from CT and labels: each rule on a small trunk whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from hdrplan.door import Entries
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid, Structure, Volume
from hdrplan.materials import MediaMap, assign_media, default_rules, rules_of

GRID = Grid(shape_zyx=(12, 40, 40), origin_mm=np.zeros(3), spacing_mm=np.full(3, 3.0))


def block(name: str, z: slice, y: slice, x: slice, role: str = "other") -> Structure:
    mask = np.zeros(GRID.shape_zyx, dtype=np.bool_)
    mask[z, y, x] = True
    return Structure(name=name, role=role, grid=GRID, mask_zyx=mask)  # type: ignore[arg-type]


ALL = slice(None)
BODY = block("body", ALL, slice(4, 36), slice(4, 36))
LIVER = block("liver", slice(2, 10), slice(8, 20), slice(8, 20))
RIB = block("rib_left_7", slice(2, 10), slice(24, 28), slice(8, 20))
LUNG = block("lung_left", slice(2, 10), slice(24, 32), slice(24, 32))


def ct(**changes: tuple[tuple[slice, slice, slice], float]) -> Volume:
    """Air, a body of 50 HU, and boxes of other HU."""
    hu = np.full(GRID.shape_zyx, -1000, dtype=np.int16)
    hu[BODY.mask_zyx] = 50
    for box, value in changes.values():
        hu[box] = value
    return Volume(GRID, hu)


def at(media_map: MediaMap, z: int, y: int, x: int) -> tuple[str, float]:
    """Medium and density at a voxel of the CT."""
    index = np.rint(media_map.grid.index(GRID.world([x, y, z]))).astype(int)
    place = tuple(index[::-1])
    return media_map.names[media_map.medium_zyx[place]], float(media_map.density_g_per_cc_zyx[place])


def ids(media_map: MediaMap) -> list[str]:
    return [c.id for c in media_map.cautions]


def test_an_organ_with_contrast_has_its_nominal_density_and_no_bone() -> None:
    enhanced = ct(liver=((slice(2, 10), slice(8, 20), slice(8, 20)), 240), vessel=((5, 10, slice(24, 30)), 450))
    made = assign_media(enhanced, [BODY, LIVER, RIB, LUNG])
    assert at(made, 5, 10, 10) == ("liver", pytest.approx(1.06))
    assert at(made, 5, 10, 26) == ("muscle", pytest.approx(1.08))  # not bone: no bone label
    assert "media-bone-unlabelled" not in ids(made)


def test_bone_is_bone_only_within_bone_labels_and_much_of_it_outside_is_said() -> None:
    box = (slice(2, 10), slice(24, 28), slice(8, 20))
    bony = ct(rib=(box, 700))
    labelled = assign_media(bony, [BODY, LIVER, RIB, LUNG])
    name, density = at(labelled, 5, 26, 10)
    assert name == "spongiosa"
    assert density == pytest.approx(1.0762 + (700 - 101) / 1499 * (1.9642 - 1.0762), abs=1e-4)
    assert at(assign_media(ct(rib=(box, 1200)), [BODY, LIVER, RIB, LUNG]), 5, 26, 10)[0] == "cortical_bone"
    bare = assign_media(bony, [BODY, LIVER, LUNG])
    assert at(bare, 5, 26, 10)[0] == "muscle"
    assert {"media-bone-unlabelled", "media-few-labels"} <= set(ids(bare))


def test_couch_and_air_outside_the_body_are_air_and_gas_in_bowel_is_air() -> None:
    colon = block("colon", slice(2, 10), slice(24, 32), slice(8, 20))
    made = assign_media(
        ct(couch=((ALL, slice(37, 39), ALL), 300), gas=((slice(4, 8), slice(26, 30), slice(10, 18)), -900)),
        [BODY, LIVER, LUNG, colon],
    )
    assert at(made, 5, 36, 10)[0] == "air"
    assert at(made, 5, 28, 14) == ("air", pytest.approx(0.00121 + 100 / 902 * (0.93 - 0.00121), rel=1e-3))
    assert at(made, 5, 25, 9) == ("bowel", pytest.approx(1.04))


def test_lung_has_the_density_of_its_hu_and_fat_is_told_by_hu() -> None:
    made = assign_media(
        ct(lung=((slice(2, 10), slice(24, 32), slice(24, 32)), -750), fat=((5, slice(8, 12), slice(24, 30)), -100)),
        [BODY, LIVER, RIB, LUNG],
    )
    assert at(made, 5, 28, 28) == ("lung", pytest.approx(0.00121 + 250 / 902 * (0.93 - 0.00121), rel=1e-3))
    assert at(made, 5, 10, 26)[0] == "adipose"


def test_a_lesion_in_the_liver_is_no_overlap_but_liver_and_bowel_are() -> None:
    lesion = block("lesion", slice(4, 8), slice(10, 14), slice(10, 14), "CTV")
    colon = block("colon", slice(2, 10), slice(18, 24), slice(8, 20))
    made = assign_media(ct(), [BODY, LIVER, LUNG, RIB, colon, lesion])
    said = [c.text for c in made.cautions]
    assert len(said) == 1
    # 8 slices, 2 rows, 12 columns of 27 mm3.
    assert "liver and colon overlap by 5.2 cc; the medium there is liver" in said[0]


def test_values_beyond_12_bits_and_metal_are_said() -> None:
    made = assign_media(ct(metal=((slice(4, 8), 10, slice(10, 14)), 5000)), [BODY, LIVER, RIB, LUNG])
    assert ids(made) == ["media-hu-range", "media-metal"]
    assert at(made, 5, 10, 11) == ("liver", pytest.approx(1.06))


def test_metal_in_an_organ_is_said_where_the_body_label_leaves_organs_out() -> None:
    rest = np.array(BODY.mask_zyx) & ~LIVER.mask_zyx
    body = Structure(name="body", role="other", grid=GRID, mask_zyx=rest)
    made = assign_media(ct(clip=((slice(4, 6), slice(10, 12), slice(10, 12)), 3000)), [body, LIVER, RIB, LUNG])
    assert ids(made) == ["media-metal"]


@pytest.mark.parametrize("hu", [0, 40])
def test_a_ct_of_one_value_is_said(hu: int) -> None:
    made = assign_media(Volume(GRID, np.full(GRID.shape_zyx, hu, dtype=np.int16)), [BODY, LIVER, RIB, LUNG])
    assert ids(made) == ["media-ct-even"]
    assert f"{hu} HU" in made.cautions[0].text
    assert "media-ct-even" not in ids(assign_media(ct(), [BODY, LIVER, RIB, LUNG]))


@pytest.mark.parametrize("hu", [-1000, 1000])
def test_a_ct_that_shows_no_tissue_in_organs_is_said(hu: int) -> None:
    made = assign_media(Volume(GRID, np.full(GRID.shape_zyx, hu, dtype=np.int16)), [BODY, LIVER, RIB, LUNG])
    assert "media-off-tissue" in ids(made)
    # A stent, gas and streaks in a tenth of the liver are no other scan.
    part = ct(gas=((slice(2, 3), slice(8, 20), slice(8, 20)), hu))
    assert "media-off-tissue" not in ids(assign_media(part, [BODY, LIVER, RIB, LUNG]))


def test_without_a_body_label_the_body_is_what_is_dense_and_connected() -> None:
    labelled, found = assign_media(ct(), [BODY, LIVER, RIB, LUNG]), assign_media(ct(), [LIVER, RIB, LUNG])
    # The opening that takes the table off rounds the corners of this square body.
    differ = labelled.medium_zyx != found.medium_zyx
    assert 0 < differ.sum(axis=(1, 2)).max() <= 12
    assert ids(found) == ["media-few-labels"]


def test_a_ct_cut_near_the_dwells_is_continued_by_its_last_slice() -> None:
    dwells = np.array([[60.0, 60.0, 12.0]])
    made = assign_media(ct(), [BODY, LIVER, RIB, LUNG], dwells_mm=dwells)
    assert ids(made) == ["media-ct-cut", "media-ct-cut"]
    assert "the CT ends 14 mm from a dwell (first slice)" in made.cautions[0].text  # 12 mm and half a voxel
    low, high = made.grid.world([0, 0, 0])[2], made.grid.world([0, 0, made.grid.shape_zyx[0] - 1])[2]
    assert low <= 12.0 - 100.0 + 1.5
    assert high >= 12.0 + 100.0 - 1.5
    assert np.array_equal(made.medium_zyx[0], made.medium_zyx[int(made.grid.index([0, 0, 0.0])[2])])


def test_dwells_outside_the_ct_are_refused() -> None:
    with pytest.raises(InputError, match="1 of 2 dwells outside"):
        assign_media(ct(), [BODY], dwells_mm=np.array([[60.0, 60.0, 12.0], [60.0, 60.0, 500.0]]))


def test_joining_voxels_keeps_the_mass() -> None:
    fine = Grid(shape_zyx=(12, 40, 39), origin_mm=np.zeros(3), spacing_mm=np.array([1.0, 1.5, 3.0]))
    hu = np.random.default_rng(3).integers(-100, 90, fine.shape_zyx).astype(np.int16)
    body = Structure(name="body", role="other", grid=fine, mask_zyx=np.ones(fine.shape_zyx, dtype=np.bool_))
    as_is = assign_media(Volume(fine, hu), [body], voxel_mm=1.0)
    joined = assign_media(Volume(fine, hu), [body])
    assert joined.grid.shape_zyx == (12, 20, 13)
    masses = [m.density_g_per_cc_zyx.sum(dtype=np.float64) * m.grid.voxel_cc for m in (as_is, joined)]
    assert masses[0] == pytest.approx(masses[1], rel=1e-6)
    assert joined.grid.world([0, 0, 0]) == pytest.approx([1.0, 0.75, 0.0])


def test_own_rules_take_the_place_of_the_packaged_ones_and_an_unchecked_medium_is_said() -> None:
    table = {
        "name": "own", "hu_density": [[-1000, 0.001], [1000, 2.0]], "outside": "air", "body_from_hu": -300,
        "pad_mm": 50, "gas_below_hu": -400, "metal_from_hu": 2500,
        "unlabelled": [{"medium": "water", "density_g_per_cc": 1}],
        "label": [{"names": ["LIV*"], "medium": "tumour", "density_g_per_cc": 1.07}],
    }  # fmt: skip
    made = assign_media(ct(), [BODY, LIVER, RIB, LUNG], rules_of(Entries(table, "own.toml")))
    assert at(made, 5, 10, 10) == ("tumour", pytest.approx(1.07))
    assert at(made, 5, 26, 10) == ("water", 1.0)
    assert "media-unchecked" in ids(made)
    assert made.rules == "own"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outside": "vacuum"}, "own.toml, outside: expected the name of a medium"),
        ({"label": [{"medium": "livr", "density_g_per_cc": 1.0}]}, "own.toml.*, medium: .* Did you mean 'liver'"),
        ({"outside": "titanium"}, "own.toml, outside: media of rules must be tissues, .* got titanium, a metal"),
        ({"label": [{"names": ["liver"], "medium": "steel", "density_g_per_cc": 1.06}]}, "got steel, a metal"),
        ({"label": [{"medium": "liver", "density_g_per_cc": 10.6}]}, "between 0 and 3 g/cm3"),
        ({"colour": "red"}, "known keys"),
        ({"unlabelled": [{"medium": "water", "density_g_per_cc": 1, "below_hu": 5}]}, "the last without one"),
        ({"label": [{"medium": "liver"}]}, "density_between"),
    ],
)
def test_rules_that_cannot_be_right_are_refused(change: dict[str, object], said: str) -> None:
    table: dict[str, object] = {
        "name": "own", "hu_density": [[-1000, 0.001], [1000, 2.0]], "outside": "air", "body_from_hu": -300,
        "pad_mm": 50, "gas_below_hu": -400, "metal_from_hu": 2500,
        "unlabelled": [{"medium": "water", "density_g_per_cc": 1}],
    }  # fmt: skip
    with pytest.raises((FormatError, InputError), match=said):
        rules_of(Entries(table | change, "own.toml"))


def test_packaged_rules_use_checked_media_only() -> None:
    assert default_rules().unchecked() == ()
    assert replace(default_rules(), labels=()).rule_of("liver", "OAR") is None
