"""Every result has a record of its run: run.json in a folder, NAME.run.json beside a file; with every warning."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from demo_case import write_demo_dicom
from hdrplan.cli import COMMANDS, cli
from hdrplan.cli.outputs import OutputPath
from hdrplan.errors import InputError
from small_case import write_small_case

FILES = {
    "evaluate": (["evaluate", "case", "--plan", "plan", "--samples-only"], "metrics.json"),
    "plot": (["plot", "case", "--plan", "plan", "--what", "dvh"], "dvh.svg"),
    "plot 3d": (["plot", "case", "--plan", "plan", "--what", "3d"], "solid.html"),
    "dose, points": (["dose", "plan", "--points", "points.csv"], "dose.csv"),
    "dose, grid": (["dose", "plan", "--spacing", "8"], "dose.nrrd"),
    "steps": (["steps", "case", "--steps", "10,5"], "steps.csv"),
    "compare": (["compare", "plan", "plan-15", "--case", "case"], "both.html"),
    "sources": (["sources", "show", "gammamed-12i"], "source.svg"),
}
DOUBT = "strength-unusual"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)))


def ids_printed(result: Result) -> set[str]:
    return set(re.findall(r"warning \[([a-z0-9-]+)\]", result.stderr))


def ids_recorded(path: Path) -> set[str]:
    return {warning["id"] for warning in json.loads(path.read_text())["warnings"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose source is doubted, its plans, and points."""
    place = tmp_path_factory.mktemp("records")
    write_small_case(place / "case")
    table = place / "case" / "case.toml"
    table.write_text(table.read_text().replace("40700.0", "65000.0"))
    (place / "points.csv").write_text("x_mm,y_mm,z_mm\n1,2,3\n")
    for name, dose in (("plan", "20"), ("plan-15", "15")):
        result = run("plan", place / "case", "--prescription", dose, "--samples-only", "-o", place / name)
        assert result.exit_code == 0, result.output
        assert DOUBT in ids_recorded(place / name / "run.json") & ids_printed(result)
    return place


@pytest.mark.parametrize("name", list(FILES))
def test_a_file_has_its_record_beside_it(name: str, place: Path, tmp_path: Path, monkeypatch: Any) -> None:
    arguments, output = FILES[name]
    monkeypatch.chdir(place)
    out = tmp_path / output
    result = run(*arguments, "-o", out)
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / f"{output}.run.json").read_text())
    assert record["schema"] == "hdrplan.run/1"
    assert record["files_sha256"] == {output: hashlib.sha256(out.read_bytes()).hexdigest()}
    assert {warning["id"] for warning in record["warnings"]} == ids_printed(result)
    if name != "sources":
        assert DOUBT in ids_printed(result)
        plan = hashlib.sha256((place / "plan" / "plan.json").read_bytes()).hexdigest()
        assert plan in record["inputs_sha256"].values() or name == "steps"
    assert isinstance(run(*arguments, "-o", out).exception, InputError)
    assert run(*arguments, "-o", out, "--overwrite").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([output, f"{output}.run.json"])


def test_a_file_of_the_user_in_the_place_of_a_record_stays(place: Path, tmp_path: Path) -> None:
    beside = tmp_path / "dose.csv.run.json"
    beside.write_text('{"mine": 1}')
    for more in ((), ("--overwrite",)):
        result = run("dose", place / "plan", "--points", place / "points.csv", "-o", tmp_path / "dose.csv", *more)
        assert "the record of the run must be new" in str(result.exception)
    assert beside.read_text() == '{"mine": 1}'
    assert not (tmp_path / "dose.csv").exists()


def test_a_record_whose_file_is_gone_is_replaced(place: Path, tmp_path: Path) -> None:
    arguments = ("dose", place / "plan", "--points", place / "points.csv", "-o", tmp_path / "dose.csv")
    assert run(*arguments).exit_code == 0
    (tmp_path / "dose.csv").unlink()
    assert run(*arguments).exit_code == 0


