"""What an action is: a name, checked arguments, help, and a function from wishes to wishes."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

import numpy as np

from hdrplan.errors import InputError
from hdrplan.live.wishes import Wishes

__all__ = ["Action", "Parameter", "action_of", "can_be_written"]

# No dose, time or place is larger, in any unit.
_LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument: name, kind ("float", "int", "str", "bool" or "point"), and whether it may be left out."""

    name: str
    kind: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that a person can do; every action can be undone.

    Parameters
    ----------
    name : str
    help : str
        One line.
    parameters : tuple of Parameter
    change : callable
        (wishes, what is shown, arguments by keyword) -> wishes.
    """

    name: str
    help: str
    parameters: tuple[Parameter, ...]
    change: Callable[..., Wishes]

    def arguments(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Return checked arguments; what comes from a page or a journal may be anything.

        Raises
        ------
        InputError
            Unknown, missing or of another type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        strange = sorted(set(given) - set(known))
        missing = [p.name for p in self.parameters if not p.optional and given.get(p.name) is None]
        if strange or missing:
            expected = ", ".join(known) or "no arguments"
            got = f"no {missing[0]}" if missing else repr(strange[0])[:40]
            raise InputError(f"{self.name} takes {expected}", got=got)
        return {name: _checked(self.name, known[name], value) for name, value in given.items() if value is not None}

    def label(self, arguments: Mapping[str, Any]) -> str:
        """Return what was done in a line, for the history."""
        told = ", ".join(_told(name, value) for name, value in arguments.items())
        return f"{self.name.replace('_', ' ')}: {told}" if told else self.name.replace("_", " ")


_UNITS = {"gy": "Gy", "mm": "mm", "percent": "%", "seconds": "s"}
_SAID = {("at_least", True): "at least", ("at_least", False): "at most", ("on", True): "on", ("on", False): "off"}


def _told(name: str, value: object) -> str:
    if isinstance(value, bool):
        return _SAID[name, value]
    words, _, last = name.rpartition("_")
    unit = f" {_UNITS[last]}" if last in _UNITS else ""
    if isinstance(value, tuple):
        return f"{words or name} (" + ", ".join(f"{v:.1f}" for v in value) + f"){unit}"
    if isinstance(value, str):
        return value
    return f"{value:.6g}{unit}" if unit else f"{name} {value}"


_KINDS = {float: "float", int: "int", str: "str", bool: "bool"}


def _checked(action: str, parameter: Parameter, value: object) -> object:
    def refused(expected: str) -> InputError:
        return InputError(f"{parameter.name} of {action} must be {expected}", got=repr(value)[:60])

    if parameter.kind == "bool":
        if not isinstance(value, bool):
            raise refused("true or false")
        return value
    if parameter.kind == "str":
        if not isinstance(value, str) or not 0 < len(value) <= 200 or not can_be_written(value):
            raise refused("a printable text of at most 200 characters")
        return value
    if parameter.kind == "point":
        numbers = [_number(v) for v in value] if isinstance(value, Sequence | np.ndarray) else []
        if len(numbers) != 3 or None in numbers:
            raise refused("three numbers in mm")
        return tuple(numbers)
    number = _number(value)
    if number is None:
        raise refused("a finite number")
    if parameter.kind == "int":
        if number != int(number):
            raise refused("a whole number")
        return int(number)
    return number


def can_be_written(text: str) -> bool:
    """Whether a text has neither control characters nor halves of a pair of surrogates, which no file takes."""
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return None  # a whole number of 400 digits is no float
    number = float(value)
    return number if abs(number) < _LARGEST else None


def action_of(function: Callable[..., Wishes]) -> Action:
    """Return the action of a function: its keyword arguments are the action's, its docstring the help."""
    hints = get_type_hints(function)
    parameters = tuple(
        Parameter(p.name, _kind(hints[p.name]), p.default is not inspect.Parameter.empty)
        for p in inspect.signature(function).parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    )
    help_ = (function.__doc__ or "").splitlines()[0]
    return Action(name=function.__name__, help=help_, parameters=parameters, change=function)


def _kind(hint: Any) -> str:
    options = [option for option in get_args(hint) or (hint,) if option is not type(None)]
    return _KINDS.get(options[0] if len(options) == 1 else hint, "point")
