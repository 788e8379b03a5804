"""Write docs/reference/outcomes.md and the JSON Schemas beside it from tables, checks and rules: run after changes."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from hdrplan.cli.flags import in_flags  # noqa: E402
from hdrplan.cohort import COMPACT, RULE_SETS, RULES, TABLES, Rules, data_dictionary, json_schema  # noqa: E402

INTRO = """# Cohort tables, checks and rules

This page lists the tables of a cohort with their columns, the checks that hdrplan makes, and the rules by which it
derives endpoints. Use it to prepare your tables and to look up a message. [Cohort](../howto/cohort.md) shows the whole
way.

Dates are ISO (YYYY-MM-DD), diameters are in mm, doses in Gy, and DVH volumes in percent. Tables are CSV,
Parquet or SPSS (`.sav`) files, or the sheets of one `.xlsx` workbook. `--encoding` and `--decimal` say how
CSV files are written, if not in UTF-8 with decimal points. Of an SPSS file, value labels are read where a column holds
words, and codes elsewhere. `patients`, `sessions` and `lesions` are required; the other tables are
optional. Each table may come in its full or in its compact form. In the compact form, measurements and findings imply
the scans. A scan without a measurement and without a new finding can only be recorded in the full form.

JSON Schemas describe a row of each table: [Patients](schema/patients.schema.json) and the files beside it.
`hdrplan cohort template` writes them too. This page is written by `tools/make_outcomes_doc.py` from the code.

## Tables

"""


def checks() -> str:
    """Return the table of the checks."""
    lines = ["| check | severity | what to do |", "|---|---|---|"]
    lines += [f"| `{name}` | {'error' if e else 'warning'} | {in_flags(text)} |" for name, (e, text) in RULES.items()]
    return "\n".join(lines)


def rules() -> str:
    """Return the table of the rules, their meaning from the docstring."""
    text = inspect.cleandoc(Rules.__doc__ or "")
    body = re.search(r"Parameters\n-+\n(.*?)\n\nReferences", text, re.DOTALL)
    assert body
    lines = ["| rule | recommended | paper | meaning |", "|---|---|---|---|"]
    table = {name: r.table() for name, r in RULE_SETS.items()}
    for head, meaning in re.findall(r"^(\w[^\n]*) : [^\n]*\n((?:    [^\n]*\n?)*)", body[1] + "\n", re.MULTILINE):
        names = [n.strip() for n in head.split(",")]
        values = [", ".join(_text(table[s][n]) for n in names) for s in ("recommended", "paper")]
        words = " ".join(meaning.split())
        lines.append(f"| {', '.join(f'`{n}`' for n in names)} | {values[0]} | {values[1]} | {words} |")
    return "\n".join(lines)


def _text(value: object) -> str:
    return " + ".join(value) or "none" if isinstance(value, tuple) else f"{value}"


def page() -> str:
    """Return the whole page."""
    tables = data_dictionary((*TABLES.values(), *COMPACT.values()))
    accept = (
        "Errors stop every analysis. If you have checked that the data are right, `--accept NAME` lets the analysis\n"
        "run in spite of the error NAME. Rows are numbered as in a spreadsheet: the header is row 1."
    )
    choice = "`--rules recommended` or `--rules paper` chooses a set of rules. `--set NAME=VALUE` changes one rule."
    return f"{INTRO}{tables}\n## Checks\n\n{accept}\n\n{checks()}\n\n## Rules of derivation\n\n{choice}\n\n{rules()}\n"


def schemas() -> dict[str, str]:
    """Return file name -> JSON Schema."""
    tables = {n: t for n, t in TABLES.items()} | {f"{n}.compact": t for n, t in COMPACT.items()}
    return {f"{n}.schema.json": json.dumps(json_schema(t), indent=1) + "\n" for n, t in tables.items()}


if __name__ == "__main__":
    (ROOT / "docs" / "reference" / "outcomes.md").write_text(page(), encoding="utf-8")
    (ROOT / "docs" / "reference" / "schema").mkdir(exist_ok=True)
    for name, text in schemas().items():
        (ROOT / "docs" / "reference" / "schema" / name).write_text(text, encoding="utf-8")
