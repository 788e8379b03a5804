"""The source of a brachytherapy RT Plan: that of the channels that have a dwell, and only if it is Ir-192."""

from __future__ import annotations

import re
from datetime import datetime

from hdrplan.cautions import Caution, caution
from hdrplan.errors import FormatError
from hdrplan.io.dicom.tags import Tags
from hdrplan.plan import SourceOfPlan

__all__ = ["moment_of", "refuse_other_isotopes", "refuse_other_treatments", "source_of_plan"]

# ln 2 / Ir-192's decay: what files write when they write none. ICRP 107.
IR192_HALF_LIFE_DAYS = 73.827
# Files round it, from 73.8 to 74.02 d.
_IR192_DAYS = (73.0, 75.0)
# Symbol and mass number, half-life in days (ICRP 107), and other words by which files name the isotope or a source
# model that has it. Co0.A86 and Co0.A84 are Eckert & Ziegler BEBIG's cobalt sources, for the afterloaders of their
# iridium source.
_OTHER_ISOTOPES = (
    ("Co", 60, 1925.28, r"cobalt|kobalt|\bco0\.?a8\d"),
    ("Cs", 137, 11018.3, r"\bc(?:a?e|ä)sium(?![ -]*131)"),
    ("Cs", 131, 9.689, r"\bc(?:a?e|ä)sium[ -]*131"),
    ("I", 125, 59.4, r"\biodine|\bjod\b"),
    ("Pd", 103, 16.991, r"palladium"),
    ("Yb", 169, 32.026, r"ytterbium"),
    ("Gd", 153, 240.4, r"gadolinium"),
    ("Au", 198, 2.69517, r"\bau ?gold\b|\bgold (?:seed|grain)"),
    ("Tm", 170, 128.6, r"thulium"),
    ("Se", 75, 119.779, r"selenium"),
    ("Ta", 182, 114.43, r"tantalum"),
    ("Am", 241, 157861.0, r"americium"),
    ("Cf", 252, 966.1, r"californium"),
    ("Re", 186, 3.7186, r"rhenium[ -]*186"),
    ("Re", 188, 0.7084, r"rhenium"),
    ("Ho", 166, 1.1177, r"holmium"),
    ("P", 32, 14.263, r"phosphorus"),
    ("Y", 90, 2.67, r"yttrium"),
    ("Ru", 106, 373.59, r"ruthenium"),
    ("Sr", 90, 10515.9, r"strontium"),
    ("Ra", 226, 584388.0, r"\bradium\b"),
    ("Ir", 194, 0.8042, r"\biridium[ -]*194"),
)
_IR192 = r"\bir[ -]*192\b|\b192[ -]*ir\b|iridium"
# Sources without an isotope.
_X_RAYS = r"\bx-?rays?\b|\belectronic brachy|\bxoft\b|\baxxent\b|\bintrabeam\b|\besteya\b|\b\d+ ?kvp?\b"
# In the isotope's own name a symbol with a mass number near twice its atomic number is an isotope, whichever it is.
_SYMBOL = r"\b([a-z]{1,2})[ -]*(\d{2,3})m?\b|\b(\d{2,3})m?[ -]*([a-z]{1,2})\b"
_ELEMENTS = (
    "h he li be b c n o f ne na mg al si p s cl ar k ca sc ti v cr mn fe co ni cu zn ga ge as se br kr rb sr y zr nb "
    "mo tc ru rh pd ag cd in sn sb te i xe cs ba la ce pr nd pm sm eu gd tb dy ho er tm yb lu hf ta w re os ir pt au "
    "hg tl pb bi po at rn fr ra ac th pa u np pu am cm bk cf"
)
_NUCLEONS_PER_PROTON = (1.8, 2.8)
_OF_SOURCE = ("SourceIsotopeName", "SourceManufacturer", "SourceModelID", "SourceDescription")
_ONLY_IR192 = "hdrplan has tables of Ir-192 sources only."


