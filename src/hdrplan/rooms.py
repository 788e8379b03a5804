"""Rooms that load a file when one of its names is first asked for: a command pays for what it uses, not for the house.

The door of such a room, its ``__init__``, imports its public names under ``if TYPE_CHECKING:``, where readers, type
checkers and the import contracts see them, and hands the loading to :func:`loaded_when_used`. No file of such a room
may bear a public name of it: importing the file would bind that name to the file.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["loaded_when_used"]


def loaded_when_used(room: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for the door of a room.

    Parameters
    ----------
    room : str
        ``__name__`` of the door.

    Raises
    ------
    AttributeError
        By what is returned, for a name that the door does not import.
    """
    module = sys.modules[room]
    homes = _homes(module)

    def loaded(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(module, name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(module), *homes})

    return loaded, names


def _homes(door: ModuleType) -> dict[str, str]:
    """Return name -> module of what a door imports under ``if TYPE_CHECKING:``, read from its own source."""
    source = door.__spec__.loader.get_source(door.__name__)  # type: ignore[union-attr]
    guarded = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    imports = [line for block in guarded for line in block.body if isinstance(line, ast.ImportFrom)]
    return {alias.name: str(line.module) for line in imports for alias in line.names}
