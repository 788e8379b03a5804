"""What an afterloader says that it delivered: one session of an RT Brachy Treatment Record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hdrplan.arrays import FloatArray, freeze
from hdrplan.cautions import Caution

__all__ = ["DeliveredChannel", "TreatmentRecord"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DeliveredChannel:
    """One channel as delivered.

    Parameters
    ----------
    number : int
    setup_number : int
    total_s : float
        DeliveredChannelTotalTime; the sum of its dwells where absent.
    relative_mm : (n,) array
        Of each dwell, as in the plan; no rows where the record holds no control points with times.
    times_s : (n,) array
        From the times of day at which the source came and left.
    """

    number: int
    setup_number: int
    total_s: float
    relative_mm: FloatArray
    times_s: FloatArray

    def __post_init__(self) -> None:
        freeze(self, "relative_mm", (None,))
        freeze(self, "times_s", (None,))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TreatmentRecord:
    """One delivered session.

    Parameters
    ----------
    treated : datetime or None
    fraction : int or None
        CurrentFractionNumber.
    strength_u : float
        That the record states for its source; NaN where absent.
    strength_time : datetime or None
        When the source had it; None where the record does not say: at the treatment.
    status : str
        TreatmentTerminationStatus, "NORMAL" where it went as planned.
    plan_uid : str
        Of the plan that it refers to.
    channels : tuple of DeliveredChannel
    continues : bool
        Whether it is the rest of a session that was stopped (TreatmentDeliveryType CONTINUATION).
    warnings : tuple of Caution
        What the record does not state.
    """

    treated: datetime | None
    fraction: int | None
    strength_u: float
    status: str
    plan_uid: str
    channels: tuple[DeliveredChannel, ...]
    strength_time: datetime | None = None
    continues: bool = False
    warnings: tuple[Caution, ...] = ()

    @property
    def total_s(self) -> float:
        """Delivered time of all channels."""
        return sum(channel.total_s for channel in self.channels)
