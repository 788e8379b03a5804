"""RT Brachy Treatment Record: the times that an afterloader delivered (DICOM PS3.3 A.20, C.8.8.22)."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np

from hdrplan.io.dicom.plan_source import moment_of, refuse_other_isotopes, refuse_other_treatments
from hdrplan.io.dicom.sop_classes import BRACHY_RECORD
from hdrplan.io.dicom.tags import Tags, read_tags
from hdrplan.plan import DeliveredChannel, TreatmentRecord

__all__ = ["read_treatment_record"]

_DAY_S = 86400.0


def read_treatment_record(path: Path) -> TreatmentRecord:
    """Read a treatment record.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FormatError
        Another kind of file, no delivered channel, another isotope or kind of treatment, tags that are impossible, with
        their place in the file.
    """
    tags = read_tags(path, pixels=False)
    if tags.text("SOPClassUID") != BRACHY_RECORD:
        raise tags.error("SOPClassUID", f"RT Brachy Treatment Record ({BRACHY_RECORD})", tags.text("SOPClassUID"))
    refuse_other_treatments(tags)
    setups = tags.items("TreatmentSessionApplicationSetupSequence")
    channels = [
        _channel(item, setup.whole("ReferencedBrachyApplicationSetupNumber", k))
        for k, setup in enumerate(setups)
        for item in setup.items("RecordedChannelSequence")
    ]
    if not channels:
        raise tags.error("TreatmentSessionApplicationSetupSequence", "there with at least one channel", "none")
    sources = tags.items("RecordedSourceSequence") + [s for x in setups for s in x.items("RecordedSourceSequence")]
    for source in sources:
        refuse_other_isotopes(source, "")
    plans = tags.items("ReferencedRTPlanSequence")
    return TreatmentRecord(
        treated=_moment(tags.text("TreatmentDate", ""), tags.text("TreatmentTime", "")),
        fraction=next(
            (setup.whole("CurrentFractionNumber") for setup in setups if setup.has("CurrentFractionNumber")), None
        ),
        strength_u=sources[0].number("ReferenceAirKermaRate", math.nan) if sources else math.nan,
        strength_time=moment_of(sources[0], "SourceStrengthReferenceDate", "SourceStrengthReferenceTime")
        if sources
        else None,
        status=next((s.text("TreatmentTerminationStatus", "") for s in setups), "") or "not stated",
        plan_uid=plans[0].text("ReferencedSOPInstanceUID", "") if plans else "",
        channels=tuple(channels),
        continues=any(setup.text("TreatmentDeliveryType", "").upper() == "CONTINUATION" for setup in setups),
    )


def _channel(item: Tags, setup_number: int) -> DeliveredChannel:
    points = item.items("BrachyControlPointDeliveredSequence")
    if not points and not item.has("DeliveredChannelTotalTime"):
        raise item.error("DeliveredChannelTotalTime", "there, or control points with their times", "neither")
    moments = [
        _moment(point.text("TreatmentControlPointDate", ""), point.text("TreatmentControlPointTime", ""))
        for point in points
    ]
    relative_mm = np.array([point.number("ControlPointRelativePosition", math.nan) for point in points])
    places, times_s = [], []
    # As in plans: the source comes and leaves, a pair of control points at one position.
    for k in range(len(points) - 1):
        begin, end = moments[k], moments[k + 1]
        if begin is None or end is None or relative_mm[k] != relative_mm[k + 1]:
            continue
        seconds = (end - begin).total_seconds()
        places.append(float(relative_mm[k]))
        times_s.append(seconds + (_DAY_S if seconds < 0 else 0.0))
    return DeliveredChannel(
        number=item.whole("ChannelNumber", 0),
        setup_number=setup_number,
        total_s=item.number("DeliveredChannelTotalTime", math.nan) * max(1, item.whole("DeliveredNumberOfPulses", 1)),
        relative_mm=np.array(places),
        times_s=np.array(times_s),
    )


def _moment(day: str, clock: str) -> datetime | None:
    """Return date and time of DICOM, to the microsecond; None where they are not both there."""
    whole, _, fraction = clock.partition(".")
    try:
        moment = datetime.strptime(day + whole.ljust(6, "0"), "%Y%m%d%H%M%S")
        return moment.replace(microsecond=int(fraction[:6].ljust(6, "0")) if fraction else 0)
    except ValueError:
        return None
