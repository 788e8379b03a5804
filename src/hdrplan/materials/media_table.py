"""The table of media: density and elements of each, with the source that the row was checked against."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from hdrplan.door import Entries
from hdrplan.errors import InputError

__all__ = ["Medium", "media", "medium"]

# The tables print three digits; a row adds up to one within what rounding allows.
_SUM_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One medium.

    Parameters
    ----------
    name : str
    density_g_per_cc : float
        Nominal.
    mass_fractions : tuple of (str, float)
        Chemical symbol and mass fraction; they add up to 1.
    source : str
        The table that the row stands in.
    checked : str
        Where the row was read and compared; empty: nobody did, and it is no default.

    Raises
    ------
    InputError
        Fractions that do not add up to 1, a density that is not positive.
    """

    name: str
    density_g_per_cc: float
    mass_fractions: tuple[tuple[str, float], ...]
    source: str
    checked: str = ""

    def __post_init__(self) -> None:
        total = math.fsum(fraction for _, fraction in self.mass_fractions)
        if abs(total - 1.0) > _SUM_TOLERANCE:
            raise InputError("mass fractions must add up to 1", got=f"{total:.6f}", where=self.name)
        if not self.density_g_per_cc > 0.0:
            raise InputError("a density must be positive (g/cm3)", got=self.density_g_per_cc, where=self.name)


@cache
def media() -> Mapping[str, Medium]:
    """Return the packaged media by name, in the order of their table."""
    text = files("hdrplan.materials").joinpath("media.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: _medium(name, Entries(row, name)) for name, row in tomllib.loads(text).items()})


def medium(name: str, where: str | None = None) -> Medium:
    """Return a packaged medium; InputError lists the names there are, and says ``where`` the wrong one stands."""
    if name not in media():
        near = difflib.get_close_matches(name, media(), n=1)
        raise InputError(
            "expected the name of a medium",
            got=repr(name[:60]),
            where=where,
            remedy=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(media())}.",
        )
    return media()[name]


def _medium(name: str, row: Entries) -> Medium:
    row.refuse_unknown(("density_g_per_cc", "source", "checked", "mass_fractions"))
    fractions = row.table("mass_fractions")
    return Medium(
        name=name,
        density_g_per_cc=row.number("density_g_per_cc"),
        mass_fractions=tuple((symbol, fractions.number(symbol)) for symbol in fractions.values),
        source=row.text("source"),
        checked=row.text_or_none("checked") or "",
    )
