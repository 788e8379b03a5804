"""Mistakes made with flags: the terminal says what is odd, in the words of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from body_case import Given
from hdrplan.cli import cli
from hdrplan.errors import HdrPlanError


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Given().write(tmp_path_factory.mktemp("body") / "case")


def printed(*arguments: object) -> str:
    """Everything a person sees of a run that plans nothing."""
    run = CliRunner().invoke(cli, ["plan", *map(str, arguments), "--dry-run"])
    if run.exception is not None and not isinstance(run.exception, HdrPlanError):
        raise run.exception
    return f"{run.output}{run.exception or ''}"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--strength", "370"], "warning [strength-unusual]: the source has 370 U, 0.09 Ci apparent; 40,700 U if"),
        (["--strength", "40.7"], '"40.7 mGy m2/h"'),
        (["--strength", "10 Ci"], "apparent"),
        (["--prescription", "2000"], "Doses are in Gy, not cGy"),
        (["--prescription", "2"], "warning [prescription-unusual]: lesion: 2 Gy is prescribed"),
        (["--prescription", "spleen=20"], "prescriptions are for the CTVs (lesion)"),
        (["--healthy", "spleen"], "warning [ctv-away-from-healthy]: lesion is "),
        (["--ctv", "spleen", "--prescription", "spleen=20"], "warning [ctv-named-as-organ]: the CTV spleen"),
        (["--source", "microselectron-v2-daskalov"], "warning [bounded-source]: "),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_flag_with_a_mistake(case: Path, flags: list[str], words: str) -> None:
    assert words in printed(case, *flags)


def test_the_case_itself_is_quiet(case: Path) -> None:
    assert "warning" not in printed(case, "--strict")


def test_strict_says_how_many_and_where_to_read_on(case: Path) -> None:
    said = printed(case, "--strength", "370", "--prescription", "2", "--strict")
    assert "with --strict no warning may be left, got 2 (prescription-unusual, strength-unusual)" in said
    assert "`hdrplan explain prescription-unusual` says more" in said


def test_ct_and_labels_exchanged(case: Path) -> None:
    said = printed(
        "--ct", case / "labels.nii.gz", "--labels", case / "ct.nii.gz", "--names", case / "labels.json",
        "--ctv", "lesion", "--catheters", case / "catheters.json", "--prescription", "20", "--strength", "40700",
    )  # fmt: skip
    assert "CT" in said
    assert "Nothing was planned" not in said or "warning [" in said


def test_plans_of_two_patients_side_by_side(tmp_path: Path) -> None:
    given = Given()
    first = given.write(tmp_path / "first")
    given.ct = (given.ct + np.int16(1)).astype(np.int16)
    second = given.write(tmp_path / "second")
    for folder in (first, second):
        out = str(tmp_path / f"plan-{folder.name}")
        run = CliRunner().invoke(cli, ["plan", str(folder), "-o", out, "--samples-only", "--sample", "6"])
        assert run.exception is None
        assert json.loads((tmp_path / f"plan-{folder.name}" / "plan.json").read_text())["ct_sha256"]
    folders = [str(tmp_path / f"plan-{name}") for name in ("first", "second")]
    run = CliRunner().invoke(cli, ["compare", *folders, "-o", str(tmp_path / "page.html")])
    assert "warning [compared-on-other-ct]: the plan plan-second " in run.stderr
