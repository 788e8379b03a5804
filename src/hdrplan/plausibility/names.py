"""What structures are, by their names: organs in English and German, lesions."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["is_lesion_name", "organ_of"]

# Whole names, after _, -, . and case are set aside: what is not certain is no organ.
_ORGANS: tuple[tuple[str, str], ...] = (
    ("liver", r"(whole |normal |healthy )?(liver|leber|hepar|foie|lever)"),
    ("spleen", r"spleen|milz"),
    ("stomach", r"(stomach|magen)( wall)?"),
    ("duodenum", r"duodenum"),
    ("bowel", r"(small |large )?(bowel|intestine)|colon|dickdarm|d(ue|u)nndarm"),
    ("right kidney", r"(right kidney|kidney (right|r|rt)|rechte niere|niere (rechts|re))"),
    ("left kidney", r"(left kidney|kidney (left|l|lt)|linke niere|niere (links|li))"),
    ("right lung", r"(right lung|lung (right|r|rt)|lung (upper|middle|lower) lobe right|rechte lunge)"),
    ("left lung", r"(left lung|lung (left|l|lt)|lung (upper|lower) lobe left|linke lunge)"),
    ("lungs", r"lungs|lunge|lunges"),
    ("heart", r"heart|herz"),
    ("aorta", r"aorta"),
    ("vena cava", r"(inferior )?vena cava( inferior)?|ivc"),
    ("spinal cord", r"spinal (cord|canal)|cord|myelon|spinalkanal|r(ue|u)ckenmark"),
    ("spine", r"spine|vertebra(e)?( .{1,4})?|wirbels(ae|a)ule"),
    ("ribs", r"ribs?|rippen"),
    ("bladder", r"(urinary )?bladder|blase|harnblase"),
    ("gallbladder", r"gall ?bladder|gallenblase"),
    ("pancreas", r"pancreas|pankreas"),
)
_LESION = re.compile(r"\b(ctv|gtv|ptv|lesion|l(ae|a)sion|tumou?r|metasta\w*|met|hcc|target|crlm)(?![a-z])")


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def organ_of(name: str) -> str | None:
    """Return the organ that a structure's whole name is, or None.

    Examples
    --------
    >>> organ_of("Kidney_left"), organ_of("liver lesion 2"), organ_of("Leber")
    ('left kidney', None, 'liver')
    """
    plain = _plain(name)
    return next((organ for organ, pattern in _ORGANS if re.fullmatch(pattern, plain)), None)


def is_lesion_name(name: str) -> bool:
    """Whether a structure's name says lesion, tumour or target volume."""
    return bool(_LESION.search(_plain(name)))
