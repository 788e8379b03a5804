"""What a journal holds of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hdrplan.live.wishes import Stop

__all__ = ["Touch", "listed_times", "times_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One thing that was done to a session, for its journal.

    Parameters
    ----------
    id : str
        Its number.
    what : str
        "do", "go", "keep", "take" or "save".
    name : str
        Of the action, or of the kept plan.
    given : dict
        Arguments of the action, or the place in the history.
    by_hand_s : list or None
        Catheter, tenths of a millimetre from its tip, and seconds of each time set by hand: what was on the screen
        then may have been proven meanwhile, and is not made again.
    locked_s : list
        The same of the times that are locked.
    """

    id: str
    what: str
    name: str
    given: dict[str, Any]
    by_hand_s: list[tuple[str, int, float]] | None
    locked_s: list[tuple[str, int, float]]


def listed_times(times_s: Mapping[Stop, float]) -> list[tuple[str, int, float]]:
    """Return times by their stops as a list, for JSON."""
    return [(*stop, time_s) for stop, time_s in times_s.items()]


def times_of(listed: Sequence[Sequence[Any]]) -> Mapping[Stop, float]:
    """Return times by their stops, as JSON lists them."""
    return MappingProxyType({(str(name), int(tenths)): float(time_s) for name, tenths, time_s in listed})
