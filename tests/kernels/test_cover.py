"""The quick simplex against another solver, and its multipliers as a proof of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from hdrplan.kernels.cover import cheapest_cover
from hdrplan.kernels.hitting import smallest_cuts


def program(seed):
    """Doses of sources on a line at points around them; some columns are left out."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(20, 400)), int(rng.integers(3, 40))
    at, source = rng.uniform(-2, 2, (n, 3)), rng.uniform(-1, 1, (m, 3))
    rows = 1.0 / np.maximum(((at[:, None] - source) ** 2).sum(axis=2), 0.05).T
    limit = np.full(n, 20.0)
    # Some rows are limits from above, with a sign: no more than 400 there; a last column makes up for every miss.
    above = rng.random(n) < 0.1
    rows[:, above] *= -1
    limit[above] = -400.0
    rows = np.concatenate((rows, np.where(above, 0.0, 1.0)[None]))
    columns = np.append(np.sort(rng.permutation(m)[: max(2, m // 2)]), m)
    cost = np.append(rng.uniform(0.5, 2.0, m), 1000.0)[columns]
    most = np.append(np.full(m, rng.choice([3.0, 1000.0])), 1e6)[columns]
    room = np.zeros((len(rows), n + 100))  # the kernel reads the first n of longer lines
    room[:, :n] = rows
    return room, rows, limit, columns, cost, most


@pytest.mark.parametrize("seed", range(30))
def test_cheapest_cover_agrees_with_another_solver_and_proves_it(seed):
    room, rows, limit, columns, cost, most = program(seed)
    size = np.linalg.norm(rows, axis=0)
    y, times = cheapest_cover(room, size, limit, columns, cost, most)
    found = linprog(cost, A_ub=-rows[columns].T, b_ub=-limit, bounds=list(zip(0 * most, most, strict=True)))
    assert found.status == 0
    assert cost @ times == pytest.approx(found.fun, rel=1e-6)
    assert (times @ rows[columns] - limit).min() >= -1e-6 * size.max()
    assert times.min() >= -1e-6
    assert (times <= most + 1e-6).all()
    # The proof: weak duality with multipliers of the rows and of the greatest times.
    assert (y >= 0).all()
    bound = y @ limit - np.maximum(rows[columns] @ y - cost, 0.0) @ most
    assert bound == pytest.approx(found.fun, rel=1e-6)


def test_a_row_without_a_limit_is_left_out():
    room, rows, limit, columns, cost, most = program(3)
    size = np.linalg.norm(rows, axis=0)
    out = np.random.default_rng(0).random(len(limit)) < 0.5
    some, _ = cheapest_cover(room, size, np.where(out, -np.inf, limit), columns, cost, most)
    assert (some[out] == 0).all()
    fewer = np.ascontiguousarray(rows[:, ~out])
    _, alone = cheapest_cover(fewer, size[~out], limit[~out], columns, cost, most)
    _, among = cheapest_cover(room, size, np.where(out, -np.inf, limit), columns, cost, most)
    assert cost @ among == pytest.approx(cost @ alone, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_smallest_cuts_are_those_that_no_other_implies(seed):
    cuts = np.random.default_rng(seed).integers(1, 64, 30).astype(np.uint64)
    kept = smallest_cuts(cuts)
    expected = {int(a) for a in cuts if not any(int(b) & int(a) == int(b) != int(a) for b in cuts)}
    assert {int(c) for c in kept} == expected
    assert len(kept) == len(expected)
