"""Exports that were mixed up, turned, scaled or cut: what is the same dose passes, what is another one never does."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from demo_case import write_demo_dicom
from hdrplan.cli.check import command

Edit = Callable[[Any], None]


def moved(*voxels: float) -> Edit:
    def edit(dose: Any) -> None:
        size = (*map(float, dose.PixelSpacing[::-1]), float(dose.GridFrameOffsetVector[1]))
        origin = map(float, dose.ImagePositionPatient)
        dose.ImagePositionPatient = [x + n * s for x, n, s in zip(origin, voxels, size, strict=True)]

    return edit


def scaled(factor: float) -> Edit:
    def edit(dose: Any) -> None:
        dose.DoseGridScaling = float(dose.DoseGridScaling) * factor

    return edit


def prone(dose: Any) -> None:
    """The same dose, its rows to the right and its columns to the front."""
    dose.PixelData = np.ascontiguousarray(dose.pixel_array[:, ::-1, ::-1]).tobytes()
    x, y, z = map(float, dose.ImagePositionPatient)
    down, along = map(float, dose.PixelSpacing)
    dose.ImagePositionPatient = [x + (dose.Columns - 1) * along, y + (dose.Rows - 1) * down, z]
    dose.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]


def decubitus(dose: Any) -> None:
    """The same dose, its rows to the back and its columns to the right."""
    dose.PixelData = np.ascontiguousarray(np.transpose(dose.pixel_array, (0, 2, 1))[:, ::-1, :]).tobytes()
    x, y, z = map(float, dose.ImagePositionPatient)
    down, along = map(float, dose.PixelSpacing)
    dose.ImagePositionPatient = [x + (dose.Columns - 1) * along, y, z]
    dose.Rows, dose.Columns, dose.PixelSpacing = dose.Columns, dose.Rows, [along, down]
    dose.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]


def prone_by_name(dose: Any) -> None:
    dose.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]


def mirrored(dose: Any) -> None:
    dose.PixelData = np.ascontiguousarray(dose.pixel_array[:, :, ::-1]).tobytes()


def channels(plan: Any) -> Any:
    return plan.ApplicationSetupSequence[0].ChannelSequence


def without_a_channel(plan: Any) -> None:
    """With the kerma of the others: the plan's own arithmetic is right."""
    times = [float(channel.ChannelTotalTime) for channel in channels(plan)]
    setup = plan.ApplicationSetupSequence[0]
    setup.TotalReferenceAirKerma = float(setup.TotalReferenceAirKerma) * sum(times[1:]) / sum(times)
    del channels(plan)[0]


def with_an_empty_channel(plan: Any) -> None:
    empty = copy.deepcopy(channels(plan)[0])
    empty.ChannelNumber, empty.ChannelTotalTime, empty.FinalCumulativeTimeWeight = 99, 0, 0
    for point in empty.BrachyControlPointSequence:
        point.CumulativeTimeWeight = 0
    channels(plan).append(empty)


def swapped(plan: Any) -> None:
    first, second = channels(plan)[:2]
    first.ChannelTotalTime, second.ChannelTotalTime = second.ChannelTotalTime, first.ChannelTotalTime


def fractions(plan: Any) -> None:
    plan.FractionGroupSequence[0].NumberOfFractionsPlanned = 3


def decayed(plan: Any) -> None:
    plan.SourceSequence[0].ReferenceAirKermaRate = float(plan.SourceSequence[0].ReferenceAirKermaRate) * 0.97


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "set"
    write_demo_dicom(folder)
    return folder


@pytest.mark.parametrize(
    ("edits", "verdict", "hint"),
    [
        ({"RD": prone}, "pass", None),
        ({"RD": decubitus}, "pass", None),
        ({"RP": with_an_empty_channel}, "pass", None),
        ({"RP": fractions}, "pass", None),
        ({"RP": fractions, "RD": scaled(3.0)}, "pass", "dose-of-all-fractions"),
        ({"RP": swapped}, "warn", None),
        ({"RD": prone_by_name}, "fail", None),
        ({"RD": mirrored}, "fail", None),
        ({"RD": moved(0.5, 0, 0)}, "fail", "dose-grid-shifted"),
        ({"RD": moved(0.5, 0.5, 0.5)}, "fail", "dose-grid-shifted"),
        ({"RD": scaled(1.05)}, "fail", "difference-is-constant"),
        ({"RD": scaled(100.0)}, "fail", "difference-is-a-factor"),
        ({"RP": decayed}, "fail", "difference-is-constant"),
        ({"RP": without_a_channel}, "fail", None),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else str(value),
)
def test_the_same_dose_passes_and_another_does_not(
    export: Path, tmp_path: Path, edits: dict[str, Edit], verdict: str, hint: str | None
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("RP", "RD", "RS"):
        shutil.copy(export / f"{name}.dcm", folder)
    for name, edit in edits.items():
        data = pydicom.dcmread(folder / f"{name}.dcm")
        edit(data)
        data.save_as(folder / f"{name}.dcm")
    run = CliRunner().invoke(command, [str(folder), "--json"])
    table = json.loads(run.stdout)
    assert table["verdict"] == verdict
    assert run.exit_code == (verdict == "fail")
    kinds = {"dose-of-all-fractions", "dose-grid-shifted", "difference-is-constant", "difference-is-a-factor"}
    given = {warning["id"] for warning in table["warnings"]} & kinds
    assert given == ({hint} if hint != "difference-is-a-factor" else {hint, "difference-is-constant"}) - {None}
    if edits.get("RP") is decayed:
        (sentence,) = [w["sentence"] for w in table["warnings"] if w["id"] == "difference-is-constant"]
        assert "as by 3.2 days of decay" in sentence
