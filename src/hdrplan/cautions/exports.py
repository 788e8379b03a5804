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
)
