"""RT Plan, brachytherapy: channels, dwell times, source and reference points, in the vendors' dialects.

Seen in files:

- Varian BrachyVision: weights are seconds, summed over the pulses for PDR; ChannelTotalTime is that of one pulse; the
  source model stands in SourceIsotopeName.
- Oncentra 4: weights are relative, numbers start at 0, the structure set is embedded in private group 300F, and a
  channel's ROI number stands in (300B,1000).
- SagiPlan: weights are milliseconds.

Channels and their dwell times are read in :mod:`hdrplan.io.dicom.channels`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.io.dicom.channels import channel_of
from hdrplan.io.dicom.sop_classes import RT_PLAN
from hdrplan.io.dicom.structures import StructureSet, structure_set_of
from hdrplan.io.dicom.tags import Tags, read_tags
from hdrplan.plan import BrachyPlan, Channel, ReferencePoint, SourceOfPlan

__all__ = ["read_brachy_plan"]

# ln 2 / Ir-192's decay: what files write when they write none. ICRP 107.
IR192_HALF_LIFE_DAYS = 73.827

_MODELLED = {
    "RTPlanLabel", "BrachyTreatmentType", "FractionGroupSequence", "SourceSequence", "ApplicationSetupSequence",
    "DoseReferenceSequence", "ReferencedStructureSetSequence", "SOPClassUID", "SOPInstanceUID", "FrameOfReferenceUID",
    "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Manufacturer", "ManufacturerModelName",
    "ReferencedDoseSequence", "SpecificCharacterSet",
}  # fmt: skip


def read_brachy_plan(path: Path, structures: StructureSet | None = None) -> BrachyPlan:
    """Read a brachytherapy RT Plan.

    Parameters
    ----------
    path : Path
    structures : StructureSet, optional
        The structure set that draws the channels; without it the paths are taken from the plan itself (Oncentra) or
        the axes from neighbouring dwells.

    Raises
    ------
    FormatError
        No RT Plan, no brachytherapy, tags missing or impossible, with the tag's place in the file.
    """
    tags = read_tags(path, pixels=False)
    if tags.text("SOPClassUID") != RT_PLAN:
        raise tags.error("SOPClassUID", f"RT Plan ({RT_PLAN})", tags.text("SOPClassUID"))
    setups = tags.items("ApplicationSetupSequence")
    if not setups:
        raise FormatError(
            "expected a brachytherapy plan (ApplicationSetupSequence)",
            got="a plan for external beams" if tags.has("BeamSequence") else "a plan without applications",
            where=path,
        )
    warnings: list[Caution] = []
    sources = _sources(tags)
    warnings += _approval(tags)
    kind = tags.text("BrachyTreatmentType", "HDR").upper()
    if kind not in ("HDR", "PDR", ""):
        warnings.append(caution("plan-not-hdr", kind=kind))
    channels = _channels(setups, structures or _embedded(tags), sources, warnings)
    if not channels:
        raise FormatError("expected at least one channel (ChannelSequence)", got="none", where=path)
    plan = BrachyPlan(
        label=tags.text("RTPlanLabel", "") or tags.text("RTPlanName", ""),
        treatment_type=tags.text("BrachyTreatmentType", ""),
        fractions=_fractions(tags),
        prescription_gy=_setup_dose_gy(tags),
        source=next(iter(sources.values())),
        channels=tuple(channels),
        points=_points(tags, setups),
        stated_trak_u_s=sum(setup.number("TotalReferenceAirKerma", math.nan) for setup in setups) * 3600.0,
        dialect=_dialect(tags),
        uids=_uids(tags),
        warnings=tuple(warnings),
        unmodelled=_unmodelled(tags),
    )
    return _with_trak_warning(plan)


def _channels(
    setups: list[Tags], structures: StructureSet | None, sources: dict[int, SourceOfPlan], warnings: list[Caution]
) -> list[Channel]:
    """Channels of all setups; all that have a dwell must use the first source, or one like it."""
    source = next(iter(sources.values()))
    channels: list[Channel] = []
    for k, setup in enumerate(setups):
        for item in setup.items("ChannelSequence"):
            channel = channel_of(item, setup.whole("ApplicationSetupNumber", k), structures, warnings)
            channels.append(channel)
            number = item.whole("ReferencedSourceNumber", next(iter(sources)))
            if sources.get(number, source) != source and len(channel.times_s):
                raise item.error("ReferencedSourceNumber", "one source for all channels", "several different sources")
    return channels


def _uids(tags: Tags) -> dict[str, str]:
    """Return the UIDs of the file and of what it refers to; empty text where there is none."""
    structures, dose = (
        next((item.text("ReferencedSOPInstanceUID", "") for item in tags.items(sequence)), "")
        for sequence in ("ReferencedStructureSetSequence", "ReferencedDoseSequence")
    )
    return {
        "instance": tags.text("SOPInstanceUID", ""),
        "structures": structures,
        "dose": dose,
        "frame": tags.text("FrameOfReferenceUID", ""),
        "study": tags.text("StudyInstanceUID", ""),
        "series": tags.text("SeriesInstanceUID", ""),
    }


def _unmodelled(tags: Tags) -> tuple[str, ...]:
    """Names of the file's elements that the plan does not hold."""
    from pydicom.datadict import keyword_for_tag

    names = (keyword_for_tag(tag) or str(tag) for tag in list(tags.dataset.keys()))
    return tuple(sorted(name for name in names if name not in _MODELLED))


