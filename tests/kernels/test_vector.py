"""Steps that trust their index when compiled: as plain Python they refuse it."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.kernels.vector import HELD, LANES, add, add_between, hold, peek, put


@pytest.mark.parametrize("k", [-1, 3])
def test_an_index_off_the_array_is_refused_with_numba_off(k: int) -> None:
    values = np.arange(3.0)
    for step in (lambda: peek(values, k), lambda: put(values, k, 7.0), lambda: add(values, k, 7.0)):
        with pytest.raises(IndexError, match=f"0 to 2, got {k}"):
            step()
    assert values.tolist() == [0.0, 1.0, 2.0]


def test_a_place_off_the_table_is_refused_with_numba_off() -> None:
    held, single = np.zeros(4 * HELD, dtype=np.float32), np.float32(0.5)
    for i in range(LANES):
        hold(held, i, np.int32(7), single, single, single)
    with pytest.raises(IndexError, match="0 to 11, got 12"):
        add_between(np.ones(12, dtype=np.float32), 4, held, 0, np.zeros(LANES, dtype=np.float32), 0)
