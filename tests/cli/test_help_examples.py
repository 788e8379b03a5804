"""Every example of every help text runs as it stands, after ``hdrplan sample`` and ``hdrplan phantom make``.

What examples take from others is made once in a session; ``make examples`` alone reads the liver in its true size, and
draws as many samples and photons as the commands do where nobody asks for fewer.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from hdrplan.cli import cli
from made_once import MadeOnce
from smaller import FEWER, draw_one_form, fewer

ROOT = Path(__file__).resolve().parents[2]
# What examples take from others: name -> the example that makes it.
MADE_BY = {
    "demo-output": "hdrplan plan phantoms/liver-lesion-b -o demo-output",
    "plan-15gy": "hdrplan plan phantoms/liver-lesion-b --prescription lesion_B=15 --strength 30000 -o plan-15gy",
    "demo-dicom": "hdrplan export demo-output --case phantoms/liver-lesion-b -o demo-dicom",
    "demo-slicer": "hdrplan export demo-output --case phantoms/liver-lesion-b --format slicer -o demo-slicer",
    "case": "hdrplan import demo-dicom -o case --ctv lesion_B --healthy liver",
    "plan": "hdrplan plan case -o plan",
    "sessions": 'hdrplan sessions sample/two-lesions --budget "time <= 30 min" -o sessions',
    "case-b": "hdrplan prepare phantoms/liver-lesion-b -o case-b --margin 5 --prescription 20 --strength 40700",
    "virtual-cohort": "hdrplan simulate cohort -o virtual-cohort",
    "implanted.nii.gz": "hdrplan phantom implant phantoms/liver-lesion-b -o implanted.nii.gz",
    "found.mrk.json": "hdrplan catheters implanted.nii.gz -o found.mrk.json",
}
# Examples that end within a second or two.
QUICK = (
    "survival", "cohort accumulate", "cohort derive sample", "cohort template", "cohort validate", "paper-check",
    "explain", "info", "sample", "sources list", "sources verify", "phantom list", "phantom make sphere",
    "phantom make ellipsoid", "dose --source",
)  # fmt: skip
# Examples that take a minute or more even in a small patient, or need fine slices, which alone show a catheter.
# `make examples` and the workflow of the outside CI run them, with all others, in the patient's true size.
LONG = (
    "catheters", "plan phantoms/liver-lesion-b --catheters", "plan phantoms/liver-lesion-b --model",
    "validate phantoms",
)  # fmt: skip
# These make what the others begin with: they run in an empty folder.
INTO_EMPTY = {
    "hdrplan sample": "sample/lesions.csv",
    "hdrplan phantom make sphere": "phantoms/sphere/case.toml",
    "hdrplan phantom make liver-lesion-b": "phantoms/liver-lesion-b/case.toml",
}
# A second check that fails has ended well; so has a check of limits.
MAY_FAIL = ("check", "validate --only plans", "validate phantoms", "validate sample")


def commands(command: click.Command, context: click.Context) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, context)


def examples() -> list[str]:
    """Return the examples of all help texts, each once; a backslash goes on in the next line."""
    found: dict[str, None] = {}
    for command in commands(cli, click.Context(cli)):
        text = (command.help or "").replace("\\\n", " ")
        found |= dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if re.match(r" +hdrplan ", line))
    return list(found)


EXAMPLES = examples()


def words(example: str) -> list[str]:
    return shlex.split(example, comments=True)[1:]


def is_quick(example: str) -> bool:
    return example.startswith(tuple(f"hdrplan {words}" for words in QUICK)) and example not in INTO_EMPTY


def is_long(example: str) -> bool:
    return example.startswith(tuple(f"hdrplan {words}" for words in LONG))


def needs(example: str) -> list[str]:
    """Return what an example takes from others, as a file, a folder, or a file in a folder; its output is not among."""
    given = words(example)
    taken = [word for k, word in enumerate(given) if k and given[k - 1] not in ("-o", "--output")]
    return [name for name in MADE_BY if any(word.split("/")[0] == name for word in taken)]


@pytest.fixture(scope="session")
def given(made_once: MadeOnce, phantoms: Path, small_phantoms: Path) -> Path:
    """A folder with the samples and the phantoms."""

    def make(draft: Path) -> None:
        shutil.copytree(ROOT / "samples", draft / "given" / "sample")
        patient = phantoms if "HDRPLAN_LONG" in os.environ else small_phantoms
        shutil.copytree(patient, draft / "given" / "phantoms")

    return made_once("given", make)


@pytest.fixture
def ends(
    run, given: Path, made_once: MadeOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Run an example in a folder of its own, after those that it needs; what others need is run once."""

    def made(name: str) -> Path:
        return made_once(name, lambda draft: runs(MADE_BY[name], draft))

    def call(example: str) -> None:
        names = [name for name, maker in MADE_BY.items() if maker == example]
        if names:
            assert made(names[0]).exists()
        else:
            runs(example, tmp_path)

    def runs(example: str, folder: Path) -> None:
        for path in (*given.iterdir(), *map(made, needs(example))):
            (folder / path.name).symlink_to(path)
        monkeypatch.chdir(folder)
        # A page is served until somebody ends it: tests/live serves it, here it ends at once.
        monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: [s.close() for s in sockets])
        monkeypatch.setattr("webbrowser.open", lambda address: True)
        if "HDRPLAN_LONG" not in os.environ:
            draw_one_form(monkeypatch)
        ran = run(*words(example), *([] if "HDRPLAN_LONG" in os.environ else fewer(words(example))))
        allowed = (0, 1) if example.startswith(tuple(f"hdrplan {words}" for words in MAY_FAIL)) else (0,)
        assert ran.code in allowed, f"{example}\n{ran.err}"
        assert "Traceback" not in ran.err

    return call


