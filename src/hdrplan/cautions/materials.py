"""Warnings about the media of model-based dose."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["MATERIALS"]

MATERIALS = (
    Kind(
        id="media-few-labels",
        sentence="the case has no label of {missing}: media there come from the CT's HU alone",
        remedy="Segment the body, lungs and bones (for example with TotalSegmentator) and name them in the case.",
        why="Media are taken from labels first. Without a body label everything denser than -300 HU and connected is "
        "the body; without bone labels bone is soft tissue, since contrast medium looks like bone; lungs are told by "
        "HU.",
    ),
    Kind(
        id="media-labels-overlap",
        sentence="{first} and {second} overlap by {cc:.1f} cc; the medium there is {medium}, that of {first}",
        remedy="Correct the labels, or change the order of the rules file.",
        why="A voxel has one medium. Where structures with different media overlap by 1 cc or more, the rule that "
        "stands first in the rules file has the voxel. Lesions and vessels within an organ are expected and not "
        "reported.",
    ),
    Kind(
        id="media-hu-range",
        sentence="{count} voxels of the CT lie outside -1024 to 3071 HU ({low:g} to {high:g})",
        remedy="Nothing needs to be done where these are padding or metal; otherwise give the CT in HU.",
        why="12-bit CT holds -1024 to 3071 HU. The values are limited to that range before they become densities.",
    ),
    Kind(
        id="media-ct-even",
        sentence="the CT holds one value, {hu:g} HU, all over the body: media come from the labels alone",
        remedy="Check that this is the patient's CT and was exported whole.",
        why="No scan of a patient is the same everywhere: fat, lung, bone and the air around the body differ. An empty "
        "or blanked CT of 0 HU would pass as water and soft tissue.",
    ),
    Kind(
        id="media-off-tissue",
        sentence="{percent:.0f} % of the voxels in labels of solid organs lie below {low:g} or above {high:g} HU: no "
        "soft tissue",
        remedy="Check that the CT is in HU, and that labels and CT are of one scan.",
        why="Organs, lesions and vessels have 0 to 300 HU, with contrast medium too. From 20 % of the voxels on, the "
        "CT is not in HU, empty, or another one than that of the labels, and media outside the labels are wrong.",
    ),
    Kind(
        id="media-metal",
        sentence="{cc:.2f} cc of the body have {hu:g} HU or more: metal or its artefacts",
        remedy="If an implant lies there, label it and give it a medium of its own in the rules file.",
        why="HU of metal say nothing of its medium or density. The medium of the label stays, as TG-186 asks for "
        "artefacts: a metal marker or stent is computed as tissue.",
    ),
    Kind(
        id="media-ct-cut",
        sentence="the CT ends {mm:.0f} mm from a dwell ({side}); beyond it the last slice is repeated",
        remedy="Use a CT that reaches 10 cm beyond the dwells.",
        why="Tissue beyond the CT scatters photons back. Where the body reaches the edge of the CT within 10 cm of a "
        "dwell, its last slice is repeated to pad_mm from the dwells; what really lies there is unknown.",
    ),
    Kind(
        id="media-bone-unlabelled",
        sentence="{cc:.0f} cc of the body have more than 300 HU and no bone label: they are computed as soft tissue",
        remedy="Label the bones if these are bones; contrast medium may stay as it is.",
        why="Contrast medium looks like bone, so bone is only where a bone label is. Given from 10 cc.",
    ),
    Kind(
        id="media-unchecked",
        sentence="the rules use {names}, whose composition was not checked against a published table",
        remedy="Use a checked medium, or say in your report where the composition comes from.",
        why="Each row of the table of media says where it was read. Rows without that are no defaults.",
    ),
)
