"""Readers, good files for them, how to break these by their grammar, and the clinical numbers that come out."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_corpus import corpus
from fuzz_target import Target
from grammar_dicom import dicom_mutated
from grammar_images import mha_mutated, nifti_mutated, nrrd_mutated
from grammar_more import MORE_MUTATORS, more_readers
from grammar_tables import csv_mutated, parquet_mutated, xlsx_mutated
from grammar_trees import Mutated, json_mutated, toml_mutated
from more_corpus import bytes_in

from cohort_by_hand import TABLES
from hdrplan.cautions import Caution
from hdrplan.cohort import checked_cohort, derive, rules_from
from hdrplan.geometry import Structure, Volume
from hdrplan.io import (
    doubts_of_places,
    read_applicator,
    read_brachy_plan,
    read_case,
    read_catheters,
    read_cohort,
    read_ct_series,
    read_dose_grid,
    read_dwells_csv,
    read_label_map,
    read_mask,
    read_media_rules,
    read_names,
    read_plan_file,
    read_points_csv,
    read_results,
    read_role_rules,
    read_segmentation,
    read_series,
    read_source,
    read_structure_set,
    read_table,
    read_tolerances,
    read_traced_errors,
    read_transform,
    read_volume,
)
from hdrplan.plan import as_plan
from hdrplan.sources import load_source

__all__ = ["Answer", "GrammarTarget", "grammar_corpus"]

TODAY = dt.date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader made of an input: its numbers in order, and what it doubted."""

    numbers: tuple[float, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GrammarTarget:
    """A reader with its good files, and the mutator of each file that is broken."""

    name: str
    files: dict[str, bytes]
    mutators: dict[str, Callable[[bytes, random.Random], Mutated]]
    read: Callable[[Path], Answer]


def numbers_of(value: Any) -> Iterable[float]:
    """Every number in a value of hdrplan, in the order of its fields; warnings, texts and files are none."""
    if isinstance(value, Structure):
        yield from (value.volume_cc, *np.asarray(value.mask_zyx).sum(axis=(1, 2)).tolist())
        yield from numbers_of(value.grid)
        yield float({"CTV": 1, "OAR": 2}.get(value.role, 3))
    elif isinstance(value, Volume):
        flat = np.asarray(value.values_zyx, dtype=float).ravel()
        yield from (float(np.nansum(flat)), float(flat @ np.arange(flat.size)), float(flat.max()))
        yield from numbers_of(value.grid)
    elif isinstance(value, bool | int | float | np.number | np.ndarray):
        yield from np.asarray(value, dtype=float).ravel().tolist()
    elif isinstance(value, dt.datetime):
        yield value.replace(tzinfo=None).timestamp()
    elif isinstance(value, dict | list | tuple):
        for entry in [value[key] for key in sorted(value, key=str)] if isinstance(value, dict) else value:
            yield from numbers_of(entry)
    elif is_dataclass(value) and not isinstance(value, type | Caution):
        for field in fields(value):
            if field.name not in ("warnings", "header", "inputs", "uids", "unmodelled"):
                yield from numbers_of(getattr(value, field.name))


def _answer(*values: Any, words: Iterable[Any] = ()) -> Answer:
    said = tuple(sorted(f"{getattr(word, 'id', None) or getattr(word, 'rule', word)}" for word in words))
    return Answer(tuple(numbers_of(list(values))), said)


def _case(folder: Path) -> Answer:
    file = read_case(folder)
    case, goals = file.case, file.goals
    limits = [(g.value, g.level, g.sense == "<=", g.metric.at) for g in goals.goals]
    by_name = sorted(case.structures, key=lambda s: s.name)
    return _answer(
        case.ct, by_name, case.catheters, goals.prescriptions, limits, file.strength.value_u, file.options,
        file.source.dose_rate_constant_gy_per_s_per_u, words=file.warnings,
    )  # fmt: skip


def _plan(folder: Path) -> Answer:
    file = read_plan_file(folder / "plan.json")
    plan = file.plan
    return _answer(
        plan.times_s, plan.dwells.positions_mm, plan.dwells.axes, plan.strength_u, plan.source,
        words=file.warnings,
    )  # fmt: skip


def _results(folder: Path) -> Answer:
    results = read_results(folder)
    return _answer(results.plan.times_s, results.dose, results.dvh, results.metrics["structures"])


def _source(path: Path) -> Answer:
    source = read_source(path)
    return _answer(source)


def _brachy(folder: Path) -> Answer:
    brachy = read_brachy_plan(folder / "RP.dcm", None)
    plan = as_plan(brachy, load_source())
    return _answer(brachy, plan.times_s, words=brachy.warnings)


def _structures(folder: Path) -> Answer:
    drawn = read_structure_set(folder / "RS.dcm")
    solid, notes = drawn.structures_that_read(None)
    return _answer(solid, [roi.open_mm for roi in drawn.rois], words=(*drawn.warnings, *notes))


def _dose(folder: Path) -> Answer:
    grid = read_dose_grid(folder / "RD.dcm")
    return _answer(grid.volume, grid.full_scale_gy, [d for d in grid.dvhs], words=grid.warnings)


def _ct(folder: Path) -> Answer:
    series = read_ct_series(folder)
    return _answer(series.volume, words=series.warnings)


def _cohort(path: Path) -> Answer:
    raw, noted = read_cohort(path)
    rules = rules_from("recommended", {})
    cohort, problems = checked_cohort(raw, rules, today=TODAY, of_files=noted)
    derived = derive(cohort, rules)
    return _answer(
        sorted(cohort.doses.values(), key=repr) if isinstance(cohort.doses, dict) else cohort.doses,
        sorted(derived.endpoints, key=lambda e: (e.unit, e.id, e.cycle, e.endpoint)),
        words=problems,
    )  # fmt: skip


def _dwells(folder: Path) -> Answer:
    dwells, times_s = read_dwells_csv(folder / "dwells.csv")
    return _answer(dwells, times_s, words=doubts_of_places(dwells))


def _roles(folder: Path) -> Answer:
    rules = read_role_rules(folder / "roles.toml")
    return _answer({role: sorted({sum(map(ord, p)) for p in patterns}) for role, patterns in rules.items()})


def _table(path: Path, columns: list[str]) -> Answer:
    table = read_table(path)
    # Commands that use a column refuse missing values, or count them.
    words = [f"missing {column}" for column in columns for gone in table.missing(column).tolist() if gone]
    return _answer([table.numbers(column) for column in columns], len(table.lines), words=words)


def _free_rows(data: bytes, draw: random.Random) -> Mutated:
    """Rows of a table without keys: one more, also the same again, is another input; nan stands for a blank."""
    made, meaning, name = _blanks(data, draw)
    return made, "other" if name == "row twice" else meaning, name


def _blanks(data: bytes, draw: random.Random) -> Mutated:
    """In tables of a cohort and of statistics nan stands for a blank cell."""
    made, meaning, name = csv_mutated(data, draw)
    return made, "other" if name == "cell nan" else meaning, name


def _nulls(data: bytes, draw: random.Random) -> Mutated:
    """Where a number may be left out, null is another input; and a metric may be added."""
    made, meaning, name = json_mutated(data, draw)
    return made, "other" if name in ("number 5", "unknown key") else meaning, name


def _doubled_rules(data: bytes, draw: random.Random) -> Mutated:
    """The first rule that fits counts: the same once more changes nothing but the length of the list."""
    made, meaning, name = toml_mutated(data, draw)
    return made, "other" if name == "entry twice" else meaning, name


def _mutator(name: str) -> Callable[[bytes, random.Random], Mutated]:
    by_ending = {
        ".json": json_mutated, ".toml": toml_mutated, ".csv": csv_mutated, ".xlsx": xlsx_mutated, ".mha": mha_mutated,
        ".parquet": parquet_mutated, ".dcm": dicom_mutated, ".nrrd": nrrd_mutated, ".nii": nifti_mutated,
        ".nii.gz": nifti_mutated,
    }  # fmt: skip
    return next(mutate for ending, mutate in (by_ending | MORE_MUTATORS).items() if name.endswith(ending))


def grammar_corpus(place: Path) -> list[GrammarTarget]:
    """Write the good files below ``place`` once, and return the targets."""
    old = {target.name: target for target in corpus(place)}
    compact = {f"{name}.csv": text.strip().encode() + b"\n" for name, text in TABLES.items()}
    arrow = bytes_in(place / "parquet")

    def of(name: str, read: Callable[[Path], Answer], files: dict[str, bytes] | None = None) -> GrammarTarget:
        target = old.get(name) or Target(name, files or {}, tuple(files or {}), read)
        return GrammarTarget(name, target.files, {file: _mutator(file) for file in target.broken}, read)

    def broken_by(mutate: Callable[[bytes, random.Random], Mutated], target: GrammarTarget) -> GrammarTarget:
        plain = {_blanks: csv_mutated, _free_rows: csv_mutated, _nulls: json_mutated, _doubled_rules: toml_mutated}[
            mutate
        ]
        return replace(target, mutators={n: mutate if m is plain else m for n, m in target.mutators.items()})

    def image(file: str) -> Callable[[Path], Answer]:
        return lambda folder: _answer(read_volume(folder / file))

    book = old["cohort xlsx"].broken[0]
    tidy = old["tidy CSV"].broken[0]
    clean = read_table(place / "cohort" / tidy)
    numeric = [column for column in clean.columns if clean.is_numeric(column)]
    wanted: dict[str, Any] = {"liver": "OAR"}
    return [
        *(of(f"image {e}", image(f"v.{e}")) for e in ("nrrd", "nii", "nii.gz", "mha")),
        of("mask nrrd", lambda folder: _answer(read_mask(folder / "mask.nrrd", "m", "CTV"))),
        of("label map", lambda f: _answer(read_label_map(f / "v.nii", f / "labels.json", wanted))),
        of("label names", lambda folder: _answer(sorted(read_names(folder / "labels.json")))),
        of("seg.nrrd", lambda folder: _answer(read_segmentation(folder / "structures.seg.nrrd"))),
        of("catheters mrk.json", lambda folder: _answer(read_catheters(folder / "catheters.mrk.json"))),
        of("catheters json", lambda folder: _answer(read_catheters(folder / "catheters.json"))),
        of("applicator", lambda folder: _answer(read_applicator(folder / "applicator.toml"))),
        of("case.toml", _case),
        of("case files", _case),
        of("plan.json", _plan),
        broken_by(_nulls, of("result folder", _results)),
        broken_by(_nulls, of("source JSON", lambda folder: _source(folder / "own.json"))),
        of("source CSV", lambda folder: _source(folder / "own_g.csv")),
        of("source xlsx", lambda folder: _source(folder / "own.xlsx")),
        of("RT Plan", _brachy),
        of("RT Structure Set", _structures),
        of("RT Dose", _dose),
        of("CT series", _ct),
        broken_by(_blanks, of("cohort CSV", _cohort)),
        broken_by(_blanks, of("cohort CSV, compact", _cohort, compact)),
        of("cohort xlsx", lambda folder: _cohort(folder / book)),
        of("cohort Parquet", _cohort, arrow),
        broken_by(_free_rows, of("tidy CSV", lambda folder: _table(folder / tidy, numeric))),
        broken_by(
            _free_rows, of("points CSV", lambda folder: _answer(read_points_csv(folder / "points.csv").points_mm))
        ),
        of("dwells CSV", _dwells),
        of("tolerances", lambda folder: _answer(read_tolerances(folder / "tolerances.toml"))),
        of("role rules", _roles),
        broken_by(_nulls, of("transform", lambda folder: _answer(read_transform(folder / "shift.json")))),
        broken_by(_nulls, of("catheter errors", lambda folder: _answer(read_traced_errors(folder / "traced.json")))),
        broken_by(_doubled_rules, of("media rules", lambda folder: _answer(read_media_rules(folder / "media.toml")))),
        broken_by(_free_rows, of("series CSV", lambda folder: _answer(read_series(folder / "series.csv")))),
        *(of(name, read) for name, read in more_readers(_answer, _case)),
    ]  # fmt: skip
