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
import re
from dataclasses import replace
from pathlib import Path

from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.geometry import Transit
from hdrplan.io.dicom.channel_doubts import doubts_of_channels, doubts_of_numbers
from hdrplan.io.dicom.channels import channel_of
from hdrplan.io.dicom.plan_doses import prescription_gy, reference_points, states_one_pulse
from hdrplan.io.dicom.plan_doubts import doubts_of_dates, doubts_of_shields
from hdrplan.io.dicom.plan_source import refuse_other_treatments, source_of_plan
from hdrplan.io.dicom.sop_classes import RT_PLAN, other_class
from hdrplan.io.dicom.structures import StructureSet, structure_set_of
from hdrplan.io.dicom.tags import Tags, read_tags
from hdrplan.plan import BrachyPlan

__all__ = ["TRANSIT_WORDS", "read_brachy_plan"]

# RTPlanDescription of our own exports: their dose includes that of the moving source.
TRANSIT_WORDS = "The source moves at"

_MODELLED = {
    "RTPlanLabel", "BrachyTreatmentType", "BrachyTreatmentTechnique", "FractionGroupSequence", "SourceSequence",
    "ApplicationSetupSequence", "DoseReferenceSequence", "ReferencedStructureSetSequence", "SOPClassUID",
    "SOPInstanceUID", "FrameOfReferenceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Manufacturer",
    "ManufacturerModelName", "ReferencedDoseSequence", "SpecificCharacterSet",
    "PatientID", "PatientName", "PatientBirthDate", "RTPlanDate", "RTPlanTime", "ApprovalStatus",
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
        raise other_class(tags, "RT Plan", RT_PLAN)
    setups = tags.items("ApplicationSetupSequence")
    if not setups:
        raise FormatError(
            "expected a brachytherapy plan (ApplicationSetupSequence)",
            got="a plan for external beams" if tags.has("BeamSequence") else "a plan without applications",
            where=path,
        )
    warnings = _approval(tags)
    refuse_other_treatments(tags)
    items = [(k, item) for k, setup in enumerate(setups) for item in setup.items("ChannelSequence")]
    if not items:
        raise FormatError("expected at least one channel (ChannelSequence)", got="none", where=path)
    source = source_of_plan(tags, [item for _, item in items], warnings)
    embedded = _embedded(tags)
    drawn = [structure_set for structure_set in (structures, embedded) if structure_set is not None]
    channels = [channel_of(item, setups[k].whole("ApplicationSetupNumber", k), drawn) for k, item in items]
    totals_s = [item.number("ChannelTotalTime", 0.0) for _, item in items]
    warnings += doubts_of_numbers([item for _, item in items], channels)
    warnings += doubts_of_channels(channels, totals_s)
    warnings += [*doubts_of_shields(setups), *doubts_of_dates(tags, source)]
    dialect, fractions = _dialect(tags), _fractions(tags, warnings)
    trak_u_s = sum(setup.number("TotalReferenceAirKerma", math.nan) for setup in setups) * 3600.0
    per_pulse = states_one_pulse(channels, source.strength_u, trak_u_s, dialect)
    pulses = max(channel.pulses for channel in channels) if per_pulse else 1
    if per_pulse:
        warnings.append(caution("stated-per-pulse", pulses=pulses))
    if tags.text("BrachyTreatmentType", "").upper() == "HDR" and max(channel.pulses for channel in channels) > 1:
        warnings.append(caution("pulses-of-hdr", pulses=max(channel.pulses for channel in channels)))
    plan = BrachyPlan(
        label=tags.text("RTPlanLabel", "") or tags.text("RTPlanName", ""),
        treatment_type=tags.text("BrachyTreatmentType", "").upper(),
        fractions=fractions,
        prescription_gy=prescription_gy(tags, fractions, pulses, warnings),
        source=source,
        channels=tuple(channels),
        points=reference_points(tags, setups, pulses, dialect),
        stated_trak_u_s=trak_u_s * pulses,
        dialect=dialect,
        uids=_uids(tags),
        transit=_transit(tags) if dialect == "hdrplan" else None,
        is_stated_per_pulse=per_pulse,
        warnings=tuple(warnings),
        unmodelled=_unmodelled(tags),
    )
    return _with_trak_warning(plan)


def _transit(tags: Tags) -> Transit | None:
    """Return how the source moves, as our own exports describe it."""
    match = re.search(rf"{TRANSIT_WORDS} ([0-9]+(?:\.[0-9]+)?) mm/s", tags.text("RTPlanDescription", ""))
    return Transit(float(match[1])) if match else None


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


# PlanIntent (PS3.3 C.8.8.9): what is irradiated is a phantom or nothing.
_NOT_CLINICAL = ("VERIFICATION", "MACHINE_QA", "RESEARCH", "SERVICE")


def _approval(tags: Tags) -> list[Caution]:
    """Say where a plan was rejected, not approved or is none for a patient; attributes that are missing say nothing."""
    intent = tags.text("PlanIntent", "").upper()
    is_ours = _dialect(tags) == "hdrplan" and intent == "RESEARCH"
    tests = [caution("plan-not-clinical", intent=intent)] if intent in _NOT_CLINICAL and not is_ours else []
    status = tags.text("ApprovalStatus", "APPROVED").upper()
    # Our own exports are never approved: research use only stands in them already.
    if status == "APPROVED" or (status == "UNAPPROVED" and _dialect(tags) == "hdrplan"):
        return tests
    return [*tests, caution("plan-not-approved", status=status)]


def _fractions(tags: Tags, warnings: list[Caution]) -> int:
    """Return how often the plan is given; say where the file leaves it open."""
    groups = tags.items("FractionGroupSequence")
    without = sum(not group.has("NumberOfFractionsPlanned") for group in groups)
    fractions = max(1, sum(group.whole("NumberOfFractionsPlanned", 1) for group in groups))
    if len(groups) > 1 or without:
        warnings.append(caution("fractions-unclear", groups=len(groups), without=without, taken=fractions))
    return fractions


def _embedded(tags: Tags) -> StructureSet | None:
    """Return Oncentra's structure set inside the plan, private (300F,1000)."""
    from pydicom.tag import Tag

    element = tags.dataset.get(Tag(0x300F, 0x1000))
    if element is None or element.VR != "SQ" or not len(element.value):
        return None
    return structure_set_of(Tags(element.value[0], f"{tags.where}, (300F,1000)"))
