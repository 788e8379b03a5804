"""The best rest of an implant beside a catheter that came to lie elsewhere, asked hundreds of times by foresight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.kernels.hitting import next_hitting_set
from hdrplan.optimize.catheters.cuts import Cuts
from hdrplan.optimize.catheters.guest_program import GuestProgram
from hdrplan.optimize.catheters.rest import Rest
from hdrplan.optimize.problem import PlanProblem
from hdrplan.threads import single_blas_thread

__all__ = ["RestSearch", "RestsBesideGuest"]

# A set is better that saves more than this fraction.
_BETTER_FRAC = 1e-6
# Sets whose bound misses the best by less than this factor are planned where dose-volume goals may cost something.
_NEAR = 1.03

PathSet = tuple[int, ...]


class RestsBesideGuest:
    """Rests of one implant beside guests, one after the other. What was learnt beside one is known beside the next.

    Parameters
    ----------
    problem : PlanProblem
        Rates of what is in and of all paths; goals of level 0 hold, others are left aside; without ``earlier_gy``,
        ``locked_s`` and ``delivery``.
    owner : (n_dwells,) int array
        Path of each dwell, in order; -1: of a catheter that is in.
    conflicts : (n_paths, n_paths) bool array
        True where two paths exclude each other; the diagonal is left aside.

    Raises
    ------
    InputError
        Goals that do not fit the points, a dwell that costs nothing.
    """

    def __init__(self, problem: PlanProblem, owner: IntArray, conflicts: BoolArray) -> None:
        problem.refuse("earlier_gy", "locked_s", "delivery")
        self._program = GuestProgram(problem, owner, len(conflicts))
        self._conflicts = np.array(conflicts)
        np.fill_diagonal(self._conflicts, val=False)

    def search(
        self, guest: FloatArray, clear: IntArray, count: int, *, planned_before: Sequence[int] = ()
    ) -> RestSearch:
        """Search the best choice of at most ``count`` clear paths beside a guest.

        Parameters
        ----------
        guest : (n_points, m) array
            Rates of its dwells in Gy/s; m may be 0.
        clear : (n,) int array
            Paths that may be chosen, at most 64.
        count : int
        planned_before : sequence of int
            Clear paths that were chosen earlier: what is chosen now is not worse.
        """
        with single_blas_thread():
            return RestSearch(self._program, guest, clear, self._conflicts, count, planned_before)


class RestSearch:
    """The best choice found beside one guest, by :meth:`RestsBesideGuest.search`, which can be proven.

    Parameters
    ----------
    program : GuestProgram
    guest : (n_points, m) array
    clear : (n,) int array
    conflicts : (n_paths, n_paths) bool array
    count : int
    planned_before : sequence of int
    """

    def __init__(
        self,
        program: GuestProgram,
        guest: FloatArray,
        clear: IntArray,
        conflicts: BoolArray,
        count: int,
        planned_before: Sequence[int],
    ) -> None:
        self._program, self._guest, self._clear, self._conflicts = program, guest, clear, conflicts
        self._count, self.value = min(count, len(clear)), np.inf
        self._best: PathSet = ()
        program.receive(guest)
        before = tuple(sorted(planned_before))
        if 0 < len(before) <= self._count and self._allowed(before):
            self._better(before)
        if self._count:
            self._swap()
        if not np.isfinite(self.value):
            self._better(())

    def rest(self, gap_frac: float | None = None) -> Rest:
        """Return the choice with a bound of every choice.

        Parameters
        ----------
        gap_frac : float, optional
            Within this gap of the best, which is found on the way if it was not known; without it the bound is one
            that is known anyway.
        """
        with single_blas_thread():
            self._program.receive(self._guest)
            bound = self._proven(gap_frac)
        return Rest(
            order=self._best,
            value=np.inf if self._short_gy else self.value,
            short_gy=self._short_gy,
            bound=min(bound, self.value),
            priced=self.value,
        )

    def _allowed(self, chosen: PathSet) -> bool:
        return not self._conflicts[np.ix_(chosen, chosen)].any()

    def _better(self, chosen: PathSet) -> bool:
        """Look at a set by all goals, and keep it if it is the best."""
        value, times = self._program.value(chosen, self.value)
        if value >= self.value * (1 - _BETTER_FRAC):
            return False
        self._best, self.value, self._short_gy = chosen, value, self._program.missed_gy(times)
        return True

    def _swap(self) -> None:
        """Add a path or exchange one, as long as that helps; the best of all neighbours each time."""
        helped = True
        while helped:
            helped, begun = False, self._best
            others = [path for path in self._clear.tolist() if path not in begun]
            tried = [tuple(sorted((*begun, path))) for path in others] if len(begun) < self._count else []
            helped = self._best_of(tried)
            kept: list[PathSet] = [tuple(path for path in begun if path != out) for out in begun]
            helped |= self._best_of([tuple(sorted((*rest, path))) for rest in kept for path in others])

    def _best_of(self, tried: Sequence[PathSet]) -> bool:
        tried = [chosen for chosen in tried if self._allowed(chosen)]
        known, helped = self._program.proofs.known(tried), False
        for i in np.argsort(known, kind="stable"):
            if known[i] >= self.value * (1 - _BETTER_FRAC):
                break
            if self._program.bound(tried[i]) < self.value * (1 - _BETTER_FRAC):
                helped |= self._better(tried[i])
        return helped

    def _proven(self, gap_frac: float | None) -> float:
        """Return a bound of every choice: within a gap of the best, if one is asked for; better sets met are taken."""
        if not self._count:
            return self._program.filled_bound(())
        if gap_frac is None:
            return float(self._program.proofs.known([tuple(self._clear.tolist())])[0])
        while True:
            before, floor = self.value, self._none_below(self.value * (1 - gap_frac))
            if self.value == before:
                return floor
            self._swap()

    def _none_below(self, tau: float) -> float:
        """Look for sets below ``tau``; return the bound proven, which is void where a better set was met."""
        program, clear, count = self._program, self._clear, self._count
        every, floor, before = np.uint64((1 << len(clear)) - 1), tau, self.value
        powers = np.uint64(1) << np.arange(len(clear), dtype=np.uint64)
        apart = np.asarray(
            np.where(self._conflicts[np.ix_(clear, clear)], powers, np.uint64(0)).sum(axis=1, dtype=np.uint64)
        )
        cuts = Cuts(program.proofs.cuts(tau, clear))
        chosen, branch = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.uint64)
        tried, banned = np.zeros(count + 1, dtype=np.uint64), np.zeros(count + 2, dtype=np.uint64)
        state = np.zeros(2, dtype=np.int64)
        while next_hitting_set(cuts.known, apart, count, chosen, branch, tried, banned, state):
            at = chosen[: state[0]]
            here = tuple(sorted(clear[at].tolist()))
            bound = program.bound(here)
            if bound < tau:
                bound = program.filled_bound(here)
            if bound >= tau:
                cuts.add(program.proofs.last_cut(tau, clear))
                continue
            if bound < before * _NEAR and self._better(here):
                return floor
            # Better than tau without the dose-volume goals, but no plan with them: only this set is done with.
            floor = min(floor, bound)
            cuts.add(every & ~np.bitwise_or.reduce(powers[at]))
        return floor
