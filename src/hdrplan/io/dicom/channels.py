"""Channels of a brachytherapy RT Plan: dwell positions, times, and which way the source points.

Dwell times (DICOM PS3.3 C.8.8.15): control points come in pairs; the time of a dwell is
``(w_odd - w_even) x ChannelTotalTime / FinalCumulativeTimeWeight``. Weights are seconds (Varian), relative (Oncentra)
or milliseconds (SagiPlan), and may restart at 0 for every dwell, or stand still for a dwell of zero time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.geometry import (
    NeighbourAxes,
    axes_from_neighbours,
    axes_from_path,
    off_path_mm,
    path_error_deg,
    path_tip_first,
)
from hdrplan.io.dicom.structures import StructureSet
from hdrplan.io.dicom.tags import Tags
from hdrplan.plan import Channel

__all__ = ["channel_of"]

MAX_CONTROL_POINTS = 20_000
# Dwells of a channel lie on the curve that draws it; needles lie 5 mm and more apart.
_ON_PATH_MM = 1.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Dwells:
    """Dwells of one channel as the file gives them; ``orientations`` is rare."""

    positions_mm: FloatArray
    relative_mm: FloatArray
    times_s: FloatArray
    orientations: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Axes:
    """Source axes, whether the tip is known, from where, and the path of the channel, tip first where that is known."""

    axes: FloatArray
    error_deg: FloatArray
    tip_known: bool
    axis_from: str
    path_mm: FloatArray


def channel_of(item: Tags, setup_number: int, drawn: Sequence[StructureSet]) -> Channel:
    """Return one item of a ChannelSequence.

    Parameters
    ----------
    item : Tags
    setup_number : int
        Of the application setup that holds it.
    drawn : sequence of StructureSet
        Draw the channels; the first that has this one's ROI counts, else the curve that its dwells lie on.

    Raises
    ------
    FormatError
        Control points that make no dwells, no positions, a source that moves while it irradiates.
    """
    number = item.whole("ChannelNumber", 0)
    points = item.items("BrachyControlPointSequence")
    if len(points) > MAX_CONTROL_POINTS:
        raise item.error("BrachyControlPointSequence", f"at most {MAX_CONTROL_POINTS} items", len(points))
    if item.has("NumberOfControlPoints") and item.whole("NumberOfControlPoints") != len(points):
        raise item.error(
            "NumberOfControlPoints", f"{len(points)}, the number there", item.whole("NumberOfControlPoints")
        )
    roi = _roi_number(item)
    movement = item.text("SourceMovementType", "STEPWISE").upper()
    if points and movement not in ("STEPWISE", "FIXED"):
        raise item.error("SourceMovementType", "STEPWISE", movement, "Moving sources are not modelled.")
    path_mm = _named_path_mm(drawn, roi)
    dwells = _dwells(item, points, path_mm)
    is_named = len(path_mm) > 0
    if not is_named and len(dwells.times_s):
        path_mm = _path_under_mm(drawn, dwells.positions_mm)
    pulses = max(1, item.whole("NumberOfPulses", 1))
    axes = _axes(dwells, path_mm)
    return Channel(
        number=number,
        name=item.text("SourceApplicatorID", "") or item.text("SourceApplicatorName", "") or f"channel {number}",
        positions_mm=dwells.positions_mm,
        relative_mm=dwells.relative_mm,
        times_s=dwells.times_s,
        pulses=pulses,
        axes=axes.axes,
        axis_error_deg=axes.error_deg,
        tip_known=axes.tip_known,
        axis_from="path by place" if axes.axis_from == "path" and not is_named else axes.axis_from,
        path_mm=axes.path_mm,
        length_mm=item.number("ChannelLength", 0.0),
        roi_number=roi,
        setup_number=setup_number,
    )


def _named_path_mm(drawn: Sequence[StructureSet], roi_number: int | None) -> FloatArray:
    for structures in drawn:
        path_mm = np.empty((0, 3)) if roi_number is None else structures.channel_path_mm(roi_number)
        if len(path_mm) >= 2:
            return path_mm
    return np.empty((0, 3))


def _path_under_mm(drawn: Sequence[StructureSet], positions_mm: FloatArray) -> FloatArray:
    """Return the drawn curve that all dwells lie on, where it is one alone; no rows otherwise.

    Exports without private tags do not say which ROI is the channel.
    """
    near = []
    for structures in drawn:
        for roi in structures.rois:
            path_mm = structures.channel_path_mm(roi.number)
            # Three dwells on a curve are no accident; fewer need a curve that is called a channel.
            if len(path_mm) >= 2 and (len(positions_mm) >= 3 or roi.kind in ("BRACHY_CHANNEL", "BRACHY_SRC_APP")):
                near.append((off_path_mm(path_mm, positions_mm), path_mm))
    near = sorted((pair for pair in near if pair[0] <= _ON_PATH_MM), key=lambda pair: pair[0])
    return near[0][1] if near else np.empty((0, 3))


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


def _dwells(item: Tags, points: list[Tags], path_mm: FloatArray) -> _Dwells:
    if not points:
        return _Dwells(positions_mm=np.empty((0, 3)), relative_mm=np.empty(0), times_s=np.empty(0), orientations=None)
    relative_mm = np.array([p.number("ControlPointRelativePosition", math.nan) for p in points])
    weights = np.array([p.number("CumulativeTimeWeight", math.nan) for p in points])
    pairs = _pairs(item, relative_mm, weights)
    times_s = _times_s(item, weights, pairs)
    first = [points[begin] for begin, _ in pairs]
    relative_mm = relative_mm[[begin for begin, _ in pairs]]
    positions_mm = _positions_mm(item, first, relative_mm, path_mm)
    orientations = None
    if all(point.has("ControlPointOrientation") for point in first):
        orientations = np.array([point.numbers("ControlPointOrientation", 3) for point in first])
    return _Dwells(
        positions_mm=positions_mm, relative_mm=np.nan_to_num(relative_mm), times_s=times_s, orientations=orientations
    )


def _pairs(item: Tags, relative_mm: FloatArray, weights: FloatArray) -> list[tuple[int, int]]:
    """Begin and end control point of each dwell."""
    if np.isnan(weights).any():
        raise item.error("CumulativeTimeWeight", "given for every control point", "none for some")
    same = np.nan_to_num(relative_mm[1:], nan=-1.0) == np.nan_to_num(relative_mm[:-1], nan=-1.0)
    if len(relative_mm) % 2 == 0 and same[::2].all():
        return [(k, k + 1) for k in range(0, len(relative_mm), 2)]
    # Control points of the source on its way (DICOM PS3.3 C.8.8.15.7, example f) stand alone.
    dwelling = np.flatnonzero(same)
    if len(dwelling) and (np.diff(dwelling) > 1).all():
        return [(int(k), int(k) + 1) for k in dwelling]
    raise item.error(
        "BrachyControlPointSequence",
        "pairs of control points at one position each",
        f"{len(relative_mm)} control points without such pairs",
        "Moving sources are not modelled.",
    )


def _times_s(item: Tags, weights: FloatArray, pairs: list[tuple[int, int]]) -> FloatArray:
    """Dwell times of one pulse; what the channel's time holds beyond them is transit."""
    total_s = item.number("ChannelTotalTime")
    if total_s < 0:
        raise item.error("ChannelTotalTime", "not negative (s)", total_s)
    dwell_weights = weights[[end for _, end in pairs]] - weights[[begin for begin, _ in pairs]]
    if len(dwell_weights) and dwell_weights.min() < -1e-6 * max(1.0, float(np.abs(weights).max())):
        raise item.error(
            "CumulativeTimeWeight", "rising within each pair of control points", f"{dwell_weights.min():g}"
        )
    dwell_weights = np.maximum(dwell_weights, 0.0)
    final = item.number("FinalCumulativeTimeWeight", 0.0)
    if (np.diff(weights) < 0).any() or final <= 0:
        # Weights restart at every dwell: their sum is what the channel's time stands for.
        final = float(dwell_weights.sum())
    times_s = dwell_weights * (total_s / final) if final > 0 else np.zeros(len(dwell_weights))
    return np.asarray(times_s)


