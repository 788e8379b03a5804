"""RT Plan, brachytherapy: channels, dwell times, source and reference points, in the vendors' dialects.

Dwell times (DICOM PS3.3 C.8.8.15): control points come in pairs; the time of a dwell is
``(w_odd - w_even) x ChannelTotalTime / FinalCumulativeTimeWeight``. Seen in files:

- Varian BrachyVision: weights are seconds, summed over the pulses for PDR; ChannelTotalTime is that of one pulse; the
  source model stands in SourceIsotopeName.
- Oncentra 4: weights are relative, numbers start at 0, the structure set is embedded in private group 300F, and a
  channel's ROI number stands in (300B,1000).
- SagiPlan: weights are milliseconds.
- Weights that restart at 0 for every dwell, or stand still for a dwell of zero time.
"""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import FormatError
from hdrplan.geometry import axes_from_neighbours, axes_from_path, path_tip_first
from hdrplan.io.dicom.structures import StructureSet, structure_set_of
from hdrplan.io.dicom.tags import Tags, read_tags
from hdrplan.plan import BrachyPlan, Channel, ReferencePoint, SourceOfPlan

__all__ = ["read_brachy_plan"]

RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
MAX_CONTROL_POINTS = 20_000
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
    warnings: list[str] = []
    source, sources = _sources(tags, warnings)
    structures = structures or _embedded(tags)
    channels: list[Channel] = []
    for k, setup in enumerate(setups):
        for item in setup.items("ChannelSequence"):
            channel = _channel(item, setup.whole("ApplicationSetupNumber", k), structures, warnings)
            channels.append(channel)
            number = item.whole("ReferencedSourceNumber", next(iter(sources)))
            if sources.get(number, source) != source and len(channel.times_s):
                raise item.error("ReferencedSourceNumber", "one source for all channels", "several different sources")
    if not channels:
        raise FormatError("expected at least one channel (ChannelSequence)", got="none", where=path)
    trak = sum(setup.number("TotalReferenceAirKerma", math.nan) for setup in setups) * 3600.0
    plan = BrachyPlan(
        tags.text("RTPlanLabel", "") or tags.text("RTPlanName", ""),
        tags.text("BrachyTreatmentType", ""),
        _fractions(tags),
        _setup_dose(tags),
        source,
        tuple(channels),
        _points(tags, setups, channels),
        trak,
        _dialect(tags),
        {
            "instance": tags.text("SOPInstanceUID", ""),
            "structures": next(
                (i.text("ReferencedSOPInstanceUID", "") for i in tags.items("ReferencedStructureSetSequence")), ""
            ),
            "dose": next((i.text("ReferencedSOPInstanceUID", "") for i in tags.items("ReferencedDoseSequence")), ""),
            "frame": tags.text("FrameOfReferenceUID", ""),
            "study": tags.text("StudyInstanceUID", ""),
            "series": tags.text("SeriesInstanceUID", ""),
        },
        tuple(warnings),
        _unmodelled(tags),
    )
    return _with_trak_warning(plan)


def _unmodelled(tags: Tags) -> tuple[str, ...]:
    """Names of the file's elements that the plan does not hold."""
    from pydicom.datadict import keyword_for_tag

    names = (keyword_for_tag(tag) or str(tag) for tag in list(tags.dataset.keys()))
    return tuple(sorted(name for name in names if name not in _MODELLED))


def _with_trak_warning(plan: BrachyPlan) -> BrachyPlan:
    """Compare the file's own TRAK with strength times time."""
    from dataclasses import replace

    if math.isnan(plan.stated_trak_u_s):
        return replace(plan, warnings=(*plan.warnings, "the file states no total reference air kerma"))
    if abs(plan.trak_u_s - plan.stated_trak_u_s) > 1e-3 * max(plan.stated_trak_u_s, 1e-9):
        text = (
            f"total reference air kerma of the file {plan.stated_trak_u_s / 3600:.6g} uGy at 1 m, "
            f"of its times and strength {plan.trak_u_s / 3600:.6g}"
        )
        return replace(plan, warnings=(*plan.warnings, text))
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


def _sources(tags: Tags, warnings: list[str]) -> tuple[SourceOfPlan, dict[int, SourceOfPlan]]:
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
        half_life = item.number("SourceIsotopeHalfLife", IR192_HALF_LIFE_DAYS)
        if not 60 < half_life < 90:
            warnings.append(f"half-life {half_life:g} d is not that of Ir-192 (73.8 d)")
        sources[item.whole("SourceNumber", k)] = SourceOfPlan(
            " | ".join(word for word in words if word),
            strength_u,
            _time(item, "SourceStrengthReferenceDate", "SourceStrengthReferenceTime"),
            half_life,
            item.number("ActiveSourceLength") if item.has("ActiveSourceLength") else None,
            item.text("SourceIsotopeName", ""),
        )
    if not sources:
        raise tags.error("SourceSequence", "there with one source", "none")
    return next(iter(sources.values())), sources


