"""Doses and structures as clinics have them: each is read rightly, or refused in words that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.dvh_solids import SOLIDS, write_dose, write_structures
from pydicom import dcmread

import hdrplan
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.workflow import DVHOptions, DVHResult

FEW = DVHOptions(metrics=("D95", "D50", "D1cc"), count=4000)


def square(half: float, z: float, x: float = 0.0) -> np.ndarray:
    return np.array([[x - half, -half, z], [x + half, -half, z], [x + half, half, z], [x - half, half, z]])


def prism(half: float = 5.0, **at: float) -> list[np.ndarray]:
    return [square(half, z, **at) for z in np.arange(-9.0, 10.0, 2.0)]


@pytest.fixture
def dose(tmp_path: Path) -> Path:
    return write_dose(tmp_path / "rd.dcm", 2, 2.0)


def changed(path: Path, **values: Any) -> Path:
    data = dcmread(path)
    for keyword, value in values.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value(data) if callable(value) else value)
    data.save_as(path)
    return path


def dvh_of(dose: Path, **rois: list[np.ndarray]) -> DVHResult:
    return hdrplan.dvh(dose, write_structures(dose.with_name("rs.dcm"), rois), FEW)


def test_cgy_is_gy(dose: Path) -> None:
    in_gy = dvh_of(dose, box=prism())["box"]
    in_cgy = dvh_of(changed(dose, DoseUnits="CGY", DoseGridScaling=1e-4), box=prism())["box"]
    assert in_cgy.metric("D50").value == pytest.approx(in_gy.metric("D50").value, rel=1e-6)


@pytest.mark.parametrize(
    ("lost", "id_"),
    [
        ("DoseUnits", "dose-meaning-not-stated"),
        ("DoseType", "dose-meaning-not-stated"),
        ("FrameOfReferenceUID", "links-not-stated"),
        ("PatientID", "links-not-stated"),
    ],
)
def test_what_a_dose_does_not_say_is_said(dose: Path, lost: str, id_: str) -> None:
    whole = dvh_of(dose, box=prism())
    assert id_ not in {w.id for w in whole.warnings}
    result = dvh_of(changed(dose, **{lost: None}), box=prism())
    assert [w.id for w in result.warnings].count(id_) == 1
    assert result["box"].metric("D50").value == whole["box"].metric("D50").value


def test_dose_and_structures_the_wrong_way_round_are_told_so(dose: Path) -> None:
    drawn = write_structures(dose.with_name("rs.dcm"), {"box": prism()})
    with pytest.raises(HdrPlanError, match=r"got an RT Structure Set .* given as the RT Dose"):
        hdrplan.dvh(drawn, dose, FEW)
    with pytest.raises(HdrPlanError, match=r"got an RT Dose .* given as the RT Structure Set"):
        hdrplan.dvh(dose, dose, FEW)


def test_falling_offsets_are_the_same_dose(dose: Path) -> None:
    rising = dvh_of(dose, box=prism())["box"]
    n = dcmread(dose).NumberOfFrames

    def turned(data: Any) -> bytes:
        return np.frombuffer(data.PixelData, "<u4").reshape(n, -1)[::-1].tobytes()

    def last(data: Any) -> list[float]:
        x, y, z = data.ImagePositionPatient
        return [x, y, float(z) + 2.0 * (n - 1)]

    changed(dose, PixelData=turned, ImagePositionPatient=last, GridFrameOffsetVector=[-2.0 * k for k in range(n)])
    falling = dvh_of(dose, box=prism())["box"]
    assert [m.value for m in falling.metrics] == pytest.approx([m.value for m in rising.metrics], rel=1e-6)


def irregular(data: Any) -> list[float]:
    offsets = [float(v) for v in data.GridFrameOffsetVector]
    return [*offsets[:3], offsets[3] + 0.7, *offsets[4:]]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"DoseGridScaling": None}, "DoseGridScaling.*must be a number"),
        ({"DoseGridScaling": 0.0}, "DoseGridScaling.*positive"),
        ({"GridFrameOffsetVector": irregular}, "GridFrameOffsetVector.*regular distances"),
        ({"GridFrameOffsetVector": None}, "GridFrameOffsetVector"),
        ({"DoseUnits": "RELATIVE"}, "DoseUnits.*GY.*Export the dose in Gy"),
        ({"DoseType": "EFFECTIVE"}, "DoseType.*PHYSICAL"),
        ({"DoseType": "ERROR"}, "DoseType.*PHYSICAL"),
        ({"PixelData": lambda data: data.PixelData[:-400]}, "PixelData"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "ImageOrientationPatient"),
    ],
)
def test_what_is_no_dose_is_refused(dose: Path, values: dict[str, Callable[..., Any]], says: str) -> None:
    with pytest.raises(HdrPlanError, match=says):
        dvh_of(changed(dose, **values), box=prism())


def test_one_frame_is_one_layer_of_voxels(dose: Path) -> None:
    def middle(data: Any) -> bytes:
        n = data.NumberOfFrames
        return np.frombuffer(data.PixelData, "<u4").reshape(n, -1)[n // 2].tobytes()

    def at_zero(data: Any) -> list[float]:
        return [*data.ImagePositionPatient[:2], 0.0]

    changed(dose, PixelData=middle, ImagePositionPatient=at_zero, SliceThickness=2.0)
    changed(dose, NumberOfFrames=1, GridFrameOffsetVector=[0.0])
    result = dvh_of(dose, box=prism())
    # 2 mm of 20.
    assert result["box"].in_grid_frac == pytest.approx(0.1, abs=0.01)
    assert {"dose-one-frame", "dvh-partly-covered"} <= {note.id for note in result.warnings}


def test_what_the_grid_does_not_cover_is_said_as_a_fraction(dose: Path) -> None:
    result = dvh_of(dose, box=prism(), beside=prism(x=16.0), away=prism(x=60.0))
    covered = {s.name: s.in_grid_frac for s in result.structures}
    assert covered == {"box": 1.0, "beside": pytest.approx(0.5, abs=0.02), "away": 0.0}
    said = " ".join(note.sentence for note in result.warnings)
    assert "away: 100.0% of it lies outside the dose grid" in said
    with pytest.raises(InputError, match="must lie in the dose grid"):
        dvh_of(dose, away=prism(x=60.0))


def test_one_slice_two_points_and_nothing(dose: Path) -> None:
    line = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    result = dvh_of(dose, box=prism(), one=[square(5.0, 0.0)], two=[line], nothing=[])
    assert result["one"].volume_cc == pytest.approx(0.25, rel=0.01)
    assert {"contours-in-one-plane", "contour-too-short"} <= {note.id for note in result.warnings}
    assert dict(result.left_out) == {"two": "no contours", "nothing": "no contours"}


def test_contours_that_overlap_in_part_are_doubted_and_holes_are_not(dose: Path) -> None:
    crossing = [c for z in np.arange(-9.0, 10.0, 2.0) for c in (square(5.0, z), square(5.0, z, x=4.0))]
    hole = [c for z in np.arange(-9.0, 10.0, 2.0) for c in (square(6.0, z), square(3.0, z))]
    apart = [c for z in np.arange(-9.0, 10.0, 2.0) for c in (square(3.0, z, x=-7.0), square(3.0, z, x=7.0))]
    result = dvh_of(dose, crossing=crossing, hole=hole, apart=apart)
    assert {s.name: [note.id for note in s.warnings] for s in result.structures} == {
        "crossing": ["contours-overlap"],
        "hole": [],
        "apart": [],
    }
    assert result["crossing"].volume_cc == pytest.approx(2 * 4.0 * 10.0 * 20.0 / 1000, rel=0.01)


def test_slices_at_unequal_distances(dose: Path) -> None:
    ball = SOLIDS["ball"]
    heights = [-11.5, -10.5, -9.5, -8.0, -6.0, -4.5, -2.0, 0.0, 2.5, 4.0, 6.0, 7.5, 9.0, 10.0, 11.0]
    contours = [np.column_stack((flat, np.full(len(flat), z))) for z in heights for flat in [ball.contour(z)]]
    result = hdrplan.dvh(dose, write_structures(dose.with_name("rs.dcm"), {"ball": contours}), DVHOptions())["ball"]
    assert result.volume_cc == pytest.approx(ball.volume_cc, rel=0.005)
    assert result.metric("D50").value == pytest.approx(16.0, rel=0.005)


def test_a_clipped_dose_is_said_of_the_structures_that_reach_it(dose: Path) -> None:
    def clipped(data: Any) -> bytes:
        return np.minimum(np.frombuffer(data.PixelData, "<u4"), np.uint32(20e6)).tobytes()

    changed(dose, PixelData=clipped)
    result = dvh_of(dose, box=prism(), low=[square(5.0, z) for z in (-9.0, -7.0, -5.0)])
    assert [note.sentence.split(":")[0] for note in result.warnings if note.id == "dvh-at-full-scale"] == ["box"]


def test_many_structures_of_one_name(dose: Path) -> None:
    data_path = write_structures(dose.with_name("rs.dcm"), {f"node {k}": prism(2.0) for k in range(40)})
    data = dcmread(data_path)
    for item in data.StructureSetROISequence:
        item.ROIName = "node"
    data.save_as(data_path)
    result = hdrplan.dvh(dose, data_path, DVHOptions(metrics=("D50",), count=1000))
    assert [s.name for s in result.structures] == [f"node #{k + 1}" for k in range(40)]
