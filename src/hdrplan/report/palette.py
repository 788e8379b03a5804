"""Colours that a colour-blind reader can tell apart, and that stay apart on CT and on white paper.

Five structure colours, three of CTVs and six isodose colours were chosen by search, for full sight and for simulated
protanopia, deuteranopia and tritanopia [1]_. The yardstick is the set of Okabe and Ito [3]_, made for all readers: in
none of these sights are two of our colours nearer to each other (CIEDE2000 [2]_) than its nearest two in the sight that
is worst for it, 10.9; ours are at least 11.5 apart. Structures are neither too light for paper nor too dark for CT: the
contrast is at least 3 (WCAG 2.1, 1.4.11) on white, on black, and on fat in the soft-tissue window, the dark that most
outlines cross. The liver, the largest outline, has the brightest of them. Isodoses are light. Tests recompute this.
Nothing rests on colour alone: a CTV's outline is solid and thick, other outlines are dashed in four rhythms, so that
twenty organs look different; isodoses carry their value. An organ looks the same in every case and on every page: its
name says which organ it is.

References
----------
.. [1] G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation of color vision
   deficiency", IEEE TVCG 15(6), 1291-1298, 2009, doi 10.1109/TVCG.2009.113.
.. [2] G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula", Color Res Appl 30(1), 21-30, 2005, doi
   10.1002/col.20070.
.. [3] M. Okabe, K. Ito, "Color Universal Design (CUD): how to make figures and presentations that are friendly to
   colorblind people", 2002, revised 2008, https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import TypedDict

from hdrplan.plan import anatomy_of
from hdrplan.report.data import ReportData

__all__ = [
    "CTV_COLOURS",
    "DIVERGING",
    "ISODOSE_COLOURS",
    "OTHER_COLOURS",
    "IsodoseLevel",
    "LineStyle",
    "isodose_levels",
    "structure_styles",
    "styles_of",
]

CTV_COLOURS = ("#eb5f92", "#a84f9b", "#74731b")
OTHER_COLOURS = ("#1e94ff", "#208171", "#d82263", "#505afa", "#a59421")
# The fourth is the prescription.
ISODOSE_COLOURS = ("#c8b3ff", "#dbe8ff", "#42e7c4", "#fdf11c", "#f6cc8d", "#d89882")

# Differences of dose: blue below, red above, white between (ColorBrewer RdBu, safe for colour-blind readers).
DIVERGING = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")

# Five colours in four rhythms: twenty looks. An organ has the same one in every case and on every page.
_DASHES = ([6, 3], [2, 3], [10, 3, 2, 3], [16, 4])
# Organ -> place in the colours, place in the dashes. Organs that lie side by side differ in colour.
_LOOKS = {
    "liver": (4, 0),
    "stomach": (0, 0),
    "duodenum": (1, 0),
    "bowel": (3, 0),
    "colon": (2, 0),
    "oesophagus": (2, 1),
    "gallbladder": (3, 1),
    "right kidney": (3, 2),
    "kidneys": (3, 2),
    "left kidney": (4, 2),
    "spinal cord": (4, 1),
    "lungs": (0, 1),
    "right lung": (0, 1),
    "left lung": (0, 2),
    "heart": (2, 2),
    "ribs": (1, 2),
    "bones": (1, 3),
    "spine": (1, 3),
    "vena cava": (0, 3),
    "vessels": (2, 3),
    "aorta": (2, 3),
    "liver vessels": (2, 3),
    "spleen": (1, 1),
    "pancreas": (3, 3),
    "chest wall": (4, 3),
    "outside": (4, 3),
}
# Organs that the table of names counts as bowel, and that lie apart.
_BOWEL = (("colon", r"[ck]olon|re[ck]t|sigm|dickdarm|c(ae|e)cum"), ("oesophagus", r"esoph|speiser"))

# Shares of the prescription drawn first; any level can be edited in the report.
_LEVELS_FRAC = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


class LineStyle(TypedDict):
    """How a structure's outline and curve are drawn: colour, and lengths of dashes and gaps (empty: solid)."""

    colour: str
    dash: list[int]


class IsodoseLevel(TypedDict):
    """An isodose level in Gy and its colour."""

    gy: float
    colour: str


def _organ(name: str) -> str:
    """Organ that a name speaks of; the name itself where it speaks of none."""
    row = anatomy_of(name)
    if row is None:
        return name
    if row.organ == "bowel":
        return next((organ for organ, words in _BOWEL if re.search(words, name, re.IGNORECASE)), row.organ)
    return row.organ


def _wanted(organ: str) -> int:
    """Look of an organ; of any other name, one that depends on the name alone."""
    if organ in _LOOKS:
        colour, dash = _LOOKS[organ]
        return dash * len(OTHER_COLOURS) + colour
    return zlib.crc32(organ.encode()) % (len(OTHER_COLOURS) * len(_DASHES))


def isodose_levels(prescription_gy: float) -> list[IsodoseLevel]:
    """Absolute isodose levels of a prescription with their colours, lowest first."""
    return [
        {"gy": round(frac * prescription_gy, 3), "colour": colour}
        for frac, colour in zip(_LEVELS_FRAC, ISODOSE_COLOURS, strict=False)
    ]


def structure_styles(view: ReportData) -> dict[str, LineStyle]:
    """One style per structure and curve of a plan."""
    return styles_of({s.name: s.role for s in view.structures} | {c.name: c.role for c in view.curves})


def styles_of(roles: Mapping[str, str]) -> dict[str, LineStyle]:
    """One style per name: CTVs in order, every other structure the look of its organ.

    Where two names want one look, as two ribs do, an organ at risk has it before others and the first by name before
    the next, which takes the next free one.
    """
    styles: dict[str, LineStyle] = {}
    targets = [name for name in roles if roles[name] == "CTV"]
    for rank, name in enumerate(targets):
        styles[name] = {"colour": CTV_COLOURS[rank % len(CTV_COLOURS)], "dash": []}
    count = len(OTHER_COLOURS) * len(_DASHES)
    taken: set[int] = set()
    for name in sorted(roles.keys() - set(targets), key=lambda name: (roles[name] == "other", name)):
        look = _wanted(_organ(name))
        look = next((k % count for k in range(look, look + count) if k % count not in taken), look)
        taken.add(look)
        dash, colour = divmod(look, len(OTHER_COLOURS))
        styles[name] = {"colour": OTHER_COLOURS[colour], "dash": _DASHES[dash]}
    return {name: styles[name] for name in roles}
