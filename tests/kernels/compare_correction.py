"""Correction factors against their twin: random cells, batches and media, points beyond the outer centres."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hdrplan.kernels.correction import FactorRows, ScoredBatches
from naive import correction as naive

__all__ = ["correction_rows"]


def correction_rows(kernel: Callable[..., Any], rng: np.random.Generator) -> None:
    """All points of one case."""
    shape, batches, n = tuple(rng.integers(1, 5, 3).tolist()), int(rng.integers(2, 6)), 5
    patient, water = (rng.uniform(0.5, 1.0, (batches, *shape, 4)).astype(np.float32) for _ in range(2))
    weights = np.vstack(([rng.uniform(0.5, 2.0), 0.0, 0.0, 0.0], rng.uniform(-0.2, 1.0, (2, 4))))
    index = rng.uniform(-1.0, 5.0, (n, 3))
    # A centre itself, too.
    index[0] = np.array(shape[::-1]) - 1.0
    primary, medium = rng.uniform(0.5, 3.0, (n, 3)), rng.integers(0, 3, n)
    wanted = batches if rng.uniform() < 0.7 else 0
    nothing = np.full((2, wanted, n), np.nan, dtype=np.float32)
    out = FactorRows(np.full(n, np.nan), np.full(n, np.nan), np.full((n, 2), np.nan), nothing)
    kernel(0, n, index, primary, medium, ScoredBatches(patient, water, weights), out)
    for p in range(n):
        to_medium, to_water, others = naive.factors(
            patient.astype(float), water.astype(float), weights, medium[p], primary[p], index[p]
        )
        np.testing.assert_allclose(out.medium[p], to_medium, rtol=1e-12)
        np.testing.assert_allclose(out.water[p], to_water, rtol=1e-12)
        errors = np.sqrt((batches - 1) * others.var(axis=1))
        np.testing.assert_allclose(out.errors[p], errors, rtol=1e-8)
        if wanted:
            # Written in float32.
            np.testing.assert_allclose(out.others[:, :, p], others, rtol=2e-7)
