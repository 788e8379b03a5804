"""Second check, what was delivered: an afterloader's times against the plan's, and against the fraction before."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.metrics import Limit, Tolerances
from hdrplan.plan import BrachyPlan, Channel, DeliveredChannel, FileLink, TreatmentRecord
from hdrplan.sources import HALF_LIFE_DAYS, strength_on_u
from hdrplan.workflow.check_rows import CheckRow, compared_row

__all__ = ["DeliveryCheck", "delivery_check"]

# Afterloaders count tenths of a second; a dwell is compared in fractions only where that is less than its tolerance.
_SAME_DWELL_S = 0.1
_SAME_PLACE_MM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeliveryCheck:
    """Comparison of delivered times.

    Parameters
    ----------
    rows : tuple of CheckRow
        "TPS" is what the plan's times become at the strength of the treatment, "recomputed" what was delivered.
    links : tuple of FileLink
        Whether the records are of this plan.
    warnings : tuple of Caution
    """

    rows: tuple[CheckRow, ...]
    links: tuple[FileLink, ...]
    warnings: tuple[Caution, ...]


def delivery_check(brachy: BrachyPlan, records: Sequence[TreatmentRecord], tolerances: Tolerances) -> DeliveryCheck:
    """Compare delivered times with the plan's, decayed to each treatment, and each fraction with the one before.

    Parameters
    ----------
    brachy : BrachyPlan
    records : sequence of TreatmentRecord
        In any order.
    tolerances : Tolerances
    """
    ordered = _sessions(sorted(records, key=lambda record: (record.fraction or 0, str(record.treated))))
    rows: list[CheckRow] = []
    warnings: list[Caution] = []
    links = []
    kermas = []
    limit = tolerances.limit("time_frac")
    for k, record in enumerate(ordered):
        name = f"fraction {record.fraction or k + 1}"
        uids = record.plan_uid, brachy.uids.get("instance", "")
        warnings += record.warnings
        again = record.fraction is not None and record.fraction in [other.fraction for other in ordered[:k]]
        links += [FileLink(f"{name}: one record", False)] if again else []
        links.append(FileLink(f"record of {name} refers to this plan", uids[0] == uids[1] if all(uids) else None))
        strength_u = _strength_u(brachy, record)
        if math.isnan(strength_u):
            warnings.append(caution("delivery-date-not-stated", name=name))
            strength_u = brachy.source.strength_u
        if record.status not in ("NORMAL", "not stated"):
            warnings.append(caution("delivery-not-normal", name=name, status=record.status))
        rows += _strength_rows(record, strength_u, limit, name)
        rows += _rows(brachy, record, brachy.source.strength_u / strength_u, limit, name)
        kermas.append((name, strength_u * record.total_s / 3600.0))
    for (before, before_kerma), (name, kerma) in itertools.pairwise(kermas):
        rows.append(
            compared_row(
                "time", f"{name}: kerma delivered, against {before}", "uGy at 1 m", (before_kerma, kerma), limit
            )
        )
    return DeliveryCheck(rows=tuple(rows), links=tuple(links), warnings=tuple(warnings))


def _sessions(records: Sequence[TreatmentRecord]) -> list[TreatmentRecord]:
    """Return one record a session: the rest of one that was stopped is added to its beginning."""
    sessions: list[TreatmentRecord] = []
    for record in records:
        before = sessions[-1] if sessions else None
        of_one = (record.fraction, record.plan_uid) == (before.fraction, before.plan_uid) if before else False
        if before is None or not record.continues or not of_one:
            sessions.append(replace(record, channels=_added((), record.channels)))
            continue
        rest = tuple(_scaled(channel, _remaining(before, record)) for channel in record.channels)
        sessions[-1] = replace(
            before,
            status=record.status,
            channels=_added(before.channels, rest),
            warnings=(*before.warnings, *record.warnings),
        )
    return sessions


def _remaining(before: TreatmentRecord, record: TreatmentRecord) -> float:
    """Return what is left of the source's strength between two records: by that times become longer."""
    if before.treated is not None and record.treated is not None:
        return float(0.5 ** ((record.treated - before.treated).total_seconds() / 86400.0 / HALF_LIFE_DAYS))
    known = not (math.isnan(before.strength_u) or math.isnan(record.strength_u))
    return record.strength_u / before.strength_u if known else 1.0


def _scaled(channel: DeliveredChannel, factor: float) -> DeliveredChannel:
    return replace(channel, total_s=channel.total_s * factor, times_s=channel.times_s * factor)


