"""Warnings about images: orientation, values, slices."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["IMAGES"]

IMAGES = (
    Kind(
        id="image-orientation-missing",
        sentence="{file} does not state its orientation in the patient ({why})",
        remedy="Convert it again from the original images; left and right may be exchanged.",
        why="NIfTI with qform_code and sform_code 0, NRRD without space, MetaImage without TransformMatrix: the axes "
        "are taken as LPS. A contradiction between qform and sform of half a voxel or more is refused.",
    ),
    Kind(
        id="ct-values-unusual",
        sentence="the CT's values go from {low:.4g} to {high:.4g}: {what}",
        remedy="Give the CT in HU, as the scanner exported it.",
        why="HU of a patient go from about -1000 (air) to above 1000 (bone). Checks of tissue need them; dose does "
        "not, TG-43 treats the patient as water. Stored numbers without their rescale intercept are refused. Air "
        "around the patient has -1000 HU, within 75 HU. One value above -300 HU in 10 % and more of a CT with noise is "
        "none that a scanner gives: cut to a window, or blanked.",
    ),
    Kind(
        id="ct-slice-jumps",
        sentence="slice {index} of the CT has a mean that differs by {hu:.0f} HU from both its neighbours",
        remedy="Look at the slice: it may have another rescale or belong to another patient.",
        why="Neighbouring slices agree to a few HU in the mean; one that differs while its neighbours agree was "
        "scaled differently, or does not belong here.",
    ),
    Kind(
        id="ct-flipped",
        sentence="bone lies {mm:.0f} mm in front of the middle of the body: front and back of the CT may be exchanged",
        remedy="Compare with the original images: the spine is at the back.",
        why="Spine and ribs put the centre of bone behind the centre of the trunk, whichever way the patient lies. "
        "Judged where the CT shows at least 250 mm of width.",
    ),
    Kind(
        id="ct-turned",
        sentence="bone lies {mm:.0f} mm to the {side} of the middle of a body that is {wide_mm:.0f} mm wide and "
        "{deep_mm:.0f} mm deep: the patient lies on a side, or rows and columns of the CT are exchanged",
        remedy="Compare with the original images: which way does the table lie?",
        why="Spine and ribs put the centre of bone behind the centre of the trunk, and a trunk is wider than deep. "
        "Judged where the CT shows at least 250 mm of depth.",
    ),
    Kind(
        id="voxels-large",
        sentence="voxels of the CT are {mm:g} mm long along {axis}",
        remedy="Use the series with thin slices: structures and catheters are drawn to a voxel.",
        why="The smallest lesions that are treated have 8 mm (ctv-volume-unusual says where); given from 8 mm on.",
    ),
    Kind(
        id="ct-slices-equal",
        sentence="{count} slices of the CT are equal to the slice before them, the first is slice {index}",
        remedy="Export the series again: slices were lost and filled, or blanked.",
        why="Noise makes every slice different. Images whose slices are mostly equal, such as phantoms, and equal "
        "slices at the ends are left alone.",
    ),
)
