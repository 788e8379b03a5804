"""A number as a paper prints it, and what can be wrong with it.

A printed number stands for a range: "1.02" for 1.015 to 1.025. Each check asks whether any numbers within the printed
ranges satisfy the arithmetic, so that rounding never raises a finding.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hdrplan.errors import InputError

__all__ = ["Finding", "Printed", "printed"]

_NUMBER = re.compile(r"^\s*(<=|>=|<|>)?\s*([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*%?\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A number as printed, and the range of numbers that would be printed so.

    Parameters
    ----------
    text : str
        As it stands in the paper.
    value, low, high : float
        The number, and the ends of the range; infinite for "<" and ">".
    """

    text: str
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction.

    Parameters
    ----------
    rule : str
        Which rule finds it.
    where : str
        Table, row and column.
    printed : str
        What is printed.
    computed : str
        What follows from the other numbers.
    """

    rule: str
    where: str
    printed: str
    computed: str


def printed(number: str | float | Printed) -> Printed:
    """Return a printed number with the range that its decimals stand for; "<0.001" has no lower end.

    Raises
    ------
    InputError
        Not a number.

    Examples
    --------
    >>> printed("1.02").low, printed("1.02").high
    (1.015, 1.025)
    """
    if isinstance(number, Printed):
        return number
    text = str(number).strip().replace("\u2212", "-").replace("\u00b7", ".")
    match = _NUMBER.match(text)
    if not match:
        raise InputError("a printed number is digits with a decimal point", got=text)
    sign, digits = match[1], match[2]
    value: float = float(digits)
    mantissa, _, exponent = digits.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    half = 0.5 * 10.0**-decimals
    low, high = value - half, value + half
    if sign in ("<", "<="):
        low, high = -math.inf, value
    elif sign in (">", ">="):
        low, high = value, math.inf
    return Printed(text=text, value=value, low=round(low, decimals + 2) if low > -math.inf else low, high=high)
