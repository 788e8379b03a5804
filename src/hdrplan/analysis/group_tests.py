"""Whether the groups of Table 1 differ: one test for numbers, one for categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from hdrplan.arrays import IntArray

__all__ = ["TEST_NOTE", "category_p", "number_p"]

_TABLES = 9999
TEST_NOTE = (
    "p: Kruskal-Wallis test of numbers (of lesions: each patient's mean), Fisher's exact test of categories (larger "
    f"than 2 x 2: Fisher-Freeman-Halton from {_TABLES} random tables). Not corrected for the number of rows. A "
    "difference without a small p can still confound."
)


def number_p(groups: Sequence[Sequence[float]]) -> float:
    """Return p of the Kruskal-Wallis test between groups; NaN where there is nothing to compare.

    Parameters
    ----------
    groups : sequence of sequences of float
        One value of each patient; values that are not finite are unknown.

    References
    ----------
    W. H. Kruskal, W. A. Wallis, J Am Stat Assoc 1952;47:583-621, DOI 10.1080/01621459.1952.10483441.
    """
    known = [[v for v in group if np.isfinite(v)] for group in groups]
    known = [group for group in known if group]
    if len(known) < 2 or len({v for group in known for v in group}) < 2:
        return float("nan")
    return float(scipy.stats.kruskal(*known).pvalue)


def category_p(counts: IntArray) -> float:
    """Return p of Fisher's exact test of independence; NaN where there is nothing to compare.

    Parameters
    ----------
    counts : (levels, groups) array
        Patients of each level in each group.

    References
    ----------
    G. H. Freeman, J. H. Halton, Biometrika 1951;38:141-149, DOI 10.1093/biomet/38.1-2.141.
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return float("nan")
    if counts.shape == (2, 2):
        return float(scipy.stats.fisher_exact(counts).pvalue)
    drawn = scipy.stats.MonteCarloMethod(n_resamples=_TABLES, rng=np.random.default_rng(0))
    return float(scipy.stats.fisher_exact(counts, method=drawn).pvalue)
