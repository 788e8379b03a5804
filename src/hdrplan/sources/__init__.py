"""Sources: the TG-43 data of Ir-192 source models, and their strength. Knows no plan and no patient."""

from hdrplan.sources.library import DEFAULT_SOURCE, load_source, source_aliases, source_names, user_source
from hdrplan.sources.model import AlongAway, Capsule, TG43Source
from hdrplan.sources.record import SCHEMA
from hdrplan.sources.strength import (
    U_PER_MCI_APPARENT,
    checked_strength_u,
    strength_from_activity_u,
    strength_from_text_u,
    strength_on_u,
)

__all__ = [
    "DEFAULT_SOURCE",
    "SCHEMA",
    "U_PER_MCI_APPARENT",
    "AlongAway",
    "Capsule",
    "TG43Source",
    "checked_strength_u",
    "load_source",
    "source_aliases",
    "source_names",
    "strength_from_activity_u",
    "strength_from_text_u",
    "strength_on_u",
    "user_source",
]
