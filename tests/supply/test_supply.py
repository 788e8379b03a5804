"""Bounds, lock file, licences, and no network while planning."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

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


def wanted() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(t for extra in project["optional-dependencies"].values() for t in extra)]


def test_every_dependency_has_both_bounds() -> None:
    for text in wanted():
        assert re.search(r">=\d", text), text
        assert re.search(r"<\d", text), text


def test_the_lock_file_names_what_is_asked_for() -> None:
    locked = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()}
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        name = re.split(r"[>=<\[]", text)[0].lower()
        assert name in locked, f"{name} is not in constraints.txt"


def test_licences() -> None:
    spec = importlib.util.spec_from_file_location("make_licences", ROOT / "tools" / "make_licences.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    for said, bad in (
        ("GPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL", True),
        ("LGPL-2.1", False),
        ("GNU Lesser General Public License", False),
        ("BSD-3-Clause", False),
    ):
        assert bool(maker.FORBIDDEN.search(said)) is bad, said
    table = (ROOT / "docs" / "licences.md").read_text()
    rows = [line.split("|")[1:5] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 12
    for name, version, licence, _ in rows:
        assert version.strip()
        assert licence.strip(), name
        assert not maker.FORBIDDEN.search(licence), name


def test_planning_asks_for_no_network(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
    sys.path.insert(0, str(ROOT / "tests" / "io"))
    from fuzz_corpus import write_small_case

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
