"""More readers for the fuzzer by grammar: what is kept between runs, whole folders, DICOM of other kinds, SPSS."""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from grammar_trees import Mutated, json_mutated
from more_corpus import kept_run, lesion, touches

from hdrplan.io import (
    dicom_files,
    read_anatomy,
    read_clinical_plan,
    read_ct_grid,
    read_dicom_folder,
    read_dose,
    read_dvh,
    read_key,
    read_planner,
    read_regions,
    read_scan,
    read_segment_names,
    read_table,
    read_treatment_record,
)
from hdrplan.places import recorded_files
from hdrplan.plan import as_plan
from hdrplan.sources import load_source

__all__ = ["MORE_MUTATORS", "more_readers"]


def lines_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return a journal of JSON lines with one line changed, lost, twice, or at another place."""
    lines = data.splitlines(keepends=True)
    k, kind = draw.randrange(len(lines)), draw.randrange(6)
    if kind < 2:
        text, _, name = json_mutated(lines[k].strip(), draw)
        return b"".join([*lines[:k], text.replace(b"\n", b" ") + b"\n", *lines[k + 1 :]]), "broken", f"line: {name}"
    if kind == 2:
        # What is not there was not done, from its first gap on.
        return b"".join(lines[:k]), "other", "cut after a line"
    if kind == 3:
        return b"".join([*lines[:k], *lines[k + 1 :]]), "other" if k == len(lines) - 1 else "broken", "line lost"
    if kind == 4:
        lines.insert(k, lines[k])
        return b"".join(lines), "broken", "line twice"
    other = draw.randrange(len(lines))
    lines[k], lines[other] = lines[other], lines[k]
    return b"".join(lines), "same" if k == other else "other", "lines exchanged"


def npz_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return an archive of arrays in which one has another type, shape, order, value or name, or is not there."""
    with np.load(io.BytesIO(data)) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name, kind, meaning = draw.choice(sorted(arrays)), draw.randrange(7), "broken"
    old = arrays[name]
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays["more"], meaning = np.zeros(3), "other"
    elif kind == 2 and old.dtype.kind in "iuf":
        arrays[name] = old.astype(np.float64 if old.dtype != np.float64 else np.float32)
    elif kind == 3:
        arrays[name] = old[None]
    elif kind == 4 and old.dtype.kind in "iuf" and old.size:
        changed = old.copy()
        changed.flat[draw.randrange(old.size)] += 1
        arrays[name] = changed
    elif kind == 5:
        arrays[f"{name}s"] = arrays.pop(name)
    else:
        arrays[name] = np.asfortranarray(old) if old.ndim else old
        meaning = "same"
    out = io.BytesIO()
    (np.savez if draw.random() < 0.5 else np.savez_compressed)(out, **arrays)
    return out.getvalue(), meaning, f"array {kind}: {name}"


def sav_mutated(data: bytes, draw: random.Random) -> Mutated:
    """Return an SPSS file with other labels, missing values, types, names or order of its columns."""
    import pyreadstat

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "t.sav"
        path.write_bytes(data)
        frame, meta = pyreadstat.read_sav(path)
        labels: dict[str, Any] = {k: dict(v) for k, v in meta.variable_value_labels.items()}
        options: dict[str, Any] = {}
        kind = draw.randrange(8)
        meaning, what = "same", "unchanged"
        if kind == 0:
            labels["type"] = {1.0: "CRLM", 2.0: "HCC"}
            meaning, what = "other", "words exchanged"
        elif kind == 1:
            labels, what = {}, "no words"
        elif kind == 2:
            frame, what = frame[draw.sample(list(frame.columns), len(frame.columns))], "columns in another order"
        elif kind == 3:
            frame["d100_gy"] = frame["d100_gy"].astype(str)
            what = "numbers as text"
        elif kind == 4:
            options["missing_ranges"] = {"d100_gy": [{"lo": 19.0, "hi": 21.0}]}
            meaning, what = "broken", "a range of missing values"
        elif kind == 5:
            frame.loc[1, "d100_gy"] = float("nan")
            meaning, what = "broken", "a value lost"
        elif kind == 6:
            options["row_compress"] = True
            what = "compressed"
        else:
            options["variable_format"] = {"d100_gy": draw.choice(("F8.0", "PCT8.2", "DOLLAR8.2", "E8.2", "COMMA8.2"))}
            what = f"shown as {options['variable_format']['d100_gy']}"
        pyreadstat.write_sav(frame, path, variable_value_labels=labels, **options)
        return path.read_bytes(), meaning, what


MORE_MUTATORS: dict[str, Callable[[bytes, random.Random], Mutated]] = {
    ".partial": lines_mutated, ".npz": npz_mutated, ".sav": sav_mutated,
}  # fmt: skip


