"""Mutators of DICOM objects: value representations, multiplicities, nesting, character sets, transfer syntaxes."""

from __future__ import annotations

import copy
import io
import random
import warnings
from typing import Any

import pydicom
from grammar_trees import Mutated
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

__all__ = ["dicom_mutated"]

_NUMBERS = ("DS", "IS")
# Texts in the place of a number; the first ones are the number in another way.
_SAME = (lambda t: f" {t}", lambda t: f"{t} ", lambda t: t if t.startswith("-") else f"+{t}")
_BROKEN = (
    lambda t: t.replace(".", ",") if "." in t else f"{t},0"[:16],
    lambda t: f"{t} mm"[:16],
    lambda t: "NaN",
    lambda t: "",
    lambda t: "1E999",
    lambda t: f"0x{t}"[:16],
    lambda t: f"{t}.{t}"[:16],
)
# A plan may be without them: links, lengths that no dose depends on, and Ir-192's own half-life, which is taken
# then and differs in the fifth digit.
_OPTIONAL = (
    "ActiveSourceLength",
    "SourceIsotopeHalfLife",
    "ReferencedROINumber",
    "ChannelLength",
    "ApplicationSetupNumber",
)
_CHARSETS = ("ISO_IR 192", "ISO_IR 100", "GB18030", "ISO 2022 IR 87", "nonsense", ["", "ISO 2022 IR 87"], "")
_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
_VRS = ("LO", "UN", "SH", "FD", "FL", "SL", "US", "OB", "CS", "UT")


def _elements(data: Dataset) -> list[tuple[Dataset, DataElement]]:
    found = []
    for element in data:
        if element.tag == 0x7FE00010:
            continue
        found.append((data, element))
        if element.VR == "SQ":
            for item in element.value[:4]:
                found += _elements(item)
    return found


def _put_text(holder: Dataset, element: DataElement, texts: list[str]) -> None:
    """Write texts that pydicom would not take: as bytes of the same VR."""
    raw = "\\".join(texts).encode("latin-1")
    raw += b" " * (len(raw) % 2)
    holder._dict[element.tag] = pydicom.dataelem.RawDataElement(  # type: ignore[attr-defined]
        element.tag, element.VR, len(raw), raw, 0, False, True
    )


def _number(holder: Dataset, element: DataElement, draw: random.Random) -> tuple[str, str]:
    values = element.value if isinstance(element.value, pydicom.multival.MultiValue) else [element.value]
    texts = [str(v) for v in values]
    k = draw.randrange(len(texts))
    if draw.random() < 0.3:
        way = draw.randrange(len(_SAME))
        if len(_SAME[way](texts[k])) <= 16:  # a longer one is no number of DICOM
            texts[k] = _SAME[way](texts[k])
        _put_text(holder, element, texts)
        return "same", f"number in another way {way}: {element.keyword}"
    way = draw.randrange(len(_BROKEN) + 2)
    if way == len(_BROKEN):
        texts.append(texts[k])
    elif way == len(_BROKEN) + 1:
        del texts[k]
    else:
        texts[k] = _BROKEN[way](texts[k])
    if element.keyword in _OPTIONAL and not any(texts):
        _put_text(holder, element, texts)
        return "other", f"{element.keyword} lost"
    _put_text(holder, element, texts)
    return "broken", f"number {way}: {element.keyword}"


def _sequence(element: DataElement, draw: random.Random) -> tuple[str, str]:
    items = list(element.value)
    kind = draw.randrange(6)
    if kind == 0:
        element.value = []
        return "other", "sequence empty"
    if kind == 1:
        element.value = [*items, copy.deepcopy(draw.choice(items))]
        return "broken", "item twice"
    if kind == 2:
        element.value = [*items, Dataset()]
        return "broken", "empty item"
    if kind == 3:
        outer = Dataset()
        outer.add(copy.deepcopy(element))
        element.value = [outer]
        return "broken", "a level deeper"
    if kind == 4:
        element.is_undefined_length = not element.is_undefined_length
        return "same", "undefined length"
    element.value = items[::-1]
    return ("same" if len(items) < 2 else "other"), "items backwards"


