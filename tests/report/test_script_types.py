"""The scripts of the pages, checked by the TypeScript compiler as each page joins them."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path

import pytest

import hdrplan.report

ASSETS = Path(hdrplan.report.__file__).parent / "assets"
PAGES = ("html", "compare", "dvh_page", "live", "pareto_page", "solid")
_WORDS = (
    "--noEmit",
    "--skipLibCheck",
    "--allowJs",
    "--checkJs",
    "--target",
    "es2022",
    "--lib",
    "es2022,dom,dom.iterable",
)


def _said(*files: Path) -> list[str]:
    program = shutil.which("tsc")
    if program is None:
        pytest.skip(
            "no TypeScript compiler on this machine (apt-get install node-typescript, or npm install typescript)"
        )
    # Not strict: what has no type in a comment is of any type.
    words = [program, *_WORDS, "--strict", "false", *map(str, files)]
    done = subprocess.run(words, cwd=ASSETS, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_scripts_of_a_page_have_no_type_errors(page: str) -> None:
    scripts = importlib.import_module(f"hdrplan.report.{page}")._SCRIPTS
    files = [ASSETS / name for name in (*scripts, "page.js") if not name.startswith("vendor/")]
    assert _said(*files, Path(__file__).with_name("dom.d.ts")) == []


@pytest.mark.slow
def test_a_wrong_name_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.js"
    wrong.write_text('"use strict";\nfunction far(volume) { return new Volume(volume, null).nearset([0, 0, 0]); }\n')
    said = _said(ASSETS / "volume.js", wrong, Path(__file__).with_name("dom.d.ts"))
    assert len(said) == 1
    assert "nearset" in said[0]


def test_every_script_belongs_to_a_page_that_is_checked() -> None:
    used = {name for page in PAGES for name in importlib.import_module(f"hdrplan.report.{page}")._SCRIPTS}
    assert {path.name for path in ASSETS.glob("*.js")} == {name for name in used if "/" not in name} | {"page.js"}
