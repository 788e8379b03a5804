"""The flags that describe a case, as the table that ``case.toml`` holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hdrplan.errors import InputError
from hdrplan.options import PLAN_OPTIONS

__all__ = ["case_table"]


def case_table(flags: dict[str, Any]) -> dict[str, object]:
    """Return the flags that were given, as a case table; file names become absolute.

    Takes those flags out of ``flags``.
    """
    table: dict[str, object] = {}
    for key in ("ct", "catheters", "goals", "applicator"):
        path = flags.pop(key, None)
        if path is not None:
            table[key] = str(path.absolute())
    labels, names, masks = flags.pop("labels"), flags.pop("names"), flags.pop("masks")
    structures = []
    if names is not None and labels is None:
        raise InputError("expected --labels FILE with --names", got="--names alone")
    if labels is not None:
        structures.append({"file": str(labels.absolute())} | ({"names": str(names.absolute())} if names else {}))
    for name, file in (_pair(text, "--mask NAME=FILE") for text in masks):
        structures.append({"file": str(Path(file).absolute()), "name": name})
    if structures:
        table["structures"] = structures
    ctvs = flags.pop("ctv")
    table |= _roles(ctvs, flags.pop("oar"), flags.pop("healthy"))
    prescriptions = flags.pop("prescription")
    if prescriptions:
        table["prescription_gy"] = _prescriptions(prescriptions, ctvs)
    source, strength = flags.pop("source", None), flags.pop("strength", None)
    changed = {} if strength is None else {"strength_u": strength}
    if source is not None:
        changed |= {"file": str(Path(source).absolute())} if Path(source).suffix else {"name": source}
    if changed:
        table["source"] = changed
    dwells = {name: value for name in PLAN_OPTIONS if (value := flags.pop(name, None)) is not None}
    if dwells:
        table["dwells"] = dwells
    return table


def _roles(ctvs: tuple[str, ...], oars: tuple[str, ...], healthy: str | None) -> dict[str, object]:
    both = set(ctvs) & set(oars)
    if both:
        raise InputError("a structure has one role", got=f"{sorted(both)[0]!r} as --ctv and --oar")
    roles = dict.fromkeys(ctvs, "CTV") | dict.fromkeys(oars, "OAR")
    if healthy is not None:
        roles.setdefault(healthy, "OAR")
    return ({"healthy": healthy} if healthy else {}) | ({"roles": roles} if roles else {})


def _prescriptions(texts: tuple[str, ...], ctvs: tuple[str, ...]) -> float | dict[str, float]:
    """``20`` for all CTVs, of the case where the command line names none; ``lesion=20`` for one."""
    from hdrplan.door import number_in

    doses_gy: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            dose_gy = number_in(number)
        except ValueError:
            remedy = "A dose in Gy, without its unit and with a decimal point: 20 or lesion=20.5."
            raise InputError("expected --prescription GY or NAME=GY", got=repr(text), remedy=remedy) from None
        if not name and not ctvs:
            if len(texts) > 1:
                raise InputError("one --prescription GY is for all CTVs", got=", ".join(texts), remedy="Write NAME=GY.")
            return dose_gy
        doses_gy |= {name: dose_gy} if name else dict.fromkeys(ctvs, dose_gy)
    return doses_gy


def _pair(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (sign and name and value):
        raise InputError(f"expected {form}", got=repr(text))
    return name, value
