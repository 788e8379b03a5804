"""More good files for the fuzzers: what a run keeps for the next, whole folders, and files of few commands."""

from __future__ import annotations

import json
import secrets
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_target import Target

from cohort_by_hand import full_form
from demo_case import NOW
from dicom_segmentation import segmentation
from dicom_twins import item, saved
from hdrplan.geometry import Grid, Volume
from hdrplan.io import (
    ResultStore,
    dicom_files,
    open_journal,
    read_anatomy,
    read_case,
    read_clinical_plan,
    read_cohort,
    read_ct_grid,
    read_dicom_folder,
    read_dose,
    read_dvh,
    read_kept_run,
    read_key,
    read_media_rules,
    read_plan_file,
    read_planner,
    read_regions,
    read_scan,
    read_segment_names,
    read_series,
    read_table,
    read_traced_errors,
    read_transform,
    read_treatment_record,
    write_kept_run,
    write_key,
    write_tables,
    write_volume,
)
from hdrplan.live import Touch
from hdrplan.materials import photon_data, voxel_codes
from hdrplan.places import recorded_files
from hdrplan.transport import Kerma, ScatterTask, Voxels, in_water, isotropic_ir192
from hdrplan.workflow import PlannedLesion
from small_scan import GRID, ct, structures

__all__ = ["bytes_in", "more_targets"]

_PLANNED = ("RP.dcm", "RS.dcm", "RD.dcm")
_KEY = "ab" * 8
_OPTIONS = {"goals": ["D1cc <= 14 Gy"]}


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Return the content of every file of a folder by its name there."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _only(place: Path, name: str) -> dict[str, bytes]:
    return {name: (place / name).read_bytes()}


def touches(folder: Path) -> list[Touch]:
    """Return what a journal of a live session holds."""
    with open_journal(folder / "session.partial", Touch, options=_OPTIONS, secret=b"") as journal:
        journal.unsettled = 1
        return list(journal.done.values())


def lesion(folder: Path) -> PlannedLesion | None:
    """Return what a store of planned lesions holds."""
    return ResultStore(folder, PlannedLesion).read(_KEY)


def _task() -> ScatterTask:
    def cube(n: int, spacing_mm: float) -> Grid:
        return Grid(shape_zyx=(n, n, n), origin_mm=[-0.5 * (n - 1) * spacing_mm] * 3, spacing_mm=[spacing_mm] * 3)

    photons, grid = photon_data(), cube(4, 30.0)
    codes = voxel_codes(np.full(grid.shape_zyx, photons.number("liver")), np.full(grid.shape_zyx, 1.06), photons)
    return ScatterTask(
        voxels=Voxels(grid=grid, codes_zyx=codes, photons=photons), emission=isotropic_ir192(photons),
        positions_mm=[[0.0, 0.0, 0.0]], axes=[[0.0, 0.0, 1.0]], times_s=[1.0], scored=cube(3, 20.0), batches=10,
    )  # fmt: skip


def kept_run(folder: Path) -> tuple[Kerma, Kerma] | None:
    """Return what a stopped Monte Carlo run left."""
    return read_kept_run(folder / "run.npz", _task())


def _write_runs(place: Path) -> None:
    """Write a journal, a store, a Monte Carlo run, a key and a record."""
    with open_journal(place / "session.partial", Touch, options=_OPTIONS, secret=b"") as journal:
        for k in range(3):
            journal.add(
                Touch(
                    id=str(k + 1), what="do", name="prescribe", given={"ctv": "lesion", "dose_gy": 18.5 + k},
                    by_hand_s=[("c1", 27, 12.5)], locked_s=[],
                )
            )  # fmt: skip
        journal.unsettled = 1
    values: dict[str, Any] = {name: 1.5 for name in PlannedLesion.__dataclass_fields__}
    values |= {"lesion_id": "L1", "catheters": 2, "dwells": 9, "points": 400}
    ResultStore(place / "store", PlannedLesion).write(_KEY, PlannedLesion(**values))
    task = _task()
    sums = np.random.default_rng(1).random((10, 3, 3, 3, 4), dtype=np.float32)
    patient, water = (
        Kerma(grid=task.scored, sums=sums, histories=100, photons=photon_data(), task=t.digest())
        for t in (task, in_water(task))
    )
    write_kept_run(place / "run.npz", patient, water)
    write_key(place / "key.json", secrets.token_bytes(32), {"P-1": "patient 1"})


def _write_dicom(place: Path, dicom: Path) -> dict[str, bytes]:
    """Write a treatment record and a DICOM Segmentation; return an export with a CT of four slices."""
    points = [
        item(ControlPointRelativePosition=10.0 * k, TreatmentControlPointDate="20240719",
             TreatmentControlPointTime=f"0302{20 + 5 * k + 4 * end:02d}")
        for k in range(3) for end in range(2)
    ]  # fmt: skip
    channel = item(ChannelNumber=1, DeliveredChannelTotalTime=12.0, BrachyControlPointDeliveredSequence=points)
    setup = item(
        ReferencedBrachyApplicationSetupNumber=1, CurrentFractionNumber=1, TreatmentTerminationStatus="NORMAL",
        RecordedChannelSequence=[channel],
    )  # fmt: skip
    saved(
        place / "record.dcm", "1.2.840.10008.5.1.4.1.1.481.6", TreatmentDate=f"{NOW:%Y%m%d}", TreatmentTime="030220",
        ReferencedRTPlanSequence=[item(ReferencedSOPInstanceUID="1.2.5")],
        TreatmentSessionApplicationSetupSequence=[setup],
    )  # fmt: skip
    solid = np.zeros((12, 12, 12), dtype=bool)
    solid[3:9, 3:9, 3:9] = True
    (place / "seg").mkdir()
    segmentation(place / "seg" / "SEG.dcm", solid, kind="BINARY")
    files = bytes_in(dicom)
    slices = [name for name in files if name.startswith("CT")]
    return {name: files[name] for name in [*slices[:4], "RP.dcm", "RS.dcm", "RD.dcm"]}


