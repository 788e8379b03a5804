"""`hdrplan catheters` and `hdrplan phantom implant`: from a case to catheters that the planner reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hdrplan.errors import FormatError
from hdrplan.geometry import Catheter
from hdrplan.io import read_catheters, read_traced_errors, write_markups, write_volume
from small_trunk import TRUTH, trunk


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ct") / "ct.nii.gz"
    write_volume(path, trunk())
    return path


def test_catheters_are_written_with_uncertainties_a_record_and_a_picture(run, ct: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("catheters", ct, "-o", tmp_path / "found.mrk.json")
    assert result.code == 0, result.err
    assert "cath_1" in result.out
    assert "tip ±" in result.out
    (found,) = read_catheters(tmp_path / "found.mrk.json")
    assert np.linalg.norm(found.points_mm[-1] - TRUTH.points_mm[-1]) < 1.0
    point = json.loads((tmp_path / "found.mrk.json").read_text())["markups"][0]["controlPoints"][-1]
    assert "mm along" in point["description"]
    assert (tmp_path / "found.png").stat().st_size > 10_000
    record = json.loads((tmp_path / "found.mrk.json.run.json").read_text())
    assert record["options"]["closed_end_mm"] == 1.0
    # What `robust --catheter-errors` reads: tip first, as long as the catheter.
    (errors,) = read_traced_errors(tmp_path / "found.mrk.json.run.json")
    assert errors.name == "cath_1"
    assert errors.from_tip_mm[-1] == pytest.approx(found.length_mm, abs=0.1)
    assert 0.0 < errors.across_mm[0] < 1.0
    with pytest.raises(FormatError, match="expected the record of `hdrplan catheters`, got no list of catheters"):
        read_traced_errors(tmp_path / "found.mrk.json")


def test_catheters_that_hdrplan_wrote_are_replaced_when_asked(run, ct: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The record beside them once had the schema of the table, and no rerun could replace them."""
    out = tmp_path / "found.mrk.json"
    for flags in ([], ["--overwrite"], ["--overwrite"]):
        result = run("catheters", ct, "-o", out, "-q", *flags)
        assert result.code == 0, result.err
    assert json.loads((tmp_path / "found.mrk.json.run.json").read_text())["catheters"][0]["name"] == "cath_1"


def test_json_holds_each_point_and_its_uncertainty(run, ct: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("catheters", ct, "-o", tmp_path / "f.mrk.json", "--json", "--click=-20,-2.5,0")
    assert result.code == 0, result.err
    (one,) = json.loads(result.out)["catheters"]
    assert len(one["sigma_mm"]) == len(one["hub_to_tip_mm_lps"])
    assert one["seen_frac"] > 0.9


def test_a_rough_hub_and_tip_keep_their_name(run, ct: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shift = np.array([[2.0, 3.0, 1.0], [-2.0, 2.0, 2.0]])
    write_markups(tmp_path / "rough.mrk.json", [Catheter("C7", TRUTH.points_mm + shift)])
    result = run("catheters", ct, "-o", tmp_path / "f.mrk.json", "--rough", tmp_path / "rough.mrk.json", "--quiet")
    assert result.code == 0, result.err
    (found,) = read_catheters(tmp_path / "f.mrk.json")
    assert found.name == "C7"
    assert np.linalg.norm(found.points_mm[-1] - TRUTH.points_mm[-1]) < 1.5


def test_a_scan_without_catheters_writes_nothing(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_volume(tmp_path / "bare.nii.gz", trunk(catheters=False))
    result = run("catheters", tmp_path / "bare.nii.gz", "-o", tmp_path / "f.mrk.json")
    assert result.code == 2
    assert "none found in this CT" in result.err
    assert "--click" in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bare.nii.gz"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--click=1,2"], "expected --click X,Y,Z"),
        (["--click=20,15,10"], "expected a catheter within 6 mm"),
        (["--closed-end", "-1"], "--closed-end is 0 to 20 mm"),
        (["--within", "90"], "--within 2 to 40 mm"),
    ],
)
def test_what_cannot_be_is_refused(run, ct: Path, tmp_path: Path, arguments: list[str], said: str) -> None:  # type: ignore[no-untyped-def]
    result = run("catheters", ct, "-o", tmp_path / "f.mrk.json", *arguments)
    assert result.code == 2
    assert said in result.err
    assert not (tmp_path / "f.mrk.json").exists()


def test_another_suffix_is_refused_before_any_work(run, ct: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("catheters", ct, "-o", tmp_path / "found.csv")
    assert result.code == 2
    assert "catheters are written as .mrk.json" in result.err
