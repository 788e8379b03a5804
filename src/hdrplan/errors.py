"""Every error that hdrplan raises on purpose.

::

    HdrPlanError
    |-- InputError          what the user gave cannot be right (a value, a name, a combination)
    |   `-- FormatError     a file is not what it claims to be, or lacks something
    |-- InfeasibleError     the request is well formed, but no plan can satisfy it
    |-- ResourceError       the request is larger than this machine (memory, disk)
    `-- StoppedError        somebody stopped the work; nothing was changed

A message is one line: what was expected, what came, where (file, row, ROI, tag), and the remedy.
The command line prints it and exits with code 2; it never shows a traceback for one of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "FormatError",
    "HdrPlanError",
    "InfeasibleError",
    "InputError",
    "ResourceError",
    "StoppedError",
    "among",
    "files_beside",
    "fitted",
    "nearest",
]

# Characters of a message; longer ones come of long paths, lists and damaged files. Of the facts so many stay beside
# whatever remedy.
_MAX = 290
_FACTS = 120
# An entry of a list is hardly longer: where a line is cut within one, the whole entry goes.
_ENTRY = 40


class HdrPlanError(Exception):
    """Base class; the command line catches exactly this one."""

    def __init__(self, expected: str, *, got: object = None, where: object = None, remedy: str = "") -> None:
        self.expected, self.got, self.where, self.remedy = expected, got, where, remedy
        parts = [expected if expected.endswith("...") else expected.rstrip(".")]
        if got is not None:
            parts[0] += f", got {_short(got)}"
        if where is not None:
            parts.insert(0, _short(where))
        line = ": ".join(parts)
        super().__init__(fitted(line, remedy))


def _short(value: object) -> str:
    """Text of a value; a damaged file can hold one of a million characters."""
    text = f"{value}"
    return text if len(text) <= _MAX // 2 else f"{text[: _MAX // 2]} ..."


def fitted(facts: str, remedy: str = "") -> str:
    """Return one line that a terminal can hold: long facts lose their middle, what to do stays.

    A remedy is cut at its end only where it alone would be too long: it lists names of a file.

    Parameters
    ----------
    facts : str
    remedy : str
        Stands after them.
    """
    facts, remedy = " ".join(facts.split()), " ".join(remedy.split())
    remedy_room = _MAX - 2 - min(len(facts), _FACTS)
    if len(remedy) > remedy_room:
        remedy = f"{remedy[: remedy_room - 4]} ..."
    room = _MAX - len(remedy) - 2 if remedy else _MAX
    if len(facts) > room:
        facts = _without_middle(facts[: room // 2], facts[-(room // 2 - 5) :])
    return f"{facts}. {remedy}" if remedy else facts


def _without_middle(head: str, tail: str) -> str:
    """Join the ends of a line that lost its middle; a list loses whole entries where it was cut within one."""
    end, start = head.rfind(", ", max(0, len(head) - _ENTRY)), tail.find(", ", 0, _ENTRY)
    if end < 0 or start < 0:
        return f"{head} ... {tail}"
    return f"{head[:end]}, ..., {tail[start + 2 :]}"


class InputError(HdrPlanError):
    """A value, a name or a combination that cannot be right."""


class FormatError(InputError):
    """A file is not what it claims to be, or lacks something."""


class InfeasibleError(HdrPlanError):
    """The request is well formed, but no plan can satisfy it."""


class ResourceError(HdrPlanError):
    """The request is larger than this machine."""


class StoppedError(HdrPlanError):
    """Somebody stopped the work."""

    def __init__(self) -> None:
        super().__init__("stopped on request", remedy="Nothing was changed.")


def files_beside(path: Path) -> str:
    """Name what is there instead of a path that is not: the remedy of its error."""
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}."
    names = sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("."))
    return f"The folder holds: {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}." if names else ""


def among(name: str, names: Iterable[str], listed: str = "There are") -> str:
    """Name what may have been meant instead of a name that is not there, and what there is: the remedy of its error.

    Parameters
    ----------
    name : str
    names : iterable of str
    listed : str
        Words before the list.
    """
    known = list(dict.fromkeys(names))
    near = nearest(name, known)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}{listed}: {', '.join(known) or 'none'}."


def nearest(name: str, names: Iterable[str], *, alike: float = 0.6) -> list[str]:
    """Return at most two names that differ little from one that is not among them.

    Capitals, blanks and hyphens are the commonest difference and count for nothing.

    Parameters
    ----------
    name : str
    names : iterable of str
    alike : float
        Share of letters that must agree, 0 to 1.
    """
    from difflib import get_close_matches

    plain: dict[str, str] = {}
    for known in names:
        plain.setdefault(_plain(known), known)
    return [plain[match] for match in get_close_matches(_plain(name[:60]), plain, n=2, cutoff=alike)]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
