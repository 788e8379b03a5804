"""What foresight knows of the paths that may be next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdrplan.geometry import Catheter, Trajectories

__all__ = ["EveryPath", "Foreseen", "ForeseenNext", "Foresight"]


@dataclass(frozen=True, slots=True)
class EveryPath:
    """That every clear path is tried, and not the most promising alone.

    Parameters
    ----------
    gap_frac : float
        The bound of no path falls further below the best expected end: to so much its rests are proven.
    until_s : float
        ``time.monotonic()`` after which no path is tried but the most promising.
    """

    gap_frac: float
    until_s: float = np.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What one path promises as the next.

    Parameters
    ----------
    path : int
    nominal : float
        Main objective with the best others of the nominal choice, were it to lie as planned; misses priced in.
    held : int
        Displacements of the sample, of this catheter and of the best rest, that end with every hard goal held.
    mean : float
        Main objective in the end, mean over those displacements; NaN where there is none.
    expected : float
        Mean over all displacements, what prescriptions miss priced in: what is compared. Infinite where it was not
        tried.
    exact, exact_held : float, int
        ``expected`` and ``held`` were the rest to go in as chosen.
    bound : float
        That ``exact`` cannot fall below, whatever rest is chosen; NaN where it was not tried.
    """

    path: int
    nominal: float
    held: int
    mean: float
    expected: float
    exact: float
    exact_held: int
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Which path to take next, and what is known of the others.

    Parameters
    ----------
    paths : tuple of Foreseen
        All clear paths; those tried in every displacement first, the best expected end first.
    nominal_path : int
        The next path if no error is thought of.
    draws : int
    tried : int
        How many of the paths were tried.
    """

    paths: tuple[Foreseen, ...]
    nominal_path: int
    draws: int
    tried: int

    @property
    def best(self) -> Foreseen:
        """The path with the best expected end."""
        return self.paths[0]

    @property
    def nominal(self) -> Foreseen:
        """The path that is next if no error is thought of."""
        return next(one for one in self.paths if one.path == self.nominal_path)

    @property
    def best_exact(self) -> Foreseen:
        """The path with the best expected end were the rest to go in as chosen: what the bound is of."""
        return min(self.paths[: self.tried], key=lambda one: one.exact)

    @property
    def bound(self) -> float:
        """Of the stochastic program over this sample: no tried path has a lower ``exact``."""
        return min(one.bound for one in self.paths[: self.tried])

    @property
    def complete(self) -> bool:
        """Whether every clear path was tried: the bound is of all of them."""
        return self.tried == len(self.paths)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForeseenNext:
    """The next catheter for the best expected end, beside the nominal choice.

    Parameters
    ----------
    foresight : Foresight
    paths : Trajectories
        What its paths are numbers of.
    catheter, nominal_catheter : Catheter
        The best next one, and that of the nominal choice.
    nearest_mm, nominal_nearest_mm : mapping
        Their nearest obstacles.
    error_mm : float
        RMS of the displacements.
    remaining : int
        Catheters still to insert.
    """

    foresight: Foresight
    paths: Trajectories
    catheter: Catheter
    nominal_catheter: Catheter
    nearest_mm: Mapping[str, float]
    nominal_nearest_mm: Mapping[str, float]
    error_mm: float
    remaining: int

    def among(self, catheters: Sequence[Catheter]) -> Catheter | None:
        """Return the one of some catheters that takes the same path as the next; None where none does."""
        ends = self.catheter.points_mm[[0, -1]]
        same = (one for one in catheters if np.allclose(one.points_mm[[0, -1]], ends, atol=1e-6))
        return next(same, None)
