"""What a page sends: a small JSON object, checked value by value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from hdrplan.errors import InputError
from hdrplan.live.table import can_be_written

__all__ = ["given_in", "table_of", "text_of", "whole_of"]

# A touch is some hundred bytes.
_LARGEST_BYTES = 64_000


async def given_in(request: Request) -> Mapping[str, Any]:
    """Return the JSON object of a request; InputError where it is none, or too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BYTES:
            raise InputError(f"a request has at most {_LARGEST_BYTES:,} bytes", got="more")
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise InputError("a request must be a JSON object", got="something else")
    return given


def text_of(given: Mapping[str, Any], key: str) -> str:
    """Return a short text of a request."""
    value = given.get(key)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 80 or not can_be_written(value):
        raise InputError(f"{key} must be a printable text of at most 80 characters", got=repr(value)[:60])
    return value.strip()


def whole_of(given: Mapping[str, Any], key: str) -> int:
    """Return a whole number of a request."""
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{key} must be a whole number", got=repr(value)[:60])
    return value


def table_of(given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a table of a request; an empty one where it is absent."""
    value = given.get(key, {})
    if not isinstance(value, dict):
        raise InputError(f"{key} must be a table", got=repr(value)[:60])
    return value
