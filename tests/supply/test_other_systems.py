"""Commands on other systems: what Windows lacks is taken away, and they still run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from small_case import write_small_case

ROOT = Path(__file__).resolve().parents[2]


def ran(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, Path(__file__).with_name("other_system.py"), ROOT / "src", " :: ".join(commands)]
    # A console in cp1252 that refuses what it cannot write, as of an older Windows.
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"PYTHONUTF8": "0"}
    return subprocess.run(
        program, cwd=folder, env=env, capture_output=True, text=True, encoding="cp1252", timeout=600, check=False
    )


@pytest.mark.slow
def test_a_plan_its_pages_and_its_archive_on_windows(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are known by /proc")
    write_small_case(tmp_path / "case")
    (tmp_path / "empty").mkdir()
    done = ran(
        tmp_path,
        "--version",
        "plan case -o empty --samples-only -q",
        "plan case -o empty --samples-only -q --overwrite",
        "info",
        "evaluate case --plan empty -o evaluated.json",
        "plot case --plan empty -o isodoses.png",
        "plot case --plan empty --what 3d -o space.html",
        "plan case -o other --samples-only -q --step 4",
        "compare empty other --case case -o compared.html",
        "export empty --case case -o dicom",
        "metrics dicom -o table",
        "sample -o samples",
        "cohort describe samples/cohort -o described",
        "dvh dicom/RD.dcm dicom/RS.dcm -o dvhs",
    )
    codes = [line for line in done.stdout.splitlines() if line.startswith("exit ")]
    assert len(codes) == 14, done.stderr[-2000:]
    assert [line for line in codes if not line.startswith("exit 0")] == [], done.stdout + done.stderr
    assert (tmp_path / "empty" / "report.html").is_file()
    # Neither drafts nor journals are left beside the outputs.
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
