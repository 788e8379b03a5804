"""RT Brachy Treatment Record: the times that an afterloader delivered (DICOM PS3.3 A.20, C.8.8.22)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from hdrplan.cautions import caution
from hdrplan.io.dicom.plan_source import moment_of, refuse_other_isotopes, refuse_other_treatments
from hdrplan.io.dicom.sop_classes import BRACHY_RECORD, other_class
from hdrplan.io.dicom.tags import Tags, read_tags
from hdrplan.plan import DeliveredChannel, TreatmentRecord

__all__ = ["read_treatment_record"]

_DAY_S = 86400.0
# Dwells of whole seconds of the clock, in a channel whose time counts tenths: each is up to 1 s off, most much less.
_SAME_TOTAL_FRAC, _SAME_TOTAL_S = 0.02, 2.0


def read_treatment_record(path: Path) -> TreatmentRecord:
    """Read a treatment record.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FormatError
        Another kind of file, no delivered channel, another isotope or kind of treatment, tags that are impossible or
        have lost their number, with their place in the file.
    """
    tags = read_tags(path, pixels=False)
    if tags.text("SOPClassUID") != BRACHY_RECORD:
        raise other_class(tags, "RT Brachy Treatment Record", BRACHY_RECORD)
    refuse_other_treatments(tags)
    setups = tags.items("TreatmentSessionApplicationSetupSequence")
    # What the record does not state or states in two ways, and how often.
    gaps: dict[str, int] = {}
    if len(setups) > 1 and not all(setup.has("ReferencedBrachyApplicationSetupNumber") for setup in setups):
        gaps["no number of an application setup"] = 1
    channels = [
        _channel(item, setup.whole("ReferencedBrachyApplicationSetupNumber", k), gaps)
        for k, setup in enumerate(setups, start=1)
        for item in setup.items("RecordedChannelSequence")
    ]
    if not channels:
        raise tags.error("TreatmentSessionApplicationSetupSequence", "there with at least one channel", "none")
    numbers_of = [(channel.setup_number, channel.number) for channel in channels]
    if len(set(numbers_of)) < len(channels):
        gaps["one number for two channels (their times are added)"] = 1
    sources = tags.items("RecordedSourceSequence") + [s for x in setups for s in x.items("RecordedSourceSequence")]
    for source in sources:
        refuse_other_isotopes(source, "")
    plans = tags.items("ReferencedRTPlanSequence")
    numbers = [setup.whole("CurrentFractionNumber") for setup in setups if setup.has("CurrentFractionNumber")]
    if not numbers:
        gaps["no number of the fraction"] = 1
    treated = moment_of(tags, "TreatmentDate", "TreatmentTime", midnight=False)
    if treated is None:
        gaps["no date and time of the treatment"] = 1
    name = f"fraction {numbers[0]}" if numbers else "a fraction without number"
    listed = ", ".join(f"{gap} ({count} times)" if count > 1 else gap for gap, count in gaps.items())
    return TreatmentRecord(
        treated=treated,
        fraction=numbers[0] if numbers else None,
        strength_u=sources[0].number("ReferenceAirKermaRate", math.nan) if sources else math.nan,
        strength_time=moment_of(sources[0], "SourceStrengthReferenceDate", "SourceStrengthReferenceTime")
        if sources
        else None,
        status=next((s.text("TreatmentTerminationStatus", "") for s in setups), "") or "not stated",
        plan_uid=plans[0].text("ReferencedSOPInstanceUID", "") if plans else "",
        channels=tuple(channels),
        continues=any(setup.text("TreatmentDeliveryType", "").upper() == "CONTINUATION" for setup in setups),
        warnings=(caution("delivery-unclear", name=name, gaps=listed),) if gaps else (),
    )


def _channel(item: Tags, setup_number: int, gaps: dict[str, int]) -> DeliveredChannel:
    """Return one channel; what it does not state is counted in ``gaps``."""

    def gap(what: str) -> None:
        gaps[what] = gaps.get(what, 0) + 1

    points = item.items("BrachyControlPointDeliveredSequence")
    moments = [
        moment_of(point, "TreatmentControlPointDate", "TreatmentControlPointTime", midnight=False) for point in points
    ]
    relative_mm = np.array([point.number("ControlPointRelativePosition", math.nan) for point in points])
    is_whole = bool(points) and all(moments) and not np.isnan(relative_mm).any()
    if points and not is_whole:
        gap("a channel without the place, date or time of a control point")
    if not item.has("ChannelNumber"):
        gap("a channel without number")
    places, times_s = [], []
    # As in plans: the source comes and leaves, a pair of control points at one position.
    for k in range(len(points) - 1):
        begin, end = moments[k], moments[k + 1]
        if begin is None or end is None or relative_mm[k] != relative_mm[k + 1]:
            continue
        seconds = (end - begin).total_seconds()
        if seconds != 0:
            places.append(float(relative_mm[k]))
            # The date of a dwell over midnight may be that of its beginning.
            times_s.append(seconds + (_DAY_S if seconds < 0 else 0.0))
    if not item.has("DeliveredChannelTotalTime"):
        if not is_whole:
            raise item.error("DeliveredChannelTotalTime", "there, or control points with their times", "neither")
        gap("a channel without time (the sum of its dwells is taken)")
    pulses = item.whole("DeliveredNumberOfPulses", 1)
    if pulses < 1:
        gap("a channel of 0 pulses (1 is taken)")
    total_s = item.number("DeliveredChannelTotalTime", float(sum(times_s))) * max(1, pulses)
    if sum(times_s) > total_s * (1.0 + _SAME_TOTAL_FRAC) + _SAME_TOTAL_S:
        gap("a channel whose dwells take longer than itself")
    return DeliveredChannel(
        number=item.whole("ChannelNumber", 0),
        setup_number=setup_number,
        total_s=total_s,
        relative_mm=np.array(places),
        times_s=np.array(times_s),
    )