def _with_trak_warning(plan: BrachyPlan) -> BrachyPlan:
    """Compare the file's own total reference air kerma with strength times time."""
    if math.isnan(plan.stated_trak_u_s):
        return replace(plan, warnings=(*plan.warnings, caution("trak-not-stated")))
    if abs(plan.trak_u_s - plan.stated_trak_u_s) > 1e-3 * max(plan.stated_trak_u_s, 1e-9):
        differs = caution("trak-differs", stated=plan.stated_trak_u_s / 3600, computed=plan.trak_u_s / 3600)
        return replace(plan, warnings=(*plan.warnings, differs))
    return plan


def _dialect(tags: Tags) -> str:
    words = f"{tags.text('Manufacturer', '')} {tags.text('ManufacturerModelName', '')}".lower()
    for item in (*tags.items("TreatmentMachineSequence"), *tags.items("SourceSequence")):
        words += f" {item.text('Manufacturer', '')} {item.text('SourceManufacturer', '')}".lower()
    for word, dialect in (
        ("hdrplan", "hdrplan"),
        ("varian", "Varian"),
        ("aria", "Varian"),
        ("nucletron", "Oncentra"),
        ("oncentra", "Oncentra"),
        ("elekta", "Oncentra"),
        ("sagi", "SagiPlan"),
        ("bebig", "SagiPlan"),
    ):
        if word in words:
            return dialect
    # Anonymised exports: private groups still tell.
    groups = {int(tag.group) for tag in list(tags.dataset.keys()) if tag.is_private}
    return "Oncentra" if groups & {0x300F, 0x300B} else "Varian" if groups & {0x3249, 0x3267, 0x3287} else "other"


def _approval(tags: Tags) -> list[Caution]:
    """Say where a plan was rejected, or not approved; a file without the attribute leaves it open."""
    status = tags.text("ApprovalStatus", "APPROVED").upper()
    # Our own exports are never approved: research use only stands in them already.
    if status == "APPROVED" or (status == "UNAPPROVED" and _dialect(tags) == "hdrplan"):
        return []
    return [caution("plan-not-approved", status=status)]


