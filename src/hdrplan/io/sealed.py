"""Values that hdrplan keeps for its own next run: one line of JSON with its own hash, so that damage is absence."""

from __future__ import annotations

import hashlib
import json

__all__ = ["sealed", "unsealed"]


def sealed(value: object) -> str:
    """Return a value of numbers and text as one line that :func:`unsealed` reads, or refuses where it was changed."""
    text = json.dumps(value)
    return f'{{"sha256": "{_hash(text)}", "value": {text}}}'


def unsealed(line: str) -> object:
    """Return the value of a line.

    Raises
    ------
    ValueError
        Another line, or one that was changed.
    """
    try:
        held = json.loads(line)
        value: object = held["value"]
        if held["sha256"] == _hash(json.dumps(value)):
            return value
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError("no sealed line") from error
    raise ValueError("a line that was changed")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
