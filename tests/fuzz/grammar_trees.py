"""Mutators of trees (JSON, TOML): what a person or a program does to values, keys and nesting, not to bytes.

A mutator returns the new value and what it means: "same" (another way to write it), "broken" (no longer what the
format says) or "other" (another input, in good form).
"""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable
from typing import Any

__all__ = ["Mutated", "json_mutated", "toml_mutated"]

# New bytes, what they mean, and the name of the mutator.
Mutated = tuple[bytes, str, str]

_NAN = float("nan")
# What stands in the place of a number: never a number of the same value.
_NO_NUMBERS: tuple[Callable[[Any], Any], ...] = (
    lambda x: str(x),
    lambda x: f"{x} mm",
    lambda x: str(x).replace(".", ","),
    lambda x: [x],
    lambda x: {"value": x},
    lambda x: None,
    lambda x: True,
    lambda x: False,
    lambda x: "",
    lambda x: _NAN,
    lambda x: float("inf"),
    lambda x: [x, x],
    lambda x: -1e308,
    lambda x: 10**400,
)
_NO_TEXTS: tuple[Callable[[Any], Any], ...] = (
    lambda x: None, lambda x: 7, lambda x: [x], lambda x: {"name": x}, lambda x: True, lambda x: x + "\0",
    lambda x: "", lambda x: x + "​", lambda x: x.replace("e", "е") if "e" in x else x + "ѕ", lambda x: x * 500,
)  # fmt: skip


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(tree, dict):
        found += [p for key, value in tree.items() for p in _paths(value, (*path, key))]
    elif isinstance(tree, list):
        # Long tables of numbers: their beginning stands for them.
        found += [p for k, value in enumerate(tree[:6]) for p in _paths(value, (*path, k))]
    return found


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    _at(tree, path[:-1])[path[-1]] = value
    return tree


def _value(tree: Any, draw: random.Random) -> tuple[Any, str, str]:
    """One leaf becomes something of another type."""
    leaves = [p for p in _paths(tree) if p and not isinstance(_at(tree, p), dict | list)]
    path = draw.choice(leaves)
    old = _at(tree, path)
    if isinstance(old, str):
        k = draw.randrange(len(_NO_TEXTS))
        # Free text may be any text; where it is a name, another name is another input or not there.
        return _put(tree, path, _NO_TEXTS[k](old)), "broken" if k < 5 else "other", f"text {k}"
    k = draw.randrange(len(_NO_NUMBERS))
    return _put(tree, path, _NO_NUMBERS[k](old)), "broken", f"number {k}"


def _number_again(tree: Any, draw: random.Random) -> tuple[Any, str, str]:
    """A number in another way: 20 and 20.0 are one number."""
    leaves = [p for p in _paths(tree) if p and type(_at(tree, p)) in (int, float)]
    path = draw.choice(leaves or [()])
    old = _at(tree, path)
    if type(old) is float and old.is_integer():
        return _put(tree, path, int(old)), "same", "whole number"
    if type(old) is int:
        return _put(tree, path, float(old)), "same", "number with a point"
    return tree, "same", "unchanged"


def _nesting(tree: Any, draw: random.Random) -> tuple[Any, str, str]:
    """A value a level deeper, or a list without its brackets."""
    paths = [p for p in _paths(tree) if isinstance(_at(tree, p), dict | list)]
    path = draw.choice(paths)
    old = _at(tree, path)
    kind = draw.randrange(5)
    if kind == 0:
        new: Any = [old]
    elif kind == 1:
        new = {"data": old}
    elif kind == 2:
        new = old[0] if isinstance(old, list) and old else list(old.items()) if isinstance(old, dict) else old
    elif kind == 3:
        new = {str(k): v for k, v in enumerate(old)} if isinstance(old, list) else list(old.values())
    else:
        new = json.dumps(old)
    return _put(tree, path, new), "broken", f"nesting {kind}"