def _element(data: Dataset, draw: random.Random) -> tuple[str, str]:
    held = _elements(data)
    numbers = [(h, e) for h, e in held if e.VR in _NUMBERS and e.value not in (None, "")]
    kind = draw.random()
    if kind < 0.4 and numbers:
        # Each kind of number as often as the others: contours would take all draws.
        tag = draw.choice(sorted({e.tag for _, e in numbers}))
        return _number(*draw.choice([(h, e) for h, e in numbers if e.tag == tag]), draw)
    tag = draw.choice(sorted({e.tag for _, e in held}))
    holder, element = draw.choice([(h, e) for h, e in held if e.tag == tag])
    name = element.keyword or str(element.tag)
    if element.VR == "SQ" and element.value and kind < 0.8:
        meaning, what = _sequence(element, draw)
        return meaning, f"{what}: {name}"
    if kind < 0.6:
        del holder[element.tag]
        return "other", f"lost: {name}"
    if kind < 0.75:
        holder[element.tag] = DataElement(element.tag, element.VR, None if element.VR != "SQ" else [])
        return "other", f"empty: {name}"
    vr = draw.choice(_VRS)
    holder._dict[element.tag] = _with_vr(element, vr)  # type: ignore[attr-defined]
    return "broken", f"as {vr}: {name}"


def _with_vr(element: DataElement, vr: str) -> Any:
    values = element.value if isinstance(element.value, pydicom.multival.MultiValue) else [element.value]
    raw = "\\".join(map(str, values)).encode("utf-8")[:64000] if element.VR != "SQ" else b"x "
    raw += b" " * (len(raw) % 2)
    return pydicom.dataelem.RawDataElement(element.tag, vr, len(raw), raw, 0, False, True)


def _around(data: Dataset, draw: random.Random) -> tuple[str, str]:
    kind = draw.randrange(4)
    if kind == 0:
        charset = draw.choice(_CHARSETS)
        data.SpecificCharacterSet = charset
        return "same", f"character set {charset}"
    if kind == 1:
        data.add_new(0x00090010, "LO", "SOMEBODY")
        data.add_new(
            0x00091001, draw.choice(("DS", "UN", "OB")), draw.choice(("1.5", "2")) if draw.random() < 0 else None
        )
        return "same", "private element"
    if kind == 2:
        for _, element in _elements(data):
            if element.VR == "SQ":
                element.is_undefined_length = True
        return "same", "undefined lengths"
    data.add_new(0x60000010, "US", 4)
    return "same", "overlay"


def dicom_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a DICOM file with one fault of an element, a sequence, or its form."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = pydicom.dcmread(io.BytesIO(data))
        meaning, name = _element(read, draw) if draw.random() < 0.8 else _around(read, draw)
        out = io.BytesIO()
        form = draw.random()
        try:
            if form < 0.7 or "PixelData" in read:
                pydicom.dcmwrite(out, read, enforce_file_format=False)
            else:
                syntax = draw.choice(
                    (
                        ImplicitVRLittleEndian,
                        ExplicitVRLittleEndian,
                        ExplicitVRBigEndian,
                        DeflatedExplicitVRLittleEndian,
                    )
                )
                read.file_meta.TransferSyntaxUID = syntax
                little, implicit = syntax != ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
                pydicom.dcmwrite(out, read, little_endian=little, implicit_vr=implicit, enforce_file_format=False)
                name += f", {syntax.name}"
        except Exception:  # what cannot be written is no input
            return data, "same", "unchanged"
    written = out.getvalue()
    if form > 0.97:
        return written[132:], meaning, name + ", no preamble"
    return written, meaning, name
