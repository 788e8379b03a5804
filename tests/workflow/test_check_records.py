"""Treatment records beside a plan: delivered times, the source that delivered them, and whose they are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from click.testing import CliRunner

from demo_case import write_demo_dicom
from dicom_twins import item, saved
from hdrplan.cli.check import command
from hdrplan.errors import HdrPlanError
from hdrplan.io import read_clinical_plan
from hdrplan.plan import BrachyPlan


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "set"
    write_demo_dicom(folder)
    return folder


def record_of(path: Path, brachy: BrachyPlan, plan_uid: str, *, lengthen: float = 1.0, late_s: float = 0.0) -> Path:
    """A treatment record of one half-life after the plan's date; ``late_s`` more at one dwell."""
    clock, channels = datetime(2024, 7, 19, 3, 2, 49), []
    for channel in brachy.channels:
        points, total_s = [], 0.0
        for k, (at, seconds) in enumerate(zip(channel.relative_mm, channel.times_s, strict=True)):
            seconds = 2.0 * seconds * lengthen + (late_s if k == 2 else 0.0)
            total_s += seconds
            points += [
                item(
                    ControlPointRelativePosition=round(float(at), 3),
                    TreatmentControlPointDate=f"{moment:%Y%m%d}",
                    TreatmentControlPointTime=f"{moment:%H%M%S.%f}",
                )
                for moment in (clock, clock + timedelta(seconds=seconds))
            ]
            clock += timedelta(seconds=seconds + 0.4)
        channels.append(
            item(
                ChannelNumber=channel.number,
                DeliveredChannelTotalTime=round(total_s, 6),
                BrachyControlPointDeliveredSequence=points,
            )
        )
    setup = item(
        ReferencedBrachyApplicationSetupNumber=1,
        CurrentFractionNumber=1,
        TreatmentTerminationStatus="NORMAL",
        RecordedChannelSequence=channels,
    )
    return saved(
        path,
        "1.2.840.10008.5.1.4.1.1.481.6",
        TreatmentDate="20240719",
        TreatmentTime="030249",
        ReferencedRTPlanSequence=[item(ReferencedSOPInstanceUID=plan_uid)],
        TreatmentSessionApplicationSetupSequence=[setup],
    )


@pytest.mark.parametrize(
    ("lengthen", "late_s", "verdict", "failing"),
    [(1.0, 0.0, "pass", ""), (1.03, 0.0, "fail", "time of all channels"), (1.0, 0.4, "fail", "dwell at")],
)
def test_delivered_times_are_compared_with_those_of_the_day(
    export: Path, tmp_path: Path, lengthen: float, late_s: float, verdict: str, failing: str
) -> None:
    clinical = read_clinical_plan(export)
    uid = clinical.brachy.uids["instance"]
    record = record_of(tmp_path / "record.dcm", clinical.brachy, uid, lengthen=lengthen, late_s=late_s)
    run = CliRunner().invoke(command, [str(export), "--record", str(record), "--json"])
    table = json.loads(run.stdout)
    assert table["verdict"] == verdict
    rows = [row for row in table["rows"] if row["kind"] == "time"]
    assert rows[0]["tps"] == pytest.approx(2.0 * clinical.brachy.total_time_s, rel=1e-4)
    if failing:
        assert any(failing in row["quantity"] for row in rows if row["verdict"] == "fail")
    assert any("20350 U" in w["sentence"] for w in table["warnings"] if w["id"] == "times-of-another-day")


def test_a_record_of_another_plan_never_passes_and_fractions_are_compared(export: Path, tmp_path: Path) -> None:
    brachy = read_clinical_plan(export).brachy
    record = record_of(tmp_path / "record.dcm", brachy, "1.2.3")
    run = CliRunner().invoke(command, [str(export), "--record", str(record), "--json"])
    assert run.exit_code == 1
    assert {"text": "record of fraction 1 refers to this plan", "holds": False} in json.loads(run.stdout)["links"]
    second = record_of(tmp_path / "second.dcm", brachy, brachy.uids["instance"], lengthen=1.05)
    data = pydicom.dcmread(second)
    data.TreatmentSessionApplicationSetupSequence[0].CurrentFractionNumber = 2
    data.save_as(second)
    run = CliRunner().invoke(command, [str(export), "--record", str(record), "--record", str(second), "--json"])
    (row,) = [row for row in json.loads(run.stdout)["rows"] if "against fraction 1" in row["quantity"]]
    assert row["difference_frac"] == pytest.approx(0.05, rel=1e-3)
    assert row["verdict"] == "fail"
    run = CliRunner().invoke(command, [str(export), "--record", str(second), "--record", str(second), "--json"])
    assert {"text": "fraction 2: one record", "holds": False} in json.loads(run.stdout)["links"]


