"""The archive walk: every plan a row or an error, pseudonyms, going on after a stop."""

from __future__ import annotations

import csv
import json
import os
import stat
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from demo_case import GRID, case_and_plan, write_demo_dicom
from hdrplan.cli import metrics
from hdrplan.cohort import TABLES
from hdrplan.dose import dose_at_points, sample_points
from hdrplan.errors import FormatError, InputError
from hdrplan.geometry import Grid
from hdrplan.io import Pseudonyms, read_key
from hdrplan.metrics import dvh
from hdrplan.sources import load_source
from hdrplan.workflow import ARCHIVE_COLUMNS, archive_ids
from hdrplan.workflow import archive as archive_walk

BOX = Grid(shape_zyx=(12, 48, 52), origin_mm=GRID.world([0, 0, 0]), spacing_mm=GRID.spacing_mm)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good treatments, one whose plan is broken, one without structures."""
    top = tmp_path_factory.mktemp("archive")
    for k, folder in enumerate(("Doe_Jane", "Roe_Richard", "broken", "bare")):
        write_demo_dicom(top / folder, box=BOX)
        for path in (top / folder).glob("*.dcm"):
            data = pydicom.dcmread(path)
            data.PatientID, data.PatientName = f"ID{k}", folder
            for element in data.iterall():
                if element.VR == "UI" and str(element.value).startswith("2.25."):
                    element.value = str(element.value)[:-1] + str(k)
            data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
            data.save_as(path)
    (top / "broken" / "RP.dcm").write_bytes((top / "broken" / "RP.dcm").read_bytes()[:3000])
    (top / "bare" / "RS.dcm").unlink()
    return top


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_every_plan_is_a_row_or_an_error(archive: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(metrics.command, [str(archive), "-o", str(tmp_path / "t"), "--jobs", "1"])
    assert run.exit_code == 0, run.exception
    rows = table(tmp_path / "t" / "metrics.csv")
    assert len({row["plan_id"] for row in rows}) == 2
    assert {row["engine"].split(",")[0] for row in rows} == {"stored", "recomputed"}
    assert {(row["structure"], row["role"]) for row in rows} == {("solid", "CTV")} | {("ring", "OAR")} - {
        ("ring", "OAR")
    }
    errors = table(tmp_path / "t" / "errors.csv")
    assert len(errors) == 2
    assert any("structure set" in row["error"] for row in errors)
    assert not (tmp_path / "t.partial").exists()


def test_values_are_those_of_the_plan(archive: Path, tmp_path: Path) -> None:
    CliRunner().invoke(metrics.command, [str(archive / "Doe_Jane"), "-o", str(tmp_path / "t"), "--jobs", "1"])
    rows = {row["engine"].split(",")[0]: row for row in table(tmp_path / "t" / "metrics.csv")}
    case, plan = case_and_plan()
    points = sample_points(case.structures[:1])
    dose = dose_at_points(plan.dwells, plan.times_s, points.points_mm, load_source(), strength_u=40700.0).gy
    curve = dvh(dose, points.volume_cc)
    for name, value in (
        ("d100_gy", curve.min_gy),
        ("d90_gy", curve.dose_at_frac(0.9)),
        ("d2cc_gy", curve.dose_at_cc(2.0)),
        ("v100_pct", 100 * float(curve.volume_frac_at_gy(20.0))),
        ("volume_cc", case.structures[0].volume_cc),
    ):
        assert float(rows["recomputed"][name]) == pytest.approx(value, rel=1e-4), name
        # Between voxels of 2 x 2 x 2.5 mm a dose that falls as 1/r^2 reads too high.
        assert float(rows["stored"][name]) == pytest.approx(value, rel=0.1), name
    assert rows["recomputed"]["slice_mm"] == "2.5"
    assert rows["stored"]["grid_mm"] == "2.5"


def test_nothing_names_the_patient_unless_asked(archive: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    for folder, more in (("a", ["--key", str(key)]), ("b", ["--identify"])):
        run = CliRunner().invoke(metrics.command, [str(archive), "-o", str(tmp_path / folder), "--jobs", "1", *more])
        assert run.exit_code == 0, run.exception
        text = run.output + "".join(path.read_text() for path in (tmp_path / folder).iterdir())
        for word in ("Doe_Jane", "Roe_Richard", "ID0", "ID1"):
            assert folder == "b" or word not in text, word
        assert ("ID0" in text) == (folder == "b")
    for path in (tmp_path / "b").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, "what names patients is for its owner alone"
    secrets = json.loads(key.read_text())
    assert set(secrets["patients"].values()) >= {"ID0", "ID1"}
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    # The same key, the same pseudonyms.
    CliRunner().invoke(metrics.command, [str(archive), "-o", str(tmp_path / "c"), "--jobs", "1", "--key", str(key)])
    assert (tmp_path / "c" / "metrics.csv").read_text() == (tmp_path / "a" / "metrics.csv").read_text()


def test_a_stopped_run_goes_on(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    real = archive_walk.treatment_rows

    def counted(treatment, options):  # type: ignore[no-untyped-def]
        calls.append(treatment.plan)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(treatment, options)

    monkeypatch.setattr(archive_walk, "treatment_rows", counted)
    arguments = [str(archive), "-o", str(tmp_path / "t"), "--jobs", "1"]
    CliRunner().invoke(metrics.command, arguments)
    assert not (tmp_path / "t").exists()
    with (tmp_path / "t.partial").open("a") as journal:
        journal.write('{"id": "torn')
    run = CliRunner().invoke(metrics.command, [*arguments, "--engine", "stored"])
    assert isinstance(run.exception, InputError)
    run = CliRunner().invoke(metrics.command, arguments)
    assert run.exit_code == 0, run.exception
    assert calls[0] not in calls[2:]
    assert len({row["plan_id"] for row in table(tmp_path / "t" / "metrics.csv")}) == 2


@pytest.mark.slow
def test_processes_give_the_same_table(archive: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    for name, jobs in (("one", "1"), ("two", "2")):
        run = CliRunner().invoke(
            metrics.command, [str(archive), "-o", str(tmp_path / name), "--jobs", jobs, "--key", str(key)]
        )
        assert run.exit_code == 0, run.exception
    for name in ARCHIVE_COLUMNS:
        assert (tmp_path / "one" / f"{name}.csv").read_bytes() == (tmp_path / "two" / f"{name}.csv").read_bytes()


def test_tables_for_the_cohort_have_its_columns() -> None:
    for name in ("dose_metrics", "oar_metrics"):
        known = {column.name for column in TABLES[name].columns}
        assert set(ARCHIVE_COLUMNS[name]) <= known


def test_a_dose_grid_that_ends_early_tells_only_what_it_holds(tmp_path: Path) -> None:
    half = Grid(shape_zyx=(12, 48, 21), origin_mm=GRID.origin_mm, spacing_mm=GRID.spacing_mm)
    write_demo_dicom(tmp_path / "x", box=half)
    run = CliRunner().invoke(
        metrics.command, [str(tmp_path / "x"), "-o", str(tmp_path / "t"), "--jobs", "1", "--engine", "stored"]
    )
    assert run.exit_code == 0, run.exception
    (row,) = table(tmp_path / "t" / "metrics.csv")
    assert row["d100_gy"] == row["mean_gy"] == row["v100_pct"] == ""
    assert float(row["d1cc_gy"]) > 10
    assert "lies inside the dose grid" in row["warnings"]
    assert table(tmp_path / "t" / "dose_metrics.csv") == []
    assert "no D100" in table(tmp_path / "t" / "errors.csv")[0]["error"]


def test_pseudonyms_and_keys(tmp_path: Path) -> None:
    one, two = Pseudonyms(b"k" * 32), Pseudonyms(b"l" * 32)
    assert one.patient("4711") == one.patient("4711") != two.patient("4711")
    assert "4711" not in one.patient("4711")
    for text in ("{}", '{"schema": "hdrplan.key/1", "secret": "zz"}', '{"schema": "hdrplan.key/1", "secret": ""}'):
        (tmp_path / "k.json").write_text(text)
        with pytest.raises(FormatError):
            read_key(tmp_path / "k.json")
    assert np.unique([read_key(None) for _ in range(3)]).size == 3


@pytest.mark.parametrize(
    ("fractions", "pulses", "factor", "said"),
    [(3, 1, 3.0, "dose-of-all-fractions"), (3, 1, 1.0, ""), (1, 30, 1.0 / 30, "dose-of-one-pulse")],
    ids=["of all fractions", "of one fraction", "of one pulse"],
)
def test_stored_doses_are_those_of_one_fraction_and_all_pulses(
    tmp_path: Path, fractions: int, pulses: int, factor: float, said: str
) -> None:
    """As the recomputed ones beside them: DICOM does not say what a grid is of, the fit does."""
    write_demo_dicom(tmp_path / "a", box=BOX)
    plan, dose = (pydicom.dcmread(tmp_path / "a" / name) for name in ("RP.dcm", "RD.dcm"))
    plan.FractionGroupSequence[0].NumberOfFractionsPlanned = fractions
    setup = plan.ApplicationSetupSequence[0]
    for channel in setup.ChannelSequence:
        channel.NumberOfPulses = pulses
        channel.ChannelTotalTime = float(channel.ChannelTotalTime) / pulses
        channel.FinalCumulativeTimeWeight = float(channel.FinalCumulativeTimeWeight) / pulses
        for point in channel.BrachyControlPointSequence:
            point.CumulativeTimeWeight = round(float(point.CumulativeTimeWeight) / pulses, 6)
    dose.DoseGridScaling = f"{float(dose.DoseGridScaling) * factor:.9e}"
    plan.save_as(tmp_path / "a" / "RP.dcm")
    dose.save_as(tmp_path / "a" / "RD.dcm")
    run = CliRunner().invoke(metrics.command, [str(tmp_path / "a"), "-o", str(tmp_path / "t"), "--jobs", "1"])
    assert run.exit_code == 0, run.exception
    stored, recomputed = (
        next(row for row in table(tmp_path / "t" / "metrics.csv") if row["engine"].startswith(engine))
        for engine in ("stored", "recomputed")
    )
    assert float(stored["d90_gy"]) == pytest.approx(float(recomputed["d90_gy"]), rel=0.03)
    assert float(stored["mean_gy"]) == pytest.approx(float(recomputed["mean_gy"]), rel=0.2)
    kinds = {kind for kind in ("dose-of-all-fractions", "dose-of-one-pulse") if f"[{kind}]" in stored["warnings"]}
    assert kinds == ({said} if said else set())


@pytest.mark.parametrize("change", ["file", "program", "nothing"])
def test_what_changed_since_the_run_was_stopped_is_read_again(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    # The journal knew plans by their UID and place: a dose that was sent again stood in the table as it had been.
    calls: list[Path] = []

    def counted(treatment, options):  # type: ignore[no-untyped-def]
        calls.append(treatment.plan)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return [], "not read here"

    monkeypatch.setattr(archive_walk, "treatment_rows", counted)
    arguments = [str(archive), "-o", str(tmp_path / "t"), "--jobs", "1"]
    CliRunner().invoke(metrics.command, arguments)
    dose = calls[0].with_name("RD.dcm")
    before = dose.stat()
    if change == "file":
        os.utime(dose, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    elif change == "program":
        monkeypatch.setattr(archive_ids, "edition", lambda: "another program")
    run = CliRunner().invoke(metrics.command, arguments)
    os.utime(dose, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run.exit_code == 0, run.exception
    assert (calls[0] in calls[2:]) is (change != "nothing")
    assert len(set(calls[2:])) == len(calls[2:])
