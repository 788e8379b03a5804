"""What was asked for in a session, oldest first, and the way back. Steps of one gesture are one entry."""

from __future__ import annotations

from dataclasses import dataclass

from hdrplan.errors import InputError
from hdrplan.live.wishes import Wishes

__all__ = ["History"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    label: str
    before: Wishes
    wishes: Wishes
    gesture: str


class History:
    """Wishes, oldest first, with those that were undone and can be asked for again.

    Parameters
    ----------
    opened : Wishes
        Of the case as it was opened.
    """

    def __init__(self, opened: Wishes) -> None:
        self._done = [_Done(label="opened", before=opened, wishes=opened, gesture="")]
        self._at = 0

    @property
    def wishes(self) -> Wishes:
        """What is asked for now."""
        return self._done[self._at].wishes

    @property
    def labels(self) -> tuple[str, ...]:
        """What was done, in a line each."""
        return tuple(done.label for done in self._done)

    @property
    def at(self) -> int:
        """Place in the history, counted from 0."""
        return self._at

    def before(self, gesture: str) -> Wishes:
        """Return what the next step of a gesture starts from: what was asked for before its first step."""
        return self._done[self._at].before if self._goes_on(gesture) else self.wishes

    def add(self, label: str, wishes: Wishes, *, gesture: str = "") -> None:
        """Add what was done; what was undone before it is gone, and so is the last step of the same gesture."""
        done = _Done(label=label, before=self.before(gesture), wishes=wishes, gesture=gesture)
        kept = self._at if self._goes_on(gesture) else self._at + 1
        self._done = [*self._done[:kept], done]
        self._at = kept

    def go(self, place: int) -> None:
        """Go to any place; InputError where there is none."""
        if not 0 <= place < len(self._done):
            raise InputError(f"the history has the places 0 to {len(self._done) - 1}", got=place)
        self._at = place

    def _goes_on(self, gesture: str) -> bool:
        return bool(gesture) and self._done[self._at].gesture == gesture
