"""Results on disk: one folder, written whole or not at all.

``plan.json`` (dwells and times, read back by :func:`read_plan`), ``dose.nrrd`` (Gy), ``dvh.csv``, ``metrics.json``,
``report.html``, ``run.json`` (versions, input hashes, options, timings, seed). Writers take plain pieces: a Plan, a
Volume, tables; they compute nothing. Same input, same bytes, apart from times and dates, which stand in ``run.json``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Dwells, Volume
from hdrplan.io.files import json_object, text_of
from hdrplan.io.images import write_volume
from hdrplan.io.outputs import new_folder, write_json, write_rows
from hdrplan.plan import Plan

__all__ = ["PLAN_SCHEMA", "plan_table", "read_dvh", "read_plan", "write_plan", "write_results"]

PLAN_SCHEMA = "hdrplan.plan/1"


def write_results(
    folder: Path,
    *,
    plan: Plan,
    name: str,
    dose: Volume | None = None,
    dvh: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None = None,
    metrics: Mapping[str, Any] | None = None,
    report_html: str | None = None,
    run: Mapping[str, Any],
    overwrite: bool = False,
) -> Path:
    """Write a plan's results into a new folder.

    Parameters
    ----------
    folder : Path
        Must not exist, unless ``overwrite`` and hdrplan wrote it.
    plan : Plan
    name : str
        Name of the case, free of patient identifiers.
    dose : Volume, optional
        Gy; stored as float32.
    dvh : mapping, optional
        Structure -> (dose_gy, volume_cc), both (n,): volume receiving at least that dose.
    metrics : mapping, optional
        ``{"structures": ..., "plan": ..., "certificate": ...}``; NaN becomes null.
    report_html : str, optional
    run : mapping
        From :func:`run_record`.
    overwrite : bool

    Returns
    -------
    Path
        The folder. On any error nothing is left.
    """
    with new_folder(folder, overwrite=overwrite) as draft:
        write_plan(draft / "plan.json", plan, name)
        if dose is not None:
            write_volume(draft / "dose.nrrd", Volume(dose.grid, dose.values_zyx.astype(np.float32)))
        if dvh is not None:
            _write_dvh(draft / "dvh.csv", dvh)
        if metrics is not None:
            write_json(draft / "metrics.json", metrics)
        if report_html is not None:
            (draft / "report.html").write_text(report_html, encoding="utf-8")
        write_json(draft / "run.json", run)
    return Path(folder)


def plan_table(plan: Plan, name: str) -> dict[str, Any]:
    """Return a plan as a JSON table; floats keep every digit, so reading gives the same plan."""
    dwells = plan.dwells
    return {
        "schema": PLAN_SCHEMA,
        "name": name,
        "frame": "LPS, mm; axes point to the tip of the source",
        "source": plan.source_name,
        "strength_u": plan.strength_u,
        "total_time_s": plan.total_time_s,
        "trak_gy": plan.trak_gy,
        "catheters": list(dwells.catheter_names),
        "dwells": [
            {
                "catheter": int(dwells.catheter[k]),
                "offset_mm": float(dwells.offset_mm[k]),
                "position_mm": dwells.positions_mm[k].tolist(),
                "axis": dwells.axes[k].tolist(),
                "time_s": float(plan.times_s[k]),
            }
            for k in range(len(dwells))
        ],
    }


def write_plan(path: Path, plan: Plan, name: str) -> None:
    """Write one ``plan.json``; for a whole folder of results see :func:`write_results`."""
    write_json(Path(path), plan_table(plan, name))


def read_plan(path: Path) -> tuple[Plan, str]:
    """Read ``plan.json`` (or the folder that holds it); returns the plan and its name.

    Raises
    ------
    FormatError
        Another schema, missing fields, values that are not finite numbers.
    """
    path = Path(path)
    path = path / "plan.json" if path.is_dir() else path
    table = json_object(path)
    if table.get("schema") != PLAN_SCHEMA:
        raise FormatError(
            f"expected a plan of schema {PLAN_SCHEMA}",
            got=repr(table.get("schema"))[:60],
            where=path,
            remedy="A newer hdrplan may read it.",
        )
    try:
        rows = table["dwells"]
        if any(not abs(float(v)) < 1e9 for row in rows for v in (*row["position_mm"], *row["axis"], row["time_s"])):
            raise ValueError("NaN or out of range")
        dwells = Dwells(
            positions_mm=np.array([row["position_mm"] for row in rows], dtype=np.float64).reshape(len(rows), 3),
            axes=np.array([row["axis"] for row in rows], dtype=np.float64).reshape(len(rows), 3),
            catheter=np.array([row["catheter"] for row in rows], dtype=np.int64),
            offset_mm=np.array([row["offset_mm"] for row in rows], dtype=np.float64),
            catheter_names=tuple(str(name) for name in table["catheters"]),
        )
        times_s = np.array([row["time_s"] for row in rows], dtype=np.float64)
        strength_u = float(table["strength_u"])
        if not math.isfinite(strength_u):
            raise ValueError("strength_u is not finite")
        return Plan(dwells, times_s, str(table["source"]), strength_u), str(table["name"])
    except InputError as error:
        raise FormatError(error.expected, got=error.got, where=path, remedy=error.remedy) from None
    except KeyError as error:
        raise FormatError("the plan lacks a field", got=f"no {error}", where=path) from None
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise FormatError("a plan's values are numbers", got=str(error)[:120], where=path) from None


def read_dvh(path: Path) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Read ``dvh.csv``: structure -> (dose_gy, volume_cc).

    Raises
    ------
    FormatError
        Other columns, values that are no finite numbers.
    """
    rows = csv.DictReader(text_of(path).splitlines())
    if not {"structure", "dose_gy", "volume_cc"} <= set(rows.fieldnames or ()):
        raise FormatError("expected the columns structure, dose_gy, volume_cc", got=rows.fieldnames, where=path)
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        try:
            pair = float(row["dose_gy"]), float(row["volume_cc"])
        except (TypeError, ValueError):
            pair = math.nan, math.nan
        if not all(map(math.isfinite, pair)):
            raise FormatError(
                "doses and volumes are finite numbers", got="others", where=f"{path}, line {rows.line_num}"
            )
        curves.setdefault(str(row["structure"]), []).append(pair)
    return {name: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for name, pairs in curves.items()}


def _write_dvh(path: Path, dvh: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]) -> None:
    rows: list[tuple[str, str, str, str]] = []
    for name, (dose_gy, volume_cc) in dvh.items():
        volume = np.asarray(volume_cc, dtype=np.float64)
        whole = volume.max(initial=0.0) or 1.0
        rows += [
            (name, f"{dose:.6g}", f"{cc:.6g}", f"{cc / whole:.6g}")
            for dose, cc in zip(np.asarray(dose_gy, dtype=np.float64), volume, strict=True)
        ]
    write_rows(path, ("structure", "dose_gy", "volume_cc", "volume_frac"), rows)
