"""Parameters of the library and flags of the command line: one into the other, in options and in messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hdrplan.cli.numbers import NUMBER

__all__ = ["flag_of", "in_flags", "number_flag"]

F = TypeVar("F", bound=Callable[..., Any])

# A parameter that the library quotes: `sample_mm`, `overwrite=True`, `accept=["cm_for_mm"]`, `margins_mm["colon"]`.
_QUOTED = re.compile(r'`([a-z][a-z0-9_]*)(?:=([^`]*)|\["([^`]*)"\])?`')
# Units end a parameter's name, but not its flag's.
_UNIT = re.compile(r"_(mm_per_s|mm|s|deg|frac|gy|u)$")
# Parameters whose flag is called otherwise.
_OTHER_FLAGS = {
    "source_speed_mm_per_s": "--transit-speed",
    "margins_mm": "--avoid",
    "maximum_count": "--most",
    "minimum_frac": "--least",
    **{
        name: "--" + name.replace("_", "-")
        for name in (
            "catheter_mm", "rotation_deg", "tip_mm", "implant_mm", "source_mm", "timer_s", "strength_frac", "ctv_mm",
            "oar_mm", "motion_mm",
        )
    },
}  # fmt: skip
# Python that no single flag stands for.
_OTHER_WORDS = {
    '`role="CTV"`': "--ctv or in [roles] of case.toml",
    "`roles`": "--ctv NAME",
    '`structures=[{"file": "labels.nii.gz", "names": "labels.json"}]`': "On the command line: --labels FILE "
    "--names JSON, or --mask NAME=FILE",
    "`plan`": "`import --plan`, `check FILE`",
}


def flag_of(parameter: str) -> str:
    """Return the flag that sets a parameter of the library: ``--time-limit`` for ``time_limit_s``."""
    return _OTHER_FLAGS.get(parameter, "--" + _UNIT.sub("", parameter).replace("_", "-"))


def number_flag(name: str, default: float | None, unit: str, help_: str) -> Callable[[F], F]:
    """Return the flag of a parameter that is a number; the command gets the value under the parameter's name.

    Parameters
    ----------
    name : str
        Of the parameter.
    default : float or None
        Shown in the help; None: the command gets None where the flag is not given.
    unit : str
        Written for the value in the help.
    help_ : str
    """
    return click.option(
        flag_of(name), name, type=NUMBER, default=default, show_default=default is not None, metavar=unit, help=help_
    )


def in_flags(message: str) -> str:
    """Return a message of the library in the words of the command line: quoted parameters become flags.

    The library quotes parameters as Python writes them, between backticks; quoted commands stay as they are.

    Examples
    --------
    >>> in_flags("Take a larger `sample_mm`, or `overwrite=True`; see `hdrplan sources list`.")
    'Take a larger --sample, or --overwrite; see `hdrplan sources list`.'
    """
    for python, words in _OTHER_WORDS.items():
        message = message.replace(python, words)
    return _QUOTED.sub(_flag, message)


def _flag(quoted: re.Match[str]) -> str:
    name, value, key = quoted.groups()
    if key is not None:
        return f"{flag_of(name)} {key}=MM"
    value = "" if value in (None, "True") else value.strip('[]"')
    return f"{flag_of(name)} {value}".rstrip()
