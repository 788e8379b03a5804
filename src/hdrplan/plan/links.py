"""Whether files belong together: what one file says of another, and whether the other is that one."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FileLink"]


@dataclass(frozen=True, slots=True)
class FileLink:
    """One thing that two files must share, or that one says of the other.

    Parameters
    ----------
    text : str
        Such as "dose and plan: one frame of reference"; without identifiers.
    holds : bool or None
        None where a file does not say.
    """

    text: str
    holds: bool | None
