"""What a journal holds of a session, and how it is done again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from hdrplan.live.actions import ACTIONS, OF_THE_PLAN
from hdrplan.live.history import History
from hdrplan.live.kept import KeptPlans
from hdrplan.live.wishes import Stop, Wishes

__all__ = ["Teller", "Touch", "done_again"]


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
    gesture : str
        Of which it was a step; empty where it stands alone.
    """

    id: str
    what: str
    name: str
    given: dict[str, Any]
    by_hand_s: list[tuple[str, int, float]] | None
    locked_s: list[tuple[str, int, float]]
    gesture: str = ""


class Teller:
    """Tells a journal, where there is one, what is done.

    Parameters
    ----------
    on_touch : callable or None
    """

    def __init__(self, on_touch: Callable[[Touch], None] | None) -> None:
        self._on_touch = on_touch
        self.count = 0

    def __call__(
        self, what: str, name: str, wishes: Wishes, given: Mapping[str, Any] | None = None, gesture: str = ""
    ) -> None:
        """Tell of one thing; the arguments are fields of :class:`Touch`, ``wishes`` what is asked for then."""
        if self._on_touch is None:
            return
        self.count += 1
        self._on_touch(_touch_of(self.count, what, name, given or {}, wishes=wishes, gesture=gesture))


def _touch_of(number: int, what: str, name: str, given: Mapping[str, Any], *, wishes: Wishes, gesture: str) -> Touch:
    hand = wishes.by_hand_s
    return Touch(
        id=str(number),
        what=what,
        name=name,
        given=dict(given),
        by_hand_s=None if hand is None else _listed(hand),
        locked_s=_listed(wishes.locked_s),
        gesture=gesture,
    )


def done_again(touch: Touch, history: History, kept: KeptPlans) -> None:
    """Do to a history what a journal holds: an action, a way back, or a plan taken back; nothing else changes it.

    Parameters
    ----------
    touch : Touch
    history : History
    kept : KeptPlans

    Raises
    ------
    InputError
        What cannot be done to this case.
    """
    if touch.what == "go":
        history.go(int(touch.given["place"]))
        return
    if touch.what == "take":
        history.add(f"take {touch.name}", kept.of(touch.name)[0])
        return
    if touch.what != "do":
        return
    row, wishes = ACTIONS[touch.name], history.before(touch.gesture)
    given = row.arguments(touch.given)
    if touch.name not in OF_THE_PLAN:
        wishes = row.change(wishes, None, **given)
    by_hand_s = None if touch.by_hand_s is None else _times_of(touch.by_hand_s)
    asked = replace(wishes, by_hand_s=by_hand_s, locked_s=_times_of(touch.locked_s))
    history.add(row.label(given), asked, gesture=touch.gesture)


def _listed(times_s: Mapping[Stop, float]) -> list[tuple[str, int, float]]:
    return [(*stop, time_s) for stop, time_s in times_s.items()]


def _times_of(listed: Sequence[Sequence[Any]]) -> Mapping[Stop, float]:
    return MappingProxyType({(str(name), int(tenths)): float(time_s) for name, tenths, time_s in listed})
