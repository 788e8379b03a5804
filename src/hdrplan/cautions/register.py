"""The register of warnings: every kind that hdrplan can give, by its id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from hdrplan.cautions.catheters import CATHETERS
from hdrplan.cautions.caution import Caution, Kind, fields_of
from hdrplan.cautions.dicom import DICOM
from hdrplan.cautions.exports import EXPORTS
from hdrplan.cautions.images import IMAGES
from hdrplan.cautions.materials import MATERIALS
from hdrplan.cautions.numbers import NUMBERS
from hdrplan.cautions.plans import PLANS
from hdrplan.cautions.prepared import PREPARED
from hdrplan.cautions.structures import STRUCTURES
from hdrplan.cautions.tables import TABLES

__all__ = ["REGISTER", "caution", "each_once"]

REGISTER: Mapping[str, Kind] = MappingProxyType(
    {
        kind.id: kind
        for kinds in (IMAGES, PREPARED, STRUCTURES, CATHETERS, NUMBERS, PLANS, MATERIALS, DICOM, EXPORTS, TABLES)
        for kind in kinds
    }
)


def caution(id_: str, **values: object) -> Caution:
    """Return a warning of the register.

    Parameters
    ----------
    id_ : str
        Of its kind.
    **values
        The fields of its texts, all of them and no others.

    Raises
    ------
    KeyError
        No such kind.
    ValueError
        Other fields than those of its texts: a mistake in the code that gives it.
    """
    kind = REGISTER[id_]
    if fields_of(kind) != values.keys():
        raise ValueError(f"{id_} has the fields {sorted(fields_of(kind))}, not {sorted(values)}")
    return Caution(kind, tuple(sorted(values.items())))


def each_once(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Return the warnings in their order, those that say the same once."""
    return tuple({(c.id, c.text): c for c in cautions}.values())
