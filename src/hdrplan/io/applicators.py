"""Applicators as TOML files: a folder of them is a clinic's library."""

from __future__ import annotations

import math
from pathlib import Path

from hdrplan.errors import HdrPlanError, InputError
from hdrplan.io.files import existing_file, toml_entries
from hdrplan.io.toml_text import toml_text
from hdrplan.plan import Applicator

__all__ = ["read_applicator", "with_applicator", "write_applicator"]

_KEYS = ("name", "tip_offset_mm", "uncertainty_mm", "source")


def read_applicator(path: Path) -> Applicator:
    """Read an applicator: ``name``, ``tip_offset_mm``, ``source``, and ``uncertainty_mm`` if it is known.

    Raises
    ------
    InputError, FormatError
        No such file, no TOML, a key that is missing or unknown, a number out of its range.
    """
    entries = toml_entries(existing_file(path))
    entries.refuse_unknown(_KEYS)
    try:
        return Applicator(
            name=entries.text("name"),
            tip_offset_mm=entries.number("tip_offset_mm"),
            uncertainty_mm=entries.number("uncertainty_mm") if "uncertainty_mm" in entries else math.nan,
            source=entries.text("source"),
        )
    except HdrPlanError as error:
        raise InputError(error.expected, got=error.got, where=error.where or path, remedy=error.remedy) from None


def write_applicator(path: Path, applicator: Applicator) -> None:
    """Write an applicator as :func:`read_applicator` reads it."""
    table: dict[str, object] = {"name": applicator.name, "tip_offset_mm": round(applicator.tip_offset_mm, 2)}
    if not math.isnan(applicator.uncertainty_mm):
        table["uncertainty_mm"] = round(applicator.uncertainty_mm, 2)
    path.write_text(toml_text(table | {"source": applicator.source}), encoding="utf-8")


def with_applicator(options: dict[str, float], applicator: Applicator | None, where: object) -> dict[str, float]:
    """Add the offset of the first dwell that an applicator states to a case's options.

    Raises
    ------
    InputError
        The options state another one.
    """
    if applicator is None:
        return options
    stated = applicator.tip_offset_mm
    asked = options.get("tip_offset_mm", stated)
    if abs(stated - asked) > 0.005:
        raise InputError(
            "the offset of the first dwell is that of the applicator, or `tip_offset_mm`",
            got=f"{stated:g} mm of {applicator.name}, and {asked:g} mm",
            where=where,
            remedy="Leave one of them out.",
        )
    return options | {"tip_offset_mm": stated}
