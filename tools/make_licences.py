"""Write docs/reference/licences.md: every distribution that hdrplan installs, its version and its licence.

python tools/make_licences.py      (in an environment made with constraints.txt)

Fails where a licence is GPL or AGPL, or is not said.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "licences.md"
OWN = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
# LGPL is used as a library and not changed; the Mozilla licence holds file by file.
FORBIDDEN = re.compile(r"(?<!L)(?<!Lesser )\bA?GPL|Affero|(?<!Lesser )General Public License", re.IGNORECASE)


def needed() -> dict[str, str]:
    """Return distribution -> who asks for it, for what is installed, all the way down."""
    found: dict[str, str] = {}
    todo = [("hdrplan", "")]
    done: set[tuple[str, str]] = set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        for text in (OWN if name == "hdrplan" else distribution(name).requires) or ():
            wanted = Requirement(text)
            if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
                continue
            try:
                real = distribution(wanted.name).metadata["Name"]
            except PackageNotFoundError:
                continue
            found.setdefault(real, name if not extra else f"{name}[{extra}]")
            todo += [(wanted.name, e) for e in ("", *wanted.extras)]
    return found


def licence(name: str) -> str:
    """Return the licence as the distribution's own metadata say it, in one line."""
    data = distribution(name).metadata
    said = data.get("License-Expression") or ""
    classes = [c.rsplit(" :: ", 1)[-1] for c in data.get_all("Classifier") or () if c.startswith("License ::")]
    if not said:
        text = (data.get("License") or "").strip()
        said = text if text and "\n" not in text and len(text) < 60 else ", ".join(classes) or text.split("\n")[0][:60]
    return said


def page() -> str:
    """Return the page's text."""
    lines = [
        "# Licences",
        "",
        "This page lists every package that an installation of hdrplan uses, with its licence. Use it to check whether",
        "you may install and redistribute them. hdrplan itself is under Apache-2.0. `three.min.js`, which is part of",
        "its reports, is under MIT (its licence is in the same folder). No package is under GPL or AGPL.",
        "",
        "`tools/make_licences.py` writes the table from the metadata of the installed packages.",
        "",
        "| package | version | licence | required by |",
        "|---|---|---|---|",
    ]
    for name, by in sorted(needed().items(), key=lambda pair: pair[0].lower()):
        lines.append(f"| {name} | {distribution(name).version} | {licence(name)} | {by} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page; stop where a licence may not be there."""
    said = {name: licence(name) for name in needed()}
    bad = [f"{name}: {text or 'not said'}" for name, text in said.items() if not text or FORBIDDEN.search(text)]
    if bad:
        sys.exit("; ".join(bad))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