def test_strict_dose_writes_nothing(place: Path, tmp_path: Path) -> None:
    arguments = ("dose", place / "plan", "--points", place / "points.csv", "-o", tmp_path / "dose.csv", "--strict")
    assert "with --strict no warning may be left" in str(run(*arguments).exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "page"),
    [
        (("place", "--most", "1", "--candidates", "4", "--without", "ribs,lungs,vessels"), "place.html"),
        (("pareto", "--axis", "lesion:D100=18..19/2"), "pareto.html"),
    ],
)
def test_a_page_says_what_the_terminal_doubted(
    arguments: tuple[str, ...], page: str, place: Path, tmp_path: Path
) -> None:
    result = run(arguments[0], place / "case", *arguments[1:], "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert DOUBT in ids_printed(result) == ids_recorded(tmp_path / "out" / "run.json")
    text = (tmp_path / "out" / page).read_text()
    assert 'class="doubts"' in text
    assert f"[{DOUBT}]" in text


def test_compared_and_solid_pages_say_it_too(place: Path, tmp_path: Path) -> None:
    assert run("compare", place / "plan", place / "plan-15", "-o", tmp_path / "both.html").exit_code == 0
    assert (
        run("plot", place / "case", "--plan", place / "plan", "--what", "3d", "-o", tmp_path / "s.html").exit_code == 0
    )
    for name in ("both.html", "s.html"):
        assert f"[{DOUBT}]" in (tmp_path / name).read_text()


def test_plans_of_other_commands_name_the_ct(place: Path, tmp_path: Path) -> None:
    expected = json.loads((place / "plan" / "plan.json").read_text())["ct_sha256"]
    assert expected
    robust = ("robust", place / "case", "-n", 2, "--decompose", 0, "--optimise", "--train", 2, "-o", tmp_path / "r")
    assert run(*robust).exit_code == 0
    assert json.loads((tmp_path / "r" / "plan.json").read_text())["ct_sha256"] == expected
    assert run("pareto", place / "case", "--axis", "lesion:D100=18..19/2", "-o", tmp_path / "p").exit_code == 0
    assert expected in (tmp_path / "p" / "pareto.html").read_text()


def test_records_of_archives_and_cohorts_hold_warnings(place: Path, tmp_path: Path) -> None:
    write_demo_dicom(tmp_path / "archive" / "t")
    result = run("metrics", tmp_path / "archive", "--jobs", 1, "-o", tmp_path / "tables", "--quiet")
    assert result.exit_code == 0, result.output
    assert ids_recorded(tmp_path / "tables" / "run.json") == ids_printed(result)
    cells = (tmp_path / "tables" / "metrics.csv").read_text()
    assert ids_printed(result) == ({"treatments-doubted"} if re.search(r"\[[a-z-]+\] ", cells) else set())
    simulated = run(
        "simulate", "cohort", "--plans", place / "case", "--hcc", 1, "--crlm", 0, "--workers", 1, "-o", tmp_path / "c"
    )
    assert simulated.exit_code == 0, simulated.output
    assert DOUBT in ids_printed(simulated) == ids_recorded(tmp_path / "c" / "run.json")


def _written(command: click.Command, name: str) -> list[str]:
    if isinstance(command, click.Group):
        return [found for sub, inner in command.commands.items() for found in _written(inner, f"{name} {sub}")]
    return [name] if any(isinstance(parameter.type, OutputPath) for parameter in command.params) else []


def test_the_record_is_made_in_one_place() -> None:
    """A command that makes a record by itself could leave its warnings out."""
    source = Path(cli.callback.__code__.co_filename).parent  # type: ignore[union-attr]
    makers = [p.name for p in source.rglob("*.py") if re.search(r"\bRunRecord\(", p.read_text())]
    assert makers == ["records.py"]
    context = click.Context(cli)
    writers = {
        name.split()[0]
        for section in COMMANDS.values()
        for top in section
        for name in _written(cli.get_command(context, top), top)  # type: ignore[arg-type]
    }
    modules = {top: module for section in COMMANDS.values() for top, (module, _) in section.items()}
    for name in writers:
        place = source / modules[name].rpartition(".")[2]
        files = place.glob("*.py") if place.is_dir() else [place.with_suffix(".py")]
        assert "run_record(" in "".join(path.read_text() for path in files), name
