"""Tumour type as a moderator of local control: between published series, and within a series that prints two types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.outcomes.published_figure import Series
from hdrplan.outcomes.random_effects import MetaAnalysis, meta_analysis

__all__ = ["TypeTest", "WithinSeries", "type_test", "unknown_of_types", "within_series"]

_MIXED = "mixed"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TypeTest:
    """Tumour type as a moderator of control.

    Parameters
    ----------
    reference : str
        Type of the most series; the odds of control of the others are against it.
    types : tuple of str
        The others.
    fit : MetaAnalysis
        Of the logits of control, indicator columns of the others.
    n_single : int
        Types that one series alone stands for.
    """

    reference: str
    types: tuple[str, ...]
    fit: MetaAnalysis
    n_single: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinSeries:
    """Two tumour types of one series: same clinic, same years, same reader.

    Parameters
    ----------
    series : str
    types : tuple of str
        First and second type.
    control : tuple of float
        Of each, as printed.
    log_odds : float
        Of control of the second type against the first.
    implied_fraction : float or None
        Fraction of lesions of the first type at which the two make the control of the whole series; None where the
        whole lies not between them.
    implied_se : float or None
        Standard error of ``log_odds`` if the lesions of each type are as many as that fraction implies, and all of them
        were followed; None without it.
    """

    series: str
    types: tuple[str, str]
    control: tuple[float, float]
    log_odds: float
    implied_fraction: float | None
    implied_se: float | None


def type_test(series: Sequence[Series], y: FloatArray, v: FloatArray) -> TypeTest | None:
    """Return the test of tumour type between series; mixed series belong to no type.

    Parameters
    ----------
    series : sequence of Series
        Those pooled.
    y, v : (k,) arrays
        Logits of control and their sampling variances.
    """
    pure = [k for k, s in enumerate(series) if s.tumour_type != _MIXED]
    count = Counter(series[k].tumour_type for k in pure)
    if not count or len(count) < 2 or len(pure) <= len(count):
        return None
    reference = max(count, key=lambda kind: count[kind])
    others = tuple(kind for kind in count if kind != reference)
    columns = {f"{kind} vs {reference}": [float(series[k].tumour_type == kind) for k in pure] for kind in others}
    fit = meta_analysis(y[pure], v[pure], columns)
    return TypeTest(reference=reference, types=others, fit=fit, n_single=sum(n == 1 for n in count.values()))


def within_series(pooled: Sequence[Series], of_horizon: Sequence[Series]) -> tuple[WithinSeries, ...]:
    """Return the pairs of types whose control one of the pooled series prints."""
    pairs = []
    for whole in pooled:
        own = [s for s in of_horizon if s.overlaps == whole.name and s.name != whole.name and s.tumour_type != _MIXED]
        for first, second in combinations([s for s in own if s.control is not None and 0 < s.control < 1], 2):
            a, b = float(first.control or 0.0), float(second.control or 0.0)
            share = None if whole.control is None or a == b else (b - whole.control) / (b - a)
            share = share if share is not None and 0 < share < 1 else None
            se = None
            if share is not None and whole.lesions is not None:
                n = whole.lesions * np.array([share, 1.0 - share])
                se = float(np.sqrt((1.0 / (n * [a, b] * [1.0 - a, 1.0 - b])).sum()))
            pairs.append(
                WithinSeries(
                    series=whole.name,
                    types=(first.tumour_type, second.tumour_type),
                    control=(a, b),
                    log_odds=float(np.log(b / (1.0 - b)) - np.log(a / (1.0 - a))),
                    implied_fraction=share,
                    implied_se=se,
                )
            )
    return tuple(pairs)


def unknown_of_types(series: Sequence[Series], test: TypeTest | None, within: Sequence[WithinSeries]) -> Iterator[str]:
    """Yield what is not known of tumour types.

    Parameters
    ----------
    series : sequence of Series
        Those pooled.
    test : TypeTest or None
    within : sequence of WithinSeries
    """
    if any(s.tumour_type == _MIXED for s in series):
        yield "series of mixed tumour types do not say how each type did"
    if test is None:
        yield "no test of tumour type: no type has two series beside another type"
    elif test.n_single:
        yield (
            f"{test.n_single} of {len(test.types) + 1} types stand for one series each: what differs may be the "
            "series, its doses, sizes and follow-up, and not the type"
        )
    if within:
        yield (
            "lesions of each type within a series are not printed: the interval of their difference takes the numbers "
            "that the control of the whole series implies, and all lesions as followed"
        )
