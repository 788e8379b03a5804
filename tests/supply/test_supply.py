"""Bounds, lock file, licences, and no network while planning."""

from __future__ import annotations

import html
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from small_case import write_small_case
from tool_scripts import tool

ROOT = Path(__file__).resolve().parents[2]

# Every way a Python program opens a connection or asks for a name ends in one of these.
NO_NETWORK = """
import socket
def refused(*args, **kwargs):
    raise SystemExit("the network was asked for")
socket.socket.connect = refused
socket.socket.connect_ex = refused
socket.socket.bind = refused
socket.create_connection = refused
socket.getaddrinfo = refused
socket.gethostbyname = refused
import sys
from hdrplan.cli import main
sys.argv = ["hdrplan", *sys.argv[1:]]
main()
"""


def wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for text in (*project["dependencies"], *(t for extra in extras for t in extra))]


def pinned(file: str) -> dict[str, str]:
    lines = (line.split("==") for line in (ROOT / file).read_text().split())
    return {canonicalize_name(name): version for name, version in lines}


def test_every_dependency_has_both_bounds() -> None:
    for asked in wanted():
        assert {s.operator for s in asked.specifier} == {">=", "<"}, asked


@pytest.mark.parametrize("file", ["constraints.txt", "constraints-oldest.txt"])
def test_each_end_names_what_is_asked_for_within_its_bounds(file: str) -> None:
    versions = pinned(file)
    for asked in wanted():
        assert versions[canonicalize_name(asked.name)] in asked.specifier, asked


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    maker = tool("make_oldest")
    assert maker.FILE.read_text() == maker.oldest(), "write it again: python tools/make_oldest.py"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        asked = Requirement(text)
        lower = next(s.version for s in asked.specifier if s.operator == ">=")
        assert pinned("constraints-oldest.txt")[canonicalize_name(asked.name)] == lower


def test_licences() -> None:
    maker = tool("make_licences")
    for said, bad in (
        ("GPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL", True),
        ("LGPL-2.1", False),
        ("GNU Lesser General Public License", False),
        ("BSD-3-Clause", False),
    ):
        assert bool(maker.FORBIDDEN.search(said)) is bad, said
    table = (ROOT / "docs" / "reference" / "licences.md").read_text()
    rows = [line.split("|")[1:5] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    locked = pinned("constraints.txt")
    for name, version, licence, _ in rows:
        assert version.strip() == locked[canonicalize_name(name.strip())], f"{name}: run tools/make_licences.py"
        assert licence.strip(), name
        assert not maker.FORBIDDEN.search(licence), name


def test_planning_asks_for_no_network(tmp_path: Path) -> None:
    write_small_case(tmp_path / "case")
    ran = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, "plan", "case", "-o", "out", "-q"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    # The page may name addresses in words (namespaces of SVG), but loads nothing.
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", page)
    assert "default-src 'none'" in html.unescape(page)


def test_the_block_would_be_felt() -> None:
    program = NO_NETWORK.split("import sys")[0] + "socket.create_connection(('127.0.0.1', 9))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "the network was asked for" in ran.stderr
    assert socket is not None


@pytest.mark.parametrize("word", ["urllib.request", "http.client", "requests", "ftplib", "smtplib"])
def test_no_module_of_ours_imports_a_network_library(word: str) -> None:
    found = [
        p for p in (ROOT / "src").rglob("*.py") if re.search(rf"^\s*(?:from|import) {word}\b", p.read_text(), re.M)
    ]
    assert found == []


def test_no_output_of_a_command_is_in_the_project() -> None:
    """A folder of results that was written beside the code weighs ten megabytes in every clone for ever."""
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    listed = subprocess.run(["git", "ls-files", "*run.json"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    assert listed.stdout.split() == []
