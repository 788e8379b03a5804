"""Messages about an archive without the names in it: folders and files are named after patients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hdrplan.io import Treatment

__all__ = ["alone_in_text", "files_of", "mask_of", "masked"]

_SHOWN = "<file>"
# Names of folders that name nobody, and stand in many messages: a folder `plan` made "expected a plan" unreadable.
_OWN_WORDS = frozenset(
    [
        "case",
        "cases",
        "ct",
        "data",
        "dicom",
        "dose",
        "doses",
        "dvh",
        "export",
        "exports",
        "file",
        "files",
        "folder",
        "import",
        "plan",
        "plans",
        "planning",
        "scan",
        "scans",
        "segmentation",
        "slices",
        "source",
        "structure",
        "structures",
        "study",
    ]
)


def mask_of(roots: Sequence[Path], paths: Iterable[Path], *, more: Iterable[str] = ()) -> re.Pattern[str]:
    """Return a pattern of every word that tells which patient's files these are.

    Parameters
    ----------
    roots : sequence of Path
        Folders of the archive: what lies above them names nobody.
    paths : iterable of Path
        Files that a message may be about.
    more : iterable of str
        Other words, such as the patient's ID: hidden whatever they are.
    """
    whole: set[str] = set()
    words: set[str] = set()
    for path in paths:
        root = next((root for root in roots if path.is_relative_to(root)), path.parent)
        below = path.relative_to(root).parts
        words |= {root.name, *(component for component in below if len(component) > 1)} - {""}
        for folder in (path, *path.parents):
            if folder == root.parent or folder == folder.parent:
                break
            whole |= {str(folder), folder.as_posix(), str(folder.absolute())}
    whole, words = ({word for word in some if word.lower() not in _OWN_WORDS} for some in (whole, words))
    words |= {word for word in more if len(word) > 1}
    longest = sorted(whole, key=len, reverse=True)
    alone = [alone_in_text(word) for word in (*longest, *sorted(words, key=len, reverse=True))]
    return re.compile("|".join(alone) or r"(?!)")


def alone_in_text(word: str) -> str:
    """Return a pattern of a word where it stands alone: ID 12 is no part of 1234 voxels, a folder `one` not of none."""
    return rf"(?<!\w){re.escape(word)}(?!\w)"


def masked(text: str, mask: re.Pattern[str]) -> str:
    """Return a text without the words of a mask."""
    return mask.sub(_SHOWN, text)


def files_of(treatment: Treatment) -> list[Path]:
    """Return every file that a message about a treatment may name."""
    return [p for p in (treatment.plan, treatment.structures, treatment.dose, *treatment.ct) if p is not None]
