"""Reading back what ``hdrplan plan`` wrote."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Volume
from hdrplan.io.files import json_object, text_of
from hdrplan.io.images import read_volume
from hdrplan.io.plan_files import read_plan
from hdrplan.plan import Plan

__all__ = ["ResultFolder", "read_result_folder"]


@dataclass(frozen=True, slots=True, eq=False)
class ResultFolder:
    """A plan's output folder.

    Parameters
    ----------
    name : str
        Of the case.
    plan : Plan
    dose : Volume
        Gy.
    dvh : dict
        Structure -> (dose_gy, volume_cc).
    metrics : dict
        metrics.json.
    """

    name: str
    plan: Plan
    dose: Volume
    dvh: dict[str, tuple[FloatArray, FloatArray]]
    metrics: dict[str, Any]


def read_result_folder(folder: Path) -> ResultFolder:
    """Read plan.json, dose.nrrd, dvh.csv and metrics.json of one folder.

    Raises
    ------
    InputError
        No folder, or a file that is not there.
    FormatError
        A file that is not what hdrplan writes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("expected the output folder of a plan", got="no folder", where=folder)
    plan, name = read_plan(folder)
    metrics = json_object(folder / "metrics.json")
    if not str(metrics.get("schema", "")).startswith("hdrplan.metrics/1"):
        raise FormatError(
            "expected hdrplan.metrics/1", got=repr(metrics.get("schema"))[:60], where=folder / "metrics.json"
        )
    if not isinstance(metrics.get("structures"), dict):
        raise FormatError("metrics need a table of structures", got="none", where=folder / "metrics.json")
    return ResultFolder(name, plan, read_volume(folder / "dose.nrrd"), _dvh(folder / "dvh.csv"), metrics)


def _dvh(path: Path) -> dict[str, tuple[FloatArray, FloatArray]]:
    rows: dict[str, list[tuple[float, float]]] = {}
    reader = csv.DictReader(text_of(path).splitlines())
    for number, row in enumerate(reader, start=2):
        try:
            rows.setdefault(str(row["structure"]), []).append((float(row["dose_gy"]), float(row["volume_cc"])))
        except (KeyError, TypeError, ValueError):
            raise FormatError(
                "expected structure, dose_gy, volume_cc", got=str(dict(row))[:80], where=f"{path}, line {number}"
            ) from None
    tables = {name: np.array(values, dtype=np.float64) for name, values in rows.items()}
    return {name: (table[:, 0].copy(), table[:, 1].copy()) for name, table in tables.items()}