def _kept(answer: Callable[..., Any]) -> Iterable[tuple[str, Callable[[Path], Any]]]:
    """Yield readers of what a run keeps, and of SPSS."""

    def table(folder: Path) -> Any:
        read = read_table(folder / "t.sav")
        gone = [f"missing {name}" for name in read.columns for gone in read.missing(name).tolist() if gone]
        return answer(read.numbers("d100_gy"), read.numbers("type"), len(read.lines), words=gone)

    def kept(folder: Path) -> Any:
        run = kept_run(folder)
        return answer([k.sums for k in run] if run else [], words=() if run else ("absent",))

    def planned(folder: Path) -> Any:
        found = lesion(folder)
        return answer(found, words=() if found is not None else ("absent",))

    def journal(folder: Path) -> Any:
        done = touches(folder)
        return answer([[list(t.by_hand_s), t.given] for t in done], words=() if len(done) == 3 else ("not done",))

    yield "live journal", journal
    yield "result store", planned
    yield "kept Monte Carlo run", kept
    yield "key file", lambda folder: answer(list(read_key(folder / "key.json")))
    # Files that it does not list are left and named: no number of it is clinical.
    yield "run record", lambda folder: answer(words=[str(recorded_files(folder) is None)])
    yield "SPSS table", table


def more_readers(
    answer: Callable[..., Any], case: Callable[[Path], Any]
) -> Iterable[tuple[str, Callable[[Path], Any]]]:
    """Yield the name of a target and what its reader answers.

    Parameters
    ----------
    answer : callable
        Numbers of values, and ``words`` of what was doubted.
    case : callable
        Reads a case folder.
    """

    def stored_dose(path: Path, **unit: Any) -> Any:
        dose = read_dose(path, **unit)
        return answer(dose.volume, dose.full_scale_gy, words=dose.warnings)

    def regions(path: Path) -> Any:
        read = read_regions(path)
        by_name = sorted(read.regions, key=lambda region: region.name)
        return answer(by_name, words=(*read.warnings, *(why for _, why in read.left_out)))

    def record(folder: Path) -> Any:
        read = read_treatment_record(folder / "record.dcm")
        return answer(read, words=read.warnings if hasattr(read, "warnings") else ())

    def clinical(folder: Path) -> Any:
        read = read_clinical_plan(folder)
        words = (*read.notes, *read.brachy.warnings, *(read.dose.warnings if read.dose else ()), *read.links)
        plan = as_plan(read.brachy, load_source())
        return answer(read.brachy, plan.times_s, read.dose and read.dose.volume, read.structures, read.ct, words=words)

    def export(folder: Path) -> Any:
        read = read_dicom_folder(folder)
        plan = as_plan(read.plan, load_source()) if read.plan else None
        return answer(
            read.ct, read.structures, read.plan, plan and plan.times_s, read.dose and read.dose.volume,
            words=read.warnings,
        )  # fmt: skip

    def scan(folder: Path) -> Any:
        read = read_scan([folder])
        return answer(read.ct, read.structures, words=(*read.warnings, *(why for _, why in read.left_out)))

    def grid(folder: Path) -> Any:
        return answer(read_ct_grid(sorted(folder.glob("CT*"))))

    def anatomy(folder: Path) -> Any:
        ct, structures, _ = read_anatomy(folder)
        # In the order of [roles], which means nothing.
        return answer(ct, sorted(structures, key=lambda structure: structure.name))

    def files(folder: Path) -> Any:
        found, unread = dicom_files(folder)
        return answer(
            len(found), words=[str(reason) for reason in unread] if isinstance(unread, list) else [f"{unread}"]
        )

    yield from _kept(answer)
    yield "dvh.csv", lambda folder: answer(read_dvh(folder / "dvh.csv"))
    yield "dose image", lambda folder: stored_dose(folder / "dose.nrrd", unit="Gy")
    yield "stored RT Dose", lambda folder: stored_dose(folder / "RD.dcm")
    yield "planner", lambda folder: answer([len(text) for text in read_planner(folder / "RP.dcm")] and [])
    yield "treatment record", record
    yield "DICOM Segmentation", lambda folder: regions(folder / "SEG.dcm")
    yield "label regions", lambda folder: regions(folder / "v.nii")
    yield "segment names", lambda folder: answer(len(read_segment_names(folder / "structures.seg.nrrd")))
    yield "CT headers", grid
    yield "clinical plan", clinical
    yield "DICOM export", export
    yield "DICOM files", files
    yield "Slicer folder", scan
    yield "anatomy of a case", anatomy
    yield "case of 3D Slicer", case
