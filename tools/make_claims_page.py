"""Write docs/measurements/claims.md: every public claim with a figure, and the test or command that holds it.

python tools/make_claims_page.py

The claims stand in docs/measurements/claims.toml. A sentence counts as a claim where it gives a percentage, a time, a
size of memory, a factor of speed or a number such as 1e-9; what is none of ours is excepted there, with a reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "measurements" / "claims.toml"
PAGE = TABLE.with_suffix(".md")
FIGURE = re.compile(
    r"\d\s?%|\b\d[\d.]*e-\d+|\b\d[\d.,]*\s?(?:s|ms|min|minutes?|hours?|seconds?|[GM]i?B)\b"
    r"|\d\s?times (?:as|faster|slower|less)"
)
# Records of decisions give the figures of their day; the help pages are code blocks whose text is ours.
RECORDS, HELP = "docs/decisions/", "docs/reference/cli.md"
HEAD = """# What we claim, and what holds it

Every sentence of README and docs with a performance or an accuracy, and the test or the command that holds it. Times in
seconds and minutes, memory, factors of speed, percentages and numbers such as 1e-9 count; doses and lengths do not.
`tests/docs/test_claims_page.py` fails where a sentence has changed, where its test is gone, and where a new sentence
with a figure is in no row. This page is made by `tools/make_claims_page.py` from `claims.toml`.
"""


def table() -> dict[str, list[dict[str, str]]]:
    """Return the claims, the pages and parts of pages that are held as a whole, and the exceptions."""
    values: dict[str, Any] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {key: values.get(key, []) for key in ("claims", "pages", "parts", "exceptions")}


def one_line(text: str) -> str:
    """Return a text without line breaks and repeated blanks, and without the signs of quotations."""
    return " ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split())


def part(name: str) -> re.Pattern[str]:
    """Return what finds the part of a page that a tool or a test keeps between two comments."""
    return re.compile(rf"<!-- {name} -->.*?<!-- (?:/|end of ){name} -->", re.DOTALL)


def sentences(page: Path) -> Iterator[str]:
    """Yield the sentences and rows of tables of a page; code is left out, but for the page of the commands' help."""
    text = page.read_text(encoding="utf-8")
    for entry in table()["parts"]:
        if page == ROOT / entry["page"]:
            text = part(entry["part"]).sub("", text)
    if page != ROOT / HELP:
        text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith("|"):
            yield from (one_line(line) for line in block.splitlines() if not re.fullmatch(r"[|:\s-]+", line))
            continue
        for item in re.split(r"\n(?=\s*(?:[-*]|\d+\.) )", block):
            yield from re.split(r"(?<=[.!?])\s+(?=[A-Z`*\[(])", one_line(item))


def uncovered() -> list[tuple[str, str]]:
    """Return the sentences with a figure that no claim and no exception covers, each with its page."""
    listed = table()
    whole = {entry["page"] for entry in (*listed["pages"], *listed["exceptions"]) if "page" in entry}
    excepted = [re.compile(entry["pattern"]) for entry in listed["exceptions"] if "pattern" in entry]
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        name = page.relative_to(ROOT).as_posix()
        if page == PAGE or name in whole or name.startswith(RECORDS):
            continue
        says = [one_line(claim["says"]) for claim in listed["claims"] if claim["page"] == name]
        for sentence in sentences(page):
            if not FIGURE.search(sentence) or any(pattern.search(sentence) for pattern in excepted):
                continue
            if not any(part in sentence for part in says):
                found.append((name, sentence))
    return found


def page() -> str:
    """Return the page's text."""
    listed = table()
    whole = len(listed["pages"]) + len(listed["parts"])
    lines = [HEAD, f"{len(listed['claims'])} sentences and {whole} pages or tables.", ""]
    lines += ["## Sentences", "", "| page | says | held by |", "|---|---|---|"]
    lines += [f"| {_link(c['page'])} | {_cell(c['says'])} | `{c['held_by']}` |" for c in listed["claims"]]
    lines += ["", "## Pages and tables held as a whole", "", "| page | held by |", "|---|---|"]
    lines += [f"| {_link(p['page'])} | `{p['held_by']}` |" for p in listed["pages"]]
    lines += [f"| {_link(p['page'])}, {p['part']} | `{p['held_by']}` |" for p in listed["parts"]]
    lines += ["", "## No claims of ours", "", "| where | why |", "|---|---|"]
    lines += [
        f"| {_link(e['page']) if 'page' in e else '`' + _cell(e['pattern']) + '`'} | {_cell(e['why'])} |"
        for e in listed["exceptions"]
    ]
    return "\n".join(lines) + "\n"


def _link(name: str) -> str:
    if not name.startswith("docs/"):
        return f"`{name}`"
    short = name.removeprefix("docs/")
    return f"[{short}](../{short})"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    for name, sentence in uncovered():
        print(f"{name}: in no row: {sentence}")