def _time(item: Tags, date: str, time: str) -> datetime | None:
    day, clock = item.text(date, ""), item.text(time, "000000").split(".")[0].ljust(6, "0")
    try:
        return datetime.strptime(day + clock, "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _fractions(tags: Tags) -> int:
    return max(1, sum(group.whole("NumberOfFractionsPlanned", 1) for group in tags.items("FractionGroupSequence")))


def _setup_dose(tags: Tags) -> float:
    doses = [
        setup.number("BrachyApplicationSetupDose", math.nan)
        for group in tags.items("FractionGroupSequence")
        for setup in group.items("ReferencedBrachyApplicationSetupSequence")
    ]
    return float(np.nansum(doses)) if doses and not all(math.isnan(d) for d in doses) else math.nan


def _embedded(tags: Tags) -> StructureSet | None:
    """Return Oncentra's structure set inside the plan, private (300F,1000)."""
    from pydicom.tag import Tag

    element = tags.dataset.get(Tag(0x300F, 0x1000))
    if element is None or element.VR != "SQ" or not len(element.value):
        return None
    return structure_set_of(Tags(element.value[0], f"{tags.where}, (300F,1000)"))


def _channel(item: Tags, setup: int, structures: StructureSet | None, warnings: list[str]) -> Channel:
    number = item.whole("ChannelNumber", 0)
    name = item.text("SourceApplicatorID", "") or item.text("SourceApplicatorName", "") or f"channel {number}"
    points = item.items("BrachyControlPointSequence")
    if len(points) > MAX_CONTROL_POINTS:
        raise item.error("BrachyControlPointSequence", f"at most {MAX_CONTROL_POINTS} items", len(points))
    if item.has("NumberOfControlPoints") and item.whole("NumberOfControlPoints") != len(points):
        raise item.error(
            "NumberOfControlPoints", f"{len(points)}, the number there", item.whole("NumberOfControlPoints")
        )
    roi = _roi_number(item)
    path = structures.channel_path_mm(roi) if structures is not None and roi is not None else np.empty((0, 3))
    positions, relative, times, orientations = _dwells(item, points, path, warnings)
    pulses = max(1, item.whole("NumberOfPulses", 1))
    axes, tip_known, axis_from, path = _axes(positions, relative, path, orientations)
    if len(times) and not tip_known:
        warnings.append(f"channel {number}: the file does not tell where the tip points ({axis_from})")
    return Channel(
        number,
        name,
        positions,
        relative,
        times,
        pulses,
        axes,
        tip_known,
        axis_from,
        path,
        item.number("ChannelLength", 0.0),
        roi,
        setup,
    )


def _roi_number(item: Tags) -> int | None:
    """ROI of a channel: the standard tag, else Oncentra's (300B,1000)."""
    from pydicom.tag import Tag

    if item.has("ReferencedROINumber"):
        return item.whole("ReferencedROINumber")
    try:
        element = item.dataset.get(Tag(0x300B, 0x1000))
        return None if element is None else int(element.value)
    except (TypeError, ValueError, AttributeError):
        return None


def _dwells(
    item: Tags, points: list[Tags], path: FloatArray, warnings: list[str]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray | None]:
    """Positions, distances from the tip, times and (rarely) orientations of a channel's dwells."""
    if not points:
        return np.empty((0, 3)), np.empty(0), np.empty(0), None
    at = np.array([p.number("ControlPointRelativePosition", math.nan) for p in points])
    weights = np.array([p.number("CumulativeTimeWeight", math.nan) for p in points])
    pairs = _pairs(item, at, weights)
    total = item.number("ChannelTotalTime")
    if total < 0:
        raise item.error("ChannelTotalTime", "not negative (s)", total)
    parts = weights[[b for _, b in pairs]] - weights[[a for a, _ in pairs]]
    if len(parts) and parts.min() < -1e-6 * max(1.0, float(np.abs(weights).max())):
        raise item.error("CumulativeTimeWeight", "rising within each pair of control points", f"{parts.min():g}")
    parts = np.maximum(parts, 0.0)
    final = item.number("FinalCumulativeTimeWeight", 0.0)
    if (np.diff(weights) < 0).any() or final <= 0:
        # Weights restart at every dwell: their sum is what the channel's time stands for.
        final = float(parts.sum())
    times = parts * (total / final) if final > 0 else np.zeros(len(parts))
    moving = total - float(times.sum())
    if moving > 1e-3 * max(total, 1.0):
        warnings.append(
            f"channel {item.whole('ChannelNumber', 0)}: {moving:.3g} s of transit between dwells carry no dose"
        )
    relative = at[[a for a, _ in pairs]]
    positions = _positions(item, points, pairs, relative, path)
    orientation = None
    if all(points[a].has("ControlPointOrientation") for a, _ in pairs):
        orientation = np.array([points[a].numbers("ControlPointOrientation", 3) for a, _ in pairs])
    return positions, np.nan_to_num(relative), times, orientation


def _pairs(item: Tags, at: FloatArray, weights: FloatArray) -> list[tuple[int, int]]:
    """Begin and end control point of each dwell."""
    if np.isnan(weights).any():
        raise item.error("CumulativeTimeWeight", "given for every control point", "none for some")
    same = np.nan_to_num(at[1:], nan=-1.0) == np.nan_to_num(at[:-1], nan=-1.0)
    if len(at) % 2 == 0 and same[::2].all():
        return [(k, k + 1) for k in range(0, len(at), 2)]
    # Control points of the source on its way (DICOM PS3.3 C.8.8.15.7, example f) stand alone.
    dwelling = np.flatnonzero(same)
    if len(dwelling) and (np.diff(dwelling) > 1).all():
        return [(int(k), int(k) + 1) for k in dwelling]
    raise item.error(
        "BrachyControlPointSequence",
        "pairs of control points at one position each",
        f"{len(at)} control points without such pairs",
        "Moving sources are not modelled.",
    )


def _positions(
    item: Tags, points: list[Tags], pairs: list[tuple[int, int]], relative: FloatArray, path: FloatArray
) -> FloatArray:
    """3D positions of the file, else along the channel's path (tip first) by the distance from the tip."""
    if all(points[a].has("ControlPoint3DPosition") for a, _ in pairs):
        return np.array([points[a].numbers("ControlPoint3DPosition", 3) for a, _ in pairs])
    if len(path) < 2 or np.isnan(relative).any():
        raise item.error(
            "ControlPoint3DPosition",
            "given for every dwell",
            "none",
            "Export 3D positions, or give the structure set that draws the channels.",
        )
    before = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    return np.column_stack([np.interp(relative, before, path[:, k]) for k in range(3)])


def _axes(
    positions: FloatArray, relative: FloatArray, path: FloatArray, orientation: FloatArray | None
) -> tuple[FloatArray, bool, str, FloatArray]:
    """Source axes: orientation of the file, channel path, neighbours; whether the tip is known, and from where."""
    if not len(positions):
        return np.empty((0, 3)), True, "no dwell", path
    if orientation is not None and (np.linalg.norm(orientation, axis=1) > 1e-6).all():
        # In the insertion direction: DICOM PS3.3 C.8.8.15.14.
        return orientation / np.linalg.norm(orientation, axis=1)[:, None], True, "orientation", path
    if len(path) >= 2:
        ordered = path_tip_first(path, positions, relative)
        if ordered is not None:
            axes = axes_from_path(ordered, positions)
            if (np.abs(np.linalg.norm(axes, axis=1) - 1) < 1e-6).all():
                return axes, True, "path", ordered
    axes = axes_from_neighbours(positions, relative)
    known = np.linalg.norm(axes, axis=1) > 0.5
    if known.all():
        return axes, True, "neighbours", path
    if known.any():
        axes[~known] = axes[known][0]
        return axes, True, "neighbours", path
    return np.tile([0.0, 0.0, 1.0], (len(positions), 1)), False, "unknown", path


def _points(tags: Tags, setups: list[Tags], channels: list[Channel]) -> tuple[ReferencePoint, ...]:
    """Return the reference points and the doses that the TPS states for them.

    Either the sum over channels of the last cumulative coefficient times the setup dose (Varian; DICOM PS3.3
    C.8.8.15.13), times the pulses for PDR, or TargetPrescriptionDose (Oncentra).
    """
    sums: dict[int, float] = {}
    doses = {
        setup.whole("ReferencedBrachyApplicationSetupNumber", 0): setup.number("BrachyApplicationSetupDose", math.nan)
        for group in tags.items("FractionGroupSequence")
        for setup in group.items("ReferencedBrachyApplicationSetupSequence")
    }
    for k, setup in enumerate(setups):
        dose_gy = doses.get(setup.whole("ApplicationSetupNumber", k), math.nan)
        for item in setup.items("ChannelSequence"):
            controls = item.items("BrachyControlPointSequence")
            for reference in controls[-1].items("BrachyReferencedDoseReferenceSequence") if controls else []:
                number = reference.whole("ReferencedDoseReferenceNumber", -1)
                part = reference.number("CumulativeDoseReferenceCoefficient", math.nan) * dose_gy
                sums[number] = sums.get(number, 0.0) + part * max(1, item.whole("NumberOfPulses", 1))
    points = []
    for k, item in enumerate(tags.items("DoseReferenceSequence")):
        if not item.has("DoseReferencePointCoordinates"):
            continue
        number = item.whole("DoseReferenceNumber", k)
        dose, where = sums.get(number, math.nan), "cumulative dose reference coefficients"
        if math.isnan(dose):
            dose, where = item.number("TargetPrescriptionDose", math.nan), "TargetPrescriptionDose"
        points.append(
            ReferencePoint(
                item.text("DoseReferenceDescription", "") or f"point {number}",
                item.numbers("DoseReferencePointCoordinates", 3),
                dose,
                "" if math.isnan(dose) else where,
            )
        )
    return tuple(points)
