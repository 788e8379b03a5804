"""The container and the workflow of three systems fit the project: what they copy, install and run is there."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "systems.yml").read_text(encoding="utf-8")


def copied() -> list[str]:
    lines = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    return [name for names in lines for name in names]


def test_the_container_copies_what_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"]
    for name in copied():
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, pattern) for pattern in kept), name


def test_the_container_has_all_that_a_wheel_is_made_of() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel["force-include"], PROJECT["project"]["readme"]]
    needed += PROJECT["project"]["license-files"]
    for name in needed:
        assert any(name == there or name.startswith(f"{there}/") for there in copied()), name


def test_both_run_a_python_that_is_supported_and_commands_that_exist() -> None:
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    versions = re.findall(r'"(3\.\d+)"', WORKFLOW) + re.findall(r"^FROM python:(3\.\d+)", DOCKERFILE, re.MULTILINE)
    assert len(versions) == 5
    assert all(version in supported for version in versions)
    assert 'ENTRYPOINT ["hdrplan"]' in DOCKERFILE
    assert "hdrplan" in PROJECT["project"]["scripts"]
    markers = " ".join(PROJECT["tool"]["pytest"]["ini_options"]["markers"])
    for marker in ("slow", "browser"):
        assert marker in markers
    for name in ("windows-latest", "macos-latest", "ubuntu-latest"):
        assert name in WORKFLOW