def edited_record(export: Path, path: Path, change: Callable[[Any], None]) -> Any:
    """Run check with a record of the right times that was changed."""
    brachy = read_clinical_plan(export).brachy
    data = pydicom.dcmread(record_of(path, brachy, brachy.uids["instance"]))
    change(data)
    data.save_as(path)
    return CliRunner().invoke(command, [str(export), "--record", str(path), "--json"])


def recorded_source(**values: Any) -> Callable[[Any], None]:
    """Give the record a source; what is not said is as planned."""
    return lambda data: setattr(data, "RecordedSourceSequence", [item(SourceIsotopeName="Ir-192", **values)])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: setattr(data, "PatientID", "somebody else"), "one PatientID, got record of P-"),
        (
            lambda data: setattr(data, "RecordedSourceSequence", [item(SourceIsotopeName="Co-60")]),
            "that of Ir-192, got Co-60",
        ),
        (lambda data: setattr(data, "BrachyTreatmentType", "LDR"), "HDR or PDR by an afterloader, got LDR"),
        (lambda data: setattr(data, "TreatmentDate", "20240101"), "2024-01-01, from 40700 U on 2024-05-06"),
    ],
    ids=["patient", "isotope", "LDR", "long before the plan"],
)
def test_a_record_of_another_patient_source_or_time_is_refused(
    export: Path, tmp_path: Path, change: Callable[[Any], None], says: str
) -> None:
    run = edited_record(export, tmp_path / "secret-name.dcm", change)
    assert isinstance(run.exception, HdrPlanError)
    assert says in str(run.exception)
    assert "secret-name" not in str(run.exception)


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ({"ReferenceAirKermaRate": 20350.0}, "pass"),
        ({"ReferenceAirKermaRate": 40700.0}, "fail"),
        (
            {
                "ReferenceAirKermaRate": 40700.0,
                "SourceStrengthReferenceDate": "20240506",
                "SourceStrengthReferenceTime": "070809",
            },
            "pass",
        ),
    ],
    ids=["of the day", "not decayed", "of the plan's date"],
)
def test_the_strength_of_the_record_is_compared_with_the_decayed_one(
    export: Path, tmp_path: Path, source: dict[str, Any], verdict: str
) -> None:
    table = json.loads(edited_record(export, tmp_path / "record.dcm", recorded_source(**source)).stdout)
    (row,) = [row for row in table["rows"] if "source strength" in row["quantity"]]
    assert (row["verdict"], table["verdict"]) == (verdict, verdict)
    assert row["tps"] == pytest.approx(20350.0, rel=1e-4)


def test_a_record_that_names_no_plan_is_doubted(export: Path, tmp_path: Path) -> None:
    run = edited_record(export, tmp_path / "record.dcm", lambda data: delattr(data, "ReferencedRTPlanSequence"))
    (said,) = [w["sentence"] for w in json.loads(run.stdout)["warnings"] if w["id"] == "links-not-stated"]
    assert said.endswith("record of fraction 1 refers to this plan")


def test_a_session_that_was_stopped_and_continued_is_one(export: Path, tmp_path: Path) -> None:
    """Two records of one fraction, the second a continuation three days later: their times are one session's."""
    brachy = read_clinical_plan(export).brachy
    share, late = 0.4, 0.5 ** (3.0 / 73.827)
    parts = []
    for k, (name, lengthen, day) in enumerate((("a", share, "20240719"), ("b", (1 - share) / late, "20240722"))):
        path = record_of(tmp_path / f"{name}.dcm", brachy, brachy.uids["instance"], lengthen=lengthen)
        data = pydicom.dcmread(path)
        data.TreatmentDate = day
        setup = data.TreatmentSessionApplicationSetupSequence[0]
        setup.TreatmentDeliveryType = "CONTINUATION" if k else "TREATMENT"
        setup.TreatmentTerminationStatus = "NORMAL" if k else "OPERATOR"
        data.save_as(path)
        parts.append(str(path))
    both = CliRunner().invoke(command, [str(export), "--record", parts[1], "--record", parts[0], "--json"])
    assert both.exception is None or both.stdout, both.exception
    table = json.loads(both.stdout)
    assert table["verdict"] == "pass", [row for row in table["rows"] if row["verdict"] == "fail"]
    assert not [link for link in table["links"] if "one record" in link["text"]]
    alone = CliRunner().invoke(command, [str(export), "--record", parts[1], "--json"])
    assert json.loads(alone.stdout)["verdict"] == "fail"


