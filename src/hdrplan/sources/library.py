"""The packaged sources, by name."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from types import MappingProxyType

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.catalogue import DEFAULT_SOURCE, sources_by_name
from hdrplan.door import Entries
from hdrplan.errors import FormatError, InputError
from hdrplan.sources.model import TG43Source
from hdrplan.sources.record import source_from_record

__all__ = [
    "DEFAULT_SOURCE",
    "bounded_entries",
    "is_packaged",
    "load_source",
    "packaged_sha256",
    "source_aliases",
    "source_names",
    "user_source",
]

# The keys of a record that a dose depends on.
_NUMBERS = (
    "dose_rate_constant_cgy_per_h_per_u",
    "active_length_cm",
    "half_life_days",
    "capsule_cm",
    "radial_dose",
    "anisotropy",
)


def source_names() -> tuple[str, ...]:
    """Names of the packaged sources; the default first, then by the alphabet."""
    return tuple(sources_by_name())


@cache
def source_aliases() -> Mapping[str, str]:
    """Other names of the packaged sources, and what they stand for."""
    return MappingProxyType({alias: name for name in source_names() for alias in _record(name).texts("aliases")})


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
        near = difflib.get_close_matches(key[:60], [*source_names(), *source_aliases()], n=3, cutoff=0.5)
        remedy = f"Did you mean {' or '.join(near)}?" if near else f"Known sources: {', '.join(source_names())}."
        raise InputError("unknown source", got=repr(name[:60]), remedy=remedy)
    return _packaged(key)


def is_packaged(source: TG43Source) -> bool:
    """Whether a source is the packaged one of its name, with its data unchanged."""
    if source.name not in source_names():
        return False
    packaged = _packaged(source.name)
    # The along-away table is for verification only: no dose depends on it.
    compared = [field.name for field in fields(TG43Source) if field.name != "along_away"]
    return source is packaged or all(np.array_equal(getattr(source, f), getattr(packaged, f)) for f in compared)


def bounded_entries(name: str) -> Entries | None:
    """Return what a packaged record says of its bounded phantom, if it is of one."""
    record = _record(name)
    return record.table("bounded") if "bounded" in record else None


@cache
def packaged_sha256(name: str) -> str:
    """SHA-256 of the published numbers of a packaged source: what a dose depends on, and no word about it.

    Taken of the record, not of the arrays made from it, which may differ in their last bits between machines.
    """
    numbers = {key: _record(name).values[key] for key in _NUMBERS}
    radial = _record(name).table("radial_dose")
    if "beyond" in radial:
        numbers["radial_dose"] = {**radial.values, "beyond": packaged_sha256(radial.text("beyond"))}
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


@cache
def _packaged(key: str) -> TG43Source:
    shape = _record(key).table("radial_dose").text_or_none("beyond")
    return source_from_record(_record(key).values, _shape_of(shape) if shape else None, where=key)


def user_source(record: Mapping[str, object], *, where: str = "") -> TG43Source:
    """Return a source that is not packaged, from a record of the schema in :mod:`hdrplan.sources.record`.

    A g that ends before 20 cm is continued by the shape of the packaged source that ``radial_dose`` names under
    ``beyond``; if it names none, by that of the default source.

    Raises
    ------
    FormatError, InputError
        As :func:`~hdrplan.sources.record.source_from_record`.
    """
    radial = record.get("radial_dose")
    beyond = radial.get("beyond", DEFAULT_SOURCE) if isinstance(radial, Mapping) else DEFAULT_SOURCE
    if not isinstance(beyond, str):
        raise FormatError("beyond must be the name of a packaged source", got=repr(beyond)[:60], where=where)
    return source_from_record({**record, "kind": "user"}, _shape_of(beyond), where=where)


def _shape_of(name: str) -> tuple[FloatArray, FloatArray]:
    source = load_source(name)
    return source.radial_r_mm, source.radial_dose


@cache
def _record(name: str) -> Entries:
    return Entries(sources_by_name()[name], name)
