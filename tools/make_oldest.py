"""Write constraints-oldest.txt: the oldest versions that pyproject.toml allows, and all others as locked.

python tools/make_oldest.py

`make test-oldest` tests with them. Linters and the documentation's tools stay as locked: nobody runs hdrplan with them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "constraints-oldest.txt"
# What the oldest versions need that the lock file does not have, or has newer than they bear.
BESIDE = {
    "attrs": "26.1.0",  # hypothesis
    "dask": "2024.8.0",  # distributed, of the same release
    "pillow-jpls": "1.3.2",  # highdicom
    "pyee": "12.1.1",  # playwright
    "pyparsing": "3.2.5",  # Matplotlib 3.9 uses names that 3.3 warns of
    "pytz": "2026.6",  # pandas
}


def plain(name: str) -> str:
    """Return a distribution's name as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lower_bounds() -> dict[str, str]:
    """Return distribution -> lower bound, for what runs hdrplan and its tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    found = {}
    for text in (*project["dependencies"], *extras["cluster"], *extras["test"]):
        name, version = re.fullmatch(r"([\w.-]+)(?:\[.*\])?>=([\d.]+),.*", text).groups()  # type: ignore[union-attr]
        found[plain(name)] = version
    return found


def oldest() -> str:
    """Return the file's text."""
    locked = (line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split())
    versions = {plain(name): version for name, version in locked} | BESIDE | lower_bounds()
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


if __name__ == "__main__":
    FILE.write_text(oldest(), encoding="utf-8")
