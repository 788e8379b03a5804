"""Dwell times of a proven optimum: the one door of this room."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError, InfeasibleError
from hdrplan.optimize.afterloader import Delivery
from hdrplan.optimize.bound.branch_and_bound import outer_bound
from hdrplan.optimize.certificate import Certificate, Level, Optimum, Price, Shortfall, Status
from hdrplan.optimize.problem import PlanProblem
from hdrplan.optimize.program.dose_program import Program
from hdrplan.optimize.program.lazy_lp import SOLVER, Solution
from hdrplan.optimize.program.requirements import Requirement, requirements
from hdrplan.optimize.times.conflicts import smallest_conflict
from hdrplan.optimize.times.delivery import deliverable
from hdrplan.optimize.times.dose_volume import best_under_tails

__all__ = ["optimize_times"]

# What a later objective may give back of an earlier one, as a fraction: far below any clinical meaning, far above the
# solver's tolerance, so that the later program is never infeasible by a rounding.
SLACK_FRAC = 3e-7
# What the spared organ may take back of a lowered D100, as a fraction of the prescription: 0.001 Gy at 20 Gy. At the
# exact optimum of D100 next to no plan is left to choose from, and the multipliers of what follows grow without bound.
D100_SLACK_FRAC = 5e-5
# A plan under dose-volume goals is proven when no plan is better by more than this fraction of the objective, or of the
# prescriptions where these had to be lowered.
GAP_FRAC = 1e-3


def optimize_times(
    problem: PlanProblem,
    *,
    proof_s: float = 0.0,
    time_limit_s: float = 120.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Optimum:
    """Dwell times that hold every prescription and hard limit, spare the healthy organ most, then take least time.

    1. D100 >= prescription at all sample points of every CTV, surface points included, and all hard limits.
    2. If that cannot be, the organs' limits stand and the prescriptions give way: the sum of what the
       D100 miss is made least.
    3. Priority levels in their order: the sum of the relative misses of a level's goals is made least, and kept.
    4. The mean dose of ``healthy`` is made least; without such an organ the total time, which is proportional to the
       kerma released and so to the dose given to all tissue.
    5. The total time is made least, at a mean dose at most a millionth higher.

    Parameters
    ----------
    problem : PlanProblem
    proof_s : float
        Time to spend at most on a bound where dose-volume goals bind, which are not convex: until no plan can be better
        by 0.1 % of the objective, or of the prescription where that had to be lowered.
    time_limit_s : float
        After this, and the time of the proof, the best plan so far is returned, marked "not proven".
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
    listed, delivery = requirements(problem), problem.delivery
    program = Program(problem, listed)
    program.deadline = time.monotonic() + time_limit_s
    if delivery is not None and delivery.ratio is not None:
        program.tie(delivery.neighbours, delivery.ratio)
    levels = sorted({r.level for r in listed} - {0})
    steps = len(levels) + 3
    tell = on_progress or (lambda done, total: None)
    run = _Run(program, problem.healthy, proof_s, lambda share: tell(round(100 * share), 100 * steps))
    found = run.hold_hard_goals()
    tell(1, steps)
    for level in levels:
        found = run.reach(level, found)
        tell(1 + levels.index(level) + 1, steps)
    found = run.spare_healthy(found)
    tell(steps - 1, steps)
    found = run.prove(found)
    last = run.least_time(found)
    tell(steps, steps)
    return run.optimum(found, last, delivery)


