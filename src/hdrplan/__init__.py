"""Plan and simulate CT-guided HDR Ir-192 brachytherapy of liver lesions. Research software, never for treatment.

``import hdrplan`` is quick: the names below come from the rooms when they are first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Name -> room that holds it.
_FRONT = {
    "dose_rate": "hdrplan.dose",
    "dvh": "hdrplan.workflow",
    "evaluate_plan": "hdrplan.workflow",
    "load_source": "hdrplan.sources",
    "parse_goal": "hdrplan.plan",
    "place_case": "hdrplan.workflow",
    "plan_case": "hdrplan.workflow",
    "plot": "hdrplan.report",
    "read_case": "hdrplan.io",
    "read_plan": "hdrplan.io",
    "read_volume": "hdrplan.io",
    "to_frame": "hdrplan.report",
    "to_sitk": "hdrplan.io",
    "PlaceOptions": "hdrplan.workflow",
    "PlanOptions": "hdrplan.options",
    "Strength": "hdrplan.sources",
}


# Rooms that need no import of their own: hdrplan.metrics.dvh.
_ROOMS = (
    "analysis", "cohort", "dose", "errors", "geometry", "io", "live", "materials", "metrics", "optimize", "outcomes",
    "plan", "report", "simulate", "sources", "transport", "workflow",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"hdrplan.{name}")
    if name not in _FRONT:
        raise AttributeError(f"module 'hdrplan' has no attribute {name!r}")
    return getattr(importlib.import_module(_FRONT[name]), name)


def __dir__() -> list[str]:
    return sorted(["__version__", *_ROOMS, *_FRONT])