def the_setup(data: Any) -> Any:
    return data.TreatmentSessionApplicationSetupSequence[0]


def the_channel(data: Any) -> Any:
    return the_setup(data).RecordedChannelSequence[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: setattr(the_setup(data), "CurrentFractionNumber", None), "no number of the fraction"),
        (lambda data: setattr(data, "TreatmentTime", ""), "no date and time of the treatment"),
        (
            lambda data: setattr(
                the_channel(data).BrachyControlPointDeliveredSequence[1], "TreatmentControlPointTime", ""
            ),
            "a channel without the place, date or time of a control point",
        ),
        (lambda data: delattr(the_channel(data), "ChannelNumber"), "a channel without number"),
        (lambda data: setattr(the_channel(data), "ChannelNumber", None), "a channel without number"),
        (
            lambda data: delattr(the_channel(data), "DeliveredChannelTotalTime"),
            "a channel without time (the sum of its dwells is taken)",
        ),
        (lambda data: setattr(the_channel(data), "DeliveredNumberOfPulses", 0), "a channel of 0 pulses (1 is taken)"),
        (
            lambda data: setattr(the_channel(data), "DeliveredChannelTotalTime", 1.0),
            "a channel whose dwells take longer than itself",
        ),
        (
            lambda data: the_setup(data).RecordedChannelSequence.append(the_channel(data)),
            "one number for two channels (their times are added)",
        ),
    ],
    ids=["fraction", "time", "control point", "channel", "channel emptied", "no total", "pulses", "total", "twice"],
)
def test_what_a_record_does_not_state_is_said(
    export: Path, tmp_path: Path, change: Callable[[Any], None], says: str
) -> None:
    run = edited_record(export, tmp_path / "record.dcm", change)
    assert run.stdout, run.exception
    (said,) = [w["sentence"] for w in json.loads(run.stdout)["warnings"] if w["id"] == "delivery-unclear"]
    assert says in said


def test_a_channel_that_stands_twice_counts_twice(export: Path, tmp_path: Path) -> None:
    """The second one replaced the first in the comparison."""
    run = edited_record(
        export, tmp_path / "r.dcm", lambda data: the_setup(data).RecordedChannelSequence.append(the_channel(data))
    )
    rows = [row for row in json.loads(run.stdout)["rows"] if row["verdict"] == "fail"]
    assert any(row["quantity"].endswith("channel 1") and row["difference_frac"] > 0.9 for row in rows), rows


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: setattr(the_channel(data), "DeliveredChannelTotalTime", None), "DeliveredChannelTotalTime"),
        (
            lambda data: setattr(
                the_channel(data).BrachyControlPointDeliveredSequence[0], "ControlPointRelativePosition", None
            ),
            "ControlPointRelativePosition",
        ),
        (lambda data: setattr(data, "TreatmentDate", "19.7.24"), "TreatmentDate .* must be a date as YYYYMMDD"),
    ],
    ids=["total", "place", "date"],
)
def test_a_number_that_was_lost_on_the_way_is_refused(
    export: Path, tmp_path: Path, change: Callable[[Any], None], says: str
) -> None:
    run = edited_record(export, tmp_path / "record.dcm", change)
    assert isinstance(run.exception, HdrPlanError)
    assert re.search(says, str(run.exception))


def test_dates_as_files_of_before_1993_write_them_are_read(export: Path, tmp_path: Path) -> None:
    def old(data: Any) -> None:
        data.TreatmentDate, data.TreatmentTime = "2024.07.19", "03:02:49"

    assert json.loads(edited_record(export, tmp_path / "record.dcm", old).stdout)["verdict"] == "pass"
