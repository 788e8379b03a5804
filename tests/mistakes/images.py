"""Mistakes with images: the CT, and label maps beside it."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from mistake import Shelf

from body_case import ORIGIN_MM, SPACING_MM, Given

IMAGES = Shelf("Images")


def nifti_header(name: str, change: Callable[[bytearray], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        data = bytearray(gzip.decompress((folder / name).read_bytes()))
        change(data)
        (folder / name).write_bytes(gzip.compress(bytes(data)))

    return edit


def text_header(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return edit


def without_lines(*starts: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        cut = next(k for k, line in enumerate(lines) if not line or line.startswith(b"ElementDataFile"))
        kept = [line for line in lines[:cut] if not line.startswith(starts)]
        return b"\n".join(kept + lines[cut:])

    return change


@IMAGES("NIfTI whose qform_code and sform_code are both 0", warns="image-orientation-missing")
def codes_zero(given: Given) -> None:
    for name in (given.ct_name, given.labels_name):
        given.after.append(nifti_header(name, lambda d: d.__setitem__(slice(252, 256), b"\0\0\0\0")))
    del given.table["catheters"]


@IMAGES("label map alone whose qform_code and sform_code are both 0", refuses="must lie inside the CT")
def codes_zero_in_labels(given: Given) -> None:
    given.after.append(nifti_header(given.labels_name, lambda d: d.__setitem__(slice(252, 256), b"\0\0\0\0")))


@IMAGES("NIfTI whose qform was moved, its sform not", refuses="qform and sform")
def forms_shifted(given: Given) -> None:
    given.after.append(nifti_header(given.ct_name, lambda d: d.__setitem__(slice(268, 272), struct.pack("<f", 20.0))))


@IMAGES("NIfTI whose sform is mirrored left to right, its qform not", refuses="qform and sform")
def forms_mirrored(given: Given) -> None:
    def mirror(data: bytearray) -> None:
        (first,) = struct.unpack("<f", data[280:284])
        data[280:284] = struct.pack("<f", -first)

    given.after.append(nifti_header(given.ct_name, mirror))


@IMAGES("NRRD without its space", warns="image-orientation-missing")
def no_space(given: Given) -> None:
    given.ct_name = "ct.nrrd"
    given.after.append(text_header("ct.nrrd", _space_as_dimension))


def _space_as_dimension(data: bytes) -> bytes:
    return data.replace(b"space: left-posterior-superior", b"space dimension: 3", 1)


@IMAGES("NRRD without any spacing", refuses="spacing")
def no_spacing(given: Given) -> None:
    given.ct_name = "ct.nrrd"
    given.after.append(text_header("ct.nrrd", without_lines(b"space", b"kinds")))


@IMAGES("MetaImage without its TransformMatrix", warns="image-orientation-missing")
def no_matrix(given: Given) -> None:
    given.ct_name = "ct.mha"
    given.after.append(text_header("ct.mha", without_lines(b"TransformMatrix")))


@IMAGES("MetaImage without its ElementSpacing", refuses="ElementSpacing")
def no_element_spacing(given: Given) -> None:
    given.ct_name = "ct.mha"
    given.after.append(text_header("ct.mha", without_lines(b"ElementSpacing")))


@IMAGES("CT saved as stored numbers, the rescale intercept left out", refuses="a CT is in HU")
def stored_numbers(given: Given) -> None:
    given.ct = (given.ct + 1024).clip(0).astype(np.int16)


@IMAGES("CT saved as unsigned numbers: air wrapped to 64512", refuses="a CT is in HU")
def wrapped(given: Given) -> None:
    given.ct = given.ct.astype(np.uint16)


@IMAGES("an MR image instead of the CT", refuses="a CT is in HU")
def magnetic_resonance(given: Given) -> None:
    given.ct = np.where(given.ct < -500, 5, 900 + given.ct).astype(np.int16)


@IMAGES("a dose instead of the CT", refuses="a CT is in HU")
def dose_as_ct(given: Given) -> None:
    z, y, x = np.indices(given.ct.shape)
    given.ct = (4e4 / (1.0 + (z - 17) ** 2 + (y - 27) ** 2 + (x - 20) ** 2)).astype(np.float32)


@IMAGES("CT exported as a windowed grey picture, 0 to 255", warns="ct-values-unusual")
def windowed(given: Given) -> None:
    given.ct = np.clip((given.ct + 160) * 255.0 / 400.0, 0, 255).astype(np.uint8)


@IMAGES("CT normalised to 0 to 1 for a neural network", warns="ct-values-unusual")
def normalised(given: Given) -> None:
    given.ct = ((given.ct.clip(-1000, 1000) + 1000) / 2000.0).astype(np.float32)


@IMAGES("one slice with another rescale intercept", warns="ct-slice-jumps")
def one_slice_other_rescale(given: Given) -> None:
    given.ct[12] += 1024


@IMAGES("one slice of zeros among the others", warns="ct-slice-jumps")
def one_slice_lost(given: Given) -> None:
    given.ct[20] = 0


@IMAGES("CT flipped front to back against its header", warns="ct-flipped")
def flipped_front_back(given: Given) -> None:
    given.ct = given.ct[:, ::-1].copy()


@IMAGES("CT flipped left to right against its header", warns="structure-in-other-tissue")
def flipped_left_right(given: Given) -> None:
    given.ct = given.ct[:, :, ::-1].copy()


@IMAGES("CT slices stacked head to feet, the labels feet to head", warns="structure-in-other-tissue")
def slices_reversed(given: Given) -> None:
    given.ct = given.ct[::-1].copy()


@IMAGES("CT of another patient: organs lie in air", warns="structure-in-other-tissue")
def other_patient(given: Given) -> None:
    given.ct = np.roll(given.ct, (0, 22, 30), axis=(0, 1, 2))


@IMAGES("label map shifted by one slice", warns="labels-shifted")
def labels_one_slice_off(given: Given) -> None:
    given.labels_header["origin"] = ORIGIN_MM + SPACING_MM * np.array([0.0, 0.0, 1.0])


@IMAGES("label map shifted by half a voxel: corners taken for centres", warns="labels-shifted")
def labels_half_a_voxel_off(given: Given) -> None:
    given.labels_header["origin"] = ORIGIN_MM - SPACING_MM / 2


@IMAGES("cropped label map, half a voxel off", warns="labels-half-voxel")
def cropped_labels_half_off(given: Given) -> None:
    given.labels = given.labels[:, 2:-2, 2:-2].copy()
    given.labels_header["origin"] = ORIGIN_MM + SPACING_MM * [2.5, 2.5, 0.0]


@IMAGES("label map whose spacing was lost", refuses="CT's number of voxels")
def labels_without_spacing(given: Given) -> None:
    given.labels_header["spacing"] = np.ones(3)


@IMAGES("label map with the header of another series: as many voxels of another size", warns="labels-other-spacing")
def labels_other_slices(given: Given) -> None:
    given.labels_header["spacing"] = SPACING_MM * [1.0, 1.0, 0.95]


@IMAGES("label map whose origin was lost", refuses="must lie inside the CT")
def labels_without_origin(given: Given) -> None:
    given.labels_header["origin"] = np.zeros(3)


@IMAGES("label map whose directions say RAS, its voxels are LPS", refuses="must lie inside the CT")
def labels_ras_header(given: Given) -> None:
    given.labels_header["direction"] = np.diag([-1.0, -1.0, 1.0])


@IMAGES("label map mirrored left to right", warns="anatomy-mirrored")
def labels_left_right(given: Given) -> None:
    given.labels = given.labels[:, :, ::-1].copy()
    given.catheters = [(name, points * [-1.0, 1.0, 1.0]) for name, points in given.catheters]


@IMAGES("label map mirrored front to back", warns="anatomy-mirrored")
def labels_front_back(given: Given) -> None:
    given.labels = given.labels[:, ::-1].copy()


@IMAGES("slices of the label map reversed", warns="anatomy-mirrored")
def labels_slices_reversed(given: Given) -> None:
    given.labels = given.labels[::-1].copy()


@IMAGES("CT and labels both mirrored left to right: liver on the left", warns="anatomy-mirrored")
def both_mirrored(given: Given) -> None:
    given.ct, given.labels = given.ct[:, :, ::-1].copy(), given.labels[:, :, ::-1].copy()
    given.catheters = [(name, points * [-1.0, 1.0, 1.0]) for name, points in given.catheters]


@IMAGES("CT whose values were halved by a program", warns="ct-values-unusual")
def halved(given: Given) -> None:
    given.ct = (given.ct // 2).astype(np.int16)


@IMAGES("CT whose values are shifted by 100 HU", warns="ct-values-unusual")
def shifted_values(given: Given) -> None:
    given.ct = (given.ct + 100).astype(np.int16)


@IMAGES("names of stomach and spleen exchanged", warns="anatomy-mirrored")
def stomach_as_spleen(given: Given) -> None:
    given.names["spleen"], given.names["stomach"] = given.names["stomach"], given.names["spleen"]


def flipped(given: Given, axis: int, *, only: tuple[str, ...] = ()) -> None:
    """Flip CT, labels and catheters together along x, y or z; with ``only``, keep these structures alone."""
    given.ct, given.labels = np.flip(given.ct, 2 - axis).copy(), np.flip(given.labels, 2 - axis).copy()
    last = ORIGIN_MM + SPACING_MM * (np.array(given.ct.shape[::-1]) - 1)
    given.catheters = [
        (name, np.where(np.arange(3) == axis, ORIGIN_MM + last - points, points)) for name, points in given.catheters
    ]
    if only:
        given.names = {name: value for name, value in given.names.items() if name in only}
        given.table["roles"] = {name: role for name, role in given.table["roles"].items() if name in only}
        given.table["goals"] = [goal for goal in given.table["goals"] if goal["structure"] in only]


@IMAGES("everything mirrored front to back", warns="anatomy-mirrored")
def all_front_back(given: Given) -> None:
    flipped(given, 1)


@IMAGES("everything mirrored head to feet: slices numbered from the other end", warns="anatomy-mirrored")
def all_head_feet(given: Given) -> None:
    flipped(given, 2)


@IMAGES("everything mirrored left to right, no organ but the liver drawn", warns="anatomy-mirrored")
def all_left_right_liver_alone(given: Given) -> None:
    flipped(given, 0, only=("liver", "lesion"))


@IMAGES("everything mirrored front to back, no organ but the liver drawn", warns="ct-flipped")
def all_front_back_liver_alone(given: Given) -> None:
    flipped(given, 1, only=("liver", "lesion"))


@IMAGES("everything mirrored head to feet, no organ but the liver drawn", warns="anatomy-mirrored")
def all_head_feet_liver_alone(given: Given) -> None:
    flipped(given, 2, only=("liver", "lesion"))


@IMAGES("label map drawn on a scan 8 cm away along the table", warns="structure-in-other-tissue")
def labels_along_the_table(given: Given) -> None:
    given.ct = np.roll(given.ct, -16, axis=0)


@IMAGES("the label map given as the CT", warns="ct-values-unusual")
def labels_as_ct(given: Given) -> None:
    given.table["ct"] = given.labels_name


@IMAGES("the CT given as the label map", refuses="voxels")
def ct_as_labels(given: Given) -> None:
    given.labels = given.ct.copy()
    given.names = {name: value + 3000 for name, value in given.names.items()}


@IMAGES("label map resampled with linear interpolation: fractions for labels", refuses="labels must be whole numbers")
def interpolated_labels(given: Given) -> None:
    given.labels = (given.labels + np.roll(given.labels, 1, axis=2)) / 2.0


@IMAGES("NaN outside the field of view of the CT", refuses="finite")
def not_a_number(given: Given) -> None:
    given.ct = given.ct.astype(np.float32)
    given.ct[:, 0] = np.nan
    given.ct_name = "ct.nrrd"


@IMAGES("six slices of the CT filled with copies of one", warns="ct-slices-equal")
def slices_copied(given: Given) -> None:
    given.ct[10:16] = given.ct[10]


@IMAGES("four slices of the CT blanked", warns="ct-slices-equal")
def slices_blanked(given: Given) -> None:
    given.ct[20:24] = -1000


@IMAGES("CT saved without its rescale intercept, air at 0 with noise", warns="ct-values-unusual")
def intercept_left_out_with_noise(given: Given) -> None:
    given.ct = (given.ct + 1024).astype(np.int16)


@IMAGES("CT of another breath: the lesion two slices beside its outline", warns="ctv-beside-lesion")
def another_breath(given: Given) -> None:
    given.ct = np.roll(given.ct, 2, axis=0)


@IMAGES("the CT one slice of 5 mm off", warns="outlines-beside-edges")
def one_slice_off_whole_ct(given: Given) -> None:
    given.ct = np.roll(given.ct, 1, axis=0)


@IMAGES("the CT one voxel of 4 mm to the left", warns="outlines-beside-edges")
def one_voxel_off(given: Given) -> None:
    given.ct = np.roll(given.ct, 1, axis=2)


@IMAGES("the liver 120 HU too bright: another rescale", warns="liver-hu-unusual")
def liver_too_bright(given: Given) -> None:
    given.ct[given.mask("liver") | given.mask("lesion")] += 120


@IMAGES("CT cut to the window of soft tissue, -160 to 240 HU", warns="ct-values-unusual")
def cut_to_window(given: Given) -> None:
    given.ct = given.ct.clip(-160, 240)


@IMAGES("the air around the patient set to 0 HU", warns="ct-values-unusual")
def blanked_around(given: Given) -> None:
    given.ct = np.where(given.ct < -900, 0, given.ct).astype(np.int16)


@IMAGES("CT whose HU have the wrong sign", warns="structure-in-other-tissue")
def wrong_sign(given: Given) -> None:
    given.ct = (-given.ct).astype(np.int16)


@IMAGES("CT saved in 8 bits: cut to -128 to 127 HU", warns="ct-values-unusual")
def eight_bits(given: Given) -> None:
    given.ct = given.ct.clip(-128, 127).astype(np.int8)


@IMAGES("CT whose values a program stretched by a tenth: air at -1100", warns="ct-values-unusual")
def ct_stretched(given: Given) -> None:
    given.ct = (given.ct * 1.1).astype(np.int16)


@IMAGES("CT turned by half a turn about the table, the labels not", warns="ct-flipped")
def ct_half_turn(given: Given) -> None:
    given.ct = np.ascontiguousarray(given.ct[:, ::-1, ::-1])


@IMAGES("CT whose rows begin in the middle: a picture that was rolled", warns="structure-in-other-tissue")
def ct_rolled(given: Given) -> None:
    given.ct = np.roll(given.ct, given.ct.shape[1] // 2, axis=1)


@IMAGES("a slice full of metal artefact", warns="ct-slice-jumps")
def slice_of_metal(given: Given) -> None:
    given.ct[17] = 3000


@IMAGES("half the slice distance in CT and labels, catheters as they are", refuses="within 30 mm of a CTV")
def slice_distance_halved(given: Given) -> None:
    for header in (given.ct_header, given.labels_header):
        header["spacing"] = SPACING_MM * [1.0, 1.0, 0.5]


@IMAGES("half the pixel spacing in CT and labels, catheters as they are", refuses="within 30 mm of a CTV")
def pixel_spacing_halved(given: Given) -> None:
    for header in (given.ct_header, given.labels_header):
        header["spacing"] = SPACING_MM * [0.5, 0.5, 1.0]


def rows_for_columns(given: Given) -> None:
    given.ct = np.ascontiguousarray(given.ct.transpose(0, 2, 1))
    given.labels = np.ascontiguousarray(given.labels.transpose(0, 2, 1))
    for header in (given.ct_header, given.labels_header):
        header["origin"], header["spacing"] = ORIGIN_MM[[1, 0, 2]], SPACING_MM[[1, 0, 2]]
    given.catheters = [(name, points[:, [1, 0, 2]]) for name, points in given.catheters]


@IMAGES("rows and columns exchanged in CT, labels and catheters, no organ but the liver drawn", warns="ct-turned")
def rows_for_columns_liver_alone(given: Given) -> None:
    rows_for_columns(given)
    given.names = {name: given.names[name] for name in ("liver", "lesion")}
    given.labels[~np.isin(given.labels, list(given.names.values()))] = 0
    given.table["roles"] = {"lesion": "CTV", "liver": "OAR"}
    given.table["goals"] = [row for row in given.table["goals"] if row["structure"] == "liver"]


@IMAGES("every fourth slice alone exported: 20 mm apart", warns="voxels-large")
def every_fourth_slice(given: Given) -> None:
    given.ct, given.labels = given.ct[::4], given.labels[::4]
    for header in (given.ct_header, given.labels_header):
        header["spacing"] = SPACING_MM * [1.0, 1.0, 4.0]


@IMAGES("twice the slice distance in CT, labels and catheters", warns="voxels-large")
def slice_distance_twice(given: Given) -> None:
    for header in (given.ct_header, given.labels_header):
        header["spacing"], header["origin"] = SPACING_MM * [1.0, 1.0, 2.0], ORIGIN_MM * [1.0, 1.0, 2.0]
    given.catheters = [(name, points * [1.0, 1.0, 2.0]) for name, points in given.catheters]


def nifti_unit(code: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[123] = code

    return change


@IMAGES("NIfTI whose header says metres", refuses="must be mm")
def nifti_in_metres(given: Given) -> None:
    given.after.append(nifti_header("ct.nii.gz", nifti_unit(1)))


@IMAGES("a CT of several phases in one file", refuses="three-dimensional")
def several_phases(given: Given) -> None:
    given.after.append(of_images("ct.nii.gz", lambda ct: sitk.JoinSeries([ct, ct])))


@IMAGES("a colour picture instead of the CT", refuses="one value a voxel")
def colour_picture(given: Given) -> None:
    given.after.append(of_images("ct.nii.gz", lambda ct: sitk.Compose(ct, ct, ct)))


def of_images(name: str, change: Callable[[sitk.Image], sitk.Image]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = str(folder / name)
        sitk.WriteImage(change(sitk.ReadImage(path)), path)

    return edit


@IMAGES("CT and labels twice as small as the patient", warns="organ-volume-unusual")
def half_the_size(given: Given) -> None:
    for header in (given.ct_header, given.labels_header):
        header["spacing"], header["origin"] = SPACING_MM / 2, ORIGIN_MM / 2
    given.catheters = [(name, points / 2) for name, points in given.catheters]


@IMAGES("values of the CT exchanged: bone dark, air bright", refuses="a CT is in HU")
def values_turned_round(given: Given) -> None:
    given.ct = (1000 - given.ct).astype(np.int16)
