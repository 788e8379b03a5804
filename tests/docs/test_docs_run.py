"""Every code block of README and docs runs, page by page, in the order of the page.

``python`` blocks share one namespace a page; ``console`` blocks are commands after ``$ `` (what stands below a command
is its output, shown and not compared); ``toml`` and ``json`` blocks must parse. A block with ``title="FILE"`` is that
file. Anything else is a picture in letters. A plan that many pages begin with is made once, and copied for the others.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from hdrplan.cli import cli
from made_once import MadeOnce
from smaller import draw_one_form, fewer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)(?: title=\"([^\"\n]+)\")?[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A command with anything of these is for the shell; others run here, where their imports and kernels stay.
SHELL = re.compile(r"[|<>;&$`*?]")
# Set-up of the whole machine: CI runs these two itself, and a clone inside the tests would test another checkout.
RUN_BY_CI = re.compile(r"^(git clone|cd |make )")
# The first steps of many pages: both names are one case here, and only the name of the output differs.
FIRST_STEP = re.compile(
    r"hdrplan (plan) phantoms/liver-lesion-b(?:-5mm)? -o (\S+)(?: --quiet)?"
    r"|hdrplan (export) plan --case phantoms/liver-lesion-b(?:-5mm)? -o (\S+)"
)
# Pages that name a place in the liver: they need the phantom in its true size.
IN_ITS_PLACE = ("own-ct.md",)


def blocks(page: Path) -> list[tuple[int, str, str | None, str]]:
    """Line, kind, file and text of every block."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, m[1], m[2], m[3]) for m in BLOCK.finditer(text)]


def runnable(page: Path) -> bool:
    return any(kind in ("python", "console", "toml", "json") for _, kind, _, _ in blocks(page))


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which ``hdrplan`` is this checkout."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "hdrplan"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hdrplan "$@"\n')
    script.chmod(0o755)
    path = os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "MPLBACKEND": "agg"}


def commands(text: str) -> list[str]:
    """Commands of a console block; a backslash at the end of a line continues it."""
    joined = text.replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def ended(command: str, shell: dict[str, str], made_once: MadeOnce) -> tuple[int, str]:
    """Exit code and all output of a command."""
    step = FIRST_STEP.fullmatch(command)
    if step is None:
        return ran(command, shell)
    kind, output = filter(None, step.groups())

    def make(draft: Path) -> None:
        code, said = ran(command, shell)
        assert code == 0, f"{command}\n{said}"
        Path(output).rename(draft / f"docs-{kind}")

    shutil.copytree(made_once(f"docs-{kind}", make), output)
    return 0, ""


def ran(command: str, shell: dict[str, str]) -> tuple[int, str]:
    """Run a command in this process, where a shell is not needed."""
    call, _, file = command.partition(" > ")
    words = shlex.split(call)
    if words[0] == "hdrplan" and not SHELL.search(call + file):
        call_ended = CliRunner().invoke(cli, [*words[1:], *fewer(words[1:])], prog_name="hdrplan")
        if file:
            Path(file).write_text(call_ended.stdout, encoding="utf-8")
        return call_ended.exit_code, f"{call_ended.output}\n{call_ended.exception or ''}"
    done = subprocess.run(command, shell=True, env=shell, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, f"{done.stdout}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if runnable(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_every_block_of_the_page_runs(
    page: Path,
    shell: dict[str, str],
    made_once: MadeOnce,
    phantoms: Path,
    small_phantoms: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(phantoms if page.name in IN_ITS_PLACE else small_phantoms, tmp_path / "phantoms")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    draw_one_form(monkeypatch)
    namespace: dict[str, object] = {"__name__": "__docs__"}
    for line, kind, file, text in blocks(page):
        where = f"{page.name}:{line}"
        if file is not None:
            Path(file).write_text(text, encoding="utf-8")
        if kind == "python":
            exec(compile(text, where, "exec"), namespace)
        elif kind == "console":
            for command in commands(text):
                if RUN_BY_CI.match(command):
                    continue
                code, said = ended(command, shell, made_once)
                assert code == 0, f"{where}: {command}\n{said}"
        elif kind == "toml":
            tomllib.loads(text)
        elif kind == "json":
            json.loads(text)
