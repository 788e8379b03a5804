"""The notebook of the docs runs as it stands, and its stored output is what it prints."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
NOTEBOOK = REPOSITORY / "docs" / "howto" / "live-session.ipynb"


@pytest.mark.slow
def test_every_cell_runs_and_prints_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn", reason="the optional extra 'live' is not installed")
    monkeypatch.chdir(REPOSITORY)
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec("".join(cell["source"]), names)
        stored = "".join("".join(out["text"]) for out in cell["outputs"] if out["output_type"] == "stream")
        assert said.getvalue() == stored
