"""``hdrplan info --json``: what it says is what the parsers, readers and results do."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from hdrplan import catalogue
from hdrplan.cli import cli
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.errors import InputError
from hdrplan.io.sources import _READERS
from hdrplan.plan import parse_goal
from hdrplan.sources import load_source, source_names
from small_case import write_small_case

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
STRANGER = Path(__file__).with_name("stranger.py")


@pytest.fixture(scope="module")
def info() -> dict[str, Any]:
    """As a program gets it."""
    done = subprocess.run(
        [sys.executable, "-m", "hdrplan", "info", "--json"], capture_output=True, env=ENVIRONMENT, check=True
    )
    return json.loads(done.stdout)


def listed(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row
        yield from listed(row.get("commands", []))


def parsers(group: click.Group, context: click.Context, words: str) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{words} {name}", command
        if isinstance(command, click.Group):
            yield from parsers(command, click.Context(command, parent=context), f"{words} {name}")


def root_context() -> click.Context:
    return click.Context(cli, info_name="hdrplan", help_option_names=["-h", "--help"])


def test_every_command_and_option_of_the_parsers_is_listed(info: dict[str, Any]) -> None:
    rows = {row["command"]: row for row in listed(info["commands"])}
    context = root_context()
    found = dict(parsers(cli, context, "hdrplan"))
    assert set(rows) == set(found)
    for words, command in found.items():
        if isinstance(command, click.Group):
            continue
        parameters = command.get_params(click.Context(command, parent=context))
        flags = {flag for p in parameters if isinstance(p, click.Option) for flag in (*p.opts, *p.secondary_opts)}
        said = {flag for entry in rows[words]["options"] for flag in (*entry["flags"], *entry["off_flags"])}
        # Click keeps the help option of whoever asked a command for it first: another test may have known no -h.
        assert said - {"-h"} == flags - {"-h"}, words
        assert {"-h", "--help"} <= said, words
        arguments = [p.name for p in parameters if isinstance(p, click.Argument)]
        assert [entry["name"] for entry in rows[words]["arguments"]] == arguments, words


def test_defaults_are_those_that_a_command_gets(info: dict[str, Any]) -> None:
    rows = {row["command"]: row for row in listed(info["commands"])}
    for words, command in parsers(cli, root_context(), "hdrplan"):
        if isinstance(command, click.Group):
            continue
        context = command.make_context(words, [], resilient_parsing=True)
        for entry in (*rows[words]["arguments"], *rows[words]["options"]):
            got = context.params.get(entry["name"])
            if isinstance(got, str | int | float) and not isinstance(got, bool):
                assert entry["default"] == got, (words, entry["name"])
            if entry["value"] == "switch" and entry["name"] in context.params:
                assert bool(entry["default"]) == bool(got), (words, entry["name"])


def test_examples_are_complete_calls(info: dict[str, Any]) -> None:
    for row in listed(info["commands"]):
        assert row["examples"], row["command"]
        for example in row["examples"]:
            assert example.startswith(row["command"].rsplit(" ", 1)[0]), example
            assert not example.endswith("\\"), example


def exits() -> Iterator[tuple[Path, str]]:
    """Every value that the package ends with; workers of a command end otherwise."""
    for file in sorted((ROOT / "src" / "hdrplan").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.exit", "exit", "SystemExit"):
                yield file, ast.unparse(node.args[0]) if node.args else ""


def test_every_exit_of_the_command_line_is_in_the_table(info: dict[str, Any]) -> None:
    assert {row["code"]: row["name"] for row in info["exit_codes"]} == {int(code): code.name for code in ExitCode}
    passed_on = "stop.exit_code"  # click's own 0 after --help
    for file, value in exits():
        assert file.is_relative_to(ROOT / "src" / "hdrplan" / "cli"), f"only the command line ends: {file}"
        assert "ExitCode." in value or value == passed_on, f"{file.name}: sys.exit({value})"


@pytest.mark.parametrize(
    ("code", "marks"),
    [(ExitCode.FAILED, "ExitCode.FAILED"), (ExitCode.LOST, "exit_if_lost("), (ExitCode.PARTLY, "ExitCode.PARTLY")],
)
def test_special_exit_codes_name_the_commands_that_use_them(code: ExitCode, marks: str) -> None:
    # plan_all.py is `plan --all`, procedure.py `simulate procedure`.
    files = {
        "simulate" if file.stem == "procedure" else file.stem.removesuffix("_all")
        for file in (ROOT / "src" / "hdrplan" / "cli").rglob("*.py")
        if marks in file.read_text("utf-8")
    }
    assert files - {"common", "exit_codes"} == set(code.commands)


def test_goals_of_the_grammar_are_read_and_others_refused(info: dict[str, Any]) -> None:
    for metric in info["goals"]["metrics"]:
        goal = parse_goal(metric["example"], structure="x", source="test")
        words = metric["example"].split()
        for unit in metric["units"] or [""]:
            for sense in metric["senses"]:
                text = f"{words[0]} {sense} {words[2]} {unit}".strip()
                assert parse_goal(text, structure="x", source="test").metric.kind == goal.metric.kind
        other = "s" if "s" not in metric["units"] else "Gy"
        with pytest.raises(InputError):
            parse_goal(f"{words[0]} {words[1]} {words[2]} {other}", structure="x", source="test")


def test_sources_are_those_of_the_library(info: dict[str, Any]) -> None:
    assert [row["name"] for row in info["sources"]] == list(source_names())
    for row in info["sources"]:
        assert load_source(row["name"]).model == row["model"]


def test_endings_are_those_that_are_read(info: dict[str, Any]) -> None:
    assert set(info["files"]["source"]["endings"]) == set(_READERS)
    for ending in info["files"]["catheters"]["endings"]:
        assert f'endswith("{ending}")' in (ROOT / "src/hdrplan/io/case/catheters.py").read_text("utf-8")


def test_nothing_heavy_is_imported() -> None:
    """The reason that it takes a fifth of a second; the time itself is no test, for machines differ."""
    code = (
        "import sys; sys.argv = ['hdrplan', 'info', '--json']\n"
        "from hdrplan.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('numpy', 'scipy', 'numba', 'pandas', 'matplotlib', 'SimpleITK', 'pydicom', 'highspy', 'jinja2')\n"
        "print(*[m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("own", [None, "20"])
def test_threads_of_linear_algebra_do_not_wait_in_circles(own: str | None) -> None:
    """They took 0.2 processor seconds of a command. OpenBLAS reads it when NumPy is imported; the user's own stays."""
    code = (
        "import sys; sys.argv = ['hdrplan', '--version']\n"
        "from hdrplan.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "import os; print('numpy' in sys.modules, os.environ['OPENBLAS_THREAD_TIMEOUT'], file=sys.stderr)"
    )
    env = {k: v for k, v in ENVIRONMENT.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    env |= {} if own is None else {"OPENBLAS_THREAD_TIMEOUT": own}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stderr.split() == ["False", own or "4"]


def plan_by_a_stranger(info: dict[str, Any], case: Path, folder: Path) -> dict[str, Any]:
    """Run the stranger's script, which imports nothing of hdrplan and reads nothing but info.json."""
    (folder / "info.json").write_text(json.dumps(info), encoding="utf-8")
    code = [sys.executable, "-m", "hdrplan"]
    done = subprocess.run(
        [sys.executable, STRANGER, folder / "info.json", case, folder / "out", json.dumps(code)],
        capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "hdrplan" not in [line.split()[1] for line in STRANGER.read_text().splitlines() if "import " in line]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_stranger_plans_a_case_from_info_alone(info: dict[str, Any], tmp_path: Path) -> None:
    told = plan_by_a_stranger(info, write_small_case(tmp_path / "case"), tmp_path)
    assert told["ctvs"]["lesion"]["d100_gy"] >= 20.0
    assert told["proven"]
    assert (tmp_path / "out" / "plan.json").is_file()
    assert told["refused"] == int(ExitCode.REFUSED)
    keys = set(told["keys"])
    assert keys <= set(info["metrics"]), "keys of results that info does not explain"
    assert set(info["metrics"]) - keys <= {"d100_sampling_gy", "d100_other_points_gy"}, (
        "keys that info explains and results do not have"
    )


def test_case_entries_and_options_are_those_that_a_case_takes(info: dict[str, Any]) -> None:
    from hdrplan.io.case.strength import STRENGTH_KEYS
    from hdrplan.io.case.table import CASE_KEYS, DWELL_OPTIONS

    entries = info["case_entries"]
    assert set(entries) - {"[source]", "[dwells]"} == CASE_KEYS
    assert set(entries["[dwells]"]) == set(DWELL_OPTIONS)
    assert set(entries["[source]"]) == {"name", "file", *STRENGTH_KEYS}
    assert set(info["files"]) == set(catalogue.FILES)
