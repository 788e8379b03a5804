"""A warning as a value: its id and the numbers it is about; the sentence is made where it is shown."""

from __future__ import annotations

import string
from dataclasses import dataclass

__all__ = ["Caution", "Kind", "fields_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of warning, as the register holds it.

    Parameters
    ----------
    id : str
        Stable: scripts may filter by it.
    sentence : str
        What is odd, with the fields that a :class:`Caution` fills in.
    remedy : str
        What to do; may have fields too.
    why : str
        When it is given and why that matters, with the source of every range.
    """

    id: str
    sentence: str
    remedy: str
    why: str


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning: something that is odd but can be true.

    Parameters
    ----------
    kind : Kind
    values : tuple of (str, object)
        What the fields of the kind's texts stand for, sorted by name.
    """

    kind: Kind
    values: tuple[tuple[str, object], ...]

    @property
    def id(self) -> str:
        """Id of its kind in the register."""
        return self.kind.id

    @property
    def sentence(self) -> str:
        """What is odd."""
        return self.kind.sentence.format(**dict(self.values))

    @property
    def remedy(self) -> str:
        """What to do."""
        return self.kind.remedy.format(**dict(self.values))

    @property
    def text(self) -> str:
        """Sentence and remedy on one line."""
        return " ".join(f"{self.sentence}. {self.remedy}".split())

    def table(self) -> dict[str, object]:
        """Return what JSON files hold of it."""
        return {"id": self.id, "sentence": self.sentence, "remedy": self.remedy}


def fields_of(kind: Kind) -> frozenset[str]:
    """Return the names of the fields in a kind's texts."""
    parsed = string.Formatter().parse(f"{kind.sentence} {kind.remedy}")
    return frozenset(name for _, name, _, _ in parsed if name)
