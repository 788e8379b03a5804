"""Catheters of an export: the curves and dwells of its plan's channels, or the channels of its structure set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.geometry import Catheter
from hdrplan.io.dicom.structures import StructureSet
from hdrplan.plan import BrachyPlan, Channel, Plan

__all__ = ["catheters_of", "named_as_catheters"]


def catheters_of(
    structures: StructureSet | None, plan: BrachyPlan | None, towards_mm: FloatArray
) -> tuple[tuple[Catheter, ...], tuple[Caution, ...]]:
    """Return the catheters of an export.

    The plan's channels first: their curves in the structure set, else a line through their dwells. Without a plan every
    brachytherapy channel of the structure set.

    Parameters
    ----------
    structures : StructureSet or None
    plan : BrachyPlan or None
    towards_mm : (3,) array
        Without a plan, the tip of a channel is taken to be the end nearer to this point.

    Returns
    -------
    catheters : tuple of Catheter
        Hub first.
    warnings : tuple of Caution
    """
    warnings: list[Caution] = []
    catheters: list[Catheter] = []
    for channel, catheter in _of_channels(plan) if plan else ():
        if catheter is not None:
            catheters.append(catheter)
        elif len(channel.times_s):
            warnings.append(caution("channel-without-catheter", number=channel.number))
    if catheters or structures is None:
        return tuple(catheters), tuple(warnings)
    for roi in structures.rois:
        path_mm = structures.channel_path_mm(roi.number)
        if roi.kind != "BRACHY_CHANNEL" or len(path_mm) < 2:
            continue
        first_mm, last_mm = np.linalg.norm(path_mm[[0, -1]] - towards_mm, axis=1)
        hub_to_tip_mm = path_mm if first_mm > last_mm else path_mm[::-1]
        catheters.append(Catheter(_free_name(roi.name, roi.number, catheters), hub_to_tip_mm))
    if catheters:
        warnings.append(caution("channel-tips-unknown"))
    return tuple(catheters), tuple(warnings)


def named_as_catheters(plan: Plan, brachy: BrachyPlan) -> Plan:
    """Return an export's plan whose channels have the names of :func:`catheters_of`: plan and case belong together.

    Parameters
    ----------
    plan : Plan
        Of :func:`hdrplan.plan.as_plan`, which numbers them.
    brachy : BrachyPlan
    """
    loaded = [catheter for channel, catheter in _of_channels(brachy) if len(channel.times_s)]
    numbers = plan.dwells.catheter_names
    names = tuple(n if c is None else c.name for n, c in zip(numbers, loaded, strict=True))
    return replace(plan, dwells=replace(plan.dwells, catheter_names=names))


def _of_channels(plan: BrachyPlan) -> list[tuple[Channel, Catheter | None]]:
    catheters: list[Catheter] = []
    pairs: list[tuple[Channel, Catheter | None]] = []
    for channel in plan.channels:
        path_mm = _hub_to_tip_mm(channel)
        if path_mm is None:
            pairs.append((channel, None))
            continue
        catheters.append(Catheter(_free_name(channel.name, channel.number, catheters), path_mm))
        pairs.append((channel, catheters[-1]))
    return pairs


def _free_name(name: str, number: int, taken: list[Catheter]) -> str:
    return name if name and name not in {c.name for c in taken} else f"{name or 'channel'} #{number}"


def _hub_to_tip_mm(channel: Channel) -> FloatArray | None:
    """Path of a channel from hub to tip; through its dwells and on to the tip where no curve is drawn."""
    if len(channel.path_mm) >= 2 and channel.axis_from in ("path", "path by place", "orientation", "no dwell"):
        return channel.path_mm[::-1]
    order = np.argsort(-channel.relative_mm, kind="stable")
    points_mm = channel.positions_mm[order]
    if len(points_mm):
        points_mm = points_mm[np.append(True, np.linalg.norm(np.diff(points_mm, axis=0), axis=1) > 1e-3)]
    if len(points_mm) < 2:
        return None
    to_tip_mm = channel.relative_mm.min()
    tip_mm = points_mm[-1] + to_tip_mm * channel.axes[order][-1]
    return np.vstack((points_mm, tip_mm)) if to_tip_mm > 0.1 else points_mm
