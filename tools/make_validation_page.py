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

`hdrplan validate -o validation` makes this on your own installation in a minute or two, as a page and as JSON; the exit
code is 1 where a row fails. With `--plans FOLDER` it recomputes your RT Plans too. Below is one run on a fresh clone,
written by `tools/make_validation_page.py`.

"explained": outside the aim, inside a wider limit whose reason the note gives. Dose-volume metrics are asked two
questions. "computation": the doses of a given shape, on the sample points of planning, lie within 0.5 % of the truth at
1, 2.5 and 5 mm slices, 5 to 10 mm from the source, where common tools err by 5 to 29 %. "information": contours on
slices of a CT are judged by what their voxels say, a limit computed from the voxels and the field
([sampling](sampling.md) has the formula, and which term was added after a row had failed).
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
