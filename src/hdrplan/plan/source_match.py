"""Which packaged source a planning system means by its words."""

from __future__ import annotations

import re

from hdrplan.errors import InputError
from hdrplan.plan.brachy import BrachyPlan

__all__ = ["source_of_brachy"]

# First match wins. Oncentra's own table of the microSelectron v2 is Daskalov's: its point doses agree to 0.001 %.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"gamma ?med.*pdr|pdr.*gamma ?med", "gammamed-pdr-plus"),
    (r"gamma ?med ?(hdr )?12 ?i", "gammamed-12i"),
    (r"gamma ?med", "gammamed-plus"),
    (r"flexi", "flexisource"),
    (r"micro ?selectron.*v ?1|m?hdr ?v1|classic micro", "microselectron-v1"),
    (r"micro ?selectron|m?hdr ?v2", "microselectron-v2"),
    (r"vs ?2000|varisource.*2000", "vs2000"),
    (r"varisource", "varisource-classic"),
    (r"gi ?192 ?m11|multisource|bebig|saginova", "gi192m11"),
    (r"\bm-?19\b", "m-19"),
)


def source_of_brachy(brachy: BrachyPlan) -> str:
    """Return the name of the packaged source that the plan's words name.

    Raises
    ------
    InputError
        Words that name none: the source must be given.
    """
    words = re.sub(r"[_\s]+", " ", brachy.source.text.lower())
    if brachy.dialect == "hdrplan" and words:
        return words
    for pattern, name in _WORDS:
        if re.search(pattern, words):
            if name == "gammamed-plus" and brachy.treatment_type == "PDR":
                return "gammamed-pdr-plus"
            if name == "microselectron-v2" and brachy.dialect == "Oncentra":
                return "microselectron-v2-daskalov"
            return name
    raise InputError(
        "the plan must name a known source model",
        got=repr(brachy.source.text[:80]),
        remedy="Choose one with `source`; see `hdrplan sources list`.",
    )
