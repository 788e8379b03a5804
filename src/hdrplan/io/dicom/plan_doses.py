"""Doses that a brachytherapy RT Plan states: prescription and reference points, of one pulse or of all."""

from __future__ import annotations

import math

from hdrplan.cautions import Caution, caution
from hdrplan.io.dicom.tags import Tags
from hdrplan.plan import Channel, ReferencePoint

__all__ = ["prescription_gy", "reference_points", "states_one_pulse"]

# TRAK of files agrees with strength times time to their digits; a pulse more or less is at least 1 %.
_SAME_TRAK_FRAC = 1e-3

# These write the dose of a point into its TargetPrescriptionDose, whatever the point's type.
_STATE_DOSES_AT_TARGETS = ("Oncentra", "hdrplan")


def states_one_pulse(channels: list[Channel], strength_u: float, stated_trak_u_s: float, dialect: str) -> bool:
    """Whether a file of several pulses states kerma and doses of one pulse, as Oncentra does.

    Its total reference air kerma tells: strength times the time of one pulse, or of all of them.

    Parameters
    ----------
    channels : list of Channel
    strength_u : float
    stated_trak_u_s : float
        NaN where the file states none: then the dialect decides.
    dialect : str
    """
    if max((channel.pulses for channel in channels), default=1) == 1:
        return False
    if math.isnan(stated_trak_u_s):
        return dialect == "Oncentra"
    pulse_u_s = strength_u * sum(float(channel.times_s.sum()) for channel in channels)
    return abs(stated_trak_u_s - pulse_u_s) <= _SAME_TRAK_FRAC * pulse_u_s


def prescription_gy(tags: Tags, fractions: int, setup_pulses: int, warnings: list[Caution]) -> float:
    """Return the prescribed dose of one fraction as the file gives it; NaN where there is none.

    The dose of the application setups, else the one TargetPrescriptionDose of a site or volume, which is for all
    fractions (DICOM PS3.3 C.8.8.10).

    Parameters
    ----------
    tags : Tags
    fractions : int
    setup_pulses : int
        By which the setups' dose is multiplied: the pulses, where it is that of one.
    warnings : list of Caution
        Says where TargetPrescriptionDose was taken.
    """
    for group in tags.items("FractionGroupSequence"):
        _refuse_setup_twice(group)
    doses_gy = [
        setup.number("BrachyApplicationSetupDose", 0.0)
        for group in tags.items("FractionGroupSequence")
        for setup in group.items("ReferencedBrachyApplicationSetupSequence")
    ]
    if sum(doses_gy) > 0:
        return float(sum(doses_gy)) * setup_pulses
    targets_gy = {
        item.number("TargetPrescriptionDose")
        for item in tags.items("DoseReferenceSequence")
        if item.text("DoseReferenceStructureType", "").upper() in ("SITE", "VOLUME")
        and item.text("DoseReferenceType", "").upper() == "TARGET"
        and item.number("TargetPrescriptionDose", 0.0) > 0
    }
    if len(targets_gy) != 1:
        return math.nan
    (total_gy,) = targets_gy
    warnings.append(caution("prescription-of-target", total_gy=total_gy, fractions=fractions))
    return total_gy / fractions


def reference_points(tags: Tags, setups: list[Tags], target_pulses: int, dialect: str) -> tuple[ReferencePoint, ...]:
    """Return the reference points and the doses of one fraction that the TPS states for them.

    Either the sum over channels of the last cumulative coefficient times the setup dose (Varian; DICOM PS3.3
    C.8.8.15.13), times the pulses for PDR, or TargetPrescriptionDose (Oncentra, at points of type UNSPECIFIED). At a
    point of type TARGET the latter is what was prescribed there, of all fractions and whatever the point got: no dose
    to compare with, unless the file's dialect is known to state doses so.

    Parameters
    ----------
    tags : Tags
    setups : list of Tags
    target_pulses : int
        By which a TargetPrescriptionDose is multiplied: the pulses, where it is that of one.
    dialect : str
    """
    sums_gy = _coefficient_doses_gy(tags, setups)
    points = []
    for k, item in enumerate(tags.items("DoseReferenceSequence")):
        if not item.has("DoseReferencePointCoordinates"):
            continue
        number = item.whole("DoseReferenceNumber", k)
        dose_gy, dose_from = sums_gy.get(number, math.nan), "cumulative dose reference coefficients"
        prescribed = item.text("DoseReferenceType", "").upper() == "TARGET" and dialect not in _STATE_DOSES_AT_TARGETS
        if math.isnan(dose_gy) and not prescribed:
            dose_gy = item.number("TargetPrescriptionDose", math.nan) * target_pulses
            dose_from = "TargetPrescriptionDose"
        name = item.text("DoseReferenceDescription", "")
        points.append(
            ReferencePoint(
                number=number,
                # Oncentra names points "-".
                name=name if any(c.isalnum() for c in name) else "",
                position_mm=item.numbers("DoseReferencePointCoordinates", 3),
                dose_gy=dose_gy,
                dose_from="" if math.isnan(dose_gy) else dose_from,
            )
        )
    return tuple(points)


def _refuse_setup_twice(group: Tags) -> None:
    """Refuse a fraction group that refers to one application setup twice: its dose would be added twice."""
    seen: set[int] = set()
    for setup in group.items("ReferencedBrachyApplicationSetupSequence"):
        number = setup.whole("ReferencedBrachyApplicationSetupNumber", -1)
        if number in seen and number >= 0:
            raise setup.error("ReferencedBrachyApplicationSetupNumber", "another for each item", f"{number} once more")
        seen.add(number)


def _coefficient_doses_gy(tags: Tags, setups: list[Tags]) -> dict[int, float]:
    """Return the dose at each numbered reference point, summed over the channels of all setups."""
    setup_doses_gy = {
        setup.whole("ReferencedBrachyApplicationSetupNumber", 0): setup.number("BrachyApplicationSetupDose", math.nan)
        for group in tags.items("FractionGroupSequence")
        for setup in group.items("ReferencedBrachyApplicationSetupSequence")
    }
    sums_gy: dict[int, float] = {}
    for k, setup in enumerate(setups):
        setup_dose_gy = setup_doses_gy.get(setup.whole("ApplicationSetupNumber", k), math.nan)
        for item in setup.items("ChannelSequence"):
            controls = item.items("BrachyControlPointSequence")
            for reference in controls[-1].items("BrachyReferencedDoseReferenceSequence") if controls else []:
                number = reference.whole("ReferencedDoseReferenceNumber", -1)
                dose_gy = reference.number("CumulativeDoseReferenceCoefficient", math.nan) * setup_dose_gy
                sums_gy[number] = sums_gy.get(number, 0.0) + dose_gy * max(1, item.whole("NumberOfPulses", 1))
    return sums_gy
