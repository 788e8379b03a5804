"""A mistake of the catalogue: what somebody did, and what hdrplan makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Mistake", "Shelf"]


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Parameters
    ----------
    name : str
        Of the function that makes it.
    text : str
        What was done, one line for the page.
    make : callable
        Makes it in what a test gives.
    warns : str or None
        Id of the warning that is given.
    refuses : str or None
        Words of the refusal.
    """

    name: str
    text: str
    make: Callable[[Any], Any]
    warns: str | None
    refuses: str | None


class Shelf:
    """Mistakes of one kind, in the order in which they are written down."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.mistakes: list[Mistake] = []

    def __call__(
        self, text: str, *, warns: str | None = None, refuses: str | None = None
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Put the mistake that the decorated function makes on the shelf."""
        assert (warns is None) != (refuses is None), text

        def keep(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self.mistakes.append(Mistake(make.__name__, text, make, warns, refuses))
            return make

        return keep
