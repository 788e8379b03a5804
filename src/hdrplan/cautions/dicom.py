"""Warnings about DICOM files: series, structure sets, plans, doses and how they belong together."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["DICOM"]

_LINKS = (
    "DICOM objects refer to each other by UIDs; anonymisers and copies break them. What lies beside the plan is taken."
)

DICOM = (
    Kind(
        id="no-healthy-organ",
        sentence="no structure is known as the healthy organ around the CTVs; the total time stands for its dose",
        remedy="Name it with `healthy`.",
        why="A plan is compared with what was possible for the healthy organ: the one that is named, or the only "
        "structure whose name holds 'liver'. The total time is proportional to the kerma released, and so to the dose "
        "to all tissue.",
    ),
    Kind(
        id="no-organ-limits",
        sentence="no organ at risk is known, so that no organ limits the better plans",
        remedy="Check the names of the structures, or give limits of your own in `goals`.",
        why="Better plans may not give an organ more than the plan gave it. Organs are known by their names.",
    ),
    Kind(
        id="ct-files-unreadable",
        sentence="{count} .dcm files of the folder cannot be read and are left out; the first is {first}",
        remedy="Export the series again, or remove the broken files.",
        why="A slice that is missing at an end of the series leaves no visible gap.",
    ),
    Kind(
        id="ct-slice-twice",
        sentence="two equal slices at {at_mm:.2f} mm; one was dropped",
        remedy="Export the series again if you did not expect this.",
        why="The two slices are equal in every pixel. Different slices at one position are refused.",
    ),
    Kind(
        id="ct-one-slice",
        sentence="one slice only; its thickness is used as the slice distance",
        remedy="Give the whole series.",
        why="The distance between slices cannot be measured on one slice.",
    ),
    Kind(
        id="ct-slices-missing",
        sentence="{count} slices missing, at {gaps}; filled by linear interpolation",
        remedy="Export the whole series.",
        why="Positions of the slices leave gaps of whole slices. With more gaps than slices the series is refused.",
    ),
    Kind(
        id="ct-tilt-in-header",
        sentence="the CT header states a gantry tilt of {degrees:g} degrees, but its slices are stacked straight",
        remedy="Find out whether the series was resampled; if not, its positions are wrong.",
        why="With a tilted gantry slices are sheared: (0018,1120) and the slice positions contradict each other.",
    ),
    Kind(
        id="ct-compressed-with-losses",
        sentence="{count} of {of} slices of the CT were compressed with losses: their HU are not those of the scanner",
        remedy="Export the original series; a model-based dose and catheters that are found depend on HU.",
        why="LossyImageCompression (0028,2110) is 01. Once lost, nothing brings the values back.",
    ),
    Kind(
        id="ct-rescale-differs",
        sentence="{count} of {of} slices have a rescale that differs from the others ({first})",
        remedy="Look at those slices; export the series again.",
        why="A CT scanner writes one rescale for a series. Each slice is read with its own, as DICOM demands.",
    ),
    Kind(
        id="dicom-unreadable",
        sentence="a DICOM file was left out: {reason}",
        remedy="Export it again if it belongs to the treatment.",
        why="Files that are DICOM but broken are passed over, so that one does not stop an archive.",
    ),
    Kind(
        id="other-patient",
        sentence="{kind} and {reference} differ in {tag} ({own}, {other}); they were accepted together",
        remedy="Make sure that both are of one patient and one treatment.",
        why="Such files are refused unless `accept_other_patient=True`. The names are pseudonyms of this run.",
    ),
    Kind(
        id="other-frame",
        sentence="dose and structures have different frames of reference; they were accepted together",
        remedy="Make sure that they were registered to each other.",
        why="Coordinates of two frames (FrameOfReferenceUID) have nothing to do with each other unless a registration "
        "says so. Refused unless `accept_other_patient=True`.",
    ),
    Kind(
        id="uid-of-structures",
        sentence="the structures are not those that the dose refers to (UIDs differ)",
        remedy="Check that both are of one treatment.",
        why=_LINKS,
    ),
    Kind(
        id="uid-of-partner",
        sentence="the {word} is not the one the plan refers to (UIDs differ); it is the only one there",
        remedy="Check that both are of one treatment.",
        why=_LINKS,
    ),
    Kind(
        id="uid-of-ct",
        sentence="no CT series is the one that the structures refer to (UIDs differ)",
        remedy="Check that CT and structures belong together.",
        why=_LINKS,
    ),
    Kind(
        id="several-partners",
        sentence="{count} files of kind {word} refer to the plan; the first is taken",
        remedy="Leave one of them in the archive.",
        why="A plan has one structure set and one dose in use; plan sums go before single setups.",
    ),
    Kind(
        id="contour-without-points",
        sentence="ROI {roi}: a contour without points",
        remedy="Look at the structure in the planning system.",
        why="ContourData is empty: the contour adds nothing to the structure.",
    ),
    Kind(
        id="contour-points-not-as-stated",
        sentence="ROI {roi}: {count} contours hold another number of points than they state",
        remedy="Export the structure set again, and compare its volume with that of the planning system.",
        why="NumberOfContourPoints (3006,0046) is not that of ContourData (3006,0050): points may have been lost.",
    ),
    Kind(
        id="contour-too-short",
        sentence="ROI {roi}: a closed contour of {points} points was left out",
        remedy="Look for stray clicks in the planning system.",
        why="Fewer than three points enclose nothing.",
    ),
    Kind(
        id="segments-fractional",
        sentence="segments are fractional in {path}: voxels of at least one half belong to them",
        remedy="None; export binary segments if another threshold is meant.",
        why="Fractions are probabilities or parts of voxels (MaximumFractionalValue); a DVH needs to know which voxels "
        "belong.",
    ),
    Kind(
        id="structure-left-out",
        sentence="structure left out: {reason}",
        remedy="Correct it in the planning system if it matters.",
        why="Its contours do not enclose a volume; other structures are read.",
    ),
    Kind(
        id="channel-without-catheter",
        sentence="channel {number}: no curve and one dwell; no catheter can be made of it",
        remedy="Export the structure set that draws the channels.",
        why="A catheter needs two points.",
    ),
    Kind(
        id="channel-tips-unknown",
        sentence="no plan states where the tips of the channels are: the end nearer to the target is used",
        remedy="Check hub and tip of every catheter.",
        why="A structure set draws channels but does not say from which end the source comes.",
    ),
    Kind(
        id="channel-tip-unknown",
        sentence="{channels}: the file does not state where the tip points ({how})",
        remedy="Give the structure set, or the direction by `tip`.",
        why="The dose of a source differs between its ends by several percent.",
    ),
    Kind(
        id="channel-path-by-place",
        sentence="{channels}: the file does not say which curve of the structure set is the channel; the one that all "
        "dwells lie on within 1 mm is taken",
        remedy="Nothing needs to be done if the curves are the channels.",
        why="Exports without private tags name no ROI for a channel. Its curve gives the axis of the source.",
    ),
    Kind(
        id="channel-axes-uncertain",
        sentence="{channels}: the source axis of {count} dwells is known to {largest_deg:.0f} degrees at worst, from "
        "{how}",
        remedy="Give the structure set that draws the channels, with a point every 5 mm in bends.",
        why="Without a path the axis follows from neighbouring dwells; in rings, beside gaps and at the ends they tell "
        "it roughly, as does a path of few points in a bend. "
        "Given from 10 degrees: they change the dose of a dwell by up to 5 % outside 30 degrees of its axis, and by "
        "tens of percent near it, over all packaged sources from 10 mm to 30 mm.",
    ),
    Kind(
        id="channel-orientation-against-dwells",
        sentence="{channels}: the source axes that the file states for {count} dwells contradict their line by up to "
        "{largest_deg:.0f} degrees",
        remedy="Compare the check's points and grid with `tip` reversed, and ask the vendor what "
        "ControlPointOrientation means.",
        why="ControlPointOrientation points along the insertion: where it does not, every dose near the ends of a "
        "source is that of another direction. Given from 10 degrees beyond what the dwells leave open.",
    ),
    Kind(
        id="channel-numbers-unclear",
        sentence="the channels of the afterloader are not told apart by their numbers: {why}",
        remedy="Compare channels and catheters with the planning system by hand before using the numbers.",
        why="ChannelNumber (300A,0282) says which transfer tube leads to which catheter; without it 0 is taken, and "
        "the same number twice sends two catheters' times into one.",
    ),
    Kind(
        id="fractions-unclear",
        sentence="the file states {groups} fraction groups, {without} of them without a number of fractions; {taken} "
        "fractions are taken",
        remedy="Check the number of fractions against the prescription.",
        why="NumberOfFractionsPlanned (300A,0078) of every fraction group is added up, and one without counts as 1; "
        "the dose of a fraction is the target's dose over them.",
    ),
    Kind(
        id="transit-without-dose",
        sentence="{channels}: {moving_s:.3g} s of transit between dwells carry no dose",
        remedy="Nothing needs to be done: the difference to the stated times is known.",
        why="ChannelTotalTime is longer than the dwell times; the moving source is not modelled.",
    ),
    Kind(
        id="roi-without-name",
        sentence="ROI {numbers} of the structure set has no name; it is called by its number",
        remedy="Name it in the planning system, if it matters.",
        why="A structure without a name gets no role by rules.",
    ),
    Kind(
        id="roi-without-contours",
        sentence="{count} of the structure set's ROIs have no contours: {names}",
        remedy="Export them with contours, if they matter.",
        why="A name without contours has no dose and is in no table.",
    ),
    Kind(
        id="trak-not-stated",
        sentence="the file states no total reference air kerma",
        remedy="Compare strength and times with the planning system by hand.",
        why="TRAK, strength times time, is the one number that checks all dwell times at once.",
    ),
    Kind(
        id="trak-differs",
        sentence="total reference air kerma is {stated:.6g} uGy at 1 m in the file, but from its times and strength "
        "{computed:.6g}",
        remedy="Find out which of strength, times and TRAK is wrong.",
        why="TRAK is strength times total time (ICRU 89); more than 0.1 % apart they contradict each other.",
    ),
    Kind(
        id="plan-not-approved",
        sentence="the plan's approval status is {status}",
        remedy="Make sure that it is the plan that was treated.",
        why="ApprovalStatus (300E,0002) is APPROVED, UNAPPROVED or REJECTED; exports hold trial plans too.",
    ),
    Kind(
        id="isotope-not-stated",
        sentence="the file states neither isotope nor half-life ({words!r}); Ir-192 is assumed",
        remedy="Make sure that the source is Ir-192.",
        why="SourceIsotopeName (300A,0226) and SourceIsotopeHalfLife (300A,0228) are empty or name no isotope. The "
        "same afterloaders and model names exist with Co-60.",
    ),
    Kind(
        id="dose-meaning-not-stated",
        sentence="the RT Dose does not state {missing}; {assumed} is assumed",
        remedy="Compare a dose of it with the planning system.",
        why="DoseUnits (3004,0002) and DoseType (3004,0004) say whether the numbers are Gy, cGy or percent, physical "
        "or effective. Every export must have them; anonymisers and converters lose them.",
    ),
    Kind(
        id="links-not-stated",
        sentence="the files do not say whether they belong together: {links}",
        remedy="Make sure that they are of one plan and patient.",
        why="UIDs and PatientIDs that anonymisers take out cannot be compared. Where the files state them, they must "
        "agree.",
    ),
    Kind(
        id="pulses-of-hdr",
        sentence="the plan is called HDR but has {pulses} pulses; all of them are counted",
        remedy="Make sure that it is a PDR plan.",
        why="BrachyTreatmentType (300A,0202) and NumberOfPulses (300A,028A) contradict each other.",
    ),
    Kind(
        id="stated-per-pulse",
        sentence="the file states kerma, prescription and point doses of one pulse; they are multiplied by {pulses} "
        "pulses",
        remedy="Nothing needs to be done if the planning system is Oncentra; compare TRAK with that system's own.",
        why="Oncentra writes PDR plans so: its TRAK is strength times the time of one pulse. BrachyVision states all "
        "pulses.",
    ),
    Kind(
        id="prescription-of-target",
        sentence="the prescription is TargetPrescriptionDose, {total_gy:.4g} Gy for {fractions} fraction(s): the "
        "application setups state no dose",
        remedy="Check it against the prescription.",
        why="BrachyApplicationSetupDose (300A,00A4) is empty or 0; the dose prescribed to a site is for all fractions.",
    ),
    Kind(
        id="source-assumed",
        sentence="the file names {words!r}, no source model; the tables of {source} are assumed",
        remedy="Choose the model with `source`.",
        why="Afterloaders and manufacturers have had several sources, whose doses differ, above all near the axis.",
    ),
    Kind(
        id="active-length-differs",
        sentence="the plan's source is {stated_mm:g} mm long, but {source} has {model_mm:g} mm",
        remedy="Check the source model; choose it with `source`.",
        why="ActiveSourceLength (300A,0219) of the plan and of the model differ by more than 0.3 mm.",
    ),
    Kind(
        id="source-other-than-plan",
        sentence="the plan names the source {named}, but {source} is used",
        remedy="Leave `source` out, or check which source was treated with.",
        why="Source models differ by a few percent beside the source and by tens of percent along its axis.",
    ),
    Kind(
        id="dose-negative",
        sentence="{count} voxels have a negative dose",
        remedy="Export the dose again.",
        why="A dose is never negative; signed pixels read as unsigned, or a dose difference, look like this.",
    ),
    Kind(
        id="dose-of-a-part",
        sentence="the dose is of summation type {summation}: a part of the plan",
        remedy="Export the dose of the whole plan (PLAN), unless the part is meant.",
        why="DoseSummationType (3004,000A): BEAM, FRACTION, BRACHY, CONTROL_POINT and RECORD doses are no sums.",
    ),
    Kind(
        id="dose-full-scale",
        sentence="{count} voxels are at the full scale of {top_gy:.4g} Gy: their dose is unknown",
        remedy="Nothing needs to be done: these voxels are left out of comparisons.",
        why="The largest number that the pixels can hold, or a plateau of the planning system.",
    ),
    Kind(
        id="dose-one-frame",
        sentence="one frame only; a thickness of {step_mm:g} mm is assumed",
        remedy="Export the dose of all slices.",
        why="The distance between frames cannot be measured on one frame.",
    ),
    Kind(
        id="dvh-not-read",
        sentence="DVH of ROI {roi} is {kind} in {units}: not read",
        remedy="Export cumulative or differential DVHs of one structure each, in Gy.",
        why="Volumes of other doses, or of several structures together, cannot stand beside those of one structure.",
    ),
)
