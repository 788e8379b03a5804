"""A bound holds for whatever multipliers it is given: the least of the Lagrangian over the box, corner by corner."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from hdrplan.optimize.program.lazy_lp import LazyLP
from hdrplan.optimize.program.rows import NewRows, RowTable

N = 5


def program(seed: int):
    """Rows limited from below, from above and from both sides, feasible by construction; a box; a cost."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(9, N))
    lower = rng.uniform(-2.0, 0.0, N)
    upper = lower + rng.uniform(0.5, 3.0, N)
    held = rows @ rng.uniform(lower, upper)
    low, high = held - rng.uniform(0.0, 0.5, 9), held + rng.uniform(0.0, 0.5, 9)
    low[:3], high[3:6] = -np.inf, np.inf
    return rows, low, high, rng.normal(size=N), lower, upper


def optimum(rows, low, high, cost, lower, upper):
    below, above = np.isfinite(high), np.isfinite(low)
    a, b = np.concatenate((rows[below], -rows[above])), np.concatenate((high[below], -low[above]))
    found = linprog(cost, A_ub=a, b_ub=b, bounds=list(zip(lower, upper, strict=True)))
    assert found.status == 0
    y = np.zeros(len(rows))
    y[below] += found.ineqlin.marginals[: below.sum()]
    y[above] -= found.ineqlin.marginals[below.sum() :]
    return found.fun, y


def table_of(rows, low, high) -> RowTable:
    table = RowTable()
    table.append("own", NewRows(rows, low, high, margin=0.1))
    return table


@pytest.mark.parametrize("seed", range(20))
def test_any_multipliers_give_a_bound(seed: int) -> None:
    rows, low, high, cost, lower, upper = program(seed)
    least, y = optimum(rows, low, high, cost, lower, upper)
    table = table_of(rows, low, high)
    rng = np.random.default_rng(100 + seed)
    for size in (0.0, 1e-3, 0.1, 1.0, 10.0):
        for _ in range(10):
            some = y + size * rng.normal(size=len(y))
            assert table.dual(some, lower, upper).bound(cost) <= least + 1e-9
    assert table.dual(y, lower, upper).bound(cost) == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_the_bound_is_the_least_of_the_lagrangian(seed: int) -> None:
    """cost x + y (limit - row x), least over the corners of the box; multipliers of absent limits count for nothing."""
    rows, low, high, cost, lower, upper = program(seed)
    y = np.random.default_rng(200 + seed).normal(size=len(rows))
    limit = np.where(y > 0, low, high)
    there = np.isfinite(limit)
    corners = np.array(list(product(*zip(lower, upper, strict=True))))
    values = corners @ cost + (limit[there] - corners @ rows[there].T) @ y[there]
    dual = table_of(rows, low, high).dual(y, lower, upper)
    assert dual.bound(cost) == pytest.approx(values.min(), rel=1e-12)
    assert dual.by_owner() == {"own": pytest.approx(y[there].sum())}


@pytest.mark.parametrize("seed", range(5))
def test_a_solve_ends_with_value_and_bound_together(seed: int) -> None:
    rows, low, high, cost, lower, upper = program(seed)
    least, _ = optimum(rows, low, high, cost, lower, upper)
    lp = LazyLP(lower, upper)
    lp.add("own", NewRows(rows, low, high))
    solution = lp.solve(cost)
    assert solution.value == pytest.approx(least, abs=1e-7)
    assert solution.bound <= solution.value + 1e-9
    assert solution.bound == pytest.approx(least, abs=1e-7)
