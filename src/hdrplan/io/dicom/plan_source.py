"""The source of a brachytherapy RT Plan: that of the channels that have a dwell, and only if it is Ir-192."""

from __future__ import annotations

import re
from datetime import datetime

from hdrplan.errors import FormatError
from hdrplan.io.dicom.tags import Tags
from hdrplan.plan import SourceOfPlan

__all__ = ["source_of_plan"]

# ln 2 / Ir-192's decay: what files write when they write none. ICRP 107.
IR192_HALF_LIFE_DAYS = 73.827
# Files round it, from 73.8 to 74.02 d.
_IR192_DAYS = (73.0, 75.0)
# Half-lives in days, ICRP 107; words by which files name the isotope or a source model that has it. Co0.A86 and Co0.A84
# are Eckert & Ziegler BEBIG's cobalt sources, for the same afterloaders as their iridium source.
_OTHER_ISOTOPES = (
    ("Co-60", 1925.28, r"\bco-?60\b|\b60-?co\b|cobalt|kobalt|\bco0\.?a8\d"),
    ("Cs-137", 11018.3, r"\bcs-?137\b|\b137-?cs\b"),
    ("Cs-131", 9.689, r"\bcs-?131\b|\b131-?cs\b"),
    ("I-125", 59.4, r"\bi-?125\b|\b125-?i\b|\biodine|\bjod\b"),
    ("Pd-103", 16.991, r"\bpd-?103\b|\b103-?pd\b|palladium"),
    ("Yb-169", 32.026, r"\byb-?169\b|\b169-?yb\b|ytterbium"),
    ("Au-198", 2.69517, r"\bau-?198\b|\b198-?au\b"),
    ("Tm-170", 128.6, r"\btm-?170\b|\b170-?tm\b|thulium"),
    ("Se-75", 119.779, r"\bse-?75\b|\b75-?se\b|selenium"),
    ("Ru-106", 373.59, r"\bru-?106\b|\b106-?ru\b|ruthenium"),
    ("Sr-90", 10515.9, r"\bsr-?90\b|\b90-?sr\b|strontium"),
    ("Ra-226", 584388.0, r"\bra-?226\b|\bradium\b"),
)
_IR192 = r"\bir-?192\b|\b192-?ir\b|iridium"
_OF_SOURCE = ("SourceIsotopeName", "SourceManufacturer", "SourceModelID", "SourceDescription")
_ONLY_IR192 = "hdrplan has tables of Ir-192 sources only."


def source_of_plan(tags: Tags, channels: list[Tags]) -> SourceOfPlan:
    """Return the one source that the channels with dwells use; others of the file are not looked at.

    Parameters
    ----------
    tags : Tags
        The plan.
    channels : list of Tags
        Items of its channel sequences.

    Raises
    ------
    FormatError
        No source, several different ones in use, another isotope than Ir-192, another quantity than air kerma.
    """
    items = {item.whole("SourceNumber", k): item for k, item in enumerate(tags.items("SourceSequence"))}
    if not items:
        raise tags.error("SourceSequence", "there with one source", "none")
    first = next(iter(items))
    loaded = [channel for channel in channels if channel.items("BrachyControlPointSequence")]
    numbers = dict.fromkeys(channel.whole("ReferencedSourceNumber", first) for channel in loaded)
    # A number that no source has: one source needs none.
    used = dict.fromkeys(number if number in items else first for number in numbers) or {first: None}
    machine = next(iter(tags.items("TreatmentMachineSequence")), None)
    sources = [_source(items[number], machine) for number in used]
    if any(source != sources[0] for source in sources):
        raise tags.error("SourceSequence", "one source for all channels", "several different sources")
    return sources[0]


def _source(item: Tags, machine: Tags | None) -> SourceOfPlan:
    words = [item.text(keyword, "") for keyword in _OF_SOURCE]
    of_source = " | ".join(words)
    if machine is not None:
        words += [machine.text("ManufacturerModelName", ""), machine.text("TreatmentMachineName", "")]
    text = " | ".join(word for word in words if word)
    half_life_days = item.number("SourceIsotopeHalfLife", IR192_HALF_LIFE_DAYS)
    # An afterloader may be named for both of its isotopes: its words count only where the source's name none.
    _refuse_other_isotopes(item, of_source if re.search(_IR192, of_source.lower()) else text, half_life_days)
    units = item.text("SourceStrengthUnits", "AIR_KERMA_RATE").upper()
    if units != "AIR_KERMA_RATE":
        raise item.error(
            "SourceStrengthUnits", "AIR_KERMA_RATE", units, "A dose rate in water is the strength of a beta source."
        )
    strength_u = item.number("ReferenceAirKermaRate")
    if not strength_u > 0:
        raise item.error("ReferenceAirKermaRate", "positive (uGy/h at 1 m)", strength_u)
    return SourceOfPlan(
        text=text,
        strength_u=strength_u,
        reference_time=_time(item, "SourceStrengthReferenceDate", "SourceStrengthReferenceTime"),
        half_life_days=half_life_days,
        active_length_mm=item.number("ActiveSourceLength") if item.has("ActiveSourceLength") else None,
        isotope=item.text("SourceIsotopeName", ""),
    )


def _refuse_other_isotopes(item: Tags, text: str, half_life_days: float) -> None:
    """Refuse an isotope by name: by the words of the file, or by its half-life."""
    words = text.lower().replace("_", " ")
    for isotope, _, pattern in _OTHER_ISOTOPES:
        if re.search(pattern, words):
            raise _refused(item, "SourceIsotopeName", isotope)
    if _IR192_DAYS[0] <= half_life_days <= _IR192_DAYS[1]:
        return
    for isotope, days, _ in _OTHER_ISOTOPES:
        if abs(half_life_days / days - 1.0) < 0.02:
            raise _refused(item, "SourceIsotopeHalfLife", isotope, f" ({half_life_days:g} d)")
    raise item.error("SourceIsotopeHalfLife", "that of Ir-192, 73.8 days", half_life_days, _ONLY_IR192)


def _refused(item: Tags, keyword: str, isotope: str, more: str = "") -> FormatError:
    return item.error(keyword, "that of Ir-192", f"{isotope}{more}", _ONLY_IR192)


def _time(item: Tags, date: str, time: str) -> datetime | None:
    day, clock = item.text(date, ""), item.text(time, "000000").split(".")[0].ljust(6, "0")
    try:
        return datetime.strptime(day + clock, "%Y%m%d%H%M%S")
    except ValueError:
        return None
