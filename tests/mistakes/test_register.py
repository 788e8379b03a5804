"""The register of warnings: what it holds is given, what is given it holds, and the command line reads it aloud."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from structures import stray_voxel

from body_case import Given
from hdrplan.cautions import REGISTER, caution, each_once
from hdrplan.cli import COMMANDS, cli
from hdrplan.errors import InputError

SOURCE = Path(__file__).resolve().parents[2] / "src" / "hdrplan"
# Commands that read a case, a plan or a clinic's export; phantom reads only anatomy.
READERS = {
    "prepare", "catheters", "plan", "pareto", "steps", "sessions", "place", "evaluate", "compare", "plot", "dose",
    "import", "export", "metrics", "dvh", "check", "validate", "robust", "simulate", "live", "cohort", "correlate",
    "survival", "literature", "paper-check",
}  # fmt: skip


def test_every_kind_is_given_somewhere_and_every_given_one_is_a_kind() -> None:
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if "cautions" not in path.parts)
    given = set(re.findall(r'caution\(\s*"([a-z0-9-]+)"', code))
    assert given == set(REGISTER)


@pytest.mark.parametrize("kind", REGISTER.values(), ids=lambda kind: kind.id)
def test_a_kind_says_what_is_odd_what_to_do_and_why(kind: object) -> None:
    texts = [getattr(kind, name) for name in ("sentence", "remedy", "why")]
    assert all(text.strip() == text and len(text) > 15 for text in texts)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.id)  # type: ignore[attr-defined]


def test_a_warning_with_other_fields_than_its_texts_is_a_mistake_in_the_code() -> None:
    with pytest.raises(ValueError, match="has the fields"):
        caution("ct-one-slice", name="x")
    with pytest.raises(KeyError):
        caution("no-such-kind")


def test_what_is_said_twice_is_said_once() -> None:
    one, other = caution("contour-without-points", roi=1), caution("contour-without-points", roi=2)
    assert each_once([one, other, one]) == (one, other)


def test_every_command_that_reads_a_case_or_a_plan_can_be_strict() -> None:
    strict = set()
    for name in (name for section in COMMANDS.values() for name in section):
        command = cli.get_command(click.Context(cli), name)
        parts = command.commands.values() if isinstance(command, click.Group) else [command]
        if any(p.name == "strict" for part in parts for p in part.params):
            strict.add(name)
    assert strict == READERS


def test_explain_lists_all_and_says_why() -> None:
    run = CliRunner().invoke(cli, ["explain"])
    assert [line.split()[0] for line in run.output.splitlines()] == list(REGISTER)
    run = CliRunner().invoke(cli, ["explain", "catheter-hub-first"])
    assert "hub first, tip last" in run.output
    table = json.loads(CliRunner().invoke(cli, ["explain", "--json"]).output)
    assert [row["id"] for row in table["warnings"]] == list(REGISTER)


def test_explain_names_what_is_near() -> None:
    run = CliRunner().invoke(cli, ["explain", "[catheter-hub]"])
    assert isinstance(run.exception, InputError)
    assert "catheter-hub-first" in str(run.exception)


def test_a_warning_is_on_the_terminal_in_the_report_and_in_both_tables(tmp_path: Path) -> None:
    given = Given()
    stray_voxel(given)
    # One lesion that catheters reach, beside a stray voxel of it that they do not: the plan is feasible all the same.
    folder = given.write(tmp_path / "case")
    out = tmp_path / "out"
    arguments = ["plan", str(folder), "-o", str(out), "--samples-only", "--sample", "6"]
    run = CliRunner().invoke(cli, arguments)
    assert run.exception is None, run.exception
    assert run.stderr.count("warning [ctv-stray-voxels]: ") == 1
    for name in ("run.json", "metrics.json"):
        (row,) = json.loads((out / name).read_text())["warnings"]
        assert row["id"] == "ctv-stray-voxels"
        assert row["remedy"]
    report = (out / "report.html").read_text()
    assert "1 warning<" in report
    assert "[ctv-stray-voxels]" in report
    refused = CliRunner().invoke(cli, [*arguments[:2], "--strict", "-o", str(tmp_path / "none")])
    assert isinstance(refused.exception, InputError)
    assert not (tmp_path / "none").exists()


def test_sixty_of_a_kind_are_five_lines_and_a_number(tmp_path: Path) -> None:
    given = Given()
    name, points = given.catheters[0]
    given.catheters = [(f"{name}_{k}", points[::-1] + np.array([0.0, 0.0, 2.5 * (k - 4)])) for k in range(8)]
    run = CliRunner().invoke(cli, ["plan", str(given.write(tmp_path / "case")), "--dry-run"])
    lines = [line for line in run.stderr.splitlines() if "[catheter-hub-first]" in line]
    assert len(lines) == 6
    assert lines[-1].endswith("3 more of this kind")
