"""Plans of an archive beside the best of their cases: a row for each lesion, gains by planner and year."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from demo_case import write_demo_dicom
from hdrplan.cli import metrics
from hdrplan.io import Pseudonyms
from hdrplan.workflow.archive_optimum import optimum_tables

NAMES = ("Paula^Planner", "Peter^Planner")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan with a planner and a year, and one that gives its CTV next to nothing."""
    top = tmp_path_factory.mktemp("archive")
    for k, name in enumerate(NAMES):
        folder = top / f"Doe_{k}"
        write_demo_dicom(folder)
        (folder / "RD.dcm").unlink()
        for path in folder.glob("*.dcm"):
            data = pydicom.dcmread(path)
            data.PatientID = f"ID{k}"
            for element in data.iterall():
                if element.VR == "UI" and str(element.value).startswith("2.25."):
                    element.value = str(element.value)[:-1] + str(k)
            if path.name == "RP.dcm":
                data.OperatorsName, data.RTPlanDate = name, f"201{k}0203"
                if k:
                    data.SourceSequence[0].ReferenceAirKermaRate = 100.0
            data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
            data.save_as(path)
    return top


def run(archive: Path, out: Path, *more: str) -> str:
    arguments = [str(archive), "-o", str(out), "--jobs", "1", "--engine", "recomputed", "-q", *more]
    result = CliRunner().invoke(metrics.command, arguments)
    assert result.exit_code == 0, result.exception
    return result.output + "".join(path.read_text() for path in out.iterdir())


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_gains_by_planner_and_year_without_names(archive: Path, tmp_path: Path) -> None:
    text = run(archive, tmp_path / "t", "--optimum")
    for word in (*NAMES, "Doe_", "ID0", "ID1"):
        assert word not in text
    (row,) = table(tmp_path / "t" / "optimum.csv")
    assert (row["structure"], row["year"], row["spared"]) == ("solid", "2010", "total time")
    assert row["planner"].startswith("planner-")
    assert float(row["d100_lower_gy"]) <= float(row["d100_upper_gy"]) < float(row["possible_d100_gy"])
    assert float(row["possible_d100_gy"]) <= float(row["bound_d100_gy"])
    assert 0.1 < float(row["more_d100_at_least_gy"]) <= float(row["more_d100_at_most_gy"])
    assert 1.0 < float(row["less_at_least_pct"]) <= float(row["less_at_most_pct"])
    groups = table(tmp_path / "t" / "optimum_by_planner.csv")
    assert [(g["planner"], g["year"]) for g in groups[-2:]] == [("all", "2010"), ("all", "all")]
    assert len(groups) == 4
    # The other plan has its metrics, and the reason why it has no optimum.
    assert len(table(tmp_path / "t" / "dose_metrics.csv")) == 2
    (error,) = table(tmp_path / "t" / "errors.csv")
    assert error["error"].startswith("no optimum: solid: plans are compared whose D100 lies between")
    assert "1 lesion of 1 plan beside the best of its case" in text
    page = (tmp_path / "t" / "optimum.html").read_text()
    assert f"{row['planner']}, 2010 (1)" in page
    assert "More D100 at the same total time (Gy)" in page
    assert "Less total time at the same D100 (%)" in page
    assert error["plan_id"] in page


def test_options_that_need_the_comparison_are_refused_without_it(archive: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["--healthy", "liver"], "expected --optimum beside --healthy"),
        (["--optimum", "--engine", "stored"], "expected --engine recomputed or both, got stored"),
    ):
        result = CliRunner().invoke(metrics.command, [str(archive), "-o", str(tmp_path / "t"), *arguments])
        assert result.exit_code == 2
        assert message in result.output


def test_planners_are_pseudonyms_of_the_key() -> None:
    names = Pseudonyms(b"s" * 32)
    assert names.planner("A") == names.planner("A") != names.planner("B")
    assert names.planner("A").removeprefix("planner-") != names.patient("A").removeprefix("P-")
    assert names.planner("") == "unknown"
    assert Pseudonyms(b"s" * 32, identify=True).planner("A") == "A"
    assert not any("planner" in known for known in names.known)


def test_percentiles_count_lesions_for_d100_and_plans_for_the_healthy_organ() -> None:
    rows = [
        {
            "plan_id": plan, "planner": "a", "year": "2010", "spared": "liver", "d100_lower_gy": 1.0,
            "more_d100_at_least_gy": more, "less_at_least_pct": less,
        }
        for plan, more, less in (("p", 1.0, 10.0), ("p", 2.0, 10.0), ("q", 6.0, 30.0))
    ]  # fmt: skip
    group = optimum_tables(rows)["optimum_by_planner"][-1]
    assert (group["plans"], group["lesions"]) == (2, 3)
    assert group["more_d100_at_least_gy_median"] == 2.0
    assert group["less_at_least_pct_median"] == 20.0
    assert np.isclose(group["more_d100_at_least_gy_max"], 6.0)


def lesion_row(plan: str, spared: str, less_pct: float) -> dict[str, str | float | None]:
    return {
        "plan_id": plan, "planner": "A", "year": "2020", "structure": "CTV <1>", "spared": spared, "volume_cc": 8.0,
        "d100_lower_gy": 15.0, "d100_upper_gy": 15.1, "more_d100_at_least_gy": 1.0, "more_d100_at_most_gy": None,
        "less_at_least_pct": less_pct, "less_at_most_pct": less_pct + 1.0,
    }  # fmt: skip


def test_what_was_spared_is_not_mixed() -> None:
    """Less liver dose and less time are gains of different questions: their percentiles stand apart."""
    from hdrplan.report import archive_optimum_html, optimum_sentences

    rows = [lesion_row("1", "mean dose of liver", 4.0), lesion_row("2", "total time", 40.0)]
    tables = optimum_tables(rows)
    totals = [g for g in tables["optimum_by_planner"] if g["planner"] == g["year"] == "all"]
    assert [(g["spared"], g["less_at_least_pct_median"]) for g in totals] == [
        ("mean dose of liver", 4.0),
        ("total time", 40.0),
    ]
    liver, time = optimum_sentences(tables["optimum_by_planner"])
    assert "4.0 % (4.0 to 4.0) less mean dose of liver at the same D100" in liver
    assert "40.0 % (40.0 to 40.0) less total time at the same D100" in time
    page = archive_optimum_html(tables["optimum"], tables["optimum_by_planner"], [], name="t", version="0")
    assert page.count("<figure") == 4
    assert "CTV &lt;1&gt;" in page
    assert "Not read or not compared" not in page


def test_an_archive_without_a_plan_to_compare_has_a_page_that_says_so() -> None:
    from hdrplan.report import archive_optimum_html

    page = archive_optimum_html([], [], [("plan-1", "no optimum: why")], name="t", version="0")
    assert "No plan could be compared" in page
    assert "no optimum: why" in page
    assert "<figure" not in page
