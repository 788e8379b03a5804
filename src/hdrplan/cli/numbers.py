"""Numbers of the command line: decimal numbers, as in files; Python's own reading takes 1_0 for 10, and nan for all."""

from __future__ import annotations

from typing import Any

import click

from hdrplan.door import number_in

__all__ = ["NUMBER", "NumberRange"]


class _Number(click.types.FloatParamType):
    """Type of an option that takes a finite number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; a usage error where the text is none.

        Parameters
        ----------
        value, param, ctx
            As of :class:`click.types.FloatParamType`.
        """
        return super().convert(_number(self, value, param, ctx), param, ctx)


class NumberRange(click.FloatRange):
    """Type of an option that takes a finite number within limits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; a usage error where the text is none, or it lies outside.

        Parameters
        ----------
        value, param, ctx
            As of :class:`click.FloatRange`.
        """
        return super().convert(_number(self, value, param, ctx), param, ctx)


def _number(kind: click.ParamType[Any], value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
    if not isinstance(value, str):
        return value
    try:
        number = number_in(value)
    except ValueError:
        kind.fail(f"{value[:40]!r} is not a decimal number such as 2.5.", param, ctx)
    if not abs(number) <= _LARGEST:
        kind.fail("the number is too large.", param, ctx)
    return number


_LARGEST = 1e300
NUMBER = _Number()
