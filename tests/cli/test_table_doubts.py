"""Tables of a study that were pasted twice, whose times are dates or codes, or whose groups are spelt in two ways."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

RNG = np.random.default_rng(4)
N = 40
DAYS = (RNG.exponential(500.0, N).round() + 1).astype(int).tolist()
EVENT = RNG.integers(0, 2, N).tolist()
GROUP = [f"arm {k}" for k in RNG.integers(0, 2, N)]


def text(days: list[object] = DAYS, group: list[str] = GROUP) -> str:
    rows = zip(days, EVENT, group, strict=True)
    return "days,event,arm\n" + "".join(f"{d},{e},{g}\n" for d, e, g in rows)


def said(run, path: Path, table: str, *more: str) -> tuple[list[str], int]:
    path.write_text(table)
    done = run("survival", "km", path, "--time", "days", "--event", "event", "--group", "arm", *more)
    return re.findall(r"^warning \[([a-z-]+)\]", done.err, re.MULTILINE), done.code


@pytest.mark.parametrize(
    ("table", "kinds"),
    [
        (text(), []),
        (text() + text().partition("\n")[2], ["rows-all-twice"]),
        (text() + text().partition("\n")[2] + text().partition("\n")[2], ["rows-all-twice"]),
        (text() + f"{DAYS[3]},{EVENT[3]},{GROUP[3]}\n", []),
        (text([day + 43000 for day in DAYS]), ["times-of-calendar"]),
        (text([99999 if k == 3 else day for k, day in enumerate(DAYS)]), ["code-for-missing"]),
        (text(group=[g.title() if k == 3 else g for k, g in enumerate(GROUP)]), ["groups-alike"]),
        (text(group=[g.replace(" ", "  ") if k < 5 else g for k, g in enumerate(GROUP)]), ["groups-alike"]),
        (text(group=[f"{19 + day / 700:.2f}" for day in DAYS]), ["groups-many"]),
        # Coarse columns: every row has twins, and nothing is wrong.
        ("days,event,arm\n" + "".join(f"{12 * (k % 5 + 1)},1,a\n" for k in range(23)), []),
        # Months, with a longest follow-up of 99.
        (text([round(day / 20) + 1 for day in DAYS[:-1]] + [99]), []),
    ],
    ids=["right", "twice", "three times", "one twin", "dates", "a code", "capitals", "blanks", "a quantity", "coarse",
         "months"],
)  # fmt: skip
def test_a_doubt_is_said_and_refused_with_strict(run, tmp_path: Path, table: str, kinds: list[str]) -> None:
    found, code = said(run, tmp_path / "t.csv", table)
    assert (set(found), code) == (set(kinds), 0)
    assert said(run, tmp_path / "t.csv", table, "--strict")[1] == (2 if kinds else 0)


def test_a_cohort_with_warnings_is_refused_with_strict(run, tmp_path: Path) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    assert run("simulate", "cohort", "--hcc", 30, "--crlm", 20, "--seed", 5, "-q", "-o", cohort).code == 0
    assert run("cohort", "validate", cohort).code == 0
    strict = run("cohort", "validate", cohort, "--strict")
    assert (strict.code, "with --strict no warning may be left, got 26" in strict.err) == (2, True)
    strict = run("cohort", "derive", cohort, "--strict", "-o", out)
    assert (strict.code, "warning [tables-doubted]" in strict.err, out.exists()) == (2, True, False)
    assert run("cohort", "derive", cohort, "-o", out).code == 0
