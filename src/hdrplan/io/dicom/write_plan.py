"""RT Plan, brachytherapy: the plan in a form that planning systems read."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.io.dicom.identity import Identity
from hdrplan.io.dicom.objects import date_time, ds, new_object, reference, save, short_text
from hdrplan.io.dicom.plan import TRANSIT_WORDS
from hdrplan.io.dicom.sop_classes import RT_PLAN, RT_STRUCTURE_SET
from hdrplan.io.dicom.uids import new_uid
from hdrplan.plan import BrachyPlan, Channel, SourceOfPlan

__all__ = ["write_brachy_plan"]


def write_brachy_plan(path: Path, plan: BrachyPlan, identity: Identity, *, structures_uid: str = "") -> str:
    """Write a brachytherapy plan.

    Weights are seconds of one pulse, so FinalCumulativeTimeWeight equals ChannelTotalTime. The axis of the source
    stands in ControlPointOrientation, which says where the tip is.

    Parameters
    ----------
    path : Path
    plan : BrachyPlan
    identity : Identity
    structures_uid : str
        Of the structure set that draws the channels, if there is one.

    Returns
    -------
    str
        SOP instance UID.
    """
    uid = new_uid(identity.study_uid, identity.frame_uid, "plan", plan.label, plan.trak_u_s, plan.total_time_s)
    data = new_object(RT_PLAN, "RTPLAN", identity, uid=uid, series="plan")
    data.RTPlanLabel = short_text(plan.label, 16) or "hdrplan"
    data.RTPlanDate, data.RTPlanTime = date_time(identity.written)
    if plan.transit is not None:
        # The dose beside this plan includes it: whoever recomputes it must know.
        data.RTPlanDescription = f"{TRANSIT_WORDS} {plan.transit.speed_mm_per_s:g} mm/s; the dose includes its transit."
    data.PlanIntent = "RESEARCH"
    data.RTPlanGeometry = "PATIENT" if structures_uid else "TREATMENT_DEVICE"
    numbers = sorted({channel.setup_number for channel in plan.channels})
    references = _dose_references(plan)
    if references:
        data.DoseReferenceSequence = references
    data.FractionGroupSequence = [_fractions(plan, numbers)]
    data.BrachyTreatmentTechnique = "INTERSTITIAL"
    data.BrachyTreatmentType = plan.treatment_type or "HDR"
    data.TreatmentMachineSequence = [_machine()]
    data.SourceSequence = [_source(plan.source, identity.written)]
    data.ApplicationSetupSequence = [_setup(plan, number) for number in numbers]
    if structures_uid:
        data.ReferencedStructureSetSequence = [reference(RT_STRUCTURE_SET, structures_uid)]
    data.ApprovalStatus = "UNAPPROVED"
    save(data, path)
    return uid


def _dose_references(plan: BrachyPlan) -> list[Any]:
    from pydicom.dataset import Dataset

    items = []
    for point in plan.points:
        item = Dataset()
        item.DoseReferenceNumber = point.number
        item.DoseReferenceStructureType = "COORDINATES"
        item.DoseReferenceDescription = short_text(point.name, 64)
        item.DoseReferencePointCoordinates = ds(point.position_mm)
        item.DoseReferenceType = "TARGET"
        if not math.isnan(point.dose_gy):
            item.TargetPrescriptionDose = ds(point.dose_gy)
        items.append(item)
    if not math.isnan(plan.prescription_gy):
        item = Dataset()
        item.DoseReferenceNumber = max((point.number for point in plan.points), default=0) + 1
        item.DoseReferenceStructureType = "SITE"
        item.DoseReferenceDescription = "prescription"
        item.DoseReferenceType = "TARGET"
        item.TargetPrescriptionDose = ds(plan.prescription_gy)
        items.append(item)
    return items


def _fractions(plan: BrachyPlan, numbers: list[int]) -> Any:
    from pydicom.dataset import Dataset

    group = Dataset()
    group.FractionGroupNumber, group.NumberOfFractionsPlanned = 1, plan.fractions
    group.NumberOfBeams, group.NumberOfBrachyApplicationSetups = 0, len(numbers)
    setups = []
    for k, number in enumerate(numbers):
        setup = Dataset()
        if k == 0 and not math.isnan(plan.prescription_gy):
            setup.BrachyApplicationSetupDose = ds(plan.prescription_gy)
        setup.ReferencedBrachyApplicationSetupNumber = number
        setups.append(setup)
    group.ReferencedBrachyApplicationSetupSequence = setups
    return group


def _machine() -> Any:
    from pydicom.dataset import Dataset

    machine = Dataset()
    machine.TreatmentMachineName = ""
    return machine


def _source(source: SourceOfPlan, written: datetime) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.SourceNumber, item.SourceType = 1, "LINE"
    if source.active_length_mm is not None:
        item.ActiveSourceLength = ds(source.active_length_mm)
    item.SourceIsotopeName = short_text(source.isotope or source.text, 64) or "Ir-192"
    item.SourceIsotopeHalfLife = ds(source.half_life_days)
    item.ReferenceAirKermaRate = ds(source.strength_u)
    item.SourceStrengthUnits = "AIR_KERMA_RATE"
    item.SourceStrengthReferenceDate, item.SourceStrengthReferenceTime = date_time(source.reference_time or written)
    return item


def _setup(plan: BrachyPlan, number: int) -> Any:
    from pydicom.dataset import Dataset

    channels = [channel for channel in plan.channels if channel.setup_number == number]
    setup = Dataset()
    setup.ApplicationSetupType, setup.ApplicationSetupNumber = "OTHER", number
    setup.TotalReferenceAirKerma = ds(plan.source.strength_u * sum(c.time_s for c in channels) / 3600.0)
    setup.ChannelSequence = [_channel(channel) for channel in channels]
    return setup


def _channel(channel: Channel) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedROINumber = channel.roi_number
    item.NumberOfControlPoints = 2 * len(channel.times_s)
    item.ChannelNumber = channel.number
    item.ChannelLength = ds(channel.length_mm) if channel.length_mm else None
    total = float(channel.times_s.sum())
    item.ChannelTotalTime = ds(total)
    item.SourceMovementType = "STEPWISE"
    if channel.pulses > 1:
        item.NumberOfPulses, item.PulseRepetitionInterval = channel.pulses, ds(3600.0)
    item.SourceApplicatorNumber = channel.number
    item.SourceApplicatorID = short_text(channel.name, 16)
    item.SourceApplicatorType = "FLEXIBLE"
    item.SourceApplicatorLength = ds(channel.length_mm) if channel.length_mm else ds(1.0)
    steps = np.diff(np.sort(channel.relative_mm))
    item.SourceApplicatorStepSize = ds(float(steps.min()) if len(steps) and steps.min() > 0 else 1.0)
    item.TransferTubeNumber = None
    item.FinalCumulativeTimeWeight = ds(total)
    ends = np.cumsum(channel.times_s)
    points: list[Any] = []
    for k in range(len(channel.times_s)):
        for end in (False, True):
            point = Dataset()
            point.ControlPointIndex = len(points)
            point.ControlPointRelativePosition = ds(channel.relative_mm[k])
            point.ControlPoint3DPosition = ds(channel.positions_mm[k])
            point.ControlPointOrientation = [float(v) for v in channel.axes[k]]
            point.CumulativeTimeWeight = ds(ends[k] if end else ends[k] - channel.times_s[k])
            points.append(point)
    item.BrachyControlPointSequence = points
    item.ReferencedSourceNumber = 1
    return item
