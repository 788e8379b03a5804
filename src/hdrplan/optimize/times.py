"""Dwell times of a proven optimum: the one door of this room."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.dose import DoseRate, SamplePoints
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.optimize.certificate import Certificate, Level, Optimum, Price, Shortfall
from hdrplan.optimize.lp import SOLVER, LazyLP, NewRows, Solution
from hdrplan.optimize.problem import Requirement, hottest, requirements
from hdrplan.optimize.rows import EveryPoint, cells_of
from hdrplan.plan import Goals

__all__ = ["optimize_times"]

# What a later objective may give back of an earlier one, as a fraction: far below any clinical meaning, far above the
# solver's tolerance, so that the later program is never infeasible by a rounding.
SLACK_FRAC = 3e-7
# What the spared organ may take back of a lowered D100, as a fraction of the prescription: 0.0002 Gy at 20 Gy. At the
# exact optimum of D100 next to no plan is left to choose from, and the multipliers of what follows grow without bound.
D100_SLACK_FRAC = 1e-5


def optimize_times(
    rate: DoseRate,
    points: SamplePoints,
    goals: Goals,
    *,
    healthy: str | None = None,
    max_time_s: float = 600.0,
    given_gy: FloatArray | None = None,
    time_limit_s: float = 120.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Optimum:
    """Dwell times that hold every prescription and hard limit, spare the healthy organ most, then take least time.

    1. D100 >= prescription at all sample points of every CTV, surface points included, and all hard limits.
    2. If that cannot be, the organs' limits stand and the prescriptions give way: the sum of what the
       D100 miss is made least.
    3. The mean dose of ``healthy`` is made least; without such an organ the total time, which is proportional to the
       kerma released and so to the dose given to all tissue.
    4. The total time is made least, at a mean dose at most a millionth higher.

    Parameters
    ----------
    rate : DoseRate
        (n_points, n_dwells), rows as in ``points``.
    points : SamplePoints
    goals : Goals
        Prescriptions of all CTVs; goals of level 0 are hard.
    healthy : str, optional
        Structure whose volume-weighted mean dose is least; its points must leave out the CTVs.
    max_time_s : float
        Longest time at one dwell position.
    given_gy : (n_points,) array, optional
        Dose of former sessions at the sample points.
    time_limit_s : float
        After this the best plan so far is returned, marked "not proven".
    on_progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    Optimum

    Raises
    ------
    InputError
        Goals that do not fit the points, a CTV without prescription, hard goals that exclude each other.
    InfeasibleError
        Limits that no dwell times satisfy, with every prescription given up.

    References
    ----------
    Weak duality: any multipliers of the right sign bound the optimum (Dantzig GB, Linear Programming and Extensions,
    1963, chapter 6).
    """
    if not max_time_s > 0:
        raise InputError("the longest dwell time must be positive (s)", got=max_time_s)
    listed = requirements(rate, points, goals)
    session = _Session(rate, points, listed, healthy, max_time_s, given_gy, time.monotonic() + time_limit_s)
    tell = on_progress or (lambda done, total: None)
    tell(0, 3)
    first = session.solve(session.main_cost)
    tell(1, 3)
    if first.status == "infeasible":
        session.lower_prescriptions()
        tell(2, 3)
        first = session.solve(session.main_cost)
    first = session.hold_tails(first)
    last = session.least_time(first)
    tell(3, 3)
    return session.optimum(first, last)


class _Session:
    """The linear program of one call, and what has been learned of it."""

    def __init__(
        self,
        rate: DoseRate,
        points: SamplePoints,
        listed: tuple[Requirement, ...],
        healthy: str | None,
        max_time_s: float,
        given_gy: FloatArray | None,
        deadline: float,
    ) -> None:
        self.rate, self.points, self.listed, self.deadline = rate, points, listed, deadline
        self.given_gy = given_gy
        self.n = rate.gy_per_s.shape[1]
        self.doses = [r for r in listed if r.prescription]
        # Columns: dwell times, one shortfall for each CTV.
        self.columns = self.n + len(self.doses)
        most = np.zeros(self.columns)
        most[: self.n] = max_time_s
        self.lp = LazyLP(np.zeros(self.columns), most)
        self.tails: dict[str, tuple[Requirement, EveryPoint]] = {}
        self.shortfalls: tuple[Shortfall, ...] = ()
        self.short_prices: tuple[Price, ...] = ()
        self.levels: list[Level] = []
        self.notes: list[str] = []
        self.proven = True
        self.relaxed: list[str] = []
        self.rows_all = 0
        for number, requirement in enumerate(listed):
            self._require(requirement, number)
        self.objective, self.unit, self.main_cost = self._main_objective(healthy)
        self._start()

    # -- building -------------------------------------------------------------------------------------------------

    def _require(self, one: Requirement, number: int) -> None:
        if one.level > 0:
            return
        if one.kind in ("every", "tail"):
            block = EveryPoint(
                one.label,
                self.rate.gy_per_s[one.rows],
                one.limit,
                one.sense,
                cells_of(self.points.points_mm[one.rows]),
                self.columns,
                slack_column=self.n + number if one.prescription else None,
                given_gy=None if self.given_gy is None else self.given_gy[one.rows],
            )
            if one.kind == "tail":
                self.tails[one.label] = (one, block)
                return
            self.lp.families.append(block)
            self.rows_all += one.rows.stop - one.rows.start
            return
        row = np.zeros((1, self.columns))
        limit = one.limit
        if one.kind == "time":
            row[0, : self.n] = 1.0
        else:
            row[0, : self.n] = self._mean_row(one.rows)
            if self.given_gy is not None:
                limit -= float(np.average(self.given_gy[one.rows], weights=self.points.volume_cc[one.rows]))
        low, high = (limit, np.inf) if one.sense == 1 else (-np.inf, limit)
        self.lp.add(one.label, NewRows(row, np.array([low]), np.array([high])))
        self.rows_all += 1

    def _mean_row(self, rows: slice) -> FloatArray:
        volume = self.points.volume_cc[rows]
        return np.asarray(volume @ self.rate.gy_per_s[rows] / volume.sum())

    def _main_objective(self, healthy: str | None) -> tuple[str, str, FloatArray]:
        cost = np.zeros(self.columns)
        if healthy is None:
            cost[: self.n] = 1.0
            return "total time", "s", cost
        rows = self.points.rows(healthy)
        if not self.points.volume_cc[rows].sum() > 0:
            raise InputError("the healthy organ needs sample points with volume", got="none", where=healthy)
        cost[: self.n] = self._mean_row(rows)
        return f"mean dose of {healthy}", "Gy", cost

    def _start(self) -> None:
        """Give the solver the coldest point of each cube of each CTV under equal times."""
        for block in self.lp.families:
            if isinstance(block, EveryPoint) and block.sense == 1:
                equal = np.zeros(self.columns)
                equal[: self.n] = 1.0
                equal[: self.n] *= 0.9 * block.limit_gy / max(float(block.dose_gy(equal).max()), 1e-30)
                new, _ = block.violated(equal)
                if new is not None:
                    self.lp.add(block.name, new)

    # -- solving --------------------------------------------------------------------------------------------------

    def solve(self, cost: FloatArray) -> Solution:
        """Solve under what holds now; the status of the whole follows."""
        found = self.lp.solve(cost, deadline=self.deadline)
        if found.status == "stopped":
            self.proven = False
        return found

    def lower_prescriptions(self) -> None:
        """Let the prescriptions give way, by the least sum of shortfalls (Gy of D100) that the limits allow.

        The sum, not the greatest: a lesion far from the organ keeps its prescription, the one beside it pays.
        """
        columns = np.arange(self.n, self.columns)
        limits = np.array([one.limit for one in self.doses])
        self.lp.bounds(columns, np.zeros(len(columns)), limits)
        cost = np.zeros(self.columns)
        cost[columns] = 1.0
        found = self.solve(cost)
        if found.status == "infeasible":
            hard = [r.label for r in self.listed if not r.prescription and r.level == 0]
            raise InfeasibleError(
                "limits that dwell times can satisfy",
                got="; ".join(hard) or "none",
                remedy="Even without any dose to the CTV they fail: dose already given, or fixed times.",
            )
        short = found.x[columns]
        self.short_prices = self._short_prices(found)
        self.shortfalls = tuple(
            Shortfall(
                one.structure,
                one.limit,
                one.limit - float(s),
                one.limit - float(s) + max(0.0, found.value - found.bound),
                tuple(p.limit for p in self.short_prices),
            )
            for one, s in zip(self.doses, short, strict=True)
            if s > SLACK_FRAC * one.limit
        )
        lost = "D100 lost" if len(columns) == 1 else "sum of D100 lost"
        self.levels.append(Level(lost, found.value, found.bound, "Gy"))
        kept = np.minimum(limits, np.where(short > SLACK_FRAC * limits, short + D100_SLACK_FRAC * limits, 0.0))
        self.lp.bounds(columns, np.zeros(len(columns)), kept)

    def _short_prices(self, found: Solution) -> tuple[Price, ...]:
        prices = []
        for one in self.listed:
            worth = -found.multipliers.get(one.label, 0.0)
            if not one.prescription and abs(worth) > 1e-9:
                unit = "s" if one.kind == "time" else "Gy"
                prices.append(
                    Price(one.label, worth, f"{one.label}: one {unit} more would give {worth:.3g} Gy more D100")
                )
        return tuple(sorted(prices, key=lambda p: -abs(p.per_unit)))

    def hold_tails(self, found: Solution) -> Solution:
        """Make the dose-volume goals hold, which are not convex: excuse the hottest points, solve, repeat.

        For a given set of excused points the program is linear and solved to its optimum; the points excused next are
        the hottest of the new plan, which stays feasible, so the objective never rises. The bound is that of the
        program without dose-volume goals: always true, and reached where those goals do not bind.
        """
        open_ = [label for label, (one, block) in self.tails.items() if not self._tail_holds(one, block, found.x)]
        relaxed_bound = found.bound
        if open_:
            found = self._polished(found)
            self.relaxed = open_
            found = Solution(
                found.status, found.x, found.value, relaxed_bound, found.violation, found.rows_used, found.multipliers,
                found.rounds,
            )  # fmt: skip
            self.proven = self.proven and found.value - relaxed_bound <= SLACK_FRAC * abs(found.value)
        self.rows_all += sum(len(block.cells) for _, block in self.tails.values())
        return found

    def _tail_holds(self, one: Requirement, block: EveryPoint, x: FloatArray) -> bool:
        wrong = one.sense * (one.limit - block.dose_gy(x)) > 0
        return float(self.points.volume_cc[one.rows][wrong].sum()) < one.tail_cc

    def _polished(self, found: Solution) -> Solution:
        best: Solution | None = None
        for _ in range(20):
            self._excuse(found.x)
            again = self.solve(self.main_cost)
            if again.status == "infeasible":
                self.lower_prescriptions()
                again = self.solve(self.main_cost)
            if again.status != "optimal":
                break
            if best is not None and again.value > best.value * (1 - 1e-5):
                best = again if again.value < best.value else best
                break
            best = found = again
        return best if best is not None else found

    def _excuse(self, x: FloatArray) -> None:
        for one, block in self.tails.values():
            volume = self.points.volume_cc[one.rows]
            # A goal on a volume does not see the points on the surface, which have none.
            mask = hottest(-one.sense * block.dose_gy(x), volume, one.tail_cc) | (volume == 0)
            self.lp.forget(block.name)
            block.excused = mask
            if block not in self.lp.families:
                self.lp.families.append(block)

    def least_time(self, found: Solution) -> Solution:
        """Least total time at the main objective reached."""
        if found.status == "infeasible":
            return found
        self.levels.append(Level(self.objective, found.value, found.bound, self.unit))
        if self.unit == "s" or found.status != "optimal":
            return found
        cap = found.value * (1 + SLACK_FRAC)
        self.lp.add("kept", NewRows(self.main_cost[None, :], np.array([-np.inf]), np.array([cap])))
        cost = np.zeros(self.columns)
        cost[: self.n] = 1.0
        last = self.solve(cost)
        if last.status != "optimal":
            self.notes.append("The total time is not proven least: the time limit was reached.")
            return found
        self.levels.append(Level("total time", last.value, last.bound, "s"))
        return last

    # -- telling --------------------------------------------------------------------------------------------------

    def optimum(self, first: Solution, last: Solution) -> Optimum:
        """Put everything that is known together."""
        unproven = not self.proven
        status = "not proven" if unproven else "prescription lowered" if self.shortfalls else "optimal"
        certificate = Certificate(
            primal=float(self.main_cost @ last.x),
            dual=first.bound,
            objective=self.objective,
            unit=self.unit,
            violation_frac=last.violation,
            rows_used=last.rows_used,
            rows_all=self.rows_all,
            rounds=first.rounds,
            scope="sample points",
            solver=SOLVER,
            proven=not unproven,
            relaxed="; ".join(self.relaxed),
        )
        return Optimum(
            last.x[: self.n],
            status,  # type: ignore[arg-type]
            certificate,
            tuple(self.levels),
            self.shortfalls,
            self.short_prices or self._prices(first),
            tuple(self.notes),
        )

    def _prices(self, found: Solution) -> tuple[Price, ...]:
        prices = []
        for one in self.listed:
            worth = found.multipliers.get(one.label, 0.0)
            if abs(worth) > 1e-9:
                unit = "s" if one.kind == "time" else "Gy"
                text = f"{one.label}: one {unit} more changes the {self.objective} by {worth:+.3g} {self.unit}"
                prices.append(Price(one.label, worth, text))
        return tuple(prices)