def _sources(tags: Tags) -> dict[int, SourceOfPlan]:
    """Return the sources by their numbers, at least one, the file's order kept."""
    machine = next(iter(tags.items("TreatmentMachineSequence")), None)
    sources: dict[int, SourceOfPlan] = {}
    for k, item in enumerate(tags.items("SourceSequence")):
        words = [
            item.text("SourceIsotopeName", ""),
            item.text("SourceManufacturer", ""),
            item.text("SourceModelID", ""),
        ]
        if machine is not None:
            words += [machine.text("ManufacturerModelName", ""), machine.text("TreatmentMachineName", "")]
        strength_u = item.number("ReferenceAirKermaRate")
        if not strength_u > 0:
            raise item.error("ReferenceAirKermaRate", "positive (uGy/h at 1 m)", strength_u)
        half_life_days = item.number("SourceIsotopeHalfLife", IR192_HALF_LIFE_DAYS)
        if not 60 < half_life_days < 90:
            raise item.error(
                "SourceIsotopeHalfLife", "that of Ir-192, 73.8 days", half_life_days, "Other isotopes are not modelled."
            )
        sources[item.whole("SourceNumber", k)] = SourceOfPlan(
            text=" | ".join(word for word in words if word),
            strength_u=strength_u,
            reference_time=_time(item, "SourceStrengthReferenceDate", "SourceStrengthReferenceTime"),
            half_life_days=half_life_days,
            active_length_mm=item.number("ActiveSourceLength") if item.has("ActiveSourceLength") else None,
            isotope=item.text("SourceIsotopeName", ""),
        )
    if not sources:
        raise tags.error("SourceSequence", "there with one source", "none")
    return sources


def _time(item: Tags, date: str, time: str) -> datetime | None:
    day, clock = item.text(date, ""), item.text(time, "000000").split(".")[0].ljust(6, "0")
    try:
        return datetime.strptime(day + clock, "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _fractions(tags: Tags) -> int:
    return max(1, sum(group.whole("NumberOfFractionsPlanned", 1) for group in tags.items("FractionGroupSequence")))


def _setup_dose_gy(tags: Tags) -> float:
    doses_gy = [
        setup.number("BrachyApplicationSetupDose", math.nan)
        for group in tags.items("FractionGroupSequence")
        for setup in group.items("ReferencedBrachyApplicationSetupSequence")
    ]
    return float(np.nansum(doses_gy)) if doses_gy and not all(math.isnan(d) for d in doses_gy) else math.nan


def _embedded(tags: Tags) -> StructureSet | None:
    """Return Oncentra's structure set inside the plan, private (300F,1000)."""
    from pydicom.tag import Tag

    element = tags.dataset.get(Tag(0x300F, 0x1000))
    if element is None or element.VR != "SQ" or not len(element.value):
        return None
    return structure_set_of(Tags(element.value[0], f"{tags.where}, (300F,1000)"))


def _points(tags: Tags, setups: list[Tags]) -> tuple[ReferencePoint, ...]:
    """Return the reference points and the doses that the TPS states for them.

    Either the sum over channels of the last cumulative coefficient times the setup dose (Varian; DICOM PS3.3
    C.8.8.15.13), times the pulses for PDR, or TargetPrescriptionDose (Oncentra).
    """
    sums_gy = _coefficient_doses_gy(tags, setups)
    points = []
    for k, item in enumerate(tags.items("DoseReferenceSequence")):
        if not item.has("DoseReferencePointCoordinates"):
            continue
        number = item.whole("DoseReferenceNumber", k)
        dose_gy, dose_from = sums_gy.get(number, math.nan), "cumulative dose reference coefficients"
        if math.isnan(dose_gy):
            dose_gy, dose_from = item.number("TargetPrescriptionDose", math.nan), "TargetPrescriptionDose"
        points.append(
            ReferencePoint(
                name=item.text("DoseReferenceDescription", "") or f"point {number}",
                position_mm=item.numbers("DoseReferencePointCoordinates", 3),
                dose_gy=dose_gy,
                dose_from="" if math.isnan(dose_gy) else dose_from,
            )
        )
    return tuple(points)


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
