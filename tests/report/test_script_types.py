"""The scripts of the pages, checked by the TypeScript compiler as each page joins them."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import hdrplan.report

ASSETS = Path(hdrplan.report.__file__).parent / "assets"
PAGES = ("html", "compare", "dvh_page", "live", "pareto_page", "solid")
TYPES = Path(__file__).with_name("dom.d.ts")
# One program of the compiler for each list of files, all in one process: what they share, TypeScript's own types of the
# browser above all, is read once. Not strict: what has no type in a comment is of any type.
_CHECK = """
const ts = require(process.argv[1]);
const options = {
    noEmit: true, skipLibCheck: true, allowJs: true, checkJs: true, strict: false, target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
};
const host = ts.createCompilerHost(options);
const read = new Map();
const { getSourceFile } = host;
host.getSourceFile = (name, ...rest) => {
    if (!read.has(name)) read.set(name, getSourceFile(name, ...rest));
    return read.get(name);
};
const said = JSON.parse(process.argv[2]).map((files) => {
    const found = ts.getPreEmitDiagnostics(ts.createProgram(files, options, host));
    return ts.formatDiagnostics(found, host).split("\\n").filter((line) => line);
});
console.log(JSON.stringify(said));
"""


def _said(*programs: list[Path]) -> list[list[str]]:
    """Return what the compiler says of each program, given by its files."""
    compiler, node = shutil.which("tsc"), shutil.which("node")
    if compiler is None or node is None:
        pytest.skip(
            "no TypeScript compiler on this machine (apt-get install node-typescript, or npm install typescript)"
        )
    library = Path(compiler).resolve().parents[1] / "lib" / "typescript.js"
    files = json.dumps([[str(file) for file in (*program, TYPES)] for program in programs])
    done = subprocess.run(
        [node, "-e", _CHECK, str(library), files], cwd=ASSETS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said: list[list[str]] = json.loads(done.stdout)
    return said


@pytest.mark.slow
def test_scripts_of_a_page_have_no_type_errors_and_a_wrong_name_would_be_found(tmp_path: Path) -> None:
    programs = []
    for page in PAGES:
        scripts = importlib.import_module(f"hdrplan.report.{page}")._SCRIPTS
        programs.append([ASSETS / name for name in (*scripts, "page.js") if not name.startswith("vendor/")])
    wrong = tmp_path / "wrong.js"
    wrong.write_text('"use strict";\nfunction far(volume) { return new Volume(volume, null).nearset([0, 0, 0]); }\n')
    *pages, of_wrong = _said(*programs, [ASSETS / "volume.js", wrong])
    assert dict(zip(PAGES, pages, strict=True)) == {page: [] for page in PAGES}
    assert len(of_wrong) == 1
    assert "nearset" in of_wrong[0]


def test_every_script_belongs_to_a_page_that_is_checked() -> None:
    used = {name for page in PAGES for name in importlib.import_module(f"hdrplan.report.{page}")._SCRIPTS}
    assert {path.name for path in ASSETS.glob("*.js")} == {name for name in used if "/" not in name} | {"page.js"}
