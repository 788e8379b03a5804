"""Every public claim with a figure names what holds it, and stands where it is said to stand."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

from hdrplan.cli import cli
from tool_scripts import tool

ROOT = Path(__file__).resolve().parents[2]


CLAIMS = tool("make_claims_page")
LISTED = CLAIMS.table()


def exists(held_by: str) -> bool:
    """Whether a test, a command of hdrplan with its flags, a module of benchmarks, or a target of make is there."""
    if "::" in held_by:
        file, name = held_by.split("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.walk(tree))
    words = shlex.split(held_by)
    if words[0] == "make":
        return bool(re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE))
    if words[:2] == ["python", "-m"]:
        return (ROOT / (words[2].replace(".", "/") + ".py")).is_file()
    assert words[0] == "hdrplan", held_by
    command: click.Command = cli
    rest = words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest.pop(0))
        if found is None:
            return False
        command = found
    flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    return all(word in flags for word in rest if word.startswith("-"))


@pytest.mark.parametrize(
    "entry",
    [*LISTED["claims"], *LISTED["pages"], *LISTED["parts"]],
    ids=lambda e: f"{e['page']}: {e.get('says', e.get('part'))}",
)
def test_what_holds_a_claim_is_there(entry: dict[str, str]) -> None:
    assert (ROOT / entry["page"]).is_file()
    assert exists(entry["held_by"]), entry["held_by"]


@pytest.mark.parametrize("claim", LISTED["claims"], ids=lambda e: f"{e['page']}: {e['says']}")
def test_the_sentence_still_stands_on_its_page(claim: dict[str, str]) -> None:
    says = CLAIMS.one_line(claim["says"])
    standing = [sentence for sentence in CLAIMS.sentences(ROOT / claim["page"]) if says in sentence]
    assert standing, "the page says something else now: change docs/measurements/claims.toml, and measure again"
    assert re.search(r"\d", says), "a claim is quoted with its figure"
    assert any(CLAIMS.FIGURE.search(sentence) for sentence in standing), "no performance and no accuracy in it"


def test_every_sentence_with_a_figure_is_in_a_row() -> None:
    assert CLAIMS.uncovered() == [], "add them to docs/measurements/claims.toml with what holds them"


@pytest.mark.parametrize("entry", LISTED["parts"], ids=lambda e: f"{e['page']}: {e['part']}")
def test_a_table_that_is_held_as_a_whole_is_there(entry: dict[str, str]) -> None:
    assert CLAIMS.part(entry["part"]).search((ROOT / entry["page"]).read_text(encoding="utf-8"))


def test_every_exception_is_of_use() -> None:
    texts = [
        sentence
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        for sentence in CLAIMS.sentences(page)
        if CLAIMS.FIGURE.search(sentence)
    ]
    for entry in LISTED["exceptions"]:
        assert entry["why"]
        if "pattern" in entry:
            assert any(re.search(entry["pattern"], text) for text in texts), entry["pattern"]


def test_the_page_is_current() -> None:
    assert CLAIMS.PAGE.read_text(encoding="utf-8") == CLAIMS.page(), "run: tools/make_claims_page.py"


@pytest.mark.parametrize(
    ("text", "is_claim"),
    [
        ("It is 12 times faster.", True),
        ("The plan takes 6 s.", True),
        ("Within 0.1 % of it.", True),
        ("Exact to 1e-9.", True),
        ("It needs 0.5 GB.", True),
        ("The lesion receives 20 Gy.", False),
        ("Steps of 5 mm.", False),
    ],
)
def test_what_counts_as_a_claim(text: str, is_claim: bool) -> None:
    assert bool(CLAIMS.FIGURE.search(text)) == is_claim


def test_what_is_not_there_is_noticed() -> None:
    assert exists("hdrplan validate --only claims")
    assert not exists("hdrplan validate --nothing")
    assert not exists("hdrplan nothing")
    assert not exists("tests/docs/test_claims_page.py::test_of_another_day")
    assert not exists("python -m benchmarks.nothing")
    assert not exists("make nothing")
