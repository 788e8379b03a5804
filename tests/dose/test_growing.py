"""Rows that grow: what was there stays, in its place and in its values."""

import numpy as np
import pytest

from hdrplan.dose import GrowingRows


def test_rows_stay_where_they_are_and_are_the_same() -> None:
    rng = np.random.default_rng(3)
    first = rng.random((50, 7))
    pieces, grown, steps = [first], GrowingRows(first), []
    for n in (1, 30, 0, 5000, 7):
        more = rng.random((n, 7))
        pieces.append(more)
        grown = grown.with_rows(more)
        steps.append((grown.rows, np.concatenate(pieces)))
    for rows, expected in steps:
        assert np.array_equal(rows, expected)
        assert rows.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            rows[0, 0] = 1.0
    assert np.shares_memory(steps[0][0], steps[2][0]), "the first rows were copied again"


def test_two_ways_on_from_the_same_rows_do_not_mix() -> None:
    base = GrowingRows(np.zeros((4, 2))).with_rows(np.ones((1, 2)))
    left, right = base.with_rows(np.full((2, 2), 5.0)), base.with_rows(np.full((3, 2), 9.0))
    assert left.rows[:, 0].tolist() == [0, 0, 0, 0, 1, 5, 5]
    assert right.rows[:, 0].tolist() == [0, 0, 0, 0, 1, 9, 9, 9]
    assert base.rows[:, 0].tolist() == [0, 0, 0, 0, 1]
