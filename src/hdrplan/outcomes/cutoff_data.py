"""The inputs of a best cut-off: follow-up, the value to cut, and what to adjust for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy.typing as npt

from hdrplan.arrays import FloatArray, IntArray, freeze
from hdrplan.errors import InputError
from hdrplan.outcomes.columns import Groups, covariate_matrix, finite_column, grouped
from hdrplan.outcomes.followup import FollowUp, refuse_late_entry

__all__ = ["CutoffProblem", "cutoff_problem"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CutoffProblem:
    """The checked inputs of a best cut-off; :func:`cutoff_problem` makes them.

    Parameters
    ----------
    rows : FollowUp
        Follow-up (n rows).
    value : (n,) array
        What is cut, for example D100 in Gy.
    covariates : mapping of str to (n,) array, or None
        Covariates of the null model; None where nothing is adjusted for.
    strata : Groups or None
        Strata of the null model.
    minimum_frac : float
        Smallest share of rows on either side.
    """

    rows: FollowUp
    value: FloatArray
    covariates: Mapping[str, FloatArray] | None
    strata: Groups | None
    minimum_frac: float

    def __post_init__(self) -> None:
        freeze(self, "value", (self.rows.n,))

    @property
    def adjusted(self) -> bool:
        """Whether the cut is a covariate beside others."""
        return self.covariates is not None

    def drawn(self, rows: IntArray, owner: IntArray) -> CutoffProblem:
        """Return the problem of a bootstrap sample: rows, and the cluster of each (a copy is a new one)."""
        clusters = Groups(tuple(range(int(owner.max()) + 1)), owner)
        return CutoffProblem(
            rows=replace(self.rows.independent.chosen(rows), cluster=clusters),
            value=self.value[rows],
            covariates=None if self.covariates is None else {k: v[rows] for k, v in self.covariates.items()},
            strata=None if self.strata is None else self.strata.chosen(rows),
            minimum_frac=self.minimum_frac,
        )


def cutoff_problem(
    rows: FollowUp,
    value: npt.ArrayLike,
    *,
    covariates: Mapping[str, npt.ArrayLike] | None = None,
    strata: npt.ArrayLike | None = None,
    minimum_frac: float = 0.1,
) -> CutoffProblem:
    """Return the inputs of :func:`best_cutoff`, checked.

    Parameters
    ----------
    rows : FollowUp
        Without late entry; resamples keep its clusters whole.
    value : (n,) array_like
        What is cut, for example D100 in Gy.
    covariates : mapping of str to (n,) array_like, optional
        Adjust for these, for example the diameter: large lesions get less dose and fail more.
    strata : (n,) array_like, optional
        Strata of the null model.
    minimum_frac : float
        Smallest share of rows on either side.

    Returns
    -------
    CutoffProblem

    Raises
    ------
    InputError
        No events, late entry, a value that is not one finite number a row, a share that is not below one half.
    """
    refuse_late_entry(rows, "a cut-off")
    x = finite_column(value, rows.n, "the value to cut")
    if not rows.event.any():
        raise InputError("a cut-off needs events", got="none")
    if not 0.0 < minimum_frac < 0.5:
        raise InputError("`minimum_frac` must lie between 0 and 0.5", got=minimum_frac)
    adjust = None
    if covariates is not None or strata is not None:
        names, matrix = covariate_matrix(covariates or {}, rows.n)
        adjust = dict(zip(names, matrix.T, strict=True))
    layers = None if strata is None else grouped(strata, rows.n, "strata")
    return CutoffProblem(rows=rows, value=x, covariates=adjust, strata=layers, minimum_frac=minimum_frac)
