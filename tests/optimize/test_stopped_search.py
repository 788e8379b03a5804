"""A search in whole numbers ends where somebody asks, not at its last branch."""

from __future__ import annotations

import numpy as np
import pytest

from hdrplan.errors import StoppedError
from hdrplan.optimize.program.whole_numbers import WholeColumns, WholeNumbers
from hdrplan.stopping import stoppable

_N, _ROWS = 60, 30


def search(max_nodes: int) -> WholeNumbers:
    """Thirty knapsacks at once: thousands of branches are not enough."""
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 100, (_ROWS, _N)).astype(float)
    columns = WholeColumns(
        cost=-rng.uniform(1.0, 2.0, _N),
        lower=np.zeros(_N),
        upper=np.full(_N, 3.0),
        step=np.ones(_N),
        excess_of=np.zeros(0, dtype=np.int64),
        excess_limit=np.zeros(0),
        excess_cost=np.zeros(0),
    )
    made = WholeNumbers(columns, max_nodes=max_nodes, gap_frac=1e-9)
    made.add(weights, np.full(_ROWS, -np.inf), weights.sum(axis=1) / 2)
    return made


def test_a_search_is_stopped_within_a_branch() -> None:
    asked = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 40

    running = search(max_nodes=1_000_000)
    with stoppable(stop), pytest.raises(StoppedError):
        running.solve(np.zeros(_N), [])
    assert running._solver.getInfo().mip_node_count < 100


def test_nobody_stops_it_and_it_ends_at_its_last_branch() -> None:
    alone, beside = search(max_nodes=20), search(max_nodes=20)
    found = alone.solve(np.zeros(_N), [])
    with stoppable(lambda: False):
        same = beside.solve(np.zeros(_N), [])
    assert found is not None
    assert same is not None
    np.testing.assert_array_equal(found.x, same.x)
    assert found.bound == same.bound < 0.0
