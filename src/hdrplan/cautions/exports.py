"""Warnings about exports whose attributes change what plan, dose or patient mean."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["EXPORTS"]

EXPORTS = (
    Kind(
        id="dose-of-media",
        sentence="the dose grid was computed with the densities of {how}, not in water: TG-43 differs from it",
        remedy="Export the TG-43 dose of the plan for the check, or expect differences near air, bone and skin.",
        why="TissueHeterogeneityCorrection (3004,0014) is IMAGE or ROI_OVERRIDE: a model-based dose (AAPM TG-186, "
        "Beaulieu et al., Med Phys 2012;39:6208). TG-43 is dose to water in water.",
    ),
    Kind(
        id="dose-transformed",
        sentence="the dose grid was moved or deformed after it was computed ({how})",
        remedy="Export the dose as it was planned.",
        why="SpatialTransformOfDose (3004,0005) is RIGID or NON_RIGID: the grid is not where the plan's dwells are.",
    ),
    Kind(
        id="shield-not-modelled",
        sentence="{what}: the dose behind it is computed as in water",
        remedy="Expect lower doses in the planning system where it models the shield or wall.",
        why="The plan holds shields (BrachyAccessoryDeviceType SHIELD, ChannelShieldSequence) or applicator walls that "
        "let less than 99 % pass (SourceApplicatorWallNominalTransmission). TG-43 is dose in water without them.",
    ),
    Kind(
        id="strength-dated-far",
        sentence="the strength is of {reference}, {days:.0f} days {side} the plan's own date: in that time a source "
        "decays by {decay:.1%}",
        remedy="Make sure that times and strength are of one day: an afterloader decays from this date.",
        why="Planning systems state the strength of the planning or treatment day; RTPlanDate (300A,0006) and "
        "SourceStrengthReferenceDate (300A,022C) of the plans that were seen differ by one day at most. Given from "
        "seven days on: 6.4 %.",
    ),
    Kind(
        id="patient-written-otherwise",
        sentence="{kind} and {reference} have one PatientID but another {what}",
        remedy="Make sure that both are of one patient: two clinics may have given the same ID.",
        why="PatientIDs are unique within a clinic only. Names are compared without case, titles and punctuation.",
    ),
    Kind(
        id="dose-unusual",
        sentence="{cc:.3g} cc of the dose grid have more than {gy:g} Gy; its largest dose is {most_gy:.3g} Gy",
        remedy="Check the unit (Gy or cGy), DoseGridScaling, and that it is the dose of the plan.",
        why="Prescriptions are from 1 to 100 Gy. Given for more than 100 cc above 100 Gy (30 cc around a lesion of "
        "250 cc and 20 Gy), for less than 5 cc above 1 Gy (80 cc around a lesion of 1 cc), and where half of a small "
        "grid is so.",
    ),
    Kind(
        id="sessions-alike",
        sentence="the doses of sessions {one} and {other} agree at every point of the lesion",
        remedy="Make sure that one dose is not given twice.",
        why="Two treatments of one lesion differ in catheters and times; one dose under two names counts twice.",
    ),
    Kind(
        id="session-without-dose",
        sentence="session {number} gives the lesion at most {most_gy:.2g} Gy",
        remedy="Check the transform (from the lesion's frame to the session's), the lesion and the unit of the dose.",
        why="A session that treats a lesion gives it more than 1 Gy: prescriptions are from 1 to 100 Gy.",
    ),
    Kind(
        id="transform-scales",
        sentence="the transform of session {number} makes volumes {factor:.3g} times as large",
        remedy="Check its unit (mm) and its direction.",
        why="A liver changes its shape between two sessions, its volume by some percent; cm for mm is a factor of "
        "1000. Given below 0.8 and above 1.25.",
    ),
    Kind(
        id="plan-not-clinical",
        sentence="the plan's intent is {intent}",
        remedy="Make sure that it is the plan that was treated.",
        why="PlanIntent (300A,000A) VERIFICATION, MACHINE_QA, RESEARCH and SERVICE are of phantoms and tests.",
    ),
    Kind(
        id="roi-name-twice",
        sentence="several ROIs of the structure set have one name: {names}",
        remedy="Name them apart in the planning system; tables show each under that name.",
        why="A name that stands twice says of no row of a table which organ it is of.",
    ),
)
