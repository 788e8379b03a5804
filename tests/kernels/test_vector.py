"""Steps that trust their index when compiled: as plain Python they refuse it."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.kernels.vector import add, peek, put


@pytest.mark.parametrize("k", [-1, 3])
def test_an_index_off_the_array_is_refused_with_numba_off(k: int) -> None:
    values = np.arange(3.0)
    for step in (lambda: peek(values, k), lambda: put(values, k, 7.0), lambda: add(values, k, 7.0)):
        with pytest.raises(IndexError, match=f"0 to 2, got {k}"):
            step()
    assert values.tolist() == [0.0, 1.0, 2.0]
