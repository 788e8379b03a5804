from __future__ import annotations

import json
from pathlib import Path

import pytest

from hdrplan.io import read_case


def test_list_names_what_make_writes(run) -> None:  # type: ignore[no-untyped-def]
    listed = json.loads(run("phantom", "list", "--json").out)["phantoms"]
    assert [entry["name"] for entry in listed] == [
        "liver-lesion-b", "liver-lesion-b-5mm", "sphere", "ellipsoid", "straight-catheter", "asymmetric-marker",
    ]  # fmt: skip
    assert run("phantom", "list").out.startswith("liver-lesion-b")


def test_make_writes_a_case_that_can_be_read(run) -> None:  # type: ignore[no-untyped-def]
    made = run("phantom", "make", "straight-catheter", "-o", "out")
    assert made.code == 0, made.err
    found = read_case(Path("out"))
    assert found.case.name == "straight-catheter"
    assert len(found.case.catheters) == 1
    assert (Path("out") / "facts.toml").is_file()


def test_the_first_lines_of_help_run_in_an_empty_folder(run) -> None:  # type: ignore[no-untyped-def]
    missing = run("plan", "phantoms/liver-lesion-b", "--dry-run")
    assert missing.code == 2
    assert "hdrplan phantom make liver-lesion-b" in missing.err
    shown = [line.split(":", 1)[1].split() for line in run("--help").out.splitlines() if "First " in line]
    assert [words[1] for words in shown] == ["phantom", "plan"]
    made = run(*shown[0][1:])
    assert made.code == 0, made.err
    planned = run(*shown[1][1:], "--dry-run")
    assert planned.code == 0, planned.err
    assert not list(Path("phantoms").rglob("*.py"))


def test_lesion_takes_the_place_of_the_old_ctv(run, phantoms: Path) -> None:  # type: ignore[no-untyped-def]
    base = phantoms / "liver-lesion-b-5mm"
    made = run("phantom", "lesion", str(base), "--diameter-mm", "40", "--seed", "7", "-o", "out", "-q")
    assert (made.code, made.out) == (0, ""), made.err
    found, before = read_case(Path("out")).case, read_case(base).case
    assert [s.name for s in found.ctvs] == ["lesion"]
    assert found.healthy == "liver"
    whole = before.structure("liver").volume_cc + before.structure("lesion_B").volume_cc
    assert found.structure("liver").volume_cc == pytest.approx(whole, rel=1e-9)
    assert found.structure("stomach").volume_cc == pytest.approx(before.structure("stomach").volume_cc, rel=1e-9)
    assert 1 <= len(found.catheters) <= 11


def test_lesion_goes_into_a_ct_that_has_none(run, phantoms: Path) -> None:  # type: ignore[no-untyped-def]
    base = (phantoms / "liver-lesion-b-5mm").resolve()
    case = Path("anatomy")
    case.mkdir()
    for name in ("ct.nii.gz", "labels.nii.gz", "labels.json"):
        (case / name).write_bytes((base / name).read_bytes())
    (case / "case.toml").write_text(
        'ct = "ct.nii.gz"\nhealthy = "liver"\n[[structures]]\nfile = "labels.nii.gz"\nnames = "labels.json"\n'
        '[roles]\nliver = "OAR"\nstomach = "OAR"\n'
    )
    made = run("phantom", "lesion", str(case), "--diameter-mm", "35", "-o", "out")
    assert made.code == 0, made.err
    assert "hdrplan plan out" in made.out
    found, before = read_case(Path("out")).case, read_case(base).case
    assert [s.name for s in found.structures][:3] == ["lesion", "liver", "stomach"]
    assert found.structure("lesion_B").role == "other"
    assert found.structure("liver").volume_cc == pytest.approx(before.structure("liver").volume_cc, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("make", "cube", "-o", "out"), "no phantom is named 'cube'"),
        (("lesion", "nowhere", "--diameter-mm", "40", "-o", "out"), "case folder"),
        (("lesion", "BASE", "--diameter-mm", "4", "-o", "out"), "between 8 and 120"),
        (("lesion", "BASE", "--diameter-mm", "40", "--centre-mm", "0", "0", "0", "-o", "out"), "must lie in liver"),
        (("lesion", "BASE", "--diameter-mm", "40", "--organ", "brain", "-o", "out"), "no structure is named 'brain'"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(run, phantoms: Path, arguments, message: str) -> None:  # type: ignore[no-untyped-def]
    base = str(phantoms / "liver-lesion-b-5mm")
    failed = run("phantom", *(base if a == "BASE" else a for a in arguments))
    assert failed.code == 2
    assert message in failed.err
    assert failed.err.count("\n") == 1
    assert not Path("out").exists()
