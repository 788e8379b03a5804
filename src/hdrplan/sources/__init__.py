"""Sources: the TG-43 data of Ir-192 source models, and their strength. Knows no plan and no patient."""

from hdrplan.sources.library import DEFAULT_SOURCE, load_source, source_aliases, source_names
from hdrplan.sources.model import AlongAway, Capsule, TG43Source

__all__ = ["DEFAULT_SOURCE", "AlongAway", "Capsule", "TG43Source", "load_source", "source_aliases", "source_names"]