def _write_scan(place: Path) -> None:
    """Write a CT with its segmentation as 3D Slicer lays them into one folder."""
    from hdrplan.io import write_segmentation

    place.mkdir()
    cut = Grid(shape_zyx=(6, 20, 40), origin_mm=GRID.world([0, 22, 17]), spacing_mm=GRID.spacing_mm)
    write_volume(place / "ct.nrrd", Volume(cut, ct().values_zyx[17:23, 22:42, 0:40]))
    write_segmentation(place / "structures.seg.nrrd", structures()[:2], GRID)


def more_targets(place: Path, dicom: Path) -> list[Target]:
    """Write more good files below ``place``; the DICOM export, the case, result and images are there already."""
    _write_runs(place)
    exported = _write_dicom(place, dicom)
    _write_scan(place / "scan")
    (place / "media.toml").write_text((resources.files("hdrplan.materials") / "rules.toml").read_text("utf-8"))
    (place / "series.csv").write_text((resources.files("hdrplan.io") / "data" / "liver_hdr_series.csv").read_text())
    (place / "shift.json").write_text(json.dumps([[1, 0, 0, 2.5], [0, 1, 0, -3], [0, 0, 1, 0.5], [0, 0, 0, 1]]))
    traced = {"name": "c1", "hub_to_tip_mm_lps": [[0, 0, 0], [10, 0, 0]], "sigma_mm": [0.4, 0.6], "tip_sigma_mm": 0.7}
    (place / "traced.json").write_text(json.dumps({"schema": "hdrplan.run/1", "catheters": [traced]}))
    (place / "parquet").mkdir()
    write_tables(place / "parquet", {n: (t.columns, t.rows) for n, t in full_form().items()}, "parquet")
    case, result, scan, arrow = (bytes_in(place / name) for name in ("case", "result", "scan", "parquet"))
    store = {name: data for name, data in bytes_in(place / "store").items() if name.endswith(".json")}
    ct_slices = [name for name in exported if name.startswith("CT")]

    def one(name: str, file: str, read: Any) -> Target:
        path = place / file
        return Target(name, {path.name: path.read_bytes()}, (path.name,), lambda folder: read(folder / path.name))

    return [
        Target("live journal", _only(place, "session.partial"), ("session.partial",), touches),
        Target("result store", store, tuple(store), lesion),
        Target("kept Monte Carlo run", _only(place, "run.npz"), ("run.npz",), kept_run),
        one("key file", "key.json", read_key),
        Target("run record", result, ("run.json",), recorded_files),
        one("media rules", "media.toml", read_media_rules),
        one("transform", "shift.json", read_transform),
        one("catheter errors", "traced.json", read_traced_errors),
        one("series CSV", "series.csv", read_series),
        one("dvh.csv", "result/dvh.csv", read_dvh),
        one("plan file", "result/plan.json", read_plan_file),
        one("dose image", "result/dose.nrrd", lambda path: read_dose(path, unit="Gy")),
        one("stored RT Dose", "dicom/RD.dcm", read_dose),
        one("planner", "dicom/RP.dcm", read_planner),
        one("treatment record", "record.dcm", read_treatment_record),
        one("DICOM Segmentation", "seg/SEG.dcm", read_regions),
        one("label regions", "images/v.nii", read_regions),
        one("segment names", "slicer/structures.seg.nrrd", read_segment_names),
        Target("CT headers", {n: exported[n] for n in ct_slices}, tuple(ct_slices),
               lambda folder: read_ct_grid([folder / name for name in ct_slices])),
        Target("clinical plan", {n: exported[n] for n in _PLANNED}, _PLANNED, read_clinical_plan),
        Target("DICOM export", exported, (ct_slices[1], *_PLANNED), read_dicom_folder),
        Target("DICOM files", exported, (ct_slices[2], "RP.dcm"), dicom_files),
        Target("Slicer folder", scan, tuple(scan), lambda folder: read_scan([folder])),
        Target("anatomy of a case", case, ("case.toml", "labels.json", "labels.nii.gz"), read_anatomy),
        Target("case of 3D Slicer", _slicer_case(place), ("case.toml", "ct.nrrd", "structures.seg.nrrd"), read_case),
        Target("cohort Parquet, bytes", arrow, tuple(arrow), read_cohort),
        one("SPSS table", _sav(place), read_table),
    ]  # fmt: skip


def _slicer_case(place: Path) -> dict[str, bytes]:
    """Return the files of a case of an image, a segmentation and a markup of 3D Slicer."""
    slicer = bytes_in(place / "slicer")
    toml = (
        'name = "of Slicer"\nct = "ct.nrrd"\ncatheters = "catheters.mrk.json"\n'
        '[[structures]]\nfile = "structures.seg.nrrd"\n[roles]\nsolid = "CTV"\n'
        "[prescription_gy]\nsolid = 20.0\n[source]\nstrength_u = 40700.0\n"
    )
    used = ("ct.nrrd", "structures.seg.nrrd", "catheters.mrk.json")
    return {"case.toml": toml.encode()} | {name: slicer[name] for name in used}


def _sav(place: Path) -> str:
    import pandas as pd
    import pyreadstat

    frame = pd.DataFrame({"id": ["a", "b", "c"], "type": [1.0, 2.0, 1.0], "d100_gy": [18.25, 20.0, 22.5]})
    pyreadstat.write_sav(frame, place / "t.sav", variable_value_labels={"type": {1: "HCC", 2: "CRLM"}})
    return "t.sav"
