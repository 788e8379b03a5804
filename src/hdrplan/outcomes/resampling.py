"""Resampling that keeps patients whole: permutation, bootstrap and sign flips by cluster.

Lesions of one patient share a liver, a clinic and a scan plan. Shuffling lesions would break what the null hypothesis
keeps, and make p too small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray

__all__ = ["bootstrap_rows", "bootstrap_statistics", "flipped_maxima", "movable_clusters", "permuted_rows"]


def _rows_by_cluster(owner: IntArray) -> list[IntArray]:
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(owner[order])) + 1)


def permuted_rows(owner: IntArray, n: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Yield ``n`` permutations of rows that hand whole clusters on to clusters of the same size.

    Row i receives the outcome of row ``result[i]``. Within a handed-on cluster the order of rows is random, so the
    order of the table has no influence.

    Parameters
    ----------
    owner : (n_rows,) array of int
        Cluster of each row.
    n : int
        Number of permutations.
    rng : numpy.random.Generator
        Source of randomness.
    """
    blocks = _rows_by_cluster(owner)
    by_size: dict[int, list[IntArray]] = {}
    for block in blocks:
        by_size.setdefault(block.size, []).append(block)
    stacked = [np.array(same) for same in by_size.values()]
    for _ in range(n):
        source = np.empty(owner.size, dtype=np.int64)
        for same in stacked:
            source[same] = rng.permuted(same[rng.permutation(same.shape[0])], axis=1)
        yield source


def movable_clusters(owner: IntArray) -> int:
    """Return how many clusters have a partner of the same size to exchange outcomes with."""
    sizes = np.bincount(np.bincount(owner))
    return int(sizes[sizes > 1].sum())


def bootstrap_rows(owner: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return the rows of as many clusters drawn with replacement, and the cluster of each drawn row (a copy is new)."""
    blocks = _rows_by_cluster(owner)
    drawn = rng.integers(len(blocks), size=len(blocks))
    rows = np.concatenate([blocks[k] for k in drawn])
    return rows, np.repeat(np.arange(len(blocks)), [blocks[k].size for k in drawn])


def bootstrap_statistics(
    statistic: Callable[[IntArray, IntArray], npt.ArrayLike],
    owner: IntArray,
    n: int,
    rng: np.random.Generator,
    on_progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """Return a statistic of ``n`` bootstrap samples of clusters, (n, ...).

    Parameters
    ----------
    statistic : callable
        Takes the rows and their clusters in the sample; returns a number or an array of fixed shape.
    owner : (n_rows,) array of int
        Cluster of each row.
    n : int
        Samples.
    rng : numpy.random.Generator
        Source of randomness.
    on_progress : callable, optional
        Called with the number of samples done and their total.

    Returns
    -------
    (n, ...) array
    """
    values = []
    for k in range(n):
        values.append(np.asarray(statistic(*bootstrap_rows(owner, rng)), dtype=np.float64))
        if on_progress is not None:
            on_progress(k + 1, n)
    return np.array(values)


def flipped_maxima(contributions: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    """Return ``n`` times the largest absolute standardised column sum after flipping the signs of whole clusters.

    Under the null hypothesis each cluster's score has mean zero, so its sign carries no information; the correlation
    between columns is kept.

    Parameters
    ----------
    contributions : (n_clusters, k) array
        Score of each cluster for each of k correlated tests.
    n : int
        Number of draws.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    (n,) array

    References
    ----------
    D. Y. Lin, Bioinformatics 2005;21:781-787, DOI 10.1093/bioinformatics/bti053.
    """
    size = np.sqrt((contributions**2).sum(axis=0))
    standard = contributions / np.where(size > 0, size, 1.0)
    maxima = np.empty(n)
    for start in range(0, n, 256):
        count = min(256, n - start)
        signs = rng.integers(0, 2, size=(count, contributions.shape[0])) * 2.0 - 1.0
        maxima[start : start + count] = np.abs(signs @ standard).max(axis=1)
    return maxima
