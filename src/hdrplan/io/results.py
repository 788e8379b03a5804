"""Results on disk: one folder, written whole or not at all.

``plan.json`` (:mod:`hdrplan.io.plan_files`), ``dose.nrrd`` (Gy), ``dvh.csv``, ``dwells.csv``, ``metrics.json``,
``report.html``, ``run.json`` (versions, input hashes, options, timings, seed). Nothing is computed here. Same input,
same bytes, apart from times and dates, which stand in ``run.json``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.door import Entries, as_table, number_in
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Volume
from hdrplan.io.csv_files import read_csv
from hdrplan.io.files import json_entries
from hdrplan.io.images import read_volume
from hdrplan.io.nrrd_files import nrrd_pieces, write_pieces
from hdrplan.io.outputs import Output, new_folder
from hdrplan.io.plan_files import read_plan_file, write_plan
from hdrplan.io.run_record import RunRecord, write_run
from hdrplan.io.value_files import write_json, write_rows
from hdrplan.plan import Plan

__all__ = ["ResultFolder", "dose_file", "read_dvh", "read_results", "write_results"]

# Endings of the names of metrics: numbers in these units.
_UNITS = ("_gy", "_cc", "_cm3", "_pct", "_frac", "_mm", "_s", "_cgy", "_bq", "_per_cc")
# No metric is larger, in any unit.
_LARGEST = 1e12
# volume_frac is written with six digits, as both volumes are.
_FRAC = 2e-5

Dvh = Mapping[str, tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResultFolder:
    """What the output folder of a plan holds.

    Parameters
    ----------
    name : str
        Of the case, free of patient identifiers.
    plan : Plan
    ct_sha256 : str or None
        Of the CT that it was made on.
    dose : Volume
        Gy; stored as float32.
    dvh : mapping
        Structure -> (dose_gy, volume_cc), both (n,): volume receiving at least that dose.
    metrics : mapping
        ``{"structures": ..., "plan": ..., "certificate": ...}``; NaN is stored as null.
    """

    name: str
    plan: Plan
    dose: Volume
    dvh: Dvh
    metrics: Mapping[str, Any]
    ct_sha256: str | None = None


def dose_file(dose: Volume) -> list[bytes]:
    """Return the bytes of ``dose.nrrd``, in pieces: all of :func:`write_results` that takes time.

    Parameters
    ----------
    dose : Volume
        Gy.
    """
    return nrrd_pieces(Volume(dose.grid, dose.values_zyx.astype(np.float32)))


def write_results(
    place: Output | Path,
    results: ResultFolder,
    *,
    report_html: str,
    run: RunRecord,
    dose: Sequence[bytes] | None = None,
    more: Callable[[Path], None] | None = None,
) -> None:
    """Write a plan's results into a new folder; on any error nothing is left.

    Parameters
    ----------
    place : Output or Path
        A path must not exist; an output says what may be replaced.
    results : ResultFolder
    report_html : str
    run : RunRecord
    dose : sequence of bytes, optional
        Of :func:`dose_file`, where the dose is packed already.
    more : callable, optional
        Writes further files into the folder that it is given.

    Raises
    ------
    InputError
        The folder exists.
    """
    with new_folder(place) as draft:
        write_pieces(draft / "dose.nrrd", dose_file(results.dose) if dose is None else dose)
        write_plan(draft / "plan.json", results.plan, results.name, results.ct_sha256)
        _write_dvh(draft / "dvh.csv", results.dvh)
        _write_dwells(draft / "dwells.csv", results.plan)
        write_json(draft / "metrics.json", results.metrics)
        (draft / "report.html").write_text(report_html, encoding="utf-8")
        if more is not None:
            more(draft)
        write_run(draft, run)


def read_results(folder: Path) -> ResultFolder:
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
    file = read_plan_file(folder)
    metrics = json_entries(folder / "metrics.json")
    schema = metrics.text("schema")
    if not schema.startswith("hdrplan.metrics/1"):
        raise FormatError("expected hdrplan.metrics/1", got=repr(schema)[:60], where=metrics.where)
    for name, values in metrics.table("structures").values.items():
        _check_metrics(as_table(values, name, metrics.where))
    _refuse_infinite(metrics.values, metrics.where)
    return ResultFolder(
        name=file.name,
        plan=file.plan,
        ct_sha256=file.ct_sha256,
        dose=read_volume(folder / "dose.nrrd"),
        dvh=read_dvh(folder / "dvh.csv"),
        metrics=metrics.values,
    )


def _check_metrics(structure: Entries) -> None:
    """Refuse a metric that is neither a number nor null; one without a unit in its name may be text."""
    for key in structure:
        if key.endswith(_UNITS) and structure.values[key] is not None:
            structure.number(key)


def _refuse_infinite(value: object, where: object) -> None:
    """Refuse NaN and infinity, which JSON does not have and Python reads, and what no metric can be."""
    if isinstance(value, float | int) and not abs(value) <= _LARGEST:
        raise FormatError("metrics must be finite numbers", got=value, where=where)
    for part in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        _refuse_infinite(part, where)


def read_dvh(path: Path) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Read ``dvh.csv``: structure -> (dose_gy, volume_cc).

    Raises
    ------
    FormatError
        Other columns, values that are no finite numbers, a curve that is no cumulative one.
    """
    table = read_csv(path, ("structure", "dose_gy", "volume_cc"))
    name, dose, volume = (table.column(column) for column in ("structure", "dose_gy", "volume_cc"))
    curves: dict[str, list[tuple[float, float]]] = {}
    for k, row in enumerate(table.rows):
        try:
            pair = number_in(row[dose]), number_in(row[volume])
        except ValueError:
            pair = math.nan, math.nan
        if not all(map(math.isfinite, pair)):
            raise FormatError("doses and volumes are finite numbers", got="others", where=table.where(k))
        curve = curves.setdefault(row[name], [])
        if curve and (pair[0] < curve[-1][0] or pair[1] > curve[-1][1] or pair == curve[-1]):
            raise FormatError("doses rise along a curve and volumes fall", got=f"{pair}", where=table.where(k))
        curve.append(pair)
        _check_frac(row[table.column("volume_frac")] if "volume_frac" in table.header else None, curve, table.where(k))
    return {name: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for name, pairs in curves.items()}


