"""A wheel holds what a user without a clone needs: pages, sources and the cases of the first plan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hdrplan.catalogue import PACKAGED_PHANTOMS
from kept_kernels import kept_kernels

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_wheel_alone_plans_its_first_case(tmp_path: Path) -> None:
    """Built as pip builds it, unpacked, and run in an empty folder with nothing of the clone on the path."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT]
    built = subprocess.run(build, timeout=300, capture_output=True, text=True, check=False)
    if "No matching distribution found for hatchling" in built.stderr:
        pytest.skip("pip cannot fetch the build backend: no network")
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(installed)
    for name in PACKAGED_PHANTOMS:
        assert (installed / "hdrplan" / "phantoms" / name / "case.toml").is_file()
    compiled = installed / "hdrplan" / "kernels" / "__pycache__"
    compiled.mkdir()
    for path in kept_kernels():
        shutil.copy2(path, compiled)
    empty = tmp_path / "empty"
    empty.mkdir()
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); from hdrplan.cli import main; main()"
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}
    for words in (
        ("phantom", "make", "liver-lesion-b-5mm", "-o", "case"),
        ("plan", "case", "-o", "plan", "--samples-only", "-q"),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", program, *words], cwd=empty, env=env, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
    assert (empty / "plan" / "report.html").is_file()
