"""What the machine can do at most: a chain of fused multiply-adds that never touches memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hdrplan.kernels._jit import jit

__all__ = ["FMA_LANES", "multiply_add"]

FMA_LANES = 64
"""Independent chains: enough whole vectors to hide the latency of one multiply-add."""


@jit
def multiply_add(first: int, last: int, factor: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
    """Run ``x = x * factor + factor`` from 0 in 64 float32 lanes, once a row.

    Parameters
    ----------
    first, last : int
    factor : (1,) array
    out : (n,) array
        Written: the sum of the lanes, in ``out[first]``.
    """
    chains = np.zeros(FMA_LANES, dtype=np.float32)
    f = factor[0]
    for _ in range(first, last):
        for i in range(FMA_LANES):
            chains[i] = chains[i] * f + f
    out[first : first + 1] = chains.sum()