class _Run:
    """The steps of one call on one program, and what they found out."""

    def __init__(
        self,
        program: Program,
        healthy: str | None,
        proof_s: float = 0.0,
        tell: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.program, self.listed = program, program.listed
        self.proof_s, self.tell = proof_s, tell  # seconds left for proofs of goals that are not convex
        self.hard = [k for k, r in enumerate(self.listed) if r.level == 0]
        # What gives way to the organs: prescriptions, and other lower limits on a CTV.
        ctvs = {r.structure for r in self.listed if r.prescription}
        self.doses = [k for k in self.hard if self.listed[k].sense == 1 and self.listed[k].structure in ctvs]
        self.levels: list[Level] = []
        self.shortfalls: tuple[Shortfall, ...] = ()
        self.prices: tuple[Price, ...] = ()
        self.conflict: tuple[str, ...] = ()
        self.notes: list[str] = []
        self.stopped = False
        self.outer_bound: float | None = None  # of the main objective, where dose-volume goals are at work
        self.bounded = False  # whether that bound takes the dose-volume goals into account
        if healthy is None:
            self.objective, self.unit, self.main = "total time", "s", program.cost(1.0)
        else:
            self.objective, self.unit = f"mean dose of {healthy}", "Gy"
            self.main = program.cost(program.mean_row(program.points.rows(healthy)))
            self.given_mean = program.given_mean_gy(program.points.rows(healthy))

    def hold_hard_goals(self) -> Solution:
        """Hold all goals of level 0, or let the prescriptions give way."""
        program = self.program
        for k in self.hard:
            program.enter(k)
        program.start()
        found = self._noted(program.solve(self.main))
        if found.status == "infeasible":
            self.conflict = tuple(self.listed[k].label for k in smallest_conflict(program, self.hard))
            self._lower(program.solve)
            found = self._noted(program.solve(self.main))
        if program.tails_missed(found.x):
            self.outer_bound = found.bound
            found = self._hold_tails(found)
        return found

    def _hold_tails(self, found: Solution) -> Solution:
        """Hold the dose-volume goals: at once, by way of their least miss, or with lower prescriptions."""
        program, tails = self.program, list(self.program.tails)
        held = best_under_tails(program, self.main, found)
        if held is not None:
            return self._noted(held)
        program.allow_miss(tails)
        misses = program.cost(misses={k: 1.0 / self.listed[k].limit for k in tails})
        least = program.polished(misses, found.x)
        program.allow_miss(tails, 0.0)
        if least.status != "optimal" or least.value > SLACK_FRAC:
            self._lower(lambda cost: program.polished(cost, least.x), proven=False)
            self.conflict = self.conflict or tuple(self.listed[k].label for k in self.doses + tails)
            if self.levels[0].bound <= 0.0:
                self.notes.append(
                    "That these goals cannot hold together is not proven: dose-volume goals are not convex, another "
                    "plan may hold them."
                )
            # The bound found before was that of plans with the prescriptions in full.
            self.outer_bound = self._bound_without_tails(self.main)
            least = program.solve(program.cost(misses=dict.fromkeys(self.doses, 1.0)))
        return self._noted(program.polished(self.main, least.x))

    def _bound_without_tails(self, cost: FloatArray) -> float:
        """Bound of an objective under all goals but the dose-volume goals."""
        program = self.program
        blocks = [block for block in program.tails.values() if block in program.lp.families]
        excused = [block.excused for block in blocks]
        for block in blocks:
            program.lp.families.remove(block)
            block.excuse(np.ones(len(block), dtype=np.bool_), program.lp)
        bound = self._noted(program.solve(cost)).bound
        for block, mask in zip(blocks, excused, strict=True):
            program.lp.families.append(block)
            block.excuse(mask, program.lp)
        return bound

    def _lower(self, solve: Callable[[FloatArray], Solution], *, proven: bool = True) -> None:
        """Let the prescriptions give way, by the least sum of shortfalls (Gy of D100) that the limits allow.

        The sum, not the greatest: a lesion far from the organ keeps its prescription, the one beside it pays.
        """
        program, listed = self.program, self.listed
        limits = np.array([listed[k].limit for k in self.doses])
        program.allow_miss(self.doses, limits)
        lost = program.cost(misses=dict.fromkeys(self.doses, 1.0))
        found = self._noted(solve(lost))
        if found.status == "infeasible":
            raise InfeasibleError(
                "limits that dwell times can satisfy",
                got="; ".join(listed[k].label for k in self.hard if k not in self.doses) or "none",
                remedy="Even without any dose to the CTV they fail: dose already given, or fixed times.",
            )
        bound = found.bound
        if not proven:
            # The bound found before the dose-volume goals holds in any case.
            bound = next((lv.bound for lv in self.levels if lv.unit == "Gy"), 0.0)
            # Half of the time: the other half is for the main objective.
            found, outer = self._proof(lost, found, GAP_FRAC * float(limits.sum()), 0.5 * self.proof_s)
            bound = max(bound, outer)
        short = found.x[program.n + np.array(self.doses)]
        self.prices = _prices(found, listed, "D100", "Gy", sign=-1.0, leave_out=self.doses)
        self.shortfalls = tuple(
            Shortfall(
                listed[k].structure,
                listed[k].limit,
                listed[k].limit - float(s),
                min(listed[k].limit, listed[k].limit - float(s) + max(0.0, found.value - bound)),
                tuple(p.limit for p in self.prices),
                listed[k].text.split(" ")[0],
            )
            for k, s in zip(self.doses, short, strict=True)
            if s > SLACK_FRAC * listed[k].limit
        )
        longest = program.lp.most[: program.n]
        full = int(((found.x[: program.n] >= longest * (1 - 1e-9)) & (longest > 0)).sum())
        if full and self.shortfalls:
            self.notes.append(
                f"{full} of {program.n} dwells stand at their longest time: more dwell positions, another catheter or "
                "a longer time would raise D100."
            )
        what = f"{listed[self.doses[0]].text.split(' ')[0]} lost" if len(self.doses) == 1 else "sum of dose lost"
        self.levels = [Level(what, found.value, bound, "Gy")]
        kept = np.where(short > SLACK_FRAC * limits, short + D100_SLACK_FRAC * limits, 0.0)
        program.allow_miss(self.doses, np.minimum(limits, kept))

    def reach(self, level: int, found: Solution) -> Solution:
        """Make the sum of the relative misses of one level's goals least, and keep it."""
        program = self.program
        own = [k for k, r in enumerate(self.listed) if r.level == level]
        cost = program.cost(misses={k: 1.0 / max(self.listed[k].limit, 1e-9) for k in own})
        for k in own:
            program.enter(k)
        program.allow_miss(own)
        exact = not program.tails
        reached = self._noted(program.polished(cost, found.x) if program.tails else program.solve(cost))
        if reached.status != "optimal":
            return found
        # A goal that can be met is met to the last digit; one that cannot keeps its miss, with a ten-thousandth of it.
        most = 0.0 if reached.value <= 1e-9 else reached.value * (1 + 1e-4) + SLACK_FRAC
        program.keep(cost, most)
        program.allow_miss(own, np.array([most * max(self.listed[k].limit, 1e-9) for k in own]))
        words = "; ".join(self.listed[k].label for k in own)
        # What a dose-volume goal misses has no better bound than 0; other goals have one without those goals.
        bound = reached.bound
        if not exact:
            bound = 0.0 if all(self.listed[k].kind == "tail" for k in own) else self._bound_without_tails(cost)
        self.levels.append(Level(f"level {level}, relative miss of {words}", reached.value, max(0.0, bound), ""))
        return reached

    def spare_healthy(self, found: Solution) -> Solution:
        """Least main objective under all goals reached so far."""
        program = self.program
        if found.status == "stopped":
            return found
        if program.tails and any(block in program.lp.families for block in program.tails.values()):
            self.outer_bound = self._bound_without_tails(self.main)
            found = self._noted(program.polished(self.main, found.x))
        elif any(r.level for r in self.listed):
            found = self._noted(program.solve(self.main))
        bound = found.bound if self.outer_bound is None else self.outer_bound
        self.levels.append(Level(self.objective, found.value, bound, self.unit))
        return found

    def prove(self, found: Solution) -> Solution:
        """Lift the bound of a plan whose dose-volume goals bind; return the better plan, if one is found on the way."""
        if self.outer_bound is None or found.status != "optimal":
            return found
        found, outer = self._proof(self.main, found, GAP_FRAC * abs(found.value), self.proof_s)
        self.outer_bound, self.bounded = max(self.outer_bound, outer), outer > self.outer_bound
        self.levels[-1] = replace(self.levels[-1], value=found.value, bound=self.outer_bound)
        return found

    def _proof(self, cost: FloatArray, found: Solution, gap: float, seconds: float) -> tuple[Solution, float]:
        """Bound an objective under the hard goals, those that are not convex included; keep a better plan."""
        if seconds <= 0 or found.status != "optimal":
            return found, -np.inf
        own = self.program
        lp = own.lp
        fresh = Program(own.problem, self.listed)
        for k in self.hard:
            fresh.enter(k)
        fresh.allow_miss(self.hard, lp.most[own.n + np.array(self.hard)])
        fresh.start()
        # The search for the plan has a limit of its own.
        own.deadline += seconds
        try:
            outer = outer_bound(
                fresh,
                cost,
                found.value,
                gap=gap,
                seconds=seconds,
                polish=lambda x: own.polished(cost, x),
                on_progress=self.tell,
            )
        except HdrPlanError as error:
            # A plan is not lost because its proof is.
            self.notes.append(f"No proof with the dose-volume goals: {error}")
            return own.polished(cost, found.x, rounds=2), -np.inf
        own.deadline -= seconds - outer.seconds
        self.proof_s -= outer.seconds
        self.notes.append(
            f"Proof with the dose-volume goals: {outer.regions} regions of plans, {outer.seconds:.0f} s"
            + (", to the gap asked for." if outer.closed else "; the time was over.")
        )
        # The program must stand where its plan stands: the same points excused.
        return own.polished(cost, found.x if outer.plan is None else outer.plan.x, rounds=2), outer.value

    def least_time(self, found: Solution) -> Solution:
        """Least total time at the main objective reached."""
        program = self.program
        if self.unit == "s" or found.status != "optimal":
            return found
        program.keep(self.main, found.value * (1 + SLACK_FRAC))
        last = self._noted(program.solve(program.cost(1.0), primal=True))
        if last.status != "optimal":
            self.notes.append("The total time is not proven least.")
            return found
        self.levels.append(Level("total time", last.value, last.bound, "s"))
        return last

    def _noted(self, found: Solution) -> Solution:
        self.stopped = self.stopped or found.status == "stopped"
        return found

    def optimum(self, found: Solution, last: Solution, delivery: Delivery | None) -> Optimum:
        """Put everything that is known together."""
        program = self.program
        bound = found.bound if self.outer_bound is None else self.outer_bound
        value = float(self.main @ last.x)
        closed = self.outer_bound is None or value - bound <= 1e-6 * abs(value)
        proven = closed and not self.stopped
        status: Status = (
            "not proven"
            if not proven and not self.shortfalls
            else "prescription lowered"
            if self.shortfalls
            else "optimal"
        )
        certificate = Certificate(
            primal=value,
            dual=bound,
            objective=self.objective,
            unit=self.unit,
            violation_frac=last.violation,
            rows_used=last.rows_used,
            rows_all=program.rows_all,
            rounds=found.rounds,
            scope="sample points",
            solver=SOLVER,
            proven=proven,
            relaxed="" if closed or self.bounded else "; ".join(self.listed[k].label for k in program.tails),
        )
        result = Optimum(
            last.x[: program.n],
            status,
            certificate,
            tuple(self.levels),
            self.shortfalls,
            self.prices or _prices(found, self.listed, self.objective, self.unit),
            tuple(self.notes),
            self.conflict,
        )
        if delivery is None or last.status == "infeasible":
            return result
        times_s, said = deliverable(program, self.main, last, delivery)
        return replace(result, times_s=times_s, notes=(*result.notes, *said))


def _prices(
    found: Solution,
    listed: tuple[Requirement, ...],
    what: str,
    unit: str,
    *,
    sign: float = 1.0,
    leave_out: Sequence[int] = (),
) -> tuple[Price, ...]:
    prices = []
    for k, one in enumerate(listed):
        worth = sign * found.multipliers.get(one.label, 0.0)
        if abs(worth) > 1e-9 and k not in leave_out:
            each = "s" if one.kind == "time" else "Gy"
            verb = "raises" if worth > 0 else "lowers"
            text = f"{one.label}: one {each} more {verb} the {what} by {abs(worth):.3g} {unit}"
            prices.append(Price(one.label, worth, text))
    return tuple(sorted(prices, key=lambda p: -abs(p.per_unit)))
