"""Bounds of a dose times a factor against their twin, in boxes inside a piece, over several, and beyond the nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from naive import factored as naive

__all__ = ["factored_rows"]


def factored_rows(kernel: Callable[..., Any], rng: np.random.Generator) -> None:
    """Smooth factors, and rough ones for which only a constant bound is left."""
    shape = tuple(rng.integers(1, 6, 3).tolist())
    values = rng.uniform(0.9, 1.0, shape) if rng.random() < 0.7 else rng.uniform(0.01, 2.0, shape)
    n = 20
    low, size = rng.uniform(-1.0, 4.0, (n, 3)), rng.uniform(0.05, 3.0, (n, 3))
    low[:4], size[:4] = np.rint(low[:4]), np.rint(size[:4]) + 1.0  # edges on nodes
    half_mm = 0.5 * size * rng.uniform(1.0, 3.0, 3)
    bound = np.concatenate((rng.uniform(5.0, 40.0, (n, 1)), rng.normal(0.0, 4.0, (n, 3)), rng.uniform(0, 2, (n, 1))), 1)
    bound[::5, 1:] = 0.0  # constants
    out = bound.copy()
    kernel(0, n, values, low, size, half_mm, out)
    true = np.array([naive.factored(values, low[i], size[i], half_mm[i], bound[i]) for i in range(n)])
    # 1e-11 of the dose is added for rounding, which the twin does not know.
    np.testing.assert_allclose(out, true, rtol=1e-9, atol=1e-8)
