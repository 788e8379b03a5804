"""Run the command line as a person does: another process would be slow, so ``main`` runs here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hdrplan.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@contextmanager
def _arguments(arguments: tuple[str, ...]) -> Iterator[None]:
    import sys

    old = sys.argv
    sys.argv = ["hdrplan", *arguments]
    try:
        yield
    finally:
        sys.argv = old


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("plan", "CASE", "-o", "OUT")`` in an empty folder; gives exit code and what was printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")

    def call(*arguments: object) -> Ran:
        code = 0
        with _arguments(tuple(os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments)):
            try:
                main()
            except SystemExit as stop:
                code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return call
