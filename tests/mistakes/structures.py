"""Mistakes with structures: names, roles, segmentations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mistake import Shelf
from scipy import ndimage

from body_case import NAMES, Array, Given, write_image

STRUCTURES = Shelf("Structures and CTVs")
LESION = NAMES["lesion"]


def exchange(given: Given, first: str, second: str) -> None:
    given.names[first], given.names[second] = given.names[second], given.names[first]


def middle(given: Given, name: str) -> tuple[int, int, int]:
    z, y, x = np.argwhere(given.mask(name)).mean(axis=0).round().astype(int)
    return int(z), int(y), int(x)


@STRUCTURES("one stray voxel of the CTV, far from the rest", warns="ctv-stray-voxels")
def stray_voxel(given: Given) -> None:
    z, y, x = middle(given, "spleen")
    given.labels[z, y, x] = LESION


@STRUCTURES("islands of noise around the CTV", warns="ctv-stray-voxels")
def islands(given: Given) -> None:
    z, y, x = middle(given, "lesion")
    given.labels[z, y - 8, x] = given.labels[z + 2, y + 8, x] = given.labels[z, y, x + 8] = LESION


@STRUCTURES("CTV with a hole inside", warns="ctv-holes")
def hole(given: Given) -> None:
    z, y, x = middle(given, "lesion")
    given.labels[z, y, x] = NAMES["liver"]


@STRUCTURES("slices of the CTV that were not contoured", warns="ctv-parts-apart")
def slices_not_contoured(given: Given) -> None:
    z, _, _ = middle(given, "lesion")
    plane = given.labels[z]
    plane[plane == LESION] = NAMES["liver"]


@STRUCTURES("two lesions drawn as one CTV", warns="ctv-parts-apart")
def two_lesions_in_one(given: Given) -> None:
    z, y, x = middle(given, "lesion")
    given.labels[z - 1 : z + 2, y + 9 : y + 12, x - 2 : x + 2] = LESION


@STRUCTURES("the liver given as the CTV", warns="ctv-named-as-organ")
def liver_as_ctv(given: Given) -> None:
    given.table["roles"] = {"liver": "CTV", "stomach": "OAR", "spinal_cord": "OAR"}
    given.table["prescription_gy"] = {"liver": 20.0}
    del given.table["healthy"]
    given.table["goals"] = given.table["goals"][:2]


@STRUCTURES("the whole liver under a German name as the CTV", warns="ctv-named-as-organ")
def leber_as_ctv(given: Given) -> None:
    given.names["Leber"] = given.names.pop("liver")
    given.table |= {"roles": {"Leber": "CTV"}, "prescription_gy": {"Leber": 20.0}, "goals": []}
    del given.table["healthy"]


@STRUCTURES("names of lesion and liver exchanged in the names file", warns="ctv-large-for-healthy")
def lesion_and_liver_exchanged(given: Given) -> None:
    exchange(given, "lesion", "liver")


@STRUCTURES("names of liver and spleen exchanged", warns="anatomy-mirrored")
def liver_and_spleen_exchanged(given: Given) -> None:
    exchange(given, "liver", "spleen")


@STRUCTURES("left and right kidney exchanged", warns="anatomy-mirrored")
def kidneys_exchanged(given: Given) -> None:
    exchange(given, "kidney_left", "kidney_right")


@STRUCTURES("names file of another label convention: every name one value off", warns="structure-in-other-tissue")
def names_one_off(given: Given) -> None:
    values = list(given.names.values())
    given.names = dict(zip(given.names, [*values[1:], values[0]], strict=True))
    given.catheters = [(name, points + np.array([170.0, 30.0, 10.0])) for name, points in given.catheters]


@STRUCTURES("a second lesion given as organ at risk", warns="organ-named-as-lesion")
def lesion_as_organ(given: Given) -> None:
    z, y, x = middle(given, "liver")
    given.labels[z - 2 : z + 2, y + 8 : y + 11, x : x + 3] = 11
    given.names["lesion_2"] = 11
    given.table["roles"]["lesion_2"] = "OAR"


@STRUCTURES("one lesion given twice, as GTV and as CTV", warns="ctvs-overlap")
def gtv_and_ctv(given: Given) -> None:
    _second_file(given, given.mask("lesion"), "GTV")
    given.table["roles"]["GTV"] = "CTV"
    given.table["prescription_gy"]["GTV"] = 20.0


def _second_file(given: Given, mask: Array, name: str) -> None:
    """Add a structure in a file of its own: label maps cannot hold overlaps."""
    given.after.append(lambda folder: write_image(folder / "second.nii.gz", mask.astype(np.uint8), {}))
    given.table["structures"] = [
        {"file": given.labels_name, "names": "labels.json"},
        {"file": "second.nii.gz", "name": name},
    ]


@STRUCTURES("the stomach saved a second time as duodenum", warns="structures-alike")
def saved_twice(given: Given) -> None:
    given.labels[given.mask("duodenum")] = 0
    del given.names["duodenum"]
    _second_file(given, given.mask("stomach"), "duodenum")


@STRUCTURES("the CTV grown into the stomach", warns="shared-voxels")
def grown_into_stomach(given: Given) -> None:
    stomach = given.mask("stomach")
    edge = stomach & (np.indices(stomach.shape)[2] < np.argwhere(stomach)[:, 2].min() + 2)
    lesion = edge.copy()
    z, y, x = np.argwhere(edge).mean(axis=0).round().astype(int)
    lesion[z - 3 : z + 4, y - 4 : y + 5, x - 8 : x + 1] = True
    _second_file(given, lesion, "tumour")
    given.table["prescription_gy"] = {"tumour": 20.0}
    given.table["roles"] |= {"tumour": "CTV", "lesion": "other"}
    del given.table["healthy"]
    del given.table["catheters"]


@STRUCTURES("an organ wholly inside the CTV", refuses="must be different tissue")
def organ_inside_ctv(given: Given) -> None:
    _second_file(given, given.mask("lesion"), "vessel")
    given.table["roles"]["vessel"] = "OAR"


@STRUCTURES("healthy names the spleen, not the liver around the lesion", warns="ctv-away-from-healthy")
def wrong_healthy(given: Given) -> None:
    given.table["healthy"] = "spleen"


@STRUCTURES("CTV drawn half in the air beside the body", warns="structure-in-other-tissue")
def ctv_in_air(given: Given) -> None:
    given.labels[given.mask("lesion")] = NAMES["liver"]
    given.labels[15:20, 26:31, 2:8] = LESION
    del given.table["catheters"]


@STRUCTURES("CTV drawn in the lung", warns="structure-in-other-tissue")
def ctv_in_lung(given: Given) -> None:
    given.labels[given.mask("lesion")] = NAMES["liver"]
    z, y, x = np.argwhere(given.mask("lungs") & (np.indices(given.labels.shape)[2] < 42)).mean(axis=0).astype(int)
    given.labels[z - 2 : z + 3, y - 3 : y + 4, x - 3 : x + 4] = LESION
    del given.table["catheters"]


@STRUCTURES("CTV drawn on a vertebra", warns="structure-in-other-tissue")
def ctv_in_bone(given: Given) -> None:
    given.ct[given.mask("vertebrae")] += 100
    given.labels[given.mask("lesion")] = NAMES["liver"]
    z, y, x = middle(given, "vertebrae")
    given.labels[z - 2 : z + 3, y - 3 : y + 1, x - 2 : x + 3] = LESION
    del given.table["catheters"]


@STRUCTURES("CTV of a single click", warns="ctv-few-voxels")
def single_click(given: Given) -> None:
    z, y, x = middle(given, "lesion")
    given.labels[given.mask("lesion")] = NAMES["liver"]
    given.labels[z, y, x] = LESION


@STRUCTURES("CTV of 5 litres: the body's contour", warns="ctv-volume-unusual")
def body_as_ctv(given: Given) -> None:
    _second_file(given, given.ct > -300, "target")
    given.table["roles"] = {"target": "CTV"}
    given.table |= {"prescription_gy": {"target": 20.0}, "goals": []}
    del given.table["healthy"]


@STRUCTURES("lungs drawn where the CT shows none", warns="structure-in-other-tissue")
def lungs_elsewhere(given: Given) -> None:
    lungs = given.mask("lungs")
    given.labels[lungs] = 0
    given.labels[4:10, 20:30, 36:50] = NAMES["lungs"]


@STRUCTURES("vertebrae drawn in front of the spine", warns="structure-in-other-tissue")
def spine_elsewhere(given: Given) -> None:
    spine = given.mask("vertebrae")
    given.labels[spine] = 0
    given.labels[np.roll(spine, -12, axis=1) & (given.labels == 0)] = NAMES["vertebrae"]


@STRUCTURES("a role for a structure that is spelt otherwise", refuses="no structure is named")
def misspelt_role(given: Given) -> None:
    given.table["roles"]["stomache"] = "OAR"


@STRUCTURES("no structure has the role CTV", refuses="at least one structure with role CTV")
def no_ctv(given: Given) -> None:
    given.table["roles"]["lesion"] = "OAR"


@STRUCTURES("a mask saved inside out: everything but the lesion", warns="ctv-volume-unusual")
def inside_out(given: Given) -> None:
    _second_file(given, ~given.mask("lesion"), "target")
    given.table["roles"] = {"target": "CTV"}
    given.table |= {"prescription_gy": {"target": 20.0}, "goals": []}
    del given.table["healthy"]


@STRUCTURES("the lesion given as the organ to be spared", refuses="healthy")
def lesion_as_healthy(given: Given) -> None:
    given.table["healthy"] = "lesion"


@STRUCTURES("a mask without a voxel", refuses="voxels")
def empty_mask(given: Given) -> None:
    given.labels[given.mask("lesion")] = NAMES["liver"]


@STRUCTURES("one name for two values of the label map", refuses="must occur once")
def one_name_two_values(given: Given) -> None:
    def edit(folder: Path) -> None:
        text = (folder / "labels.json").read_text().replace('"spleen"', '"liver"')
        (folder / "labels.json").write_text(text)

    given.after.append(edit)
    del given.table["roles"]["spleen"]


def planes_of(given: Given, name: str) -> Array:
    return np.flatnonzero(given.mask(name).any(axis=(1, 2)))


@STRUCTURES("the CTV contoured on one slice only", warns="ctv-on-one-slice")
def one_slice(given: Given) -> None:
    z, _, _ = middle(given, "lesion")
    for k in planes_of(given, "lesion"):
        if k != z:
            given.labels[k][given.labels[k] == LESION] = NAMES["liver"]


@STRUCTURES("a slice of the stomach that was not contoured", warns="slices-left-out")
def slice_of_stomach(given: Given) -> None:
    z, _, _ = middle(given, "stomach")
    given.labels[z][given.labels[z] == NAMES["stomach"]] = 0


@STRUCTURES("two slices of the liver that were not contoured", warns="slices-left-out")
def slices_of_liver(given: Given) -> None:
    z = planes_of(given, "liver")[2]
    for k in (z, z + 1):
        given.labels[k][given.labels[k] == NAMES["liver"]] = 0


@STRUCTURES("most of a slice of the spleen erased", warns="slices-left-out")
def slice_half_erased(given: Given) -> None:
    z, y, _ = middle(given, "spleen")
    rows = given.labels[z, : y + 2]
    rows[rows == NAMES["spleen"]] = 0


@STRUCTURES("the right kidney contoured on every second slice", warns="slices-left-out")
def every_second_slice(given: Given) -> None:
    for k in planes_of(given, "kidney_right")[1:-1:2]:
        given.labels[k][given.labels[k] == NAMES["kidney_right"]] = 0


@STRUCTURES("the upper half of the CTV lost", warns="structure-cut-off")
def half_a_ctv(given: Given) -> None:
    for k in planes_of(given, "lesion")[5:]:
        given.labels[k][given.labels[k] == LESION] = NAMES["liver"]


@STRUCTURES("the liver contoured below the dome only", warns="structure-cut-off")
def half_a_liver(given: Given) -> None:
    given.labels[18:][given.labels[18:] == NAMES["liver"]] = 0


@STRUCTURES("names of stomach and duodenum exchanged", warns="anatomy-mirrored")
def stomach_and_duodenum_exchanged(given: Given) -> None:
    exchange(given, "stomach", "duodenum")


@STRUCTURES("names of right kidney and duodenum exchanged", warns="anatomy-mirrored")
def kidney_and_duodenum_exchanged(given: Given) -> None:
    exchange(given, "kidney_right", "duodenum")


@STRUCTURES("the gallbladder's name on the whole liver", warns="organ-volume-unusual")
def gallbladder_is_liver(given: Given) -> None:
    liver = given.mask("liver")
    given.labels[liver & (np.indices(liver.shape)[1] > 40)] = 0
    given.names["gallbladder"] = given.names.pop("liver")
    given.table["healthy"] = "gallbladder"
    given.table["roles"]["gallbladder"] = given.table["roles"].pop("liver")
    given.table["goals"][-1]["structure"] = "gallbladder"


@STRUCTURES("a few voxels left of the spleen", warns="organ-volume-unusual")
def spleen_lost(given: Given) -> None:
    z, y, x = middle(given, "spleen")
    spleen = given.mask("spleen")
    given.labels[spleen] = 0
    given.labels[z : z + 2, y : y + 3, x : x + 3] = NAMES["spleen"]


@STRUCTURES("the CTV four slices beside its lesion", warns="ctv-beside-lesion")
def four_slices_off(given: Given) -> None:
    lesion = given.mask("lesion")
    given.labels[lesion] = NAMES["liver"]
    given.labels[np.roll(lesion, 4, axis=0)] = LESION
    given.catheters = [(name, points + np.array([0.0, 0.0, 20.0])) for name, points in given.catheters]


@STRUCTURES("the CTV drawn on another phase: 8 mm beside its lesion", warns="ctv-beside-lesion")
def another_phase(given: Given) -> None:
    lesion = given.mask("lesion")
    given.labels[lesion] = NAMES["liver"]
    given.labels[np.roll(lesion, -2, axis=1)] = LESION


@STRUCTURES("a CTV drawn as a box", warns="ctv-slices-equal")
def ctv_is_a_box(given: Given) -> None:
    z, y, x = middle(given, "lesion")
    given.labels[given.mask("lesion")] = NAMES["liver"]
    given.labels[z - 3 : z + 3, y - 4 : y + 4, x - 4 : x + 4] = LESION


@STRUCTURES("one outline of the CTV copied to all its slices", warns="ctv-slices-equal")
def ctv_is_a_cylinder(given: Given) -> None:
    lesion = given.mask("lesion")
    for k in planes_of(given, "lesion"):
        given.labels[k][lesion.any(axis=0)] = LESION


@STRUCTURES("two structures whose names differ by a capital letter", warns="structure-names-alike")
def names_differ_by_a_capital(given: Given) -> None:
    given.labels[10:12, 10:14, 60:64] = 11
    given.names["Stomach"] = 11


@STRUCTURES("the colon drawn over the stomach, in another file", warns="organs-overlap")
def colon_over_stomach(given: Given) -> None:
    _second_file(given, np.roll(given.mask("stomach"), 4, axis=2), "colon")
    given.table["roles"]["colon"] = "OAR"


@STRUCTURES("the liver alone one slice off", warns="outlines-beside-edges")
def liver_one_slice_off(given: Given) -> None:
    liver = np.roll(given.mask("liver") | given.mask("lesion"), 1, axis=0)
    given.labels[given.mask("liver")] = 0
    given.labels[liver & (given.labels == 0)] = NAMES["liver"]


@STRUCTURES("the stomach alone two slices off: the dose of its wall is that of fat", warns="outlines-beside-edges")
def stomach_two_slices_off(given: Given) -> None:
    stomach = np.roll(given.mask("stomach"), 2, axis=0)
    given.labels[given.mask("stomach")] = 0
    given.labels[stomach & (given.labels == 0)] = NAMES["stomach"]


@STRUCTURES("the duodenum drawn in the fat beside it", warns="structure-in-other-tissue")
def duodenum_in_fat(given: Given) -> None:
    duodenum = np.roll(given.mask("duodenum"), -6, axis=1)
    given.labels[given.mask("duodenum")] = 0
    given.labels[duodenum & (given.labels == 0)] = NAMES["duodenum"]


@STRUCTURES("the liver grown by 12 mm into its surroundings", warns="structure-in-other-tissue")
def liver_grown(given: Given) -> None:
    grown = ndimage.binary_dilation(given.mask("liver"), iterations=3) & ~given.mask("lesion")
    given.labels[grown] = NAMES["liver"]


@STRUCTURES("the cord drawn on the vertebra in front of it", warns="structure-in-other-tissue")
def cord_on_vertebra(given: Given) -> None:
    cord = np.roll(given.mask("spinal_cord"), -3, axis=1) & given.mask("vertebrae")
    given.labels[given.mask("spinal_cord")] = NAMES["vertebrae"]
    given.labels[cord] = NAMES["spinal_cord"]


def with_bowel(given: Given) -> None:
    """A colon with gas around a small bowel, below the stomach."""
    z, y, x = np.indices(given.labels.shape)
    low = (z >= 1) & (z <= 9)
    radius = np.hypot((x - 46) * 4.0, (y - 20) * 4.0)
    given.labels[low & (radius < 24) & (given.labels == 0)] = 11
    given.labels[low & (radius >= 32) & (radius < 48) & (given.labels == 0)] = 12
    given.ct[given.labels == 11] = 20
    given.ct[given.labels == 12] = np.where(y[given.labels == 12] < 16, -900, 10)
    given.names |= {"small_bowel": 11, "colon": 12}
    for name in ("small_bowel", "colon"):
        given.table["roles"][name] = "OAR"
        given.table["goals"].append({"structure": name, "goal": "D1cc <= 14 Gy", "source": "doi"})


@STRUCTURES("names of colon and small bowel exchanged", warns="names-exchanged")
def bowels_exchanged(given: Given) -> None:
    with_bowel(given)
    exchange(given, "colon", "small_bowel")


@STRUCTURES("names of stomach and small bowel exchanged", warns="anatomy-mirrored")
def stomach_and_small_bowel_exchanged(given: Given) -> None:
    with_bowel(given)
    exchange(given, "stomach", "small_bowel")


@STRUCTURES("names of stomach and colon exchanged", warns="anatomy-mirrored")
def stomach_and_colon_exchanged(given: Given) -> None:
    with_bowel(given)
    exchange(given, "stomach", "colon")


@STRUCTURES("names of left kidney and small bowel exchanged", warns="anatomy-mirrored")
def left_kidney_and_bowel_exchanged(given: Given) -> None:
    with_bowel(given)
    exchange(given, "kidney_left", "small_bowel")


@STRUCTURES("names of ribs and vertebrae exchanged", warns="names-exchanged")
def ribs_and_vertebrae_exchanged(given: Given) -> None:
    _, _, x = np.indices(given.labels.shape)
    shell = (given.ct > -300) & ~ndimage.binary_erosion(given.ct > -300, iterations=2, border_value=1)
    shell &= np.isin(np.arange(given.labels.shape[0]), [8, 9, 14, 15, 20, 21])[:, None, None] & (np.abs(x - 41) > 15)
    given.labels[shell & (given.labels == 0)] = 11
    given.ct[given.labels == 11] = 300
    given.names["ribs"] = 11
    given.table["roles"]["ribs"] = "other"
    exchange(given, "ribs", "vertebrae")


@STRUCTURES("two slices of all outlines exchanged", warns="structure-cut-off")
def slices_exchanged(given: Given) -> None:
    given.labels[[15, 20]] = given.labels[[20, 15]]


@STRUCTURES("every outline grown by a voxel of 4 mm", warns="outlines-beside-edges")
def all_grown(given: Given) -> None:
    grown = ndimage.grey_dilation(given.labels, size=(3, 3, 3))
    given.labels = np.where(given.labels == 0, grown, given.labels).astype(np.uint8)


@STRUCTURES("the rim of the lesion alone: what enhances", warns="ctv-holes")
def rim_alone(given: Given) -> None:
    given.labels[ndimage.binary_erosion(given.mask("lesion"))] = NAMES["liver"]


@STRUCTURES("every second slice of the CTV not contoured", warns="ctv-parts-apart")
def every_second_slice_of_the_ctv(given: Given) -> None:
    mask = given.mask("lesion")
    mask[np.flatnonzero(mask.any(axis=(1, 2)))[::2]] = False
    given.labels[mask] = NAMES["liver"]


@STRUCTURES("40 mm of the spinal cord missing beside the lesion", warns="slices-left-out")
def cord_interrupted(given: Given) -> None:
    mask = given.mask("spinal_cord")
    mask[:14] = mask[22:] = False
    given.labels[mask] = NAMES["vertebrae"]


@STRUCTURES("the stomach's outline moved by 2 cm", warns="outlines-beside-edges")
def stomach_moved(given: Given) -> None:
    mask = given.mask("stomach")
    given.labels[mask] = 0
    given.labels[np.roll(mask, 5, axis=2) & (given.labels == 0)] = NAMES["stomach"]


@STRUCTURES("the vertebrae given as a second CTV", warns="ctv-named-as-organ")
def vertebrae_as_ctv(given: Given) -> None:
    given.table["roles"]["vertebrae"] = "CTV"
    given.table["prescription_gy"]["vertebrae"] = 20.0


@STRUCTURES("healthy names the right kidney", warns="ctv-away-from-healthy")
def kidney_as_healthy(given: Given) -> None:
    given.table["healthy"] = "kidney_right"


@STRUCTURES("roles of lesion and liver exchanged", refuses="the healthy organ must be another structure")
def roles_exchanged(given: Given) -> None:
    given.table["roles"] |= {"lesion": "OAR", "liver": "CTV"}
    given.table["prescription_gy"] = {"liver": 20.0}


@STRUCTURES("stomach and duodenum merged in the label map", refuses="must have voxels")
def merged(given: Given) -> None:
    given.labels[given.mask("duodenum")] = NAMES["stomach"]


@STRUCTURES("the lungs' outline below the liver", warns="anatomy-mirrored")
def lungs_below(given: Given) -> None:
    mask = given.mask("lungs")
    given.labels[mask] = 0
    given.labels[np.roll(mask, -25, axis=0) & (given.labels == 0)] = NAMES["lungs"]


def without(given: Given, name: str) -> None:
    given.names.pop(name)
    given.table["roles"].pop(name)
    given.table["goals"] = [row for row in given.table["goals"] if row["structure"] != name]


@STRUCTURES("the duodenum forgotten in the names file", warns="labels-without-name")
def name_forgotten(given: Given) -> None:
    without(given, "duodenum")


@STRUCTURES("both kidneys under the name of the right one", warns="organ-parts-apart")
def two_kidneys_in_one(given: Given) -> None:
    given.labels[given.mask("kidney_left")] = NAMES["kidney_right"]
    without(given, "kidney_left")


@STRUCTURES("the stomach taken for a part of the liver", warns="organ-parts-apart")
def stomach_in_liver(given: Given) -> None:
    given.labels[given.mask("stomach")] = NAMES["liver"]
    without(given, "stomach")


@STRUCTURES("the outer part of the liver cut off along a sagittal plane", warns="structure-cut-off")
def outer_liver_lost(given: Given) -> None:
    lost = given.mask("liver")
    lost[:, :, 14:] = False
    given.labels[lost] = 0


@STRUCTURES("the front of the CTV cut off by the window of a program", warns="structure-cut-off")
def front_of_ctv_lost(given: Given) -> None:
    lost = given.mask("lesion")
    lost[:, middle(given, "lesion")[1] - 1 :] = False
    given.labels[lost] = NAMES["liver"]


@STRUCTURES("names of lungs and spleen exchanged", warns="organ-parts-apart")
def lungs_for_spleen(given: Given) -> None:
    exchange(given, "lungs", "spleen")


@STRUCTURES("the spinal cord grown over its canal", warns="structure-in-other-tissue")
def cord_grown(given: Given) -> None:
    given.labels[ndimage.binary_dilation(given.mask("spinal_cord"), iterations=4)] = NAMES["spinal_cord"]


@STRUCTURES("the stomach drawn without its wall", warns="outlines-beside-edges")
def stomach_without_wall(given: Given) -> None:
    stomach = given.mask("stomach")
    given.labels[stomach & ~ndimage.binary_erosion(stomach, iterations=2)] = 0


@STRUCTURES("a second lesion without a prescription", refuses="prescriptions are for the CTVs")
def lesion_without_prescription(given: Given) -> None:
    given.labels[20:23, 30:34, 20:24] = 11
    given.names["second"] = 11
    given.table["roles"]["second"] = "CTV"


@STRUCTURES("a name for a value that no voxel has", refuses="must have voxels")
def value_of_no_voxel(given: Given) -> None:
    given.names["colon"] = 44
    given.table["roles"]["colon"] = "OAR"
