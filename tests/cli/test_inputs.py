"""A wrong path is refused at once, by every command, before anything heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from light_commands import commands

from hdrplan.cli import cli
from hdrplan.cli.inputs import InputPath, InputText
from hdrplan.cli.outputs import OutputPath
from small_case import write_small_case

# Files that a command reads where they are, and writes where they are not.
READ_OR_WRITTEN = {("dvh", "key"), ("metrics", "key"), ("live", "saves")}


def parameters() -> list[tuple[str, click.Parameter]]:
    """Command and parameter, of all commands and commands of groups."""
    return [(words[0], parameter) for words, command in commands() for parameter in command.params]


def test_every_path_is_an_input_or_an_output() -> None:
    paths = [(name, p) for name, p in parameters() if isinstance(p.type, click.Path)]
    unknown = {(name, p.name) for name, p in paths if not isinstance(p.type, InputPath | OutputPath)}
    assert unknown == READ_OR_WRITTEN
    assert len(paths) > 60


def test_every_text_with_a_file_in_it_is_looked_at() -> None:
    texts = {(name, p.name) for name, p in parameters() if "FILE" in (p.make_metavar(click.Context(cli)) or "")}
    loose = {
        (n, p.name) for n, p in parameters() if (n, p.name) in texts and not isinstance(p.type, InputText | click.Path)
    }
    # A plan's label or file name inside the folder that is imported.
    assert loose == {("import", "plan")}


MISSING = "MISSING: expected a "
REFUSED = [
    (["plan", "EMPTY", "-o", "x"], "EMPTY: expected a case folder or a case.toml, got an empty folder"),
    (
        ["place", "EMPTY", "--ctv", "lesion", "-o", "x"],
        "EMPTY: expected a case folder or a case.toml, got an empty folder",
    ),
    (
        ["phantom", "lesion", "EMPTY", "--diameter-mm", "30", "-o", "x"],
        "EMPTY: expected a case folder or a case.toml, got an empty folder",
    ),
    (
        ["simulate", "cohort", "--plans", "EMPTY", "-o", "x"],
        "EMPTY: expected a case folder or a case.toml, got an empty folder",
    ),
    (["plan", "--ct", "FILE", "--mask", "lesion=MISSING", "-o", "x"], "MISSING: expected a file"),
    (["plan", "--source", "MISSING.json", "-o", "x"], "MISSING.json: expected a file"),
    (["plan", "--labels", "EMPTY", "-o", "x"], "EMPTY: expected a file, got a folder"),
    (["plan", "--lock", "EMPTY", "-o", "x"], "EMPTY: expected a plan, got an empty folder"),
    (["evaluate", "CASE", "--plan", "EMPTY"], "EMPTY: expected a plan, got an empty folder"),
    (["robust", "CASE", "--plan", "EMPTY"], "EMPTY: expected a plan, got an empty folder"),
    (["compare", "EMPTY", "-o", "x.html"], "EMPTY: expected a plan, got an empty folder"),
    (["dose", "EMPTY", "-o", "x.csv"], "EMPTY: expected a plan, got an empty folder"),
    (["import", "EMPTY", "-o", "x"], "EMPTY: expected a folder of DICOM files"),
    (["check", "EMPTY"], "EMPTY: expected a folder of DICOM files, got one without files"),
    (["metrics", "FILE", "-o", "x"], "FILE: expected a folder"),
    (["validate", "--plans", "EMPTY"], "EMPTY: expected a folder of DICOM files"),
    (["correlate", "EMPTY", "-o", "x"], "EMPTY: a cohort folder holds"),
    (["cohort", "accumulate", "FILE", "--dose", "MISSING"], "MISSING: expected a file"),
    (["cohort", "accumulate", "FILE", "--dose", "FILE=MISSING"], "MISSING: expected a file"),
    (["plan", "CASE", "-o", "FILE"], "FILE: the output must be a folder"),
    (["plan", "CASE", "-o", "FILE/x"], "FILE: the output must lie in a folder, got a file"),
    (["plan", "CASE", "-o", "FULL"], "FULL: the output folder must be new"),
    (["place", "CASE", "-o", "CASE/x"], "CASE/x: the output must lie apart from the inputs"),
    (["bench", "-o", "FULL"], "FULL: the output must be a file"),
    (["plan", "MISSING", "-o", "x"], MISSING),
    (["plan", "--ct", "MISSING", "--ctv", "lesion", "-o", "x"], MISSING),
    (["evaluate", "CASE", "--plan", "MISSING"], MISSING),
    (["export", "MISSING", "--case", "CASE", "-o", "x"], MISSING),
    (["compare", "MISSING", "-o", "x.html"], MISSING),
    (["survival", "km", "MISSING"], MISSING),
    (["cohort", "validate", "MISSING"], MISSING),
    (["plan", "CASE", "-o", "FULL", "--overwrite"], "FULL: only a folder written by hdrplan is overwritten"),
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str, list[str]]]:
    """How the commands of REFUSED ended."""
    folder = tmp_path_factory.mktemp("refused")
    (folder / "EMPTY").mkdir()
    (folder / "FILE").touch()
    for name in ("CASE", "FULL"):
        (folder / name).mkdir()
        (folder / name / "case.toml").touch()
    return light_commands([arguments for arguments, _ in REFUSED], folder)


def light_commands(called: list[list[str]], folder: Path) -> list[tuple[int, str, list[str]]]:
    """Exit code, stderr and heavy imports of commands that ran one after another in one process."""
    script = Path(__file__).with_name("light_commands.py")
    ran = subprocess.run(
        [sys.executable, script], cwd=folder, input=json.dumps(called), capture_output=True, text=True, check=True
    )
    return [(code, said, heavy) for code, said, heavy in json.loads(ran.stdout)]


@pytest.mark.parametrize("k", range(len(REFUSED)), ids=lambda k: " ".join(REFUSED[k][0]))
def test_what_stands_at_a_path_is_looked_at_at_once(k: int, ended: list[tuple[int, str, list[str]]]) -> None:
    """Planning took 11 CPU seconds before it saw that its output folder cannot be made; imports took 1.8."""
    code, said, heavy = ended[k]
    assert code == 2, said
    assert said.startswith(f"hdrplan: {REFUSED[k][1]}"), said
    assert len(said.splitlines()) == 1
    assert heavy == []
    if REFUSED[k][1] == MISSING:
        assert "none of that name" in said


def test_no_help_and_no_path_of_any_command_imports_anything_heavy(tmp_path: Path) -> None:
    called = [[*words, "--help"] for words, _ in commands()]
    helps = len(called)
    for words, command in commands():
        for parameter in command.params:
            if isinstance(parameter.type, InputPath | InputText):
                flag = parameter.opts[:1] if parameter.opts[0].startswith("-") else []
                name = "x=MISSING.json" if parameter.metavar == "NAME=FILE" else "MISSING.json"
                called.append([*words, *flag, name])
    assert len(called) - helps > 60
    for k, (arguments, (code, said, heavy)) in enumerate(zip(called, light_commands(called, tmp_path), strict=True)):
        assert heavy == [], arguments
        assert code == (0 if k < helps else 2), (arguments, said)
        assert k < helps or said.startswith("hdrplan: MISSING.json: expected "), (arguments, said)


def test_planning_does_not_import_what_only_cohorts_and_media_need(tmp_path: Path) -> None:
    """``scipy.stats`` and ``scipy.optimize`` took a third of the CPU seconds before a plan began.

    The catheter is a curve of 3D Slicer: a look at it loaded ``scipy.interpolate``, 14 MB.
    """
    case = write_small_case(tmp_path / "case")
    points = json.loads((case / "catheters.json").read_text())[0]["hub_to_tip_mm_lps"]
    controls = [{"label": str(k), "position": point, "positionStatus": "defined"} for k, point in enumerate(points)]
    curve = {"type": "Curve", "name": "c1", "coordinateSystem": "LPS", "controlPoints": controls}
    (case / "catheters.mrk.json").write_text(json.dumps({"markups": [curve]}))
    table = (case / "case.toml").read_text()
    (case / "case.toml").write_text(table.replace("catheters.json", "catheters.mrk.json"))
    code = (
        "import sys\nfrom hdrplan.cli import cli\n"
        f"cli.main(['plan', {str(case)!r}, '-o', {str(tmp_path / 'out')!r}, '-v'], standalone_mode=False)\n"
        "rooms = {'scipy.stats', 'scipy.optimize', 'scipy.interpolate', 'matplotlib', 'pandas', 'hdrplan.transport', "
        "'hdrplan.outcomes'}\n"
        "print(sorted(rooms & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[-1] == "[]"