def _positions_mm(item: Tags, points: list[Tags], relative_mm: FloatArray, path_mm: FloatArray) -> FloatArray:
    """3D positions of the file, else along the channel's path (tip first) by the distance from the tip."""
    if all(point.has("ControlPoint3DPosition") for point in points):
        return np.array([point.numbers("ControlPoint3DPosition", 3) for point in points])
    if len(path_mm) < 2 or np.isnan(relative_mm).any():
        raise item.error(
            "ControlPoint3DPosition",
            "given for every dwell",
            "none",
            "Export 3D positions, or give the structure set that draws the channels.",
        )
    along_mm = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path_mm, axis=0), axis=1))))
    return np.column_stack([np.interp(relative_mm, along_mm, path_mm[:, k]) for k in range(3)])


def _axes(dwells: _Dwells, path_mm: FloatArray) -> _Axes:
    """Source axes by the orientation of the file, the channel's path, or the neighbouring dwells."""
    positions_mm, orientations = dwells.positions_mm, dwells.orientations
    if not len(positions_mm):
        return _Axes(
            axes=np.empty((0, 3)), error_deg=np.zeros(0), tip_known=True, axis_from="no dwell", path_mm=path_mm
        )
    estimate = axes_from_neighbours(positions_mm, dwells.relative_mm)
    if orientations is not None and (np.linalg.norm(orientations, axis=1) > 1e-6).all():
        # In the insertion direction: DICOM PS3.3 C.8.8.15.14.
        axes = orientations / np.linalg.norm(orientations, axis=1)[:, None]
        error_deg = _against_deg(axes, estimate)
        return _Axes(axes=axes, error_deg=error_deg, tip_known=True, axis_from="orientation", path_mm=path_mm)
    if len(path_mm) >= 2:
        tip_first = path_tip_first(path_mm, positions_mm, dwells.relative_mm)
        if tip_first is not None:
            axes = axes_from_path(tip_first, positions_mm)
            if (np.abs(np.linalg.norm(axes, axis=1) - 1) < 1e-6).all():
                error_deg = np.maximum(path_error_deg(tip_first, positions_mm), _against_deg(axes, estimate))
                return _Axes(axes=axes, error_deg=error_deg, tip_known=True, axis_from="path", path_mm=tip_first)
    axes, error_deg = np.array(estimate.axes), np.array(estimate.error_deg)
    known = np.linalg.norm(axes, axis=1) > 0.5
    if not known.any():
        axes = np.tile([0.0, 0.0, 1.0], (len(positions_mm), 1))
        return _Axes(axes=axes, error_deg=error_deg, tip_known=False, axis_from="unknown", path_mm=path_mm)
    axes[~known] = axes[known][0]
    return _Axes(axes=axes, error_deg=error_deg, tip_known=True, axis_from="neighbours", path_mm=path_mm)


def _against_deg(axes: FloatArray, estimate: NeighbourAxes) -> FloatArray:
    """Return by how much axes of the file contradict those of neighbouring dwells, beyond what these leave open."""
    apart_deg = np.degrees(np.arccos(np.clip((axes * estimate.axes).sum(axis=1), -1.0, 1.0)))
    return np.asarray(np.maximum(np.nan_to_num(apart_deg - estimate.error_deg), 0.0))
