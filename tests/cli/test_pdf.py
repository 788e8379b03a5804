"""Every command that writes a page into a folder prints it with ``--pdf``, by one option."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import hdrplan.cli
from hdrplan.cli import cli
from hdrplan.errors import InputError
from small_case import write_small_case

ROOM = Path(hdrplan.cli.__file__).parent
COMMANDS = (
    ["plan"], ["dose"], ["pareto"], ["robust"], ["validate"], ["check"], ["dvh"], ["place"], ["correlate"],
    ["cohort", "describe"],
)  # fmt: skip


def test_every_file_that_writes_a_page_into_a_folder_prints_it() -> None:
    for path in ROOM.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if re.search(r"draft / .*\.html|\(draft / name\)\.write_text", text):
            assert "print_page(" in text, path.name


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_of_them_has_the_option(words: list[str]) -> None:
    command: click.Command | None = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    (option,) = [parameter for parameter in command.params if parameter.name == "pdf"]
    assert isinstance(option.type, click.Choice)


@pytest.mark.parametrize("words", [["robust"], ["pareto"], ["validate"]], ids=" ".join)
def test_no_browser_is_said_before_any_work(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_BROWSER", "no-such-browser")
    run = CliRunner().invoke(cli, [*words, "--pdf", "A4", "-o", str(tmp_path / "out")])
    assert isinstance(run.exception, InputError)
    assert "no-such-browser" in str(run.exception)


def test_a_plan_is_printed_with_its_output_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asked for --folder since `plan --all` takes a folder of cases."""
    monkeypatch.setattr("hdrplan.io.pdf_browser", lambda: None)
    write_small_case(tmp_path / "case")
    words = ["plan", str(tmp_path / "case"), "--pdf", "a4", "--dry-run"]
    assert CliRunner().invoke(cli, [*words, "-o", str(tmp_path / "out")]).exit_code == 0
    assert "expected -o FOLDER beside --pdf" in CliRunner().invoke(cli, words).output
