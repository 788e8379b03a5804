"""``hdrplan place`` on the liver phantom: the file formats, and what a person can get wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hdrplan.io import read_case, read_catheters

# The proof ends by itself in a second; the limit is none that a slow machine meets.
QUICK = ("--candidates", "8", "--most", "2", "--time-limit", "3600")


@pytest.fixture
def phantoms(small_phantoms: Path) -> Path:
    """A patient of half the size: choosing and drawing take half the time."""
    return small_phantoms


@pytest.mark.slow
def test_a_placed_case_can_be_planned(run, phantoms: Path, tmp_path: Path):
    out = tmp_path / "placed"
    case = phantoms / "liver-lesion-b-5mm"
    done = run("place", case, "--ctv", "lesion_C", "--prescription", "lesion_C=20", *QUICK, "-o", out)
    assert done.code == 0, done.err
    table = json.loads((out / "place.json").read_text())
    assert {p.name for p in out.iterdir()} >= {"case.toml", "catheters.mrk.json", "place.html", "place.png", "run.json"}
    found = read_case(out)
    assert [c.name for c in found.case.ctvs] == ["lesion_C"]
    assert found.case.structure("lesion_B").role == "other"
    drawn = read_catheters(out / "catheters.mrk.json")
    for catheter, row in zip(drawn, table["chosen"], strict=True):
        assert np.allclose(catheter.points_mm[[0, -1]], [row["entry_mm_lps"], row["tip_mm_lps"]], atol=1e-3)
        for name, mm in row["nearest_mm"].items():
            assert mm >= table["margins_mm"][name]
    for one in table["curve"]:
        assert one["bound"] <= one["value"] * (1 + 1e-9)
    assert table["planned"]["lesion_C"]["d100_gy"] >= 20.0 * (1 - 1e-6)
    assert set(table["not_avoided"]) >= {"lesion_A"}
    assert "Read, not avoided: " in done.out
    page = (out / "place.html").read_text()
    assert "never for treatment" in page
    # Three planes, body, entries on the skin, view from it, two curves: each a picture of its own, legible on paper.
    assert page.count('class="inked"') == 8
    assert "Entries on the skin" in page
    assert run("plan", out, "-o", tmp_path / "plan", "--dry-run").code == 0


def test_a_lesion_that_no_way_reaches_names_the_obstacle_and_the_remedy(run, phantoms: Path, tmp_path: Path):
    done = run(
        "place", phantoms / "liver-lesion-b-5mm", *QUICK, "--toward", "right", "--within", "20", "--avoid", "ribs=25",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 2
    assert "no straight path leads to lesion_B" in done.err
    assert "stopped: ribs" in done.err
    assert "--avoid ribs=MM" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--avoid", "spleeen=5"), "no structure is named 'spleeen'"),
        (("--avoid", "colon"), "expected --avoid NAME=MM"),
        (("--without", "skin"), "groups of obstacles are ribs, lungs, bowel, vessels"),
        (("--candidates", "100"), "candidates must lie between 1 and 64"),
        (("--tilt", "120"), "tilt_deg must lie between 0 and 90"),
        (("--position", "standing"), "position must be one of"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(run, phantoms: Path, tmp_path: Path, flags, said):
    done = run("place", phantoms / "liver-lesion-b-5mm", *flags, "-o", tmp_path / "out")
    assert done.code == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_paths_past_ribs_that_nobody_segmented_are_refused(run, phantoms: Path, tmp_path: Path):
    base = phantoms / "liver-lesion-b-5mm"
    case = tmp_path / "case"
    case.mkdir()
    for path in base.iterdir():
        (case / path.name).write_bytes(path.read_bytes())
    names = json.loads((base / "labels.json").read_text())
    hidden = {"ribs": "thing_1", "vertebrae": "thing_2", "costal_cartilages": "thing_3", "lungs": "thing_4"}
    (case / "labels.json").write_text(json.dumps({key: hidden.get(name, name) for key, name in names.items()}))
    toml = (base / "case.toml").read_text().splitlines()
    (case / "case.toml").write_text("\n".join(line for line in toml if line.split(" =")[0] not in hidden))
    done = run("place", case, "-o", tmp_path / "out")
    assert done.code == 2
    assert "no structure is named as ribs, lungs" in done.err
    assert "--without ribs,lungs" in done.err
    toward_ribs = ("--without", "ribs,lungs", "--longest", "10")
    assert "is named as" not in run("place", case, *toward_ribs, "-o", tmp_path / "out").err


@pytest.mark.slow
def test_the_choice_is_printed_before_its_pictures_are_drawn(run, phantoms: Path, tmp_path: Path, monkeypatch):
    """With needles in, a choice is waited for; drawing takes as long as choosing."""

    def no_picture(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hdrplan.report.placement_figure", no_picture)
    case = phantoms / "liver-lesion-b-5mm"
    done = run("place", case, "--ctv", "lesion_B", "--prescription", "20", *QUICK, "-o", tmp_path / "out")
    assert done.code == 2
    assert "Order of insertion" in done.out
    assert "Wrote" not in done.out
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_catheters_that_are_in_stay_and_the_rest_is_numbered_after_them(run, phantoms: Path, tmp_path: Path):
    case = phantoms / "liver-lesion-b-5mm"
    given = read_catheters(phantoms / "liver-lesion-b" / "catheters.mrk.json")[2]
    file = tmp_path / "in.json"
    file.write_text(json.dumps([{"name": "cath_2", "hub_to_tip_mm_lps": given.points_mm.tolist()}]))
    done = run("place", case, "--given", file, *QUICK, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    drawn = read_catheters(tmp_path / "out" / "catheters.mrk.json")
    assert np.allclose(drawn[0].points_mm, given.points_mm, atol=1e-3)
    table = json.loads((tmp_path / "out" / "place.json").read_text())
    chosen = [row["name"] for row in table["chosen"]]
    assert [catheter.name for catheter in drawn] == ["cath_2", *chosen]
    assert chosen == ["cath_1", "cath_3"][: len(chosen)]
    assert table["given"][0]["name"] == "cath_2"
    assert table["curve"][0]["catheters"] == 0
    assert [row["name"] for row in table["recourse"]["order"]] == chosen
    assert "In the patient, unchanged: cath_2." in done.out
    assert "One catheter more" in done.out


def test_a_file_of_given_catheters_in_another_frame_is_refused(run, phantoms: Path, tmp_path: Path):
    file = tmp_path / "in.json"
    file.write_text(json.dumps([{"name": "a", "hub_to_tip_mm_lps": [[5000, 0, 0], [5000, 0, 80]]}]))
    done = run("place", phantoms / "liver-lesion-b-5mm", "--given", file, *QUICK, "-o", tmp_path / "out")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
