"""Case files and facts as TOML text: the counterpart of the parser that Python has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

__all__ = ["toml_text"]

# Their keys are names of structures: quoted, whatever they hold.
_NAMED = ("roles", "prescription_gy")


def toml_text(table: Mapping[str, object]) -> str:
    """Return the text of a table of a case: its values, then its tables and lists of tables, each in their order.

    Parameters
    ----------
    table : mapping
        Texts, numbers, dates, lists of them; tables of these, lists of such tables. The key "#" is a comment.

    Examples
    --------
    >>> print(toml_text({"name": "x", "roles": {"lesion B": "CTV"}, "goals": [{"level": 0}]}), end="")
    name = "x"
    <BLANKLINE>
    [roles]
    "lesion B" = "CTV"
    <BLANKLINE>
    [[goals]]
    level = 0
    """
    values: list[str] = []
    tables: list[str] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            tables += ["", f"[{key}]", *(_line(k, v, named=key in _NAMED) for k, v in value.items())]
        elif isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value):
            for entry in value:
                tables += ["", f"[[{key}]]", *(_line(k, v) for k, v in entry.items())]
        else:
            values.append(_line(key, value))
    return "\n".join([*values, *tables]) + "\n"


def _line(key: str, value: object, *, named: bool = False) -> str:
    if key == "#" and not named:
        return f"# {value}"
    return f"{_quoted(key) if named else key} = {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # repr of a float and of a whole number is TOML.
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def _quoted(text: str) -> str:
    """Text as a basic string of ASCII characters."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    # JSON's escapes are TOML's, but for DEL and for what JSON writes as a pair of surrogates.
    if character == "\x7f":
        return "\\u007f"
    return f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else json.dumps(character)[1:-1]
