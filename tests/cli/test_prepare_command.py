"""``hdrplan prepare`` as a person uses it."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

import small_scan
from hdrplan.geometry import Volume
from hdrplan.io import read_case, write_volume
from small_case import GRID, small_labels, write_small_case


def write_scan(folder: Path, names: tuple[str, ...] = ("liver", "lesion", "stomach", "rib_right_9")) -> Path:
    folder.mkdir(exist_ok=True)
    write_volume(folder / "ct.nii.gz", small_scan.ct())
    labels = small_scan.write_labels(folder / "organs.nii.gz", list(names))
    (folder / "organs.json").write_text(json.dumps(labels))
    return folder


def test_a_folder_becomes_a_case_that_can_be_read(run) -> None:  # type: ignore[no-untyped-def]
    scan = write_scan(Path("scan"))
    made = run("prepare", scan, "-o", "case", "--margin", "3", "--prescription", "20", "--strength", "10 Ci apparent")
    assert made.code == 0, made.err
    assert "CTV_lesion" in made.out
    assert "hdrplan place case" in made.out
    found = read_case(Path("case"), before_puncture=True)
    assert [s.name for s in found.case.ctvs] == ["CTV_lesion"]
    assert found.case.healthy == "liver"
    assert found.goals.prescriptions[0].dose_gy == 20.0
    assert found.strength.value_u == pytest.approx(40700.0)
    assert (Path("case") / "prepare.png").stat().st_size > 20_000
    rows = json.loads((Path("case") / "run.json").read_text())["prepared"]["structures"]
    assert {row["name"]: row["use"] for row in rows}["stomach"] == "OAR"


def test_json_says_the_same(run) -> None:  # type: ignore[no-untyped-def]
    made = run("prepare", write_scan(Path("scan")), "-o", "case", "--json")
    assert made.code == 0, made.err
    table = json.loads(made.out)
    assert table["schema"] == "hdrplan.prepared/1"
    assert [file["kind"] for file in table["files"]] == ["CT", "label map, 4 structures"]


def test_slips_of_the_pen_are_listed_with_what_they_may_have_meant(run) -> None:  # type: ignore[no-untyped-def]
    scan = write_scan(Path("scan"))
    slips = {"Livr": 1, "lesoin": 2, "stomch": 3, "strange": 4}
    (scan / "organs.json").rename(Path("names.json"))
    Path("names.json").write_text(json.dumps(slips))
    given = [scan / "ct.nii.gz", scan / "organs.nii.gz", "names.json"]
    made = run("prepare", *given, "-o", "case")
    assert made.code == 0, made.err
    assert "Livr (liver?), lesoin (lesion?), stomch (stomach?), strange\n" in made.out
    rows = json.loads(run("prepare", *given, "-o", "case2", "--json").out)["structures"]
    assert {row["name"]: row["near"] for row in rows}["strange"] is None
    dosed = run("prepare", *given, "--prescription", "20", "-o", "case3")
    assert dosed.code == 2
    assert "got no lesion. If 'lesoin' is one: --ctv lesoin" in dosed.err
    Path("more.json").write_text(json.dumps(slips))
    twice = run("prepare", *given, "more.json", "-o", "case3")
    assert twice.code == 2
    assert "one file of names for all label maps" in twice.err


def test_three_hundred_labels_empty_and_overlapping_ones_make_a_case(run) -> None:  # type: ignore[no-untyped-def]
    scan = write_scan(Path("scan"))
    masks = small_scan.masks()
    values = np.zeros(small_scan.GRID.shape_zyx, dtype=np.uint16)
    names = {}
    for k, (name, mask) in enumerate(masks.items(), start=1):
        values[mask], names[name] = k, k
    free = np.flatnonzero(values == 0)
    for k in range(len(masks) + 1, 301):
        values.flat[free[37 * k]], names[f"thing {k}"] = k, k
    write_volume(scan / "organs.nii.gz", Volume(small_scan.GRID, values))
    (scan / "organs.json").write_text(json.dumps(names))
    write_volume(scan / "colon.nii.gz", Volume(small_scan.GRID, np.zeros(small_scan.GRID.shape_zyx, dtype=np.uint8)))
    over = (masks["stomach"] | masks["lesion"]).astype(np.uint8)
    write_volume(scan / "duodenum.nii.gz", Volume(small_scan.GRID, over))
    made = run("prepare", scan, "-o", "case")
    assert made.code == 0, made.err
    assert "label map, 300 structures" in made.out
    assert "left out (no voxel): colon" in made.out
    case = read_case(
        Path("case"), before_puncture=True, changes={"prescription_gy": 20.0, "source": {"strength_u": 40700.0}}
    )
    assert len(case.case.structures) == 301
    assert [w.kind.id for w in case.warnings if w.kind.id == "shared-voxels"], "what overlaps the CTV is said"


def test_without_a_lesion_the_next_step_is_told(run) -> None:  # type: ignore[no-untyped-def]
    made = run("prepare", write_scan(Path("scan"), ("liver", "stomach")), "-o", "case")
    assert made.code == 0, made.err
    assert "hdrplan phantom lesion case --diameter-mm 30 -o with-lesion" in made.out
    lesion = run("phantom", "lesion", "case", "--diameter-mm", "24", "-o", "with-lesion")
    assert lesion.code == 0, lesion.err
    picked = run("prepare", "scan", "-o", "picked", "--pick=-20,-5,70")
    assert picked.code == 0, picked.err
    assert "warning [prepared-lesion-grown]" in picked.err


def test_an_export_for_slicer_is_prepared_again(run) -> None:  # type: ignore[no-untyped-def]
    write_small_case(Path("case"))
    # Air outside, as in every scan of a patient.
    write_volume(Path("case/ct.nii.gz"), Volume(GRID, np.where(small_labels() > 0, 40, -1000).astype(np.int16)))
    for words in (
        ("plan", "case", "-o", "plan", "--samples-only", "-q"),
        ("export", "plan", "--case", "case", "--format", "slicer", "-o", "slicer", "-q"),
    ):
        assert run(*words).code == 0
    made = run("prepare", "slicer", "-o", "again")
    assert made.code == 0, made.err
    assert "left out (neither a CT in HU nor labels): dose.nrrd" in made.out
    # The exported catheters belong to the case again, and it is planned as it stands.
    assert re.search(r"catheters\.mrk\.json: 1 catheter\b", made.out)
    assert "Next: hdrplan plan again -o plan" in made.out
    words = ("plan", "again", "--prescription", "20", "--strength", "40700", "-o", "plan-2", "--samples-only", "-q")
    planned = run(*words)
    assert planned.code == 0, planned.err
    refused = run("prepare", "slicer/ct.nrrd", "slicer/dose.nrrd", "-o", "third")
    assert refused.code == 2
    assert "the file given as 2 of 2" in refused.err


def test_totalsegmentator_is_called_where_it_is_installed(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    scan = write_scan(Path("scan"), ("lesion",))
    refused = run("prepare", scan, "-o", "case", "--segment", "total")
    assert refused.code == 2
    assert "TotalSegmentator must be installed" in refused.err
    organs = write_scan(Path("organs"), ("liver", "stomach"))
    programs = Path("bin")
    programs.mkdir()
    program = programs / "TotalSegmentator"
    program.write_text(
        f"#!{sys.executable}\n"
        "import shutil, sys\n"
        "_, i, scan, o, out, ml, ta, task = sys.argv\n"
        "assert (i, o, ml, ta, task) == ('-i', '-o', '--ml', '-ta', 'total') and scan.endswith('scan.nii.gz')\n"
        "print('segmenting')\n"
        f"shutil.copy({str((organs / 'organs.nii.gz').absolute())!r}, out)\n"
        f"shutil.copy({str((organs / 'organs.json').absolute())!r}, out.replace('.nii.gz', '.json'))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{programs.absolute()}{os.pathsep}{os.environ['PATH']}")
    made = run("prepare", scan, "-o", "case", "--segment", "total")
    assert made.code == 0, made.err
    assert "segmenting" in made.err
    rows = json.loads((Path("case") / "run.json").read_text())["prepared"]["structures"]
    assert {row["name"] for row in rows} == {"lesion", "liver", "stomach"}
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit(3)\n")
    failed = run("prepare", scan, "-o", "other", "--segment", "total")
    assert failed.code == 2
    assert "exit code 3" in failed.err
    assert not Path("other").exists()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--pick", "1,2"), "--pick X,Y,Z"),
        (("--margin", "up=3"), "sides of --margin"),
        (("--margin", "five"), "--margin MM"),
        (("--margin", "left=3,left=4"), "each once"),
        (("--ctv", "lesio"), "Did you mean 'lesion'"),
        (("--strength", "10"), "activity|strength|U"),
        (("--prescription", "-1"), "above 0"),
    ],
)
def test_flags_that_cannot_be(run, flags: tuple[str, ...], says: str) -> None:  # type: ignore[no-untyped-def]
    write_scan(Path("scan"))
    made = run("prepare", "scan", "-o", "case", *flags)
    assert made.code == 2, made.out
    assert re.search(says, made.err), made.err
    assert not Path("case").exists()


@pytest.mark.slow
def test_from_totalsegmentator_to_a_plan_in_three_commands(run, shared: Path) -> None:  # type: ignore[no-untyped-def]
    made = run("prepare", shared / "data" / "ts_torso_3mm" / "original", "-o", "case", "-q")
    assert made.code == 0, made.err
    assert run("phantom", "lesion", "case", "--diameter-mm", "30", "-o", "with-lesion", "-q").code == 0
    planned = run("plan", "with-lesion", "-o", "plan", "--samples-only", "-q")
    assert planned.code == 0, planned.err
