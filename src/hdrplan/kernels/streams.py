"""Random numbers of a Monte Carlo: one stream per history, so that threads and their number change no bit."""

from __future__ import annotations

import numpy as np

from hdrplan.kernels._jit import jit_inline

__all__ = ["mixed", "stream", "uniform"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53


@jit_inline
def mixed(state: np.uint64) -> np.uint64:
    """Return the output of SplitMix64 for a state.

    Parameters
    ----------
    state : uint64

    References
    ----------
    Steele GL, Lea D, Flood CH, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    z = (state ^ (state >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


@jit_inline
def stream(key: np.uint64, history: int) -> np.uint64:
    """Return the state in which the stream of a history begins.

    Parameters
    ----------
    key : uint64
        Of seed and batch.
    history : int
    """
    return mixed(key + mixed(np.uint64(history) * _GOLDEN))


@jit_inline
def uniform(state: np.uint64) -> tuple[np.uint64, float]:
    """Return the next state, and a number between 0 and 1, both excluded.

    Parameters
    ----------
    state : uint64
    """
    state = state + _GOLDEN
    return state, (float(np.int64(mixed(state) >> _S11)) + 0.5) * _TO_UNIT
