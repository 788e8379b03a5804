"""A treatment plan as a treatment planning system wrote it: channels, dwell times, source, reference points.

:class:`hdrplan.plan.Plan` is what we compute with; :class:`BrachyPlan` is what a clinic's file says, and knows what the
file leaves open. :func:`as_plan` turns a file's plan into ours under a stated assumption about the tip,
:func:`brachy_of_plan` ours into a file's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from hdrplan.arrays import FloatArray, freeze
from hdrplan.cautions import Caution
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Dwells, Transit
from hdrplan.plan.plan import Plan
from hdrplan.sources import Strength, TG43Source

__all__ = ["BrachyPlan", "Channel", "ReferencePoint", "SourceOfPlan", "as_plan", "brachy_of_plan"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Channel:
    """One channel of an application.

    Parameters
    ----------
    number : int
    name : str
        Free text of the file (applicator name): hostile until escaped.
    positions_mm : (n, 3) array
        Dwell positions, LPS.
    relative_mm : (n,) array
        Distance from the most distal possible position; grows away from the tip.
    times_s : (n,) array
        Dwell times of one pulse; zero is allowed.
    pulses : int
        1 for HDR.
    axes : (n, 3) array
        Unit vectors along the source; toward the tip, as far as ``tip_known`` goes.
    axis_error_deg : (n,) array
        Estimated uncertainty of the axes; NaN where nothing tells it.
    tip_known : bool
        Whether the file tells which way the tip points.
    axis_from : str
        "path", "path by place", "orientation", "neighbours" or "unknown": where the axes come from.
    path_mm : (m, 3) array
        Channel drawn in the structure set, tip first; no rows where there is none.
    length_mm : float
        Length of the channel; 0 where absent.
    roi_number : int or None
    setup_number : int
    """

    number: int
    name: str
    positions_mm: FloatArray
    relative_mm: FloatArray
    times_s: FloatArray
    pulses: int
    axes: FloatArray
    axis_error_deg: FloatArray
    tip_known: bool
    axis_from: str
    path_mm: FloatArray = field(default_factory=lambda: np.empty((0, 3)))
    length_mm: float = 0.0
    roi_number: int | None = None
    setup_number: int = 1

    def __post_init__(self) -> None:
        freeze(self, "positions_mm", (None, 3))
        freeze(self, "relative_mm", (None,))
        freeze(self, "times_s", (None,))
        freeze(self, "axes", (None, 3))
        freeze(self, "axis_error_deg", (None,), finite=False)
        freeze(self, "path_mm", (None, 3))
        if (self.times_s < 0).any():
            raise InputError("dwell times must not be negative (s)", got=float(self.times_s.min()), where=self.name)

    @property
    def time_s(self) -> float:
        """Time of all dwells and pulses."""
        return float(self.times_s.sum()) * self.pulses


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReferencePoint:
    """A point where the TPS states a dose.

    Parameters
    ----------
    number : int
    name : str
        Free text of the file; empty where it has no letter or digit.
    position_mm : (3,) array
    dose_gy : float
        NaN where the file states none.
    dose_from : str
        The tags the dose was made of.
    """

    number: int
    name: str
    position_mm: FloatArray
    dose_gy: float
    dose_from: str

    def __post_init__(self) -> None:
        freeze(self, "position_mm", (3,))

    @property
    def label(self) -> str:
        """Number and name: names alone are often equal or empty."""
        return f"{self.number} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOfPlan:
    """The source as the file describes it.

    ``strength_u`` belongs to ``reference_time``; dwell times of the file are for this strength (TRAK is their product).
    """

    text: str
    strength_u: float
    reference_time: datetime | None
    half_life_days: float
    active_length_mm: float | None
    isotope: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BrachyPlan:
    """A brachytherapy plan of a treatment planning system.

    Parameters
    ----------
    label : str
        Plan label; free text of the file.
    treatment_type : str
        "HDR", "PDR", ...
    fractions : int
    prescription_gy : float
        Of one fraction, all pulses; NaN where absent.
    source : SourceOfPlan
    channels : tuple of Channel
    points : tuple of ReferencePoint
        With doses of one fraction, all pulses.
    stated_trak_u_s : float
        Sum of TotalReferenceAirKerma over the setups, in U s (3600 times the file's uGy at 1 m), of one fraction, all
        pulses; NaN where absent.
    dialect : str
        "Varian", "Oncentra", "SagiPlan", "hdrplan" or "other".
    uids : dict
        "instance", "structures", "frame", "study", "series", "dose".
    transit : Transit or None
        How the source moves, where the file says so: our own exports do.
    is_stated_per_pulse : bool
        Whether the file itself states kerma and doses of one pulse.
    warnings : tuple of Caution
    unmodelled : tuple of str
        Keywords of the file that this value does not hold.
    """

    label: str
    treatment_type: str
    fractions: int
    prescription_gy: float
    source: SourceOfPlan
    channels: tuple[Channel, ...]
    points: tuple[ReferencePoint, ...]
    stated_trak_u_s: float
    dialect: str
    uids: dict[str, str]
    transit: Transit | None = None
    is_stated_per_pulse: bool = False
    warnings: tuple[Caution, ...] = ()
    unmodelled: tuple[str, ...] = ()

    @property
    def pulses(self) -> int:
        """Pulses of one fraction; 1 for HDR."""
        return max((channel.pulses for channel in self.channels), default=1)

    @property
    def total_time_s(self) -> float:
        """Time of all channels and pulses of one fraction."""
        return sum(channel.time_s for channel in self.channels)

    @property
    def trak_u_s(self) -> float:
        """Strength times total time: the total reference air kerma of one fraction (1 U s = 1/3600 uGy at 1 m)."""
        return self.source.strength_u * self.total_time_s


def as_plan(brachy: BrachyPlan, source: TG43Source, *, reverse_tip: bool = False) -> Plan:
    """Return the plan to compute with: pulses multiplied into the times, at the file's own strength.

    Parameters
    ----------
    brachy : BrachyPlan
    source : TG43Source
        The one that the plan means; see :func:`hdrplan.plan.source_of_brachy`.
    reverse_tip : bool
        Turn every source round: the other assumption where the tip is not known.

    Raises
    ------
    InputError
        No dwell at all; a strength that no source has.
    """
    channels = [channel for channel in brachy.channels if len(channel.times_s)]
    if not channels:
        raise InputError("a plan needs at least one dwell", got="none", where=brachy.label)
    sign = -1.0 if reverse_tip else 1.0
    dwells = Dwells(
        positions_mm=np.concatenate([c.positions_mm for c in channels]),
        axes=sign * np.concatenate([c.axes for c in channels]),
        catheter=np.repeat(np.arange(len(channels)), [len(c.times_s) for c in channels]),
        offset_mm=np.concatenate([c.relative_mm for c in channels]),
        catheter_names=tuple(
            f"{c.number}" if len({d.setup_number for d in channels}) == 1 else f"{c.setup_number}.{c.number}"
            for c in channels
        ),
    )
    return Plan(
        dwells=dwells,
        times_s=np.concatenate([c.times_s * c.pulses for c in channels]),
        source=source,
        strength=Strength(brachy.source.strength_u, brachy.source.reference_time),
        transit=brachy.transit,
    )


def brachy_of_plan(
    plan: Plan,
    catheters: Sequence[Catheter],
    *,
    label: str,
    prescription_gy: float = math.nan,
    first_roi: int = 1,
    treated: datetime,
) -> BrachyPlan:
    """Return a plan of ours in the clinic's terms: one channel a catheter, tip first, all dwells kept.

    Parameters
    ----------
    plan : Plan
    catheters : sequence of Catheter
        Those of the case; a channel without one keeps an empty path.
    label : str
    prescription_gy : float
        NaN where there is none.
    first_roi : int
        ROI number of the first catheter in the structure set.
    treated : datetime
        When the source has the plan's strength, if the plan itself does not say.

    Returns
    -------
    BrachyPlan
        Of one fraction, HDR, without reference points.
    """
    paths = {c.name: (first_roi + k, c.points_mm[::-1]) for k, c in enumerate(catheters)}
    channels = []
    for k, name in enumerate(plan.dwells.catheter_names):
        rows = np.flatnonzero(plan.dwells.catheter == k)
        rows = rows[np.argsort(plan.dwells.offset_mm[rows], kind="stable")]
        roi, path_mm = paths.get(name, (None, np.empty((0, 3))))
        length_mm = float(np.linalg.norm(np.diff(path_mm, axis=0), axis=1).sum()) if len(path_mm) else 0.0
        channels.append(
            Channel(
                number=k + 1,
                name=name,
                positions_mm=plan.dwells.positions_mm[rows],
                relative_mm=plan.dwells.offset_mm[rows],
                times_s=plan.times_s[rows],
                pulses=1,
                axes=plan.dwells.axes[rows],
                axis_error_deg=np.zeros(len(rows)),
                tip_known=True,
                axis_from="orientation",
                path_mm=path_mm,
                length_mm=length_mm,
                roi_number=roi,
            )
        )
    source = SourceOfPlan(
        text=plan.source.name,
        strength_u=plan.strength_u,
        reference_time=plan.strength.time or treated,
        half_life_days=plan.source.half_life_days,
        active_length_mm=plan.source.active_length_mm,
        isotope=plan.source.name,
    )
    return BrachyPlan(
        label=label,
        treatment_type="HDR",
        fractions=1,
        prescription_gy=prescription_gy,
        source=source,
        channels=tuple(channels),
        points=(),
        stated_trak_u_s=plan.strength_u * plan.total_time_s,
        dialect="hdrplan",
        uids={},
        transit=plan.transit,
    )
