"""Colours that a colour-blind reader can tell apart, and that stay apart in grey print.

Structures take Okabe and Ito's eight colours [1]_, darkened where white paper asks for it; isodose levels run from
dark blue over green and yellow to red-orange with rising lightness contrast on CT, so that order and not hue alone
carries the dose. Roles never rest on colour alone: CTV outlines are solid and thick, OAR outlines thin, isodoses
carry their value.

References
----------
.. [1] M. Okabe, K. Ito, "Color Universal Design", jfly.uni-koeln.de/color, 2008.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hdrplan.report.data import ReportData

__all__ = [
    "CTV_COLOURS",
    "DIVERGING",
    "ISODOSE_COLOURS",
    "OTHER_COLOURS",
    "isodose_levels",
    "structure_styles",
    "styles_of",
]

# On CT (dark) and on paper (white) alike: contrast to both is at least 2.5 to 1.
CTV_COLOURS = ("#e04fd6", "#a97bf0", "#ff8f9b")
OTHER_COLOURS = ("#d98200", "#2e8fd0", "#0a9b76", "#9a8a00", "#8f6fd1", "#c4602d", "#5b8a9a", "#a3765a")
ISODOSE_COLOURS = ("#3b6fd4", "#2fa6c9", "#2bb58a", "#ffd92e", "#ff9a1f", "#f2542d", "#c2185b", "#8e24aa")

# Differences of dose: blue below, red above, white between (ColorBrewer RdBu, safe for colour-blind readers).
DIVERGING = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")

# Colours repeat after eight structures; their dashes do not.
_DASHES = ([6, 3], [2, 3], [10, 3, 2, 3])

# Shares of the prescription drawn first; any level can be edited in the report.
_LEVELS_FRAC = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


def _style(role: str, rank: int) -> dict[str, Any]:
    """Colour and dash pattern of the ``rank``-th structure of its role (CTV or not); a CTV's line is solid."""
    if role == "CTV":
        return {"colour": CTV_COLOURS[rank % len(CTV_COLOURS)], "dash": []}
    turn, place = divmod(rank, len(OTHER_COLOURS))
    return {"colour": OTHER_COLOURS[place], "dash": _DASHES[turn % len(_DASHES)]}


def isodose_levels(prescription_gy: float) -> list[dict[str, float | str]]:
    """Absolute isodose levels of a prescription with their colours, lowest first."""
    return [
        {"gy": round(frac * prescription_gy, 3), "colour": colour}
        for frac, colour in zip(_LEVELS_FRAC, ISODOSE_COLOURS, strict=False)
    ]


def structure_styles(view: ReportData) -> dict[str, dict[str, Any]]:
    """One style per structure and curve of a plan."""
    return styles_of({s.name: s.role for s in view.structures} | {c.name: c.role for c in view.curves})


def styles_of(roles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """One style per name, CTVs and others counted apart; organs at risk take the first of theirs."""
    counts = {True: 0, False: 0}
    styles = {}
    for name in sorted(roles, key=lambda name: roles[name] == "other"):
        styles[name] = _style(roles[name], counts[roles[name] == "CTV"])
        counts[roles[name] == "CTV"] += 1
    return styles
