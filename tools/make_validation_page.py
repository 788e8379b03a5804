"""Write docs/measurements/validation.md from the validation.json of a run of `hdrplan validate`.

python tools/make_validation_page.py validation/validation.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "validation.md"
HEAD = """# Validation dossier

This page shows how far the results of hdrplan are from known truths: published tables, analytic solids, R, other
solvers, and other planning systems. `hdrplan validate -o validation` makes the same dossier on your own
installation in some minutes, as a page and as JSON. The exit code is 1 if a row fails. With `--plans FOLDER`
it also recomputes your RT Plans. `hdrplan validate CASE --plan OUT` checks the output folder of one plan instead.
The run below is on a fresh clone. `tools/make_validation_page.py` wrote the page.

"explained" means that a result is outside the aim, but inside a wider limit whose reason the note gives.

Dose-volume metrics are judged in two ways:

- "computation": is the dose of a given shape right? At the sample points of planning, it lies within 0.5 % of the
  truth for slices of 1, 2.5 and 5 mm, 5 to 10 mm from the source. Common tools have errors of 5 to 29 % there.
- "information": how well do contours on slices of a CT describe the true shape? The limit is computed from the
  voxels and the dose field. [Sampling](../explanation/sampling.md) gives the formula, and says which term was
  added after a row had failed.
"""


def page(table: dict[str, Any]) -> str:
    """Return the page's text."""
    counts = ", ".join(f"{n} {state}" for state, n in table["counts"].items() if n)
    versions = ", ".join(f"{name} {version}" for name, version in table["versions"].items())
    lines = [HEAD, f"{counts}. {versions}; {table['platform']}."]
    for section in dict.fromkeys(row["section"] for row in table["rows"]):
        lines += [
            "",
            f"## {section}",
            "",
            "| what | truth | method | tolerance | result | |",
            "|---|---|---|---|---|---|",
        ]
        for row in (r for r in table["rows"] if r["section"] == section):
            note = f" {row['note']}" if row["note"] else ""
            cells = (
                row["what"],
                row["source"],
                row["method"],
                row["tolerance"],
                row["result"],
                row["state"] + "." + note,
            )
            lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