def refuse_other_treatments(tags: Tags) -> None:
    """Refuse plans and records whose times do not mean those of an afterloader's stepping source.

    Raises
    ------
    FormatError
        LDR, manual or permanent sources.
    """
    for keyword, allowed in (("BrachyTreatmentType", ("HDR", "PDR")), ("BrachyTreatmentTechnique", None)):
        value = tags.text(keyword, "").upper()
        if value == "PERMANENT" or (allowed and value and value not in allowed):
            raise tags.error(
                keyword, "HDR or PDR by an afterloader", value, "Seeds, LDR and manual sources are not modelled."
            )


def source_of_plan(tags: Tags, channels: list[Tags], warnings: list[Caution]) -> SourceOfPlan:
    """Return the one source that the channels with dwells use; others of the file are not looked at.

    Parameters
    ----------
    tags : Tags
        The plan.
    channels : list of Tags
        Items of its channel sequences.
    warnings : list of Caution
        Says where the isotope is assumed.

    Raises
    ------
    FormatError
        No source, several different ones in use, another isotope than Ir-192, another quantity than air kerma.
    """
    items = {item.whole("SourceNumber", k): item for k, item in enumerate(tags.items("SourceSequence"))}
    if not items:
        raise tags.error("SourceSequence", "there with one source", "none")
    first = next(iter(items))
    # A channel without time, as templates leave them, uses no source.
    loaded = [
        channel
        for channel in channels
        if channel.items("BrachyControlPointSequence") and channel.number("ChannelTotalTime", 0.0) != 0
    ]
    numbers = dict.fromkeys(channel.whole("ReferencedSourceNumber", first) for channel in loaded)
    # A number that no source has: one source needs none.
    used = dict.fromkeys(number if number in items else first for number in numbers) or {first: None}
    machine = next(iter(tags.items("TreatmentMachineSequence")), None)
    sources = [_source(items[number], machine, warnings) for number in used]
    if any(source != sources[0] for source in sources):
        raise tags.error("SourceSequence", "one source for all channels", "several different sources")
    return sources[0]


def _source(item: Tags, machine: Tags | None, warnings: list[Caution]) -> SourceOfPlan:
    words = [item.text(keyword, "") for keyword in _OF_SOURCE]
    if machine is not None:
        words += [machine.text("ManufacturerModelName", ""), machine.text("TreatmentMachineName", "")]
    text = " | ".join(word for word in words if word)
    refuse_other_isotopes(item, text)
    if not item.has("SourceIsotopeHalfLife") and not re.search(_IR192, _plain(text)):
        warnings.append(caution("isotope-not-stated", words=text[:60]))
    units = item.text("SourceStrengthUnits", "AIR_KERMA_RATE").upper()
    if units != "AIR_KERMA_RATE":
        raise item.error(
            "SourceStrengthUnits", "AIR_KERMA_RATE", units, "Strengths of other quantities are not converted."
        )
    strength_u = item.number("ReferenceAirKermaRate")
    if not strength_u > 0:
        raise item.error("ReferenceAirKermaRate", "positive (uGy/h at 1 m)", strength_u)
    return SourceOfPlan(
        text=text,
        strength_u=strength_u,
        reference_time=moment_of(item, "SourceStrengthReferenceDate", "SourceStrengthReferenceTime"),
        half_life_days=item.number("SourceIsotopeHalfLife", IR192_HALF_LIFE_DAYS),
        active_length_mm=item.number("ActiveSourceLength") if item.has("ActiveSourceLength") else None,
        isotope=item.text("SourceIsotopeName", ""),
    )


