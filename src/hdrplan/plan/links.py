"""Whether files belong together: what one file says of another, and whether the other is that one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrplan.cautions import Caution, caution

__all__ = ["FileLink", "doubts_of_links"]


@dataclass(frozen=True, slots=True)
class FileLink:
    """One thing that two files must share, or that one says of the other.

    Parameters
    ----------
    text : str
        Such as "dose and plan: one frame of reference"; without identifiers.
    holds : bool or None
        None where a file does not say.
    is_usual : bool
        Whether exports state it as a rule, so that its absence is a doubt.
    """

    text: str
    holds: bool | None
    is_usual: bool = True


def doubts_of_links(links: Iterable[FileLink]) -> tuple[Caution, ...]:
    """Say what of the usual links between files is not stated, so that nothing shows that they belong together.

    Parameters
    ----------
    links : iterable of FileLink
    """
    open_links = [link.text for link in links if link.holds is None and link.is_usual]
    return (caution("links-not-stated", links="; ".join(open_links)),) if open_links else ()
