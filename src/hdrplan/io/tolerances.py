"""Tolerances of the second check, from a TOML file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from hdrplan.door import Entries
from hdrplan.errors import FormatError
from hdrplan.io.files import toml_entries
from hdrplan.metrics import LIMITS, GammaCriteria, Tolerances

__all__ = ["read_tolerances"]


def read_tolerances(path: Path | None) -> Tolerances:
    """Read tolerances: keys are those of ``Tolerances``, in ``[gamma]`` those of ``GammaCriteria``.

    ``[warn]`` holds smaller limits from which a comparison passes with a warning, ``[structures]`` limits of DVH
    metrics by regular expressions for names, ``[sources]`` where a value comes from.

    Parameters
    ----------
    path : Path or None
        None gives the defaults.

    Raises
    ------
    FormatError
        Another key, a value that is no number from 0 on.
    InputError
        Criteria of gamma that cannot be right.
    """
    defaults = Tolerances()
    if path is None:
        return defaults
    table = toml_entries(path)
    table.refuse_unknown(f.name for f in fields(Tolerances))
    return Tolerances(
        trak_frac=_number(table, "trak_frac", defaults.trak_frac),
        point_frac=_number(table, "point_frac", defaults.point_frac),
        point_mm=_number(table, "point_mm", defaults.point_mm),
        median_frac=_number(table, "median_frac", defaults.median_frac),
        dvh_frac=_number(table, "dvh_frac", defaults.dvh_frac),
        dwell_frac=_number(table, "dwell_frac", defaults.dwell_frac),
        stored_dvh_frac=_number(table, "stored_dvh_frac", defaults.stored_dvh_frac),
        time_frac=_number(table, "time_frac", defaults.time_frac),
        gamma_pass_frac=_number(table, "gamma_pass_frac", defaults.gamma_pass_frac),
        threshold_frac=_number(table, "threshold_frac", defaults.threshold_frac),
        gamma=_gamma(table.table("gamma", {}), defaults.gamma),
        warn=_numbers(table.table("warn"), LIMITS) if "warn" in table else defaults.warn,
        structures=_by_structure(table.table("structures", {})),
        sources=_sources(table.table("sources", {})),
    )


def _numbers(table: Entries, keys: Iterable[str]) -> dict[str, float]:
    table.refuse_unknown(keys)
    return {key: table.number(key, between=(0.0, math.inf)) for key in table.values}


def _by_structure(table: Entries) -> dict[str, float]:
    for pattern in table.values:
        try:
            re.compile(pattern)
        except re.error as error:
            raise FormatError(
                "the keys of [structures] must be regular expressions", got=f"{pattern!r}: {error}", where=table.where
            ) from None
    return {pattern: table.number(pattern, between=(0.0, math.inf)) for pattern in table.values}


def _sources(table: Entries) -> dict[str, str]:
    table.refuse_unknown([*(f.name for f in fields(Tolerances)), "default"])
    return {key: table.text(key) for key in table.values}


def _gamma(table: Entries, defaults: GammaCriteria) -> GammaCriteria:
    table.refuse_unknown(f.name for f in fields(GammaCriteria))
    return GammaCriteria(
        dose_frac=_number(table, "dose_frac", defaults.dose_frac),
        distance_mm=_number(table, "distance_mm", defaults.distance_mm),
        local=table.flag("local", defaults.local),
        largest=_number(table, "largest", defaults.largest),
        step_frac=_number(table, "step_frac", defaults.step_frac),
    )


def _number(table: Entries, key: str, default: float) -> float:
    return table.number(key, between=(0.0, math.inf), default=default)
