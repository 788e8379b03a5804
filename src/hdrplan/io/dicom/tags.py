"""DICOM files and their tags, read with suspicion: every complaint names the file, the item and the tag.

pydicom converts a value when it is first looked at, so a broken value shows late. Here each look is one typed question
(``text``, ``number``, ``numbers``, ``whole``, ``items``), and a wrong answer is a FormatError.
"""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import FormatError, ResourceError
from hdrplan.io.dicom.whole_file import ends_whole
from hdrplan.io.files import existing_file
from hdrplan.kinds import for_packed, what_is

__all__ = ["Tags", "read_tags"]

MAX_FILE_BYTES = 2 << 30
# A deflated file of a few MB may unfold to many GB.
DEFLATED = b"1.2.840.10008.1.2.1.99"
# A preamble of 128 bytes and "DICM"; files before DICOM's part 10 begin with their first tag, of group 2 or 8.
_PREFIX = 132
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")
# Value representations of numbers as bytes, and of text, numbers as text among it (DICOM PS3.5, 6.2).
_BINARY = frozenset({"FL", "FD", "SL", "SS", "SV", "UL", "US", "UV", "AT", "OD", "OF", "OL", "OV", "OW"})
_TEXT = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
# Type 1 and 1C in PS3.3 (C.8.8.15, C.8.8.22): a file may be without some of these numbers, and a default is taken then;
# one that stands there without its value was lost on the way. Channel numbers, which anonymisers empty, have a warning.
_NEVER_EMPTY = frozenset(
    {
        "ChannelTotalTime",
        "ControlPointRelativePosition",
        "DeliveredChannelTotalTime",
        "DeliveredNumberOfPulses",
        "FinalCumulativeTimeWeight",
        "NumberOfControlPoints",
        "NumberOfPulses",
        "ReferenceAirKermaRate",
        "ReferencedSourceNumber",
        "SourceNumber",
    }
)


