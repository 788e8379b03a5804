"""``python -m benchmarks.dvh``: DVHs of known solids and of a case beside those of dicompyler-core and plastimatch.

Both read the same files: for one table of errors and one of processor time in one run. dicompyler-core comes in an
environment of its own (``--peer PYTHON``, made by ``pip install dicompyler-core==0.5.6 scikit-image``); it is no
dependency. plastimatch is asked where it is installed. ``--case FOLDER`` adds RS.dcm and RD.dcm of an export.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.dvh_solids import AXES, HALF_MM, SOLIDS, centre_dose_gy, write_dose, write_structures

FRACTIONS = (0.99, 0.95, 0.5, 0.05, 0.01)
# (slice distance, dose voxel) in mm, as in Nelms 2015.
STEPS = ((0.2, 0.4), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0))
PAGE = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "dvh.md"
Table = dict[str, list[float]]


def main() -> None:
    """Measure, print, and write the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="Python of an environment with dicompyler-core")
    parser.add_argument("--case", type=Path, help="folder with RS.dcm and RD.dcm")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/measurements/dvh.md")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = [*solid_lines(Path(folder), words.peer), "", *open_lines(), "", *case_lines(words.peer, words.case)]
        lines += ["", *plastimatch_lines(Path(folder))] if shutil.which("plastimatch") else []
    print("\n".join(lines))
    if words.write:
        text = PAGE.read_text(encoding="utf-8")
        head, rest = text.split("<!-- tables -->")[0], text.split("<!-- end of tables -->")[1]
        body = "\n".join(lines)
        PAGE.write_text(f"{head}<!-- tables -->\n{body}\n<!-- end of tables -->{rest}", encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Values of one program by structure, and its processor seconds.

    Parameters
    ----------
    files : float
        From the two files to the DVHs.
    computed : float
        The same with contours and dose in memory.
    filled : float
        dicompyler-core: with points about as dense as ours between contours and voxels, in memory.
    with_errors : float
        Ours: with the errors of every metric, in memory.
    rows, filled_rows : dict
        Volume, D99 to D1 and mean.
    failed : str
        dicompyler-core: the error that it ends with where it interpolates.
    """

    files: float
    computed: float
    filled: float = math.nan
    with_errors: float = math.nan
    rows: Table
    filled_rows: Table = field(default_factory=dict)
    failed: str = ""


def ours(structures: Path, dose: Path, repeat: int = 2) -> Answer:
    """Return what hdrplan gives, the best of some runs; like its peer without errors of computation."""
    import hdrplan
    from hdrplan.workflow import DVHOptions
    from hdrplan.workflow.stored_dvh import dvh_of_pair, read_pair

    options = DVHOptions(metrics=("D99", "D95", "D50", "D5", "D1", "Dmean"), errors=False)
    pair = read_pair(dose, structures)
    calls: list[Callable[[], object]] = [
        lambda: hdrplan.dvh(dose, structures, options),
        lambda: dvh_of_pair(pair, options),
        lambda: dvh_of_pair(pair, replace(options, errors=True)),
    ]
    seconds = [min(_seconds(call) for _ in range(repeat)) for call in calls]
    result = dvh_of_pair(pair, options)
    rows = {s.name: [s.volume_cc, *(m.value for m in s.metrics)] for s in result.structures}
    return Answer(files=seconds[0], computed=seconds[1], with_errors=seconds[2], rows=rows)


def _seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def dicompyler(python: str, pairs: list[tuple[Path, Path]]) -> list[Answer]:
    """Return what dicompyler-core gives."""
    script = Path(__file__).with_name("dvh_peer.py")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    words = [python, str(script), *(f"{structures}::{dose}" for structures, dose in pairs)]
    done = subprocess.run(words, capture_output=True, text=True, env=clean, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [Answer(rows=a["rows"], filled_rows=a["filled_rows"], failed=a["failed"], **a["seconds"]) for a in answers]


def plastimatch(structures: Path, dose: Path, folder: Path) -> Table:
    """Return volume, D99 to D1 and mean by structure from plastimatch's cumulative histogram."""
    out = folder / "plastimatch.csv"
    labels, names = folder / "ss.mha", folder / "ss.txt"
    convert = ["plastimatch", "convert", "--input", str(structures), "--fixed", str(dose)]
    quiet = {"check": True, "capture_output": True}
    subprocess.run([*convert, "--output-ss-img", str(labels), "--output-ss-list", str(names)], **quiet)  # type: ignore[call-overload]
    words = ["plastimatch", "dvh", "--input-ss-img", str(labels), "--input-ss-list", str(names)]
    words += ["--input-dose", str(dose), "--output-csv", str(out), "--cumulative", "--dose-units", "gy"]
    subprocess.run([*words, "--num-bins", "10000", "--bin-width", "0.02"], **quiet)  # type: ignore[call-overload]
    with out.open(newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    table: Table = {}
    values = np.array([[float(cell) for cell in row if cell.strip()] for row in rows[1:]])
    names_row = [cell.strip() for cell in rows[0][1:] if cell.strip()]
    for column, name in enumerate(names_row, start=1):
        if not values[0, column] > 0:
            continue
        cumulative = values[:, column] / values[0, column]
        at = [float(np.interp(-f, -cumulative, values[:, 0])) for f in FRACTIONS]
        mean = float(((cumulative[:-1] + cumulative[1:]) / 2 * np.diff(values[:, 0])).sum())
        table[name.split(" (")[0]] = [np.nan, *at, mean]
    return table


def voxel_centres(structures: Path, dose: Path, name: str) -> list[float]:
    """Return D95 and D50 of dose voxels with centres in the contours of the nearest plane: as plastimatch does."""
    from hdrplan.io import read_dose, read_regions
    from hdrplan.kernels.polygon import flip_inside

    volume = read_dose(dose).volume
    contours = next(region.contours_mm for region in read_regions(structures).regions if region.name == name)
    planes = np.unique([round(float(c[0, 2]), 3) for c in contours])
    half = float(np.diff(planes).min()) / 2
    mask = np.zeros(volume.grid.shape_zyx, dtype=np.bool_)
    heights = volume.grid.world(np.column_stack((np.zeros((len(mask), 2)), np.arange(len(mask)))))[:, 2]
    for k, height in enumerate(heights):
        nearest = planes[np.abs(planes - height).argmin()]
        for contour in contours:
            if abs(height - nearest) <= half and abs(contour[0, 2] - nearest) < 1e-2:
                flip_inside(np.ascontiguousarray(volume.grid.index(contour)[:, :2]), mask[k])
    gy = np.sort(volume.values_zyx[mask].astype(np.float64))[::-1]
    return [float(gy[int(frac * len(gy))]) for frac in (0.95, 0.5)]


def exact(name: str, axis: int) -> np.ndarray:
    """Return volume, D99 to D1 and mean of a solid."""
    solid = SOLIDS[name]
    return np.array([solid.volume_cc, *solid.dose_at_frac(axis, FRACTIONS), solid.mean_gy(axis)])


def solid_lines(folder: Path, peer: str | None) -> list[str]:
    """Return the table of errors and time: worst of both directions of the dose, in percent."""
    cases = []
    for name, solid in SOLIDS.items():
        for slice_mm, grid_mm in STEPS:
            stem = f"{name}-{slice_mm}".replace(" ", "-")
            structures = write_structures(folder / f"{stem}.dcm", {name: solid.contours(slice_mm)})
            doses = {axis: write_dose(folder / f"{stem}-{axis}.dcm", AXES[axis], grid_mm) for axis in AXES}
            cases.append((name, slice_mm, grid_mm, structures, doses))
    pairs = [(structures, dose) for *_, structures, doses in cases for dose in doses.values()]
    ours(*pairs[0])
    theirs = iter(dicompyler(peer, pairs)) if peer else iter(())
    lines = [
        "| solid | slices, dose voxels (mm) | volume: ours | D99 to D1, mean: ours | volume: dicompyler-core | "
        "D99 to D1, mean: dicompyler-core | same, interpolated | time: files | computed | interpolated |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, slice_mm, grid_mm, structures, doses in cases:
        own, other, filled, times = [], [], [], np.zeros((3, 2))
        for axis, dose in doses.items():
            truth = exact(name, AXES[axis])
            answer = ours(structures, dose)
            own.append(100 * np.abs(np.array(answer.rows[name]) / truth - 1))
            times[:, 0] += answer.files, answer.computed, answer.computed
            if peer:
                answer = next(theirs)
                other.append(100 * np.abs(np.array(answer.rows[name]) / truth - 1))
                if name in answer.filled_rows:
                    filled.append(100 * np.abs(np.array(answer.filled_rows[name]) / truth - 1))
                times[:, 1] += answer.files, answer.computed, answer.filled
        cells = [name, f"{slice_mm:g}, {grid_mm:g}", *_worst(own), *(_worst(other) if other else ("", ""))]
        cells.append(_worst(filled)[1] if filled else answer.failed)
        cells += [_ratio(*row) if peer else "" for row in times]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def plastimatch_lines(folder: Path) -> list[str]:
    """Return errors of D99 to D1 and the mean in Gy where voxel centres tell a solid best: finest slices and voxels."""
    lines = [
        f"| solid, slices of {STEPS[0][0]:g} mm | D99 to D1, mean: ours | plastimatch | apart |",
        "|---|---|---|---|",
    ]
    for name in SOLIDS:
        stem = f"{name}-{STEPS[0][0]}".replace(" ", "-")
        rows = []
        for axis in AXES:
            structures, dose = folder / f"{stem}.dcm", folder / f"{stem}-{axis}.dcm"
            truth = exact(name, AXES[axis])[1:]
            own = np.array(ours(structures, dose, repeat=1).rows[name])[1:]
            other = np.array(plastimatch(structures, dose, folder)[name])[1:]
            rows.append([np.abs(a - b).max() for a, b in ((own, truth), (other, truth), (own, other))])
        lines.append(f"| {name} | " + " | ".join(f"{worst:.2f} Gy" for worst in np.max(rows, axis=0)) + " |")
    return lines


def _ratio(ours_s: float, theirs_s: float) -> str:
    return "failed" if math.isnan(theirs_s) else f"{theirs_s / ours_s:.1f}"


def _worst(errors: list[np.ndarray]) -> tuple[str, str]:
    both = np.array(errors)
    return f"{both[:, 0].max():.2f} %", f"{both[:, 1:].max():.2f} %"


def open_lines() -> list[str]:
    """Return what contours leave open: how far two bodies with the same contours differ, in percent.

    The cone across the slices has an edge between its two middle planes; a body that is round there instead has the
    same contours. And a body that ends at the last contours has the same contours as one that goes on to its tip.
    """
    y = np.linspace(-HALF_MM, HALF_MM, 1201)
    z = (np.arange(4800) + 0.5) / 4800 * 2 * HALF_MM - HALF_MM

    def doses(height: np.ndarray, kept: np.ndarray, axis: int) -> np.ndarray:
        width = np.sqrt(np.maximum(((HALF_MM - y)[:, None] / 2) ** 2 - height**2, 0.0)) * kept
        area, at = (width.sum(axis=1), y) if axis == AXES["AP"] else (width.sum(axis=0), z)
        above = 1 - np.concatenate(([0.0], np.cumsum((area[1:] + area[:-1]) / 2))) / ((area[1:] + area[:-1]) / 2).sum()
        return np.asarray(centre_dose_gy + np.interp(FRACTIONS, above[::-1], at[::-1]))

    lines = [
        "| cone across, slices (mm) | edge or round between the middle planes | tip or flat beyond the last ones |"
    ]
    lines.append("|---|---|---|")
    for slice_mm in (1.0, 2.0, 3.0):
        half, everywhere = slice_mm / 2, np.ones_like(z)
        round_ = np.where(np.abs(z) < half, (z**2 + half**2) / slice_mm, np.abs(z))
        cut = (np.abs(z) <= HALF_MM - half).astype(float)
        worst = []
        for height, kept in ((round_, everywhere), (np.abs(z), cut)):
            changes = [doses(height, kept, a) / doses(np.abs(z), everywhere, a) - 1 for a in AXES.values()]
            worst.append(100 * np.abs(changes).max())
        lines.append(f"| {slice_mm:g} | {worst[0]:.2f} % | {worst[1]:.2f} % |")
    return lines


def case_lines(peer: str | None, case: Path | None) -> list[str]:
    """Return time and agreement on the structures of an export."""
    if case is None:
        return ["No case was given."]
    structures, dose = case / "RS.dcm", case / "RD.dcm"
    own = ours(structures, dose)
    rows = own.rows
    lines = [
        f"{len(rows)} structures of a case, from the files to the DVHs: hdrplan {own.files:.2f} s of processor time "
        f"({own.computed:.2f} s of it computing; {own.with_errors:.2f} s with the errors of all metrics)."
    ]
    if peer:
        other = dicompyler(peer, [(structures, dose)])[0]
        dense = (
            f"With points as dense it failed ({other.failed})."
            if other.failed
            else f"With points as dense {other.filled:.2f} s, {_ratio(own.computed, other.filled)} times as much."
        )
        lines.append(
            f"dicompyler-core: {other.files:.2f} s ({other.computed:.2f} s of it computing): "
            f"{_ratio(own.files, other.files)} and {_ratio(own.computed, other.computed)} times as much. {dense}"
        )
    if shutil.which("plastimatch"):
        with tempfile.TemporaryDirectory() as folder:
            third = plastimatch(structures, dose, Path(folder))
        lines += [
            "",
            "| structure | D95 (Gy): ours | plastimatch | voxel centres | D50: ours | plastimatch | voxel centres |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, row in rows.items():
            if name in third and np.isfinite(row[2]):
                d95, d50 = voxel_centres(structures, dose, name)
                cells = row[2], third[name][2], d95, row[3], third[name][3], d50
                lines.append(f"| {name} | " + " | ".join(f"{gy:.2f}" for gy in cells) + " |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
