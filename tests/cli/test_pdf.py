"""Every command that writes a page into a folder prints it with ``--pdf``, by one option."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import hdrplan.cli
from hdrplan.cli import cli
from hdrplan.errors import InputError
from hdrplan.io import write_pdf
from small_case import write_small_case

ROOM = Path(hdrplan.cli.__file__).parent
COMMANDS = (
    ["plan"], ["dose"], ["pareto"], ["robust"], ["validate"], ["check"], ["dvh"], ["place"], ["correlate"],
    ["cohort", "describe"], ["metrics"], ["simulate", "procedure"],
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
    monkeypatch.setenv("HDRPLAN_BROWSER", "no-such-browser")
    write_small_case(tmp_path / "case")
    words = ["plan", str(tmp_path / "case"), "--pdf", "a4", "--dry-run"]
    assert CliRunner().invoke(cli, [*words, "-o", str(tmp_path / "out")]).exit_code == 0
    assert "expected -o FOLDER beside --pdf" in CliRunner().invoke(cli, words).output


def stand_in(path: Path, body: str) -> str:
    """Write a program that is called as a browser is; ``$to`` is the PDF that it is to write."""
    path.write_text(
        f"#!/bin/sh\nfor a; do case $a in --print-to-pdf=*) to=${{a#*=}};; esac; done\n{body}\n", encoding="utf-8"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the browser")
def test_a_browser_without_a_sandbox_prints_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container Chromium said "No usable sandbox!" to everybody but root."""
    body = 'case "$*" in *--no-sandbox*) printf %%PDF-1.4 > "$to";; *) echo "No usable sandbox! ..." >&2; exit 1;; esac'
    monkeypatch.setenv("HDRPLAN_BROWSER", stand_in(tmp_path / "browser", body))
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    write_pdf(tmp_path / "page.pdf", "<p>")
    assert (tmp_path / "page.pdf").read_bytes() == b"%PDF-1.4"


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the browser")
def test_a_browser_that_does_not_print_is_said_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_BROWSER", stand_in(tmp_path / "browser", "echo out of order >&2; exit 1"))
    run = CliRunner().invoke(cli, ["validate", "--pdf", "A4", "-o", str(tmp_path / "out")])
    assert isinstance(run.exception, InputError)
    assert "out of order" in str(run.exception)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the browser")
def test_a_browser_that_fails_after_the_work_costs_the_pdf_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan was lost with its PDF."""
    once = f'[ -e {tmp_path}/printed ] && exit 1; touch {tmp_path}/printed; printf %%PDF-1.4 > "$to"'
    monkeypatch.setenv("HDRPLAN_BROWSER", stand_in(tmp_path / "browser", once))
    write_small_case(tmp_path / "case")
    run = CliRunner().invoke(cli, ["plan", str(tmp_path / "case"), "--pdf", "A4", "-o", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    assert "everything but the PDF is written" in run.output
    assert {"plan.json", "report.html"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(("words", "why"), [
    (["metrics"], "--pdf goes with --optimum"),
    (["dvh"], "--pdf goes with one dose"),
])  # fmt: skip
def test_a_pdf_of_what_has_no_page_is_refused(
    words: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hdrplan.io.pdf_browser", lambda: None)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "RD.dcm").write_bytes(b"not read")
    words = [*words, str(tmp_path / "exports"), "--pdf", "A4", "-o", str(tmp_path / "out")]
    run = CliRunner().invoke(cli, words)
    assert isinstance(run.exception, InputError)
    assert why in str(run.exception)
