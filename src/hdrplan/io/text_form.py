"""How a table of text is written: its encoding and its decimal mark, as its owner says them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from hdrplan.errors import FormatError, InputError
from hdrplan.io.files import bytes_of, with_newlines
from hdrplan.kinds import what_is

__all__ = ["TextForm", "table_text"]

_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# In Latin-1 the bytes 0x80 to 0x9f are control characters that no table holds; in Windows-1252 they are text.
_CONTROLS = frozenset(map(chr, range(0x80, 0xA0)))


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a table of text is written.

    Parameters
    ----------
    encoding : str
        Such as ``utf-8``, ``latin-1``, ``cp1252`` (Windows) or ``utf-16``.
    decimal : str
        Decimal mark of its numbers: ``.`` or ``,``.

    Raises
    ------
    InputError
        An encoding that is not known, another decimal mark.
    """

    encoding: str = "utf-8"
    decimal: str = "."

    def __post_init__(self) -> None:
        try:
            "a".encode(self.encoding)
        except (LookupError, UnicodeError, ValueError):
            raise InputError(
                "expected an encoding of text for `encoding`", got=self.encoding, remedy="Such as latin-1 or utf-16."
            ) from None
        if self.decimal not in (".", ","):
            raise InputError("the mark `decimal` must be a full stop or a comma", got=repr(self.decimal))

    @property
    def told(self) -> tuple[str, ...]:
        """What is other than usual; a file that says it itself refuses them."""
        encoding = () if codecs.lookup(self.encoding).name == "utf-8" else ("encoding",)
        return (*encoding, *(() if self.decimal == "." else ("decimal",)))


def table_text(path: Path, form: TextForm | None = None) -> str:
    """Return the text of a table.

    Parameters
    ----------
    path : Path
    form : TextForm or None
        None: UTF-8, and nothing else can be told.

    Returns
    -------
    str

    Raises
    ------
    FormatError
        Text of another encoding, with the line and, where it can be seen, the encoding to tell.
    """
    data = bytes_of(path)
    what = what_is(path)
    if what not in (None, "a table"):
        remedy = "A workbook is read under a name with .xlsx." if what == "a zip archive" else "Save the table as CSV."
        raise FormatError("expected a table of text", got=what, where=path, remedy=remedy)
    encoding = "utf-8" if form is None else form.encoding
    plain = codecs.lookup(encoding).name
    try:
        text = with_newlines(data.decode("utf-8-sig" if plain == "utf-8" else encoding))
    except UnicodeError as error:
        raise _other_encoding(path, data, getattr(error, "start", 0), encoding, form is not None) from None
    if plain != "utf-8" and not plain.startswith("utf-16"):
        _check_single_bytes(path, data, text, encoding)
    if "\0" in text:
        at = text.index("\0")
        line = text[:at].count("\n") + 1
        utf16 = form is not None and data[1:2] == b"\0"
        remedy = 'It looks like UTF-16 without its mark: say `encoding="utf-16-le"`.' if utf16 else ""
        raise FormatError("expected text", got="a NUL character", where=f"{path}, line {line}", remedy=remedy)
    return text


def _other_encoding(path: Path, data: bytes, start: int, encoding: str, can_tell: bool) -> FormatError:
    mark = _MARKS.get(data[:2])
    line = data[:start].count(b"\n") + 1
    got, remedy = f"byte {data[start]:#x}" if start < len(data) else "half a character", "Save it as UTF-8"
    if mark:
        got, meant = "UTF-16 text", f'`encoding="{mark}"`'
    else:
        byte = data[start : start + 1]
        windows = any(0x80 <= b < 0xA0 for b in data)
        meant = f'`encoding="{"cp1252" if windows else "latin-1"}"`'
        if can_tell and byte.decode("cp1252", "replace").isprintable():
            meant += f", in which this byte is {byte.decode('cp1252', 'replace')}"
    remedy += f", or say {meant}." if can_tell else "."
    if encoding.lower() not in ("utf-8", "utf8"):
        remedy = "It is not written so: try without, the message then says what it looks like."
    expected = "expected UTF-8 text" if encoding.lower() in ("utf-8", "utf8") else f"expected {encoding} text"
    return FormatError(expected, got=got, where=path if mark else f"{path}, line {line}", remedy=remedy)


def _check_single_bytes(path: Path, data: bytes, text: str, encoding: str) -> None:
    """Refuse what a one-byte encoding would read as wrong letters: UTF-8, UTF-16, and Windows text as Latin-1."""
    if data[:2] in _MARKS:
        raise FormatError(f"expected {encoding} text", got="UTF-16 text", where=path, remedy='Say `encoding="utf-16"`.')
    try:
        utf8 = not data.decode("utf-8").isascii()
    except UnicodeDecodeError:
        utf8 = False
    if utf8:
        raise FormatError(
            f"expected {encoding} text", got="UTF-8 text", where=path, remedy="Leave out `encoding`: it is UTF-8."
        )
    if codecs.lookup(encoding).name == "iso8859-1" and _CONTROLS & set(text):
        at = next(k for k, letter in enumerate(text) if letter in _CONTROLS)
        line = text[:at].count("\n") + 1
        raise FormatError(
            "expected Latin-1 text", got=f"byte {ord(text[at]):#x}", where=f"{path}, line {line}",
            remedy='It is Windows text: say `encoding="cp1252"`.',
        )  # fmt: skip
