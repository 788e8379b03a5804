"""Rows shared among threads: each once, and no waiting for oneself."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from hdrplan.threads import over_rows


@pytest.mark.parametrize("n_rows", [0, 1, 7, 1000])
def test_every_row_is_done_once(monkeypatch: pytest.MonkeyPatch, n_rows: int) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "3")
    done = np.zeros(n_rows, dtype=int)

    def block(first: int, last: int) -> None:
        done[first:last] += 1

    over_rows(block, n_rows, smallest=1)
    assert (done == 1).all()


def test_a_block_may_share_out_rows_itself() -> None:
    # In a process of its own: where a block waits for its own pool, nothing ends it but a kill.
    code = """
from hdrplan.threads import over_rows
done = []
def outer(first, last):
    for row in range(first, last):
        over_rows(lambda begin, end: done.extend((row, k) for k in range(begin, end)), 100, smallest=1)
over_rows(outer, 8, smallest=1)
print(len(done), len(set(done)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HDRPLAN_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ran.stdout.split() == ["800", "800"]


def test_what_a_block_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDRPLAN_THREADS", "2")

    def block(first: int, last: int) -> None:
        raise ValueError(f"{first}")

    with pytest.raises(ValueError, match="0"):
        over_rows(block, 8, smallest=1)
