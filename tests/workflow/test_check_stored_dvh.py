"""The second check of DVHs that came with a dose: beside ours, and not passed where they are of another dose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from pydicom.dataset import Dataset

from demo_case import write_demo_dicom
from hdrplan.cli.check import command
from hdrplan.dose import sample_points
from hdrplan.io import read_clinical_plan
from hdrplan.io.dicom.write_dose import dvh_item
from hdrplan.metrics import dvh
from hdrplan.plan import as_plan, source_of_brachy
from hdrplan.workflow.check_rows import doses_at

Curve = tuple[np.ndarray, np.ndarray]


def curve_of(folder: Path) -> tuple[int, Curve]:
    """Return number and DVH of "solid" from the exact doses that the check itself finds."""
    clinical = read_clinical_plan(folder)
    brachy = clinical.brachy
    source = source_of_brachy(brachy)
    points = sample_points([s for s in clinical.structures if s.name == "solid"])
    gy = doses_at(as_plan(brachy, source), points.points_mm)
    made = dvh(gy, points.volume_cc)
    dose_gy = np.unique(np.append(made.dose_gy, 0.0))
    (number,) = [
        roi.ROINumber for roi in pydicom.dcmread(folder / "RS.dcm").StructureSetROISequence if roi.ROIName == "solid"
    ]
    return int(number), (dose_gy, made.volume_at_gy(dose_gy))


def edited(folder: Path, change: Callable[[Curve], Curve], edit: Callable[[Dataset, Dataset], None]) -> dict:
    number, curve = curve_of(folder)
    data = pydicom.dcmread(folder / "RD.dcm")
    item = dvh_item(number, *change(curve))
    of = Dataset()
    of.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    of.ReferencedSOPInstanceUID = pydicom.dcmread(folder / "RS.dcm").SOPInstanceUID
    data.ReferencedStructureSetSequence = [of]
    data.DVHSequence = [item]
    edit(data, item)
    data.save_as(folder / "RD.dcm")
    run = CliRunner().invoke(command, [str(folder), "--json"])
    table = json.loads(run.stdout)
    return table | {"stored": {row["quantity"].split(",")[0]: row for row in table["rows"] if row["kind"] == "stored"}}


def same(curve: Curve) -> Curve:
    return curve


def nothing(data: Dataset, item: Dataset) -> None:
    pass


def coarse(data: Dataset, item: Dataset) -> None:
    """Six bins: nothing finer can be read."""
    pairs = np.array(item.DVHData, dtype=float).reshape(-1, 2)
    edges = np.concatenate(([0.0], np.cumsum(pairs[:-1, 0])))
    width = edges[-1] / 6
    volume = np.interp(np.arange(6) * width, edges, pairs[:, 1])
    item.DVHNumberOfBins, item.DVHData = 6, [f"{x:.5f}" for v in volume for x in (width, v)]


def of_another_set(data: Dataset, item: Dataset) -> None:
    data.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID = "1.2.3"


def in_percent(data: Dataset, item: Dataset) -> None:
    pairs = np.array(item.DVHData, dtype=float).reshape(-1, 2)
    pairs[:, 1] *= 100 / pairs[0, 1]
    item.DVHVolumeUnits, item.DVHData = "PERCENT", [f"{x:.6f}" for x in pairs.ravel()]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    write_demo_dicom(tmp_path / "set")
    return tmp_path / "set"


def test_the_dvh_of_this_dose_passes(export: Path) -> None:
    table = edited(export, same, nothing)
    assert table["verdict"] == "pass"
    assert set(table["stored"]) == {f"solid {name}" for name in ("volume", "D98", "D90", "D50", "D2cc")}
    assert all(abs(row["difference_frac"]) < 0.005 for row in table["stored"].values())


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda c: (c[0] * 1.1, c[1]), "warn"),
        (lambda c: (c[0] * 1.4, c[1]), "fail"),
        (lambda c: (c[0] / 100, c[1]), "fail"),
        (lambda c: (c[0], c[1] * 1.5), "fail"),
    ],
)
def test_the_dvh_of_another_dose_or_structure_does_not(
    export: Path, change: Callable[[Curve], Curve], verdict: str
) -> None:
    assert edited(export, change, nothing)["verdict"] == verdict


def test_a_dose_is_read_no_finer_than_its_bin(export: Path) -> None:
    stored = edited(export, same, coarse)["stored"]
    assert abs(stored["solid D98"]["difference_frac"]) > 0.05
    assert stored["solid D98"]["verdict"] == "pass"
    assert "one bin" in stored["solid D98"]["tolerance"]


def test_volumes_in_percent_have_no_volume_to_compare(export: Path) -> None:
    table = edited(export, same, in_percent)
    assert table["verdict"] == "pass"
    assert set(table["stored"]) == {f"solid {name}" for name in ("D98", "D90", "D50", "D2cc")}


def test_the_dvh_of_another_structure_set_is_not_compared(export: Path) -> None:
    """Its numbers are those of other structures; that the files do not belong together is a link's verdict."""
    assert not edited(export, lambda c: (c[0] * 3, c[1]), of_another_set)["stored"]