def _keys(tree: Any, draw: random.Random) -> tuple[Any, str, str]:
    """A key renamed, added, lost; the order of keys."""
    paths = [p for p in _paths(tree) if isinstance(_at(tree, p), dict) and _at(tree, p)]
    if not paths:
        return tree, "same", "unchanged"
    path = draw.choice(paths)
    old = dict(_at(tree, path))
    key = draw.choice(list(old))
    kind = draw.randrange(6)
    if kind == 0:
        old[draw.choice((key.upper() + "_", key + " ", " " + key, key + "s"))] = old.pop(key)
        return _put(tree, path, old), "other", "key renamed"
    if kind == 1:
        old["unknown_key"] = draw.choice((1, "x", None, []))
        return _put(tree, path, old), "broken", "unknown key"
    if kind == 2:
        del old[key]
        return _put(tree, path, old), "other", "key lost"
    names = list(old)
    draw.shuffle(names)
    return _put(tree, path, {name: old[name] for name in names}), "same", "keys in another order"


def _rows(tree: Any, draw: random.Random) -> tuple[Any, str, str]:
    """An entry of a list twice, in another form, or too short."""
    paths = [p for p in _paths(tree) if isinstance(_at(tree, p), list) and _at(tree, p)]
    if not paths:
        return tree, "same", "unchanged"
    path = draw.choice(paths)
    old = list(_at(tree, path))
    k, kind = draw.randrange(len(old)), draw.randrange(5)
    of_numbers = all(type(entry) in (int, float) for entry in old)
    if kind == 0:
        old.insert(k, old[k])
        return _put(tree, path, old), "broken", "entry twice" if not of_numbers else "number twice"
    if kind == 1:
        old[k] = [old[k]]
        return _put(tree, path, old), "broken", "entry in brackets"
    if kind == 2 and of_numbers:
        del old[k]
        return _put(tree, path, old), "broken", "number lost"
    if kind == 3:
        old.append(None)
        return _put(tree, path, old), "broken", "null at the end"
    old[k] = {} if not of_numbers else []
    return _put(tree, path, old), "broken", "empty entry"


_TREE = (_value, _value, _value, _number_again, _nesting, _keys, _keys, _rows, _rows)


def _text(text: str, draw: random.Random, *, json_: bool) -> Mutated:
    """Around the tree: encodings, ends of lines, text that follows."""
    kind = draw.randrange(9)
    if kind == 0:
        return b"\xef\xbb\xbf" + text.encode(), "same", "byte order mark"
    if kind == 1:
        return text.replace("\n", "\r\n").encode(), "same", "CRLF"
    if kind == 2:
        return text.encode("utf-16"), "broken", "UTF-16"
    if kind == 3:
        return (text + text).encode(), "broken", "the file twice"
    if kind == 4:
        return (text + "\n\n \t\n").encode(), "same", "blank lines"
    if kind == 5:
        return text.replace("\n", "\r").encode(), "other", "CR"
    if kind == 6:
        return (("// note\n" if json_ else "# note\n") + text).encode(), "broken" if json_ else "same", "a comment"
    if kind == 7:
        return text.replace(": ", " :\t").encode() if json_ else text.replace(" = ", "=").encode(), "same", "blanks"
    at = draw.randrange(max(1, len(text)))
    return text[:at].encode(), "other", "cut"


def json_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a JSON file with one fault of its tree, of its keys, or of its text."""
    text = data.decode()
    if draw.random() < 0.15:
        return _text(text, draw, json_=True)
    tree = json.loads(text)
    if draw.random() < 0.08:
        # Twice the same key: readers differ in which one they take.
        key = draw.choice(list(tree)) if isinstance(tree, dict) and tree else None
        if key is not None:
            return ("{" + json.dumps(key) + ": 1, " + text.lstrip()[1:]).encode(), "broken", "key twice"
    tree, meaning, name = draw.choice(_TREE)(tree, draw)
    try:
        return json.dumps(tree, indent=draw.choice((None, 1, 2))).encode(), meaning, name
    except ValueError:
        return data, "same", "unchanged"


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return '""'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float):
        return "nan" if value != value else "inf" if value == float("inf") else repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    return f"{value}"


def toml_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a TOML file with one fault of its tree, of its keys, or of its text."""
    text = data.decode()
    if draw.random() < 0.2:
        return _text(text, draw, json_=False)
    tree, meaning, name = draw.choice(_TREE)(tomllib.loads(text), draw)
    if not isinstance(tree, dict):
        return data, "same", "unchanged"
    return "".join(f"{json.dumps(str(k))} = {_inline(v)}\n" for k, v in tree.items()).encode(), meaning, name
