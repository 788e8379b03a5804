"""Results on disk: one folder, written whole or not at all.

``plan.json`` (:mod:`hdrplan.io.plan_files`), ``dose.nrrd`` (Gy), ``dvh.csv``, ``metrics.json``,
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

from hdrplan.errors import FormatError
from hdrplan.geometry import Volume
from hdrplan.io.files import text_of
from hdrplan.io.images import write_volume
from hdrplan.io.outputs import new_folder, write_json, write_rows
from hdrplan.io.plan_files import write_plan
from hdrplan.plan import Plan

__all__ = ["read_dvh", "write_results"]


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