def refuse_other_isotopes(item: Tags, text: str) -> None:
    """Refuse an isotope by name: by the words of the file, or by its half-life.

    Parameters
    ----------
    item : Tags
        Item of a source sequence.
    text : str
        Its words and those of the afterloader.

    Raises
    ------
    FormatError
        Another isotope than Ir-192, or a source of X-rays.
    """
    of_source = _plain(" | ".join(item.text(keyword, "") for keyword in _OF_SOURCE))
    half_life_days = item.number("SourceIsotopeHalfLife", IR192_HALF_LIFE_DAYS)
    # An afterloader may be named for both of its isotopes: its words count only where the source leaves it open.
    is_iridium = re.search(_IR192, of_source) or (item.has("SourceIsotopeHalfLife") and re.search(_IR192, _plain(text)))
    words = of_source if is_iridium else _plain(text)
    for symbol, mass, _, pattern in _OTHER_ISOTOPES:
        name = symbol.lower()
        if re.search(rf"\b{name}[ -]*{mass}\b|\b{mass}[ -]*{name}\b|{pattern}", words):
            raise _refused(item, "SourceIsotopeName", f"{symbol}-{mass}")
    if re.search(_X_RAYS, words):
        raise _refused(item, "SourceIsotopeName", "a source of X-rays")
    isotope = item.text("SourceIsotopeName", "")
    if _names_other(isotope):
        raise _refused(item, "SourceIsotopeName", isotope)
    if _IR192_DAYS[0] <= half_life_days <= _IR192_DAYS[1]:
        return
    for symbol, mass, days, _ in _OTHER_ISOTOPES:
        if abs(half_life_days / days - 1.0) < 0.02:
            raise _refused(item, "SourceIsotopeHalfLife", f"{symbol}-{mass}", f" ({half_life_days:g} d)")
    raise item.error("SourceIsotopeHalfLife", "that of Ir-192, 73.8 days", half_life_days, _ONLY_IR192)


def _names_other(isotope: str) -> bool:
    """Whether a name holds the symbol and mass number of another isotope than Ir-192."""
    for symbol, mass, mass_first, symbol_last in re.findall(_SYMBOL, _plain(isotope)):
        name, nucleons = symbol or symbol_last, int(mass or mass_first)
        elements = _ELEMENTS.split()
        protons = elements.index(name) + 1 if name in elements else 0
        low, high = (ratio * protons for ratio in _NUCLEONS_PER_PROTON)
        # "SN 120" is a serial number: no source is of tin.
        if low <= nucleons <= high and name != "sn" and (name, nucleons) != ("ir", 192):
            return True
    return False


def _plain(text: str) -> str:
    """Return words in lower case with plain spaces and hyphens: files write Co-60, CO_60, 60 Co, Co\u201360."""
    return re.sub(r"[\u2010-\u2015\u2212]", "-", re.sub(r"[_\s]+", " ", text.lower()))


def _refused(item: Tags, keyword: str, isotope: str, more: str = "") -> FormatError:
    return item.error(keyword, "that of Ir-192", f"{isotope}{more}", _ONLY_IR192)


def moment_of(item: Tags, date: str, time: str, *, midnight: bool = True) -> datetime | None:
    """Return the date and time of two attributes; None where there is no date.

    Parameters
    ----------
    item : Tags
    date, time : str
        Keywords.
    midnight : bool
        What a date without a time means; otherwise there is no moment.

    Raises
    ------
    FormatError
        Neither a date nor a time of DICOM.
    """
    # Files of before 1993 write 2024.05.06 and 07:08:09 (PS3.5, 6.2).
    day, clock = item.text(date, "").replace(".", ""), item.text(time, "").replace(":", "")
    if not day or not (clock or midnight):
        return None
    whole, _, part = clock.partition(".")
    try:
        moment = datetime.strptime(day, "%Y%m%d")
    except ValueError:
        raise item.error(date, "a date as YYYYMMDD", day[:40]) from None
    try:
        of_day = datetime.strptime(whole.ljust(6, "0"), "%H%M%S").time()
        return datetime.combine(moment, of_day.replace(microsecond=int(part[:6].ljust(6, "0"))))
    except ValueError:
        raise item.error(time, "a time of day as HHMMSS.FFFFFF", clock[:40]) from None
