"""The packaged sources, by name."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib import resources
from typing import Any

from hdrplan.arrays import FloatArray
from hdrplan.errors import InputError
from hdrplan.sources.model import TG43Source
from hdrplan.sources.record import source_from_record

__all__ = ["DEFAULT_SOURCE", "load_source", "radial_dose_beyond", "source_aliases", "source_names"]

DEFAULT_SOURCE = "gammamed-12i"
_DATA = resources.files("hdrplan.sources") / "data"


@cache
def source_names() -> tuple[str, ...]:
    """Names of the packaged sources; the default first, then by the alphabet."""
    names = sorted(entry.name.removesuffix(".json") for entry in _DATA.iterdir() if entry.name.endswith(".json"))
    return (DEFAULT_SOURCE, *(name for name in names if name != DEFAULT_SOURCE))


@cache
def source_aliases() -> dict[str, str]:
    """Other names of the packaged sources, and what they stand for."""
    return {alias: name for name in source_names() for alias in _record(name)["aliases"]}


def load_source(name: str = DEFAULT_SOURCE) -> TG43Source:
    """Return a packaged source.

    Parameters
    ----------
    name : str
        One of :func:`source_names` or an alias; case, blanks and underscores do not matter.

    Returns
    -------
    TG43Source

    Raises
    ------
    InputError
        No source has that name.
    """
    key = "-".join(name.strip().lower().replace("_", " ").replace("-", " ").split())
    key = source_aliases().get(key, key)
    if key not in source_names():
        near = difflib.get_close_matches(key, [*source_names(), *source_aliases()], n=3, cutoff=0.5)
        remedy = f"Did you mean {' or '.join(near)}?" if near else f"Known sources: {', '.join(source_names())}."
        raise InputError("unknown source", got=repr(name), remedy=remedy)
    return _loaded(key)


@cache
def _loaded(key: str) -> TG43Source:
    record = _record(key)
    shape = record["radial_dose"].get("beyond")
    return source_from_record(record, radial_dose_beyond(shape) if shape else None, where=key)


def radial_dose_beyond(name: str = DEFAULT_SOURCE) -> tuple[FloatArray, FloatArray]:
    """Radii (mm) and g of the packaged source whose shape continues a table that ends before 20 cm."""
    source = load_source(name)
    return source.radial_r_mm, source.radial_dose


@cache
def _record(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))
    return record
