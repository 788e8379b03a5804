"""Which packaged source a planning system means by its words."""

from __future__ import annotations

import re

from hdrplan.cautions import Caution, caution
from hdrplan.errors import InputError
from hdrplan.plan.brachy import BrachyPlan
from hdrplan.sources import TG43Source, load_source, source_names

__all__ = ["doubts_of_source", "source_of_brachy"]

# First match wins. Oncentra's own table of the microSelectron v2 is Daskalov's: its point doses agree to 0.001 %.
# A second check must use the same table; hdrplan.sources.bounded_warnings says what is wrong with it far away.
# Words that name the model; those of an afterloader or maker, below, only suggest one.
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
_NAMES_MODEL = re.compile(
    r"gamma ?med ?(hdr )?12 ?i|gamma ?med ?(hdr ?|pdr ?)?(plus|\+)|flexisource|m?hdr ?v[12]|micro ?selectron.*v ?[12]|"
    r"vs ?2000|varisource.*(2000|classic)|gi ?192 ?m11|\bm-?19\b"
)


# Files give the length in whole tenths, or rounded to half a millimetre.
_LENGTH_MM = 0.3


def source_of_brachy(brachy: BrachyPlan) -> TG43Source:
    """Return the packaged source that the plan's words name.

    Raises
    ------
    InputError
        Words that name none, or a source file of the user: the source must be given.
    """
    name = _name_of(brachy)
    if name is None:
        raise InputError(
            "the plan must name a known source model",
            got=repr(brachy.source.text[:80]),
            remedy="Choose one with `source`; see `hdrplan sources list`.",
        )
    return load_source(name)


def doubts_of_source(brachy: BrachyPlan, source: TG43Source) -> tuple[Caution, ...]:
    """Return what of a plan's own words does not fit the source model that is used.

    Parameters
    ----------
    brachy : BrachyPlan
    source : TG43Source
    """
    doubts = []
    named = _name_of(brachy)
    if named == source.name and brachy.dialect != "hdrplan" and not _NAMES_MODEL.search(_words_of(brachy)):
        doubts.append(caution("source-assumed", words=brachy.source.text[:60], source=source.name))
    # Tables of one model by several authors are one source.
    if named is not None and load_source(named).model != source.model:
        doubts.append(caution("source-other-than-plan", named=named, source=source.name))
    stated_mm = brachy.source.active_length_mm
    if stated_mm is not None and abs(stated_mm - source.active_length_mm) > _LENGTH_MM:
        doubts.append(
            caution("active-length-differs", stated_mm=stated_mm, source=source.name, model_mm=source.active_length_mm)
        )
    return tuple(doubts)


def _words_of(brachy: BrachyPlan) -> str:
    return re.sub(r"[_\s]+", " ", brachy.source.text.lower())


def _name_of(brachy: BrachyPlan) -> str | None:
    words = _words_of(brachy)
    if brachy.dialect == "hdrplan" and words:
        # We write a source's own name, which is no packaged one where the source is a file of the user.
        name = "-".join(words.split())
        return name if name in source_names() else None
    for pattern, name in _WORDS:
        if re.search(pattern, words):
            if name == "gammamed-plus" and brachy.treatment_type == "PDR":
                return "gammamed-pdr-plus"
            if name == "microselectron-v2" and brachy.dialect == "Oncentra":
                return "microselectron-v2-daskalov"
            return name
    return None
