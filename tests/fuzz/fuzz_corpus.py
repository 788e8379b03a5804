"""Small good files for every reader of the io room: what the fuzzer breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_target import Target
from more_corpus import bytes_in, more_targets

from cohort_by_hand import full_form
from demo_case import NOW, case_and_plan, demo_dose
from hdrplan.geometry import Grid, Volume
from hdrplan.io import (
    DicomSet,
    ResultFolder,
    RunRecord,
    dicom_files,
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
    read_names,
    read_plan,
    read_points_csv,
    read_results,
    read_role_rules,
    read_segmentation,
    read_source,
    read_structure_set,
    read_table,
    read_tolerances,
    read_volume,
    write_dicom_set,
    write_results,
    write_slicer_set,
    write_tables,
    write_volume,
)
from hdrplan.plan.brachy import as_plan
from hdrplan.sources import load_source
from small_case import write_small_case
from source_book import record, write_xlsx

__all__ = ["corpus"]


def _structures(folder: Path) -> None:
    found = read_structure_set(folder / "RS.dcm")
    found.structures_that_read(None)


def _plan(folder: Path) -> None:
    as_plan(read_brachy_plan(folder / "RP.dcm", None), load_source())


def _ct(folder: Path) -> None:
    dicom_files(folder)
    read_ct_series(folder)


def corpus(place: Path) -> list[Target]:
    """Write the good files below ``place`` once, and return the targets."""
    case, plan = case_and_plan()
    box = Grid(shape_zyx=(4, 8, 8), origin_mm=np.array([-20.0, -20.0, 205.0]), spacing_mm=np.array([2.5, 2.5, 2.5]))
    dose = demo_dose(plan, box)
    dicom, slicer, result = place / "dicom", place / "slicer", place / "result"
    dicom.mkdir()
    slicer.mkdir()
    write_dicom_set(dicom, DicomSet(case=case, plan=plan, dose=dose, prescription_gy=20.0), now=NOW)
    write_slicer_set(slicer, case, None, dose=dose)
    results = ResultFolder(
        name="fuzz",
        plan=plan,
        dose=dose,
        dvh={"lesion": (np.array([0.0, 10.0, 20.0]), np.array([4.0, 2.0, 1.0]))},
        metrics={"schema": "hdrplan.metrics/1", "structures": {"lesion": {"d100_gy": 20.0}}},
    )
    write_results(result, results, report_html="", run=RunRecord(inputs={}, options={}))
    images = place / "images"
    images.mkdir()
    small = Volume(box, (np.arange(box.size).reshape(box.shape_zyx) % 3).astype(np.int16))
    for ending in ("nrrd", "nii", "nii.gz", "mha"):
        write_volume(images / f"v.{ending}", small)
    write_volume(images / "mask.nrrd", Volume(box, (small.values_zyx > 0).astype(np.int16)))
    (images / "labels.json").write_text('{"1": "liver", "2": "lesion"}')
    sources = place / "sources"
    sources.mkdir()
    own = record("gammamed-plus")
    (sources / "own.json").write_text(json.dumps(own))
    write_xlsx(sources / "own.xlsx", own)
    head = [f"# {key} = {own[key]}" for key in ("dose_rate_constant_cgy_per_h_per_u", "active_length_cm")]
    radial = zip(own["radial_dose"]["r_cm"], own["radial_dose"]["g"], strict=True)
    (sources / "own_g.csv").write_text("\n".join([*head, "r_cm,g", *(f"{r},{g}" for r, g in radial)]))
    f = own["anisotropy"]
    lines = [
        ",".join("" if v is None else str(v) for v in row)
        for row in ([a, *r] for a, r in zip(f["theta_deg"], f["f"], strict=True))
    ]
    (sources / "own_F.csv").write_text("\n".join([",".join(map(str, ["theta_deg", *f["r_cm"]])), *lines]))
    write_small_case(place / "case")
    cohort = place / "cohort"
    cohort.mkdir()
    raw = full_form()
    write_tables(cohort, {n: (t.columns, t.rows) for n, t in raw.items()}, "csv")
    books = place / "books"
    books.mkdir()
    write_tables(books, {n: (t.columns, t.rows) for n, t in raw.items()}, "xlsx")
    book = sorted(p.name for p in books.iterdir())[0]
    (place / "points.csv").write_text("name,x_mm,y_mm,z_mm\na,1,2,3\nb,4.5,-5,6e1\n")
    (place / "dwells.csv").write_text(
        "catheter,x_mm,y_mm,z_mm,tip_x,tip_y,tip_z,time_s\nc1,0,0,0,0,0,1,10\nc1,0,0,-5,0,0,1,5\n"
    )
    (place / "tolerances.toml").write_text("point_frac = 0.02\n[gamma]\ndose_frac = 0.03\n")
    (place / "applicator.toml").write_text(
        'name = "6F"\ntip_offset_mm = 6.3\nuncertainty_mm = 0.4\nsource = "measured"\n'
    )
    (place / "roles.toml").write_text('[rules]\nCTV = ["lesion", "ctv"]\nOAR = ["liver"]\n')

    def one(name: str, source: Path, read: Callable[[Path], Any], extra: tuple[Path, ...] = ()) -> Target:
        files = {p.name: p.read_bytes() for p in (source, *extra)}
        return Target(name, files, (source.name,), lambda folder: read(folder / source.name))

    labels = images / "labels.json"
    pair = {n: (sources / n).read_bytes() for n in ("own_g.csv", "own_F.csv")}
    slices = {n: b for n, b in bytes_in(dicom).items() if n.startswith("CT")}
    few = dict(list(slices.items())[:4])
    folder_case, folder_result = bytes_in(place / "case"), bytes_in(result)
    return [
        *(one(f"image {e}", images / f"v.{e}", read_volume) for e in ("nrrd", "nii", "nii.gz", "mha")),
        one("mask nrrd", images / "mask.nrrd", lambda p: read_mask(p, "m", "CTV")),
        one("label map", images / "v.nii", lambda p: read_label_map(p, p.parent / "labels.json", {"liver": "OAR"}),
            (labels,)),
        one("label names", labels, read_names),
        one("seg.nrrd", slicer / "structures.seg.nrrd", read_segmentation),
        one("catheters mrk.json", slicer / "catheters.mrk.json", read_catheters),
        one("catheters json", place / "case" / "catheters.json", read_catheters),
        Target("case.toml", folder_case, ("case.toml",), read_case),
        Target("case files", folder_case, ("catheters.json", "labels.json", "labels.nii.gz", "ct.nii.gz"), read_case),
        one("plan.json", result / "plan.json", read_plan),
        Target("result folder", folder_result, ("metrics.json", "dvh.csv", "dose.nrrd"), read_results),
        one("source JSON", sources / "own.json", read_source),
        Target("source CSV", pair, tuple(pair), lambda folder: read_source(folder / "own_g.csv")),
        one("source xlsx", sources / "own.xlsx", read_source),
        Target("RT Plan", {"RP.dcm": (dicom / "RP.dcm").read_bytes()}, ("RP.dcm",), _plan),
        Target("RT Structure Set", {"RS.dcm": (dicom / "RS.dcm").read_bytes()}, ("RS.dcm",), _structures),
        one("RT Dose", dicom / "RD.dcm", read_dose_grid),
        Target("CT series", few, tuple(few), _ct),
        Target("cohort CSV", bytes_in(cohort), tuple(bytes_in(cohort)), read_cohort),
        one("cohort xlsx", books / book, read_cohort),
        one("tidy CSV", cohort / sorted(bytes_in(cohort))[0], read_table),
        one("points CSV", place / "points.csv", read_points_csv),
        one("dwells CSV", place / "dwells.csv", read_dwells_csv),
        one("tolerances", place / "tolerances.toml", read_tolerances),
        one("role rules", place / "roles.toml", read_role_rules),
        one("applicator", place / "applicator.toml", read_applicator),
        *more_targets(place, dicom),
    ]  # fmt: skip
