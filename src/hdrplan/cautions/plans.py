"""Warnings about plans, and about the comparison of a plan with a planning system's dose."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["PLANS"]

PLANS = (
    Kind(
        id="dose-of-all-fractions",
        sentence="the dose grid contains the dose of {fractions} fractions; that of one is compared",
        remedy="Nothing needs to be done if the plan has so many equal fractions.",
        why="One of the two fits the plan's times: the dose as it stands, or divided by the fractions.",
    ),
    Kind(
        id="dose-of-one-pulse",
        sentence="the dose grid contains the dose of one of {pulses} pulses; it is multiplied by their number",
        remedy="Nothing needs to be done if the planning system writes doses of one pulse.",
        why="One of the two fits the plan's times: the dose as it stands, or times the pulses.",
    ),
    Kind(
        id="difference-is-a-factor",
        sentence="{label}: recomputed over TPS is {ratio:.4g}, a factor of {name}",
        remedy="Look for two units or counts mixed up.",
        why="A comparison fails, and its ratio is within 2 % of a factor that people mix up: pulses, fractions, 10, "
        "60, 100, 1000, 3600, 1,000,000.",
    ),
    Kind(
        id="difference-is-constant",
        sentence="the recomputed dose is {ratio:.4g} times the dose grid throughout (90 % of the voxels within "
        "{spread:.2%}){decay}",
        remedy="Look at strength, its date, fractions or scaling; positions fit.",
        why="Positions, directions and tables change the dose by place; a factor that is the same everywhere is one of "
        "strength, time or scale. Given above the limit of a warning, where 90 % of the voxels lie within 0.5 %.",
    ),
    Kind(
        id="dose-grid-shifted",
        sentence="the dose grid fits best if it is {size_mm:.1f} mm ({shift}) off the dwells: the median difference "
        "falls from {before:.2%} to {after:.2%}",
        remedy="Check the origin of the grid, and that dose and plan are of one version.",
        why="Least squares of the logarithm of dose from 5 mm to 30 mm round the dwells. Given from 0.5 mm on where "
        "the shift takes away at least half of the difference and leaves 2 % at most.",
    ),
    Kind(
        id="positions-in-other-unit",
        sentence="neighbouring dwells lie {ratio:.3g} times as far apart in space as along their channel",
        remedy="Check the units of positions: mm.",
        why="ControlPoint3DPosition and ControlPointRelativePosition are both in mm; given for a factor of 10.",
    ),
    Kind(
        id="tolerance-without-source",
        sentence="the tolerances {keys} do not say where they come from",
        remedy="Name protocol or measurement in [sources].",
        why="Who signs a check must know whose limits it is judged by.",
    ),
    Kind(
        id="dose-of-fractions-unknown",
        sentence="{fractions} fractions of {pulses} pulses: the stored dose may be that of one or of all of them",
        remedy="Compare the recomputed dose.",
        why="DICOM does not say whether a plan's dose is that of one fraction; without a known source no fit tells.",
    ),
    Kind(
        id="grid-voxels-left-out",
        sentence="{count} voxels at the grid's full scale of {top_gy:.4g} Gy are left out",
        remedy="Nothing needs to be done: their dose is unknown.",
        why="Where both doses reach the full scale they cannot be compared; where one alone does, they differ.",
    ),
    Kind(
        id="grid-voxels-not-written",
        sentence="the dose grid holds 0 Gy in {count} voxels within {mm:g} mm of a dwell; they are left out",
        remedy="Nothing needs to be done if the planning system writes no dose inside sources and needles.",
        why="Beside a source no dose is 0 Gy. For DVH metrics both doses are read with 0 Gy there.",
    ),
    Kind(
        id="prescription-everywhere",
        sentence="the file's prescription of {stated_gy:.4g} Gy is reached by nearly all of the dose grid; "
        "thresholds are parts of the grid's hottest thousandth instead, {taken_gy:.4g} Gy",
        remedy="Check the prescription, its unit and the number of pulses and fractions.",
        why="Isodoses and thresholds that are parts of a prescription too low by a factor would judge nothing but "
        "what lies far below or far above the doses that matter. Given where more than 95 % of the voxels that hold a "
        "dose have the prescription: a grid cut to the isodose of a ball has it in half of them.",
    ),
    Kind(
        id="prescription-not-reached",
        sentence="the file's prescription of {stated_gy:.4g} Gy is reached by next to nothing of the dose grid; "
        "thresholds are parts of the grid's hottest thousandth instead, {taken_gy:.4g} Gy",
        remedy="Check the prescription, its unit and the number of pulses and fractions.",
        why="Voxels below a tenth of the prescription are not judged: one that is too high by a factor would leave "
        "next to nothing to judge. Given where it encloses less than 0.05 cc for each dwell with a time: what a "
        "prescription at 4 mm from needles with dwells every 1 mm encloses.",
    ),
    Kind(
        id="dvh-outside-grid",
        sentence="the dose grid does not hold all of {names}; their DVHs are not compared",
        remedy="Export a larger dose grid.",
        why="Metrics of a part of a structure are not those of the structure.",
    ),
    Kind(
        id="nothing-compared",
        sentence="nothing but the reference air kerma could be compared: the files state no dose",
        remedy="Export the dose grid (RT Dose) or reference points with their doses.",
        why="A second check without a dose checks arithmetic only: it does not pass.",
    ),
    Kind(
        id="times-of-another-day",
        sentence="at {moment} the source has {strength_u:.0f} U: for the plan's dose its times must be {factor:.4f} "
        "times as long, {total_s:.1f} s in total",
        remedy="Compare with the afterloader's own times.",
        why="Dwell times of a plan are for the strength at its reference date; the source decays until the treatment.",
    ),
    Kind(
        id="delivery-date-not-stated",
        sentence="record of {name}: neither its date nor its strength is known; the times are compared without decay",
        remedy="Compare with the afterloader's own strength.",
        why="Afterloaders lengthen times as the source decays, 1 % a day. Record or plan states no date.",
    ),
    Kind(
        id="delivery-unclear",
        sentence="record of {name}: {gaps}",
        remedy="Export the record with them, or compare them by hand.",
        why="Numbers, places and times that a record leaves out, or states twice, cannot be compared one by one.",
    ),
    Kind(
        id="delivery-not-normal",
        sentence="record of {name}: the treatment ended as {status}",
        remedy="Look for a second record that completes it.",
        why="TreatmentTerminationStatus (3008,002A) is OPERATOR, MACHINE or UNKNOWN.",
    ),
    Kind(
        id="strength-dated-now",
        sentence="the plan does not say when its source has {strength_u:,.0f} U: the RT Plan says now",
        remedy="Give the date with `treated`, or write strength_time into the case's [source].",
        why="SourceStrengthReferenceDate must be there, and an afterloader decays the source from it: 1 % a day.",
    ),
    Kind(
        id="reference-date-not-stated",
        sentence="the plan states no reference date: its strength cannot be decayed to the treatment",
        remedy="Take date and strength from the source's certificate.",
        why="Ir-192 loses 1 % a day.",
    ),
    Kind(
        id="prescription-not-stated",
        sentence="no prescription: V100, V150 and V200 are empty",
        remedy="Give one for plans that state none.",
        why="The plan's application setups state no dose.",
    ),
    Kind(
        id="partly-outside-dose-grid",
        sentence="only {inside:.1%} lies inside the dose grid: D_cc and maximum are lower bounds",
        remedy="Export a larger dose grid, or recompute.",
        why="Outside its grid a stored dose is not known.",
    ),
    Kind(
        id="plan-total-differs",
        sentence="plan.json states {what} {stated:.6g}, its dwell times give {computed:.6g}",
        remedy="Times were changed by hand, or the file is damaged: plan again, or evaluate it on the case.",
        why="Total time and TRAK are written beside the times they follow from. The dwell times are used.",
    ),
    Kind(
        id="plan-time-long",
        sentence="the source stays {hours:.3g} hours in all",
        remedy="Check the unit of the times: seconds, at the strength of the plan.",
        why="Treatments took 844 to 4432 s (Luedemann 2011); given above 4 hours. Milliseconds or a weak source look "
        "like this.",
    ),
    Kind(
        id="plan-dwell-twice",
        sentence="{catheter}: {count} dwells of the plan lie at the place of another dwell",
        remedy="Add their times and leave one of each.",
        why="Doses count both; an afterloader has one time for each position.",
    ),
    Kind(
        id="plan-offsets-differ",
        sentence="{catheter}: dwells of the plan lie up to {mm:.1f} mm farther apart than their offsets along the "
        "catheter",
        remedy="Positions or offsets were changed: plan again.",
        why="Two places on a catheter are never farther apart than the path along it. Given from 1 mm.",
    ),
    Kind(
        id="plan-axes-reversed",
        sentence="{catheter}: the source points away from the tip in {count} of {of} dwells",
        remedy="Check the axes: unit vectors to the tip.",
        why="Dwells of smaller offset lie toward the tip; the axis must point there.",
    ),
    Kind(
        id="plan-off-catheters",
        sentence="{count} dwells of the plan lie up to {mm:.1f} mm off the case's catheters",
        remedy="Check that plan and catheters belong to one session.",
        why="Dwells lie on their catheters. Given from 2 mm, the width of a 6F catheter.",
    ),
    Kind(
        id="plan-other-catheters",
        sentence="the plan's catheter {name!r} is not in the case",
        remedy="Check that plan and case belong together.",
        why="The plan was made for catheters of other names.",
    ),
    Kind(
        id="plan-other-ct",
        sentence="the plan was made on another CT than the case's",
        remedy="Check that plan and case belong together; after registration to a new scan, plan again.",
        why="plan.json holds the SHA-256 of the CT it was made on.",
    ),
    Kind(
        id="compared-on-other-ct",
        sentence="the plan {label} was made on another CT than the plans before it",
        remedy="Check that the plans are of one patient and one scan: differences of dose are of places, not of "
        "tissue.",
        why="plan.json holds the SHA-256 of the CT it was made on.",
    ),
    Kind(
        id="plan-other-strength",
        sentence="the plan's times are for {plan_u:,.0f} U, the case's source has {case_u:,.0f} U",
        remedy="Doses are those of the plan's own strength; give the strength at treatment to see others.",
        why="More than 1 % apart: a day's decay of Ir-192.",
    ),
    Kind(
        id="plan-other-source",
        sentence="the plan is for {plan}, the case has {case}",
        remedy="Check which source is in the afterloader.",
        why="Doses are those of the plan's own source.",
    ),
)
