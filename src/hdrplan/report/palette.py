"""Colours that a colour-blind reader can tell apart, and that stay apart on CT and on white paper.

Five structure colours, the CTV's and six isodose colours were chosen by search: the least distance (CIELAB) of any two
is above 20 for full sight and for simulated protanopia, deuteranopia and tritanopia [1]_, and the contrast suffices on
paper (structures) and on CT (all); the tests recompute this. Nothing rests on colour alone: a CTV's outline is solid
and thick, other outlines are dashed, in another rhythm after every five; isodoses carry their value.

References
----------
.. [1] G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation of color vision
   deficiency", IEEE TVCG 15(6), 1291-1298, 2009, doi 10.1109/TVCG.2009.113.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

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

CTV_COLOURS = ("#e04fd6", "#a97bf0", "#e0607e")
OTHER_COLOURS = ("#2069f9", "#9da002", "#e12c65", "#3cada3", "#a2692f")
ISODOSE_COLOURS = ("#9aabef", "#1b7ca6", "#4ddeb8", "#fdf11c", "#f1a434", "#e26a6a")

# Differences of dose: blue below, red above, white between (ColorBrewer RdBu, safe for colour-blind readers).
DIVERGING = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")

# Colours repeat after five structures; their dashes do not.
_DASHES = ([6, 3], [2, 3], [10, 3, 2, 3])

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


def _style(role: str, rank: int) -> LineStyle:
    """Colour and dash pattern of the ``rank``-th structure of its role (CTV or not); a CTV's line is solid."""
    if role == "CTV":
        return {"colour": CTV_COLOURS[rank % len(CTV_COLOURS)], "dash": []}
    turn, place = divmod(rank, len(OTHER_COLOURS))
    return {"colour": OTHER_COLOURS[place], "dash": _DASHES[turn % len(_DASHES)]}


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
    """One style per name, CTVs and others counted apart; organs at risk take the first of theirs."""
    counts = {True: 0, False: 0}
    styles = {}
    for name in sorted(roles, key=lambda name: roles[name] == "other"):
        styles[name] = _style(roles[name], counts[roles[name] == "CTV"])
        counts[roles[name] == "CTV"] += 1
    return styles