def _check_frac(cell: str | None, curve: list[tuple[float, float]], where: str) -> None:
    """Refuse a row whose fraction of the volume, where the table gives one, is not that of its volume."""
    try:
        differs = cell is not None and abs(number_in(cell) - curve[-1][1] / (curve[0][1] or 1.0)) > _FRAC
    except ValueError:
        differs = True
    if differs:
        raise FormatError("volume_frac must be volume_cc over that of the curve's start", got=repr(cell), where=where)


def _write_dvh(path: Path, dvh: Dvh) -> None:
    rows: list[tuple[str, str, str, str]] = []
    for name, (dose_gy, volume_cc) in dvh.items():
        volume = np.asarray(volume_cc, dtype=np.float64)
        whole = volume.max(initial=0.0) or 1.0
        rows += [
            (name, f"{dose:.6g}", f"{cc:.6g}", f"{cc / whole:.6g}")
            for dose, cc in zip(np.asarray(dose_gy, dtype=np.float64), volume, strict=True)
        ]
    write_rows(path, ("structure", "dose_gy", "volume_cc", "volume_frac"), rows)


def _write_dwells(path: Path, plan: Plan) -> None:
    """Write what an afterloader is told: for each channel, from the tip back, where the source stops and how long."""
    dwells = plan.dwells
    order = np.lexsort((dwells.offset_mm, dwells.catheter))
    rows = (
        (
            int(dwells.catheter[k]) + 1,
            dwells.catheter_names[dwells.catheter[k]],
            f"{dwells.offset_mm[k]:.2f}",
            f"{plan.times_s[k]:.3f}",
            *(f"{v:.2f}" for v in dwells.positions_mm[k]),
        )
        for k in order
        if plan.times_s[k] > 0
    )
    write_rows(path, ("channel", "catheter", "from_tip_mm", "time_s", "x_mm", "y_mm", "z_mm"), rows)
