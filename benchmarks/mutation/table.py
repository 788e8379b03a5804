"""The page of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.mutation.choice import ROOMS

__all__ = ["page_of"]

_HEAD = """# Would the tests notice a fault?

This page shows how many small faults in the code the tests detect. Read it to judge how far you can trust the
tests.

`make mutants` puts small faults into the code, one at a time, and runs the quick tests on each. Examples are a
reversed sign, a bound moved by one, a doubled constant, a missing `max`, two exchanged arguments, or a dropped
statement. A fault (a *mutant*) that passes all tests shows a gap in them. The mutants are drawn at random from
a seed, over all files of the rooms that compute, in proportion to the number that each file could have. Faults
that an audit once found undetected are tried in every run (`benchmarks/mutation/known.py`).

Kernels are judged by their own tests alone, with Numba switched off. The other rooms are judged by the quick
tests of `tests/metrics`, `outcomes`, `simulate`, `dose`, `optimize` and `workflow` that run the function. A
test that does not end, or a crash, counts as detection. Three kinds of mutants are explained in
`benchmarks/mutation/reasons.toml` and not counted as gaps:

- *equivalent*: the mutant cannot change a result;
- *tuning*: it changes how much work is done, or a tolerance far below anything promised, and all promises still hold;
- *compiled*: the code is only run by LLVM, and the tests detect the mutant with Numba switched on.

The run writes this page. Every mutant is in `benchmarks/results/mutants.json`.
"""

_UNTRIED = """{} of the {} mutants drawn are not in this table: their code is newer than the last full run.
"""


def page_of(rows: Sequence[dict[str, Any]], untried: int) -> str:
    """Return the page's text.

    Parameters
    ----------
    rows : sequence of dict
        As in mutants.json.
    untried : int
        Mutants of this tree that have no verdict.
    """
    lines = [
        _HEAD,
        *([_UNTRIED.format(untried, len(rows) + untried)] if untried else []),
        "| room | mutants | detected | equivalent | tuning | compiled | undetected | detected, of real faults |",
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    rooms = {room: [row for row in rows if row["file"].startswith(f"{room}/")] for room in ROOMS}
    for name, some in (*rooms.items(), ("all", rows)):
        killed, alive = sum(map(_killed, some)), sum(map(_alive, some))
        explained = [sum(row.get("explained") == kind for row in some) for kind in ("equivalent", "tuning", "compiled")]
        part = f"{100 * killed / (killed + alive):.1f} %" if killed + alive else ""
        lines.append(
            f"| {name} | {len(some)} | {killed} | {explained[0]} | {explained[1]} | {explained[2]} | {alive} | {part} |"
        )
    known = [row for row in rows if row["kind"].startswith("known: ")]
    lines += ["", "## Faults that an audit found undetected", "", "| fault | place | detected by |", "|---|---|---|"]
    lines += [
        f"| {row['kind'].removeprefix('known: ')} | `{row['file']}` {row['function']} | {_by(row)} |" for row in known
    ]
    lines += ["", "## Undetected", "", "| place | fault | line |", "|---|---|---|"]
    lines += [f"| {_place(row)} | {_code(row['what'])} | {_code(row['text'])} |" for row in rows if _alive(row)]
    lines += ["", "## Explained mutants", "", "| place | fault | kind | reason |", "|---|---|---|---|"]
    lines += [
        f"| {_place(row)} | {_code(row['what'])} | {row['explained']} | {row['reason']} |"
        for row in rows
        if "explained" in row
    ]
    return "\n".join(lines) + "\n"


def _killed(row: dict[str, Any]) -> bool:
    return "explained" not in row and row["killed_by"] is not None


def _alive(row: dict[str, Any]) -> bool:
    return "explained" not in row and row["killed_by"] is None


def _by(row: dict[str, Any]) -> str:
    return f"`{row['killed_by']}`" if row.get("killed_by") else "nothing"


def _place(row: dict[str, Any]) -> str:
    return f"`{row['file']}` {row['function']}"


def _code(text: str) -> str:
    return "`" + text.replace("|", "/").replace("`", "'") + "`"
