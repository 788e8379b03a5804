"""Warnings about structures: their contours, places, tissue, names and volumes."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["STRUCTURES"]

STRUCTURES = (
    Kind(
        id="contours-in-one-plane",
        sentence="{name}: contours in one plane only; a thickness of {step_mm:g} mm is assumed",
        remedy="Contour more slices.",
        why="A single plane has no thickness of its own; that of a CT slice is used.",
    ),
    Kind(
        id="contours-between-slices",
        sentence="{name}: contours lie between the CT slices; the structure gets its own grid",
        remedy="Check that it was contoured on this CT.",
        why="Contours drawn on this CT lie on its slices.",
    ),
    Kind(
        id="contours-filled",
        sentence="{name}: {planes} planes without contour were filled from their neighbours",
        remedy="Check whether the gap is intended.",
        why="Shape-based interpolation (Raya and Udupa 1990) bridges slices that were not contoured.",
    ),
    Kind(
        id="contours-apart",
        sentence="{name}: {parts} parts, up to {gap_mm:.0f} mm apart along the slices; nothing was filled in between",
        remedy="Check whether the gap is intended.",
        why="A gap more than 4 times as wide as the slice distances beside it is read as the end of one part and the "
        "beginning of another.",
    ),
    Kind(
        id="contours-overlap",
        sentence="{name}: in {planes} planes contours overlap in part; what they share is left out, as a hole",
        remedy="Look at the structure; if the overlap belongs to it, merge the contours.",
        why="Contours of a plane combine by exclusive or, so that holes can be drawn; DICOM does not say what overlaps "
        "mean.",
    ),
    Kind(
        id="contours-twice",
        sentence="{name}: {count} contours that are there twice; each was taken once",
        remedy="Remove the copies in the planning system.",
        why="Contours in a plane combine by exclusive or: a copy would cut its twin out.",
    ),
    Kind(
        id="contours-without-area",
        sentence="{name}: {count} contours without area were left out",
        remedy="Look for stray clicks in the planning system.",
        why="Points on a line enclose nothing.",
    ),
    Kind(
        id="structures-without-dvh",
        sentence="structures without a DVH: {names}",
        remedy="Nothing needs to be done if they have no contours on purpose.",
        why="ROIs without closed contours (points, marks, names prepared by a template) and empty segments have no "
        "volume.",
    ),
    Kind(
        id="dvh-partly-covered",
        sentence="{name}: {outside:.1%} of it lies outside the dose grid; its dose is not known there",
        remedy="Export a larger dose grid; metrics that need the whole structure are left out.",
        why="Beyond the grid nothing is assumed. Doses to the hottest volumes are those inside the grid: lower limits.",
    ),
    Kind(
        id="dvh-of-another-dose",
        sentence="DVHs that came with the dose cannot be of these structures in this dose: {names}, there and here",
        remedy="Export dose and structures of one plan anew; a grid that is tilted or shifted shows itself so.",
        why="The file says that its DVHs are of these structures. Volumes more than 20 % apart, or median doses more "
        "than 5 % and a bin, are not explained by how a planning system reads a structure or a grid.",
    ),
    Kind(
        id="dvh-at-full-scale",
        sentence="{name}: {share:.2%} of it is at the full scale of {top_gy:.4g} Gy, where the dose is not known; "
        "its maximum, mean and doses to small volumes are lower limits",
        remedy="Export the dose with a larger range (DoseGridScaling), or 32 bits.",
        why="A dose grid tops out at the largest number its pixels hold, or where the planning system clips it: many "
        "voxels then share the largest value.",
    ),
    Kind(
        id="outside-ct",
        sentence="{name}: {share:.1%} of it lies outside the CT",
        remedy="Use a CT that contains all of it, or check that both belong together.",
        why="A CTV outside the CT is refused; an organ may reach beyond.",
    ),
    Kind(
        id="shared-voxels",
        sentence="{ctv} and {organ} share {cc:.2f} cc",
        remedy="Subtract one from the other, or give the organ that surrounds the CTV as `healthy`.",
        why="The same tissue cannot be treated and spared. More than half of the organ inside a CTV is refused.",
    ),
    Kind(
        id="labels-shifted",
        sentence="{file} has as many voxels as the CT, but is shifted by {shift}",
        remedy="Export it on the CT's grid; one of the two headers is wrong.",
        why="An image with as many voxels as the CT along every axis was made on it. A shift of a slice moves every "
        "organ.",
    ),
    Kind(
        id="labels-other-spacing",
        sentence="{file} has as many voxels as the CT, but a spacing of {spacing} or other directions (the CT: {ct})",
        remedy="Export it on the CT's grid, if it was made on the CT; otherwise check its position.",
        why="As many voxels along every axis but another grid usually mean the header of another series.",
    ),
    Kind(
        id="labels-half-voxel",
        sentence="{file} has the CT's spacing but is shifted by half a voxel along {axes}",
        remedy="Export it on the CT's grid: one program counts from corners of voxels, the other from centres.",
        why="Half a voxel is a sign of mixed conventions, not of another scan.",
    ),
    Kind(
        id="structure-in-other-tissue",
        sentence="{name}: {share:.0%} of it lies in {tissue} on the CT (median {hu:.0f} HU)",
        remedy="Look at it on the CT: shifted, mirrored, or from another scan?",
        why="Below -50 HU lie fat, lung and air: of solid organs at most 12 %, of CTVs and the spinal cord at most 25 "
        "%, beyond what noise makes (as many values as far above the median). On two public CTs solid organs had 3 %, "
        "mirrored ones 14 to 54 %. Lungs have a median below -300 HU and bones above 50 HU. Hollow organs are "
        "judged by fat alone, -140 to -60 HU in more than half of them: the colon of a public CT has 14 %.",
    ),
    Kind(
        id="outlines-beside-edges",
        sentence="{names}: the CT shows their edges beside the outlines, moved by ({x:.0f}, {y:.0f}, {z:.0f}) mm",
        remedy="Look at the outlines on this CT: another series or breath, slices off, or a label map that was moved?",
        why="Solid organs, lungs and spine have an edge on a CT: a step of 25 HU and more across their surface. Given "
        "where the step is largest up to 13 mm away along an axis, at most 80 % of it is left in place, and both "
        "sides fit better there: of an outline too small or too large, one does. "
        "`python -m benchmarks.doubts` moves the CT of five cases by 4 to 10 mm, and makes it noisier and thicker: "
        "docs/measurements/trust.md has what it notices.",
    ),
    Kind(
        id="liver-hu-unusual",
        sentence="{name} has a median of {hu:.0f} HU on the CT",
        remedy="Check the rescale of the CT, and that the outline is the liver's.",
        why="A liver has 65 HU without contrast medium, -3 HU with 40 % of fat (Radiology 2021;301:250, doi "
        "10.1148/radiol.2021204288), 105 HU with amiodarone (SWJPCC, 12 February 2014), and 50 HU more with contrast "
        "medium (J Pers Med 2021;11:1255, doi 10.3390/jpm11121255). Given below -40 and above 170 HU.",
    ),
    Kind(
        id="names-exchanged",
        sentence="{first} is less wide ({first_mm:.0f} mm) than {second} ({second_mm:.0f} mm): names exchanged?",
        remedy="Look at both on the CT.",
        why="Ribs go round the trunk, spine and cord lie in its middle: compared by their standard deviation from left "
        "to right. A colon frames the small bowel and holds more gas: said where it has neither.",
    ),
    Kind(
        id="organs-overlap",
        sentence="{share:.0%} of {first} lies in {second}",
        remedy="Look at both: one was drawn over the other, or has another organ's name.",
        why="Organs lie side by side. Given from 25 % of the smaller one on, for structures of different files; cord "
        "in spine, and vessels in the liver, are left alone.",
    ),
    Kind(
        id="structure-names-alike",
        sentence="the structures {first} and {second} differ in capitals, blanks or signs of their names alone",
        remedy="Rename one of them, or leave it out: a goal for one says nothing of the other.",
        why="Two versions of one organ, or a name that was typed again: goals, roles and tables go by the exact name.",
    ),
    Kind(
        id="anatomy-mirrored",
        sentence="{first} lies {side} {second}: {axis} may be mirrored, or names exchanged",
        remedy="Compare left and right, front and back, head and feet, and the names, with the original images.",
        why="Where organs are named, their places in a body are known; about 1 person in 10,000 is mirrored (situs "
        "inversus). A liver alone is compared with the middle of the body and with the lungs, where the CT shows them.",
    ),
    Kind(
        id="structures-alike",
        sentence="{first} and {second} have the same voxels",
        remedy="One of them was saved under a second name: find out which structure is missing.",
        why="Two structures of one volume and one centre.",
    ),
    Kind(
        id="ctv-stray-voxels",
        sentence="{name}: {count} stray parts with {cc:.3f} cc in total, up to {far_mm:.0f} mm from the rest",
        remedy="Remove islands in the segmentation: every voxel of a CTV is prescribed the whole dose.",
        why="D100 is the dose of the coldest voxel; a stray one drags dwell times to it. Stray: under 2 % of the CTV "
        "each.",
    ),
    Kind(
        id="ctv-parts-apart",
        sentence="{name}: {count} parts of at least 2 % each, {gap_mm:.0f} mm apart",
        remedy="Make a CTV of each lesion, with a prescription of its own; or look for slices that were not contoured.",
        why="Parts that do not touch are several lesions, or one with slices left out.",
    ),
    Kind(
        id="ctv-holes",
        sentence="{name}: {count} holes with {cc:.2f} cc in total inside it",
        remedy="Fill holes in the segmentation.",
        why="Voxels that the CTV encloses on all sides count as healthy tissue.",
    ),
    Kind(
        id="ctv-volume-unusual",
        sentence="{name} has {cc:.3g} cc, diameter {mm:.0f} mm",
        remedy="Check spacing and segmentation.",
        why="Lesions treated by HDR brachytherapy of the liver had diameters of 8 to 120 mm (Collettini 2014, Rofo "
        "186:606; Collettini 2015, doi 10.1007/s00066-014-0781-3), 905 cc as a ball. Given below 5 and above 120 mm.",
    ),
    Kind(
        id="ctv-few-voxels",
        sentence="{name} has {count} voxels",
        remedy="Segment it on finer images, or check whether most of it was lost.",
        why="Fewer than 2 x 2 x 2 voxels show no shape; a stray click or the remains of a segmentation look like this.",
    ),
    Kind(
        id="ctv-named-as-organ",
        sentence="the CTV {name} has the name of an organ",
        remedy="Check the roles: the lesion is the CTV.",
        why="A prescription for a whole organ is usually a mix-up of `ctv`, `oar` and `healthy`.",
    ),
    Kind(
        id="organ-named-as-lesion",
        sentence="the organ at risk {name} has the name of a lesion",
        remedy="Check the roles: CTV, or other for a lesion of another session.",
        why="A lesion as organ at risk would be spared.",
    ),
    Kind(
        id="ctvs-overlap",
        sentence="the CTVs {first} and {second} share {share:.0%} of the smaller one",
        remedy="Use one of them, or separate them.",
        why="The same lesion twice, or expanded versions of one lesion (GTV, CTV, PTV) with two prescriptions.",
    ),
    Kind(
        id="ctv-away-from-healthy",
        sentence="{name} is {away_mm:.0f} mm away from {healthy}",
        remedy="Check that both were drawn on one scan, and that `healthy` is the organ around the lesion.",
        why="A lesion lies in or at the organ that is spared around it.",
    ),
    Kind(
        id="ctv-large-for-healthy",
        sentence="{name} has {cc:.0f} cc, {share:.0%} of {healthy}",
        remedy="Check the segmentations; were CTV and {healthy} exchanged?",
        why="A CTV with more than half of the volume of its organ leaves little tissue to spare.",
    ),
    Kind(
        id="ctv-beside-lesion",
        sentence="{name}: the CT shows a lesion of its form ({there_hu:+.0f} HU against what is around it) beside it, "
        "moved by ({x:.0f}, {y:.0f}, {z:.0f}) mm; where it is drawn there are {here_hu:+.0f} HU",
        remedy="Look at the CTV on this CT: drawn on another scan or phase, or slices off?",
        why="Core and shell of the CTV differ in HU where it lies on a lesion that the CT shows. Given where they "
        "differ most, by 15 HU, five standard errors of the CT's noise and on all sides, 5 to 20 mm away, and where "
        "it is drawn by less than 70 % of that. Outlines of five synthetic lesions moved by 8, 10 and 20 mm were "
        "noticed in 178 of 180 trials, by 6 mm in 32 of 60; in their place, none. Of 150 balls at random places of a "
        "liver without lesions, as outlines of lesions that a CT does not show, 8 gave it: vessels and noise look like "
        "lesions of 20 mm.",
    ),
    Kind(
        id="ctv-on-one-slice",
        sentence="{name} is on one slice only, {mm:g} mm thick",
        remedy="Contour the slices beside it: the dose outside this one is not planned.",
        why="Lesions that are treated have 8 mm and more in every direction; a slice has 1 to 5 mm.",
    ),
    Kind(
        id="ctv-slices-equal",
        sentence="{name} has the same outline on all its {count} slices: a box or a cylinder",
        remedy="Contour each slice; was one outline copied, or a box drawn to find the lesion?",
        why="Lesions are round in every direction. Given from five equal slices on, where there are no others.",
    ),
    Kind(
        id="slices-left-out",
        sentence="{name}: {count} slices across {axis}, the first at {axis} = {at_mm:.1f} mm, hold little or nothing "
        "of it although both neighbours do",
        remedy="Contour them, or fill them from their neighbours.",
        why="Given where a slice holds less than half of what the slices on both its sides have in common, and these "
        "have most of themselves in common: machine-made outlines of a public CT have no such slice. Bones are left "
        "out: between vertebrae lie discs.",
    ),
    Kind(
        id="structure-cut-off",
        sentence="{name} ends flat at its {end} end: its last slice has {share:.0%} of the area of its largest one",
        remedy="Contour the rest of it, or check whether its file was cropped.",
        why="Lesions, liver, spleen, kidneys and gallbladder are round: their last slice is small. Given from 60 % on "
        "where the images go on, along every axis; bodies whose slices are all equal are meant so.",
    ),
    Kind(
        id="organ-parts-apart",
        sentence="{name} is in two parts that do not touch; the smaller one has {share:.0%} of it",
        remedy="Look for tissue that was erased between them, or for another organ under this name.",
        why="Liver, spleen, stomach, gallbladder and a single kidney are one body. Given from 10 % on: machine-made "
        "outlines leave crumbs.",
    ),
    Kind(
        id="labels-without-name",
        sentence="{count} values of the label map {path} have no name and are not read: {values}",
        remedy="Add their names to the names file, so that what they are is looked at too.",
        why="What has no name gets no limit and is in no table. Given from 1 cc on.",
    ),
    Kind(
        id="organ-volume-unusual",
        sentence="{name} has {cc:.4g} cc; {organ} has about {usual_cc:g} cc",
        remedy="Check spacing, segmentation and name.",
        why="Usual are the reference adults of ICRP Publication 89: liver 1800 g, spleen 150 g, two kidneys 310 g, "
        "gallbladder with bile 68 g. Given above 5000 cc of liver, 3000 of spleen and kidney, 600 of gallbladder and, "
        "where the images go on around it, below 300, 15, 15 and 2 cc: resected, shrunken and cystic organs are left "
        "alone.",
    ),
)
