"""Sources: the TG-43 data of Ir-192 source models, and their strength. Knows no plan and no patient."""

from hdrplan.sources.bounded import BoundedPhantom, bounded_phantom, bounded_warnings
from hdrplan.sources.library import (
    DEFAULT_SOURCE,
    is_packaged,
    load_source,
    packaged_sha256,
    source_aliases,
    source_names,
    user_source,
)
from hdrplan.sources.model import AlongAway, Capsule, SourceKind, TG43Source
from hdrplan.sources.record import SCHEMA
from hdrplan.sources.strength import (
    HALF_LIFE_DAYS,
    U_PER_MCI_APPARENT,
    ApparentActivity,
    Calibration,
    Strength,
    checked_strength_u,
    strength_from_activity_u,
    strength_from_text,
    strength_on_u,
)

__all__ = [
    "DEFAULT_SOURCE",
    "HALF_LIFE_DAYS",
    "SCHEMA",
    "U_PER_MCI_APPARENT",
    "AlongAway",
    "ApparentActivity",
    "BoundedPhantom",
    "Calibration",
    "Capsule",
    "SourceKind",
    "Strength",
    "TG43Source",
    "bounded_phantom",
    "bounded_warnings",
    "checked_strength_u",
    "is_packaged",
    "load_source",
    "packaged_sha256",
    "source_aliases",
    "source_names",
    "strength_from_activity_u",
    "strength_from_text",
    "strength_on_u",
    "user_source",
]