class Tags:
    """A data set or sequence item, and where it stands."""

    __slots__ = ("dataset", "where")

    def __init__(self, dataset: Any, where: str) -> None:
        self.dataset, self.where = dataset, where

    def has(self, keyword: str) -> bool:
        """Whether the tag is there with a value."""
        return _is_there(self._value(keyword))

    def text(self, keyword: str, default: str | None = None) -> str:
        """Text of a tag; ``default`` where it is absent or empty, FormatError where there is no default."""
        value = self._value(keyword)
        if not _is_there(value):
            if default is None:
                raise self.error(keyword, "a value", "none")
            return default
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        return str(value).strip().strip("\0")

    def number(self, keyword: str, default: float | None = None) -> float:
        """One finite number."""
        if not self.has(keyword):
            if default is None:
                raise self.error(keyword, "a number", "none")
            return default
        return float(self.numbers(keyword, 1)[0])

    def whole(self, keyword: str, default: int | None = None) -> int:
        """One whole number."""
        number = self.number(keyword, None if default is None else float(default))
        if number != round(number) or abs(number) > 2**53:
            raise self.error(keyword, "a whole number", number)
        return int(number)

    def numbers(self, keyword: str, count: int | None = None, *, multiple_of: int = 1) -> FloatArray:
        """Return finite numbers.

        Parameters
        ----------
        keyword : str
        count : int, optional
            How many there must be.
        multiple_of : int
            What their number must be a multiple of.

        Raises
        ------
        FormatError
            Text, NaN, infinity, more than 1e12, another count.
        """
        if not self.has(keyword):
            raise self.error(keyword, "numbers", "none")
        raw = self._value(keyword)
        many = raw if hasattr(raw, "__iter__") and not isinstance(raw, str | bytes) else [raw]
        return self._finite(keyword, many, count, multiple_of)

    def decimals(self, keyword: str, *, multiple_of: int = 1) -> FloatArray:
        """Return a long list of decimal strings as finite numbers, as :meth:`numbers`; no numbers where it is absent.

        pydicom makes an object of every number: of a structure set's contours that takes ten times as long.

        Parameters
        ----------
        keyword : str
        multiple_of : int
            What their number must be a multiple of.
        """
        from pydicom.dataelem import RawDataElement

        element = self.dataset.get_item(keyword) if keyword in self.dataset else None
        if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
            return self.numbers(keyword, multiple_of=multiple_of) if self.has(keyword) else np.empty(0)
        if b"_" in element.value:
            # Python reads 1_2 as 12.
            raise self.error(keyword, "numbers", "an underscore")
        words = element.value.rstrip(b" \0").split(b"\\")
        return self._finite(keyword, words, None, multiple_of) if words != [b""] else np.empty(0)

    def _finite(self, keyword: str, many: Any, count: int | None, multiple_of: int) -> FloatArray:
        try:
            values = np.array([float(v) for v in many], dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise self.error(keyword, "numbers", repr(_shown(many))) from None
        # 1e12 in any unit of DICOM's is damage, and its square would overflow later.
        if not (np.isfinite(values) & (np.abs(values) < 1e12)).all():
            raise self.error(keyword, "finite numbers", _shown(many))
        if (count is not None and len(values) != count) or len(values) % multiple_of:
            raise self.error(keyword, f"{count or f'a multiple of {multiple_of}'} numbers", len(values))
        return values

    def items(self, keyword: str) -> list[Tags]:
        """Return the items of a sequence, none where it is absent; counted from 1 in messages."""
        value = self._value(keyword)
        if value is None:
            return []
        if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
            raise self.error(keyword, "a sequence", type(value).__name__)
        items = list(value)
        if not all(hasattr(item, "data_element") for item in items):
            raise self.error(keyword, "a sequence of items", type(value).__name__)
        return [Tags(item, f"{self.where}, {keyword} {k + 1}") for k, item in enumerate(items)]

    def error(self, keyword: str, expected: str, got: object, remedy: str = "") -> FormatError:
        """Return the FormatError for a tag of this item.

        Parameters
        ----------
        keyword : str
        expected : str
            What follows "must be".
        got : object
        remedy : str
        """
        from pydicom.datadict import tag_for_keyword
        from pydicom.tag import Tag

        tag = tag_for_keyword(keyword)
        number = str(Tag(tag)).replace(" ", "") if tag is not None else ""
        return FormatError(f"{keyword} {number} must be {expected}", got=got, where=self.where, remedy=remedy)

    def _value(self, keyword: str) -> Any:
        if not hasattr(self.dataset, "get"):
            return None
        try:
            tag = _tag(keyword)
            element = self.dataset.get_item(tag) if tag is not None and tag in self.dataset else None
            self._check_vr(keyword, element)
            self._check_emptied(keyword)
            # Only what is not converted yet can warn: a structure set has thousands of tags that are asked twice.
            if element is None or not hasattr(element, "is_raw") or not element.is_raw:
                return None if element is None else element.value
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.dataset[tag].value
        except FormatError:
            raise
        except Exception as error:  # pydicom converts lazily: whatever it stumbles on is this tag's fault
            raise self.error(keyword, "readable", f"{type(error).__name__}: {str(error)[:80]}") from None

    def _check_vr(self, keyword: str, element: Any) -> None:
        """Refuse text that a file calls binary numbers: its letters would be read as a number."""
        from pydicom.datadict import dictionary_VR

        if element is None or element.VR not in _BINARY:
            return
        expected = dictionary_VR(_tag(keyword))
        if expected in _TEXT:
            raise self.error(keyword, f"of the value representation {expected}", element.VR, "Export the file again.")

    def _check_emptied(self, keyword: str) -> None:
        """Refuse a number that stands there without its value."""
        if keyword in _NEVER_EMPTY and keyword in self.dataset and not _is_there(self.dataset.get_item(keyword).value):
            raise self.error(keyword, "a number where it stands", "none", "Export the file again.")


@cache
def _tag(keyword: str) -> Any:
    """Return the tag of a keyword: pydicom looks a word up anew in every question."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.tag import Tag

    number = tag_for_keyword(keyword)
    return None if number is None else Tag(number)


def _is_there(value: Any) -> bool:
    if value is None or (hasattr(value, "__len__") and len(value) == 0):
        return False
    return not isinstance(value, str | bytes) or bool(value.strip())


def _shown(many: Any) -> str:
    """Return the beginning of some values."""
    words = [word.decode("latin-1") if isinstance(word, bytes) else str(word) for word in list(many)[:20]]
    return "\\".join(words)[:60]


def read_tags(path: Path, *, pixels: bool = True) -> Tags:
    """Read a DICOM file.

    Parameters
    ----------
    path : Path
    pixels : bool
        False leaves PixelData out.

    Raises
    ------
    FormatError
        Not DICOM, damaged, deflated.
    """
    import pydicom

    # pydicom's own checks would log the values they doubt, and those may name a patient.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    path = existing_file(Path(path))
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ResourceError(f"a DICOM file of at most {MAX_FILE_BYTES >> 30} GiB", got=path.stat().st_size, where=path)
    # From memory: a damaged length cannot make the reader allocate more than the file holds.
    stream = io.BytesIO(path.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if DEFLATED in stream.getbuffer()[:4096].tobytes():
                raise FormatError(
                    "deflated DICOM is not read",
                    got=DEFLATED.decode(),
                    where=path,
                    remedy="Convert it with dcmconv +te.",
                )
            head = stream.getbuffer()[:_PREFIX].tobytes()
            if not (head.endswith(b"DICM") or head[:2] in _FIRST_GROUPS):
                what = what_is(path) or "another file"
                raise FormatError("expected a DICOM file", got=what, where=path, remedy=for_packed(what))
            if not ends_whole(stream.getbuffer()):
                raise FormatError(
                    "a whole DICOM file", got="one that is cut off", where=path, remedy="Export it again."
                )
            dataset = pydicom.dcmread(stream, force=True, stop_before_pixels=not pixels)
            known = "SOPClassUID" in dataset
        except FormatError:
            raise
        except Exception as error:  # a damaged file can raise anything in pydicom
            raise FormatError(
                "not a readable DICOM file", got=f"{type(error).__name__}: {str(error)[:80]}", where=path
            ) from None
    if not known:
        raise FormatError("expected a DICOM file with a SOPClassUID (0008,0016)", got="none", where=path)
    return Tags(dataset, str(path))