def _added(begun: Sequence[DeliveredChannel], rest: Sequence[DeliveredChannel]) -> tuple[DeliveredChannel, ...]:
    """Return the channels of both, those of one number as one."""
    channels = {(channel.setup_number, channel.number): channel for channel in begun}
    for channel in rest:
        key = channel.setup_number, channel.number
        if key in channels:
            before = channels[key]
            channels[key] = replace(
                before,
                total_s=before.total_s + channel.total_s,
                relative_mm=np.concatenate((before.relative_mm, channel.relative_mm)),
                times_s=np.concatenate((before.times_s, channel.times_s)),
            )
        else:
            channels[key] = channel
    return tuple(channels.values())


def _strength_u(brachy: BrachyPlan, record: TreatmentRecord) -> float:
    """Strength at the treatment: the plan's, decayed to the record's date; else the one that the record states."""
    if record.treated is not None and brachy.source.reference_time is not None:
        return strength_on_u(brachy.source.strength_u, brachy.source.reference_time, record.treated)
    return record.strength_u


def _strength_rows(record: TreatmentRecord, strength_u: float, limit: Limit, name: str) -> list[CheckRow]:
    """Compare the strength that a record states with that of the plan, both at the treatment."""
    stated_u = record.strength_u
    if math.isnan(stated_u):
        return []
    if record.strength_time is not None and record.treated is not None:
        stated_u = strength_on_u(stated_u, record.strength_time, record.treated)
    return [compared_row("time", f"{name}: source strength, of plan and record", "U", (strength_u, stated_u), limit)]


def _rows(brachy: BrachyPlan, record: TreatmentRecord, factor: float, limit: Limit, name: str) -> list[CheckRow]:
    planned_s = brachy.total_time_s * factor
    rows = [compared_row("time", f"{name}: time of all channels", "s", (planned_s, record.total_s), limit)]
    delivered = {(channel.setup_number, channel.number): channel for channel in record.channels}
    by_number = {channel.number: channel for channel in record.channels}
    known = set()
    for channel in brachy.channels:
        found = delivered.get((channel.setup_number, channel.number)) or by_number.get(channel.number)
        known.add(channel.number)
        label = f"{name}: channel {channel.number}"
        if found is None:
            if channel.time_s > 0:
                rows.append(_missing(f"{label}, planned and not delivered", channel.time_s * factor, 0.0))
            continue
        rows.append(compared_row("time", label, "s", (channel.time_s * factor, found.total_s), limit))
        if len(found.times_s):
            rows.append(_worst_dwell(channel, found, factor, limit, label))
    rows += [
        _missing(f"{name}: channel {channel.number}, delivered and not planned", 0.0, channel.total_s)
        for channel in record.channels
        if channel.number not in known and channel.total_s > 0
    ]
    return rows


def _missing(quantity: str, planned_s: float, delivered_s: float) -> CheckRow:
    return CheckRow(
        kind="time",
        quantity=quantity,
        unit="s",
        tps=planned_s,
        recomputed=delivered_s,
        tolerance="delivered as planned",
        verdict="fail",
    )


def _worst_dwell(channel: Channel, delivered: DeliveredChannel, factor: float, limit: Limit, label: str) -> CheckRow:
    """Return the row of the dwell whose time is farthest off; dwells are matched by place along the channel."""
    places = np.unique(np.concatenate((channel.relative_mm, delivered.relative_mm)).round(1))
    planned_s, delivered_s = (
        np.array([times[np.abs(relative - place) <= _SAME_PLACE_MM].sum() for place in places])
        for relative, times in (
            (channel.relative_mm, channel.times_s * channel.pulses * factor),
            (delivered.relative_mm, delivered.times_s),
        )
    )
    off_s = np.abs(delivered_s - planned_s)
    # Tenths of a second of a short dwell are no fault of delivery.
    excess_s = off_s - np.maximum(limit.fail_frac * planned_s, _SAME_DWELL_S)
    k = int(excess_s.argmax())
    return CheckRow(
        kind="time",
        quantity=f"{label}: dwell at {places[k]:g} mm, farthest off of {len(places)}",
        unit="s",
        tps=float(planned_s[k]),
        recomputed=float(delivered_s[k]),
        difference_frac=float(delivered_s[k] / planned_s[k] - 1.0) if planned_s[k] > 0 else math.nan,
        tolerance=f"{limit.text}, or {_SAME_DWELL_S:g} s",
        verdict="fail" if excess_s[k] > 1e-9 else "pass",
    )
