"""What ITK says in words: the text of a header, and why a file cannot be read."""

from __future__ import annotations

from typing import Any

__all__ = ["reason_of", "text_fields"]


def text_fields(reader: Any) -> dict[str, str]:
    """Return the text fields of the header that a reader has read; broken ones are no text and are left out."""
    header: dict[str, str] = {}
    for key in reader.GetMetaDataKeys():
        try:
            header[key] = reader.GetMetaData(key)
        except (TypeError, UnicodeError):
            continue
    return header


def reason_of(error: Exception) -> str:
    """Return the last sentence of an ITK exception, without its source paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ")[-1][:200] if lines else type(error).__name__