def test_there_are_examples_of_what_others_take() -> None:
    assert len(EXAMPLES) > 120
    assert set(MADE_BY.values()) <= set(EXAMPLES)


def test_fewer_samples_are_asked_of_these() -> None:
    assert fewer(words("hdrplan correlate cohort -o report")) == ["--bootstrap", "5", "--resamples", "19"]
    assert fewer(words("hdrplan dose case --plan p -o d")) == fewer(words("hdrplan cohort derive c -o tables")) == []
    assert all(any(set(options) <= set(fewer(words(e))) for e in EXAMPLES) for options in FEWER.values())


@pytest.mark.parametrize("example", [e for e in EXAMPLES if is_quick(e)])
def test_a_quick_example_runs(example: str, ends: Callable[[str], None]) -> None:
    ends(example)


@pytest.mark.slow
@pytest.mark.parametrize("example", [e for e in EXAMPLES if not is_quick(e) and not is_long(e) and e not in INTO_EMPTY])
def test_an_example_runs(example: str, ends: Callable[[str], None]) -> None:
    ends(example)


@pytest.mark.slow
@pytest.mark.skipif("HDRPLAN_LONG" not in os.environ, reason="takes minutes: `make examples` runs it")
@pytest.mark.parametrize("example", [e for e in EXAMPLES if is_long(e)])
def test_a_long_example_runs(example: str, ends: Callable[[str], None]) -> None:
    ends(example)


@pytest.mark.parametrize("example", INTO_EMPTY)
def test_samples_and_phantoms_are_written_into_an_empty_folder(example: str, run, tmp_path: Path) -> None:
    assert run(*words(example)).code == 0
    assert (tmp_path / INTO_EMPTY[example]).is_file()


def test_every_example_is_run_by_one_of_these_tests_and_ci_runs_them_all() -> None:
    ways = [(e in INTO_EMPTY, is_quick(e), is_long(e) and e not in INTO_EMPTY and not is_quick(e)) for e in EXAMPLES]
    assert all(sum(way) <= 1 for way in ways)
    assert set(INTO_EMPTY) <= set(EXAMPLES)
    workflow = (ROOT / ".github" / "workflows" / "systems.yml").read_text(encoding="utf-8")
    assert re.search(r'HDRPLAN_LONG: "1"', workflow)
    assert re.search(r"run: python -m pytest -q (-n auto )?tests/cli/test_help_examples\.py\n", workflow)
