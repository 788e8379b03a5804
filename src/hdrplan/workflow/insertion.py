"""Between two insertions: what is in, which paths are still clear, what the rest can do. Computed once, asked often.

Paths are those of the beginning (:func:`hdrplan.workflow.candidates.ways`) with their dose rates. Each catheter that
comes to lie elsewhere adds its own few dwells; paths that come too near to it leave the choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdrplan.arrays import BoolArray, FloatArray, IntArray
from hdrplan.dose import DoseRate, SamplePoints, dose_rate, sample_points
from hdrplan.errors import InfeasibleError, InputError
from hdrplan.geometry import Catheter, Clearance, Trajectories, angle_deg, line_gap_mm
from hdrplan.memory import require_memory
from hdrplan.optimize import Candidates, PlanProblem, RestsBesideGuest, chosen_rest, optimize_times, with_each
from hdrplan.options import PlanOptions
from hdrplan.plan import Case, Goals
from hdrplan.sources import Strength, TG43Source
from hdrplan.workflow.candidates import by_turns, clear_of, named_apart, ways
from hdrplan.workflow.inserted import FinalPlan, Inserted, RestOfPaths
from hdrplan.workflow.obstacles import refuse_missing_groups
from hdrplan.workflow.place_options import PlaceOptions
from hdrplan.workflow.problem import candidate_dwells

# Paths to each of which a choice takes, that many are kept: catheters that are in exclude most of those beside them.
_POOL = 3
# Of a lesion of 5 cm at steps of 5 mm.
_DWELLS_OF_PATH = 12

__all__ = ["InsertionSetting", "insertion_setting"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InsertionSetting:
    """A case before its first (or next) insertion.

    Parameters
    ----------
    case : Case
        Its catheters are in already.
    problem : PlanProblem
        Points, hard goals, and the rates of all paths.
    owner : (n_dwells,) int array
        Path of each dwell.
    paths : Trajectories
    conflicts : (n_paths, n_paths) bool array
    options : PlaceOptions
    planning : PlanOptions
    source : TG43Source
    strength_u : float
    given : tuple of Inserted
        The case's own catheters.
    solid : Case
        Its structures are the obstacles' own.
    margins_mm : mapping
        Obstacle -> margin.
    """

    case: Case
    problem: PlanProblem
    owner: IntArray
    paths: Trajectories
    conflicts: BoolArray
    options: PlaceOptions
    planning: PlanOptions
    source: TG43Source
    strength_u: float
    given: tuple[Inserted, ...]
    solid: Case
    margins_mm: Mapping[str, float]

    @property
    def points(self) -> SamplePoints:
        """Where the dose is judged."""
        return self.problem.points

    def inserted(self, catheter: Catheter) -> Inserted:
        """Return a catheter as one that is in."""
        try:
            dwells = candidate_dwells(replace(self.case, catheters=(catheter,)), self.planning)
        except InputError:  # it missed every lesion: no use, and no error of the user's
            return Inserted(catheter, self._no_dwell())
        return Inserted(catheter, dose_rate(dwells, self.points.points_mm, self.source, strength_u=self.strength_u))

    def displaced(self, path: int, shift_mm: FloatArray) -> Inserted:
        """Return a path's catheter where it came to lie: moved as a whole.

        Parameters
        ----------
        path : int
        shift_mm : (3,) array
        """
        ends = np.stack((self.paths.entry_mm[path], self.paths.tip_mm[path]))
        return self.inserted(Catheter(f"path_{path}", ends + shift_mm))

    def displaced_each(self, paths: Sequence[int], shifts_mm: FloatArray) -> list[Inserted]:
        """Return the catheters of paths, each moved as a whole; their rates are computed together.

        Parameters
        ----------
        paths : sequence of int
        shifts_mm : (n, 3) array
            Of each.
        """
        ends = np.stack((self.paths.entry_mm[list(paths)], self.paths.tip_mm[list(paths)]), axis=1)
        ends = ends + np.asarray(shifts_mm).reshape(-1, 1, 3)
        moved = [Catheter(f"path_{path}_{k}", at) for k, (path, at) in enumerate(zip(paths, ends, strict=True))]
        try:
            dwells = candidate_dwells(replace(self.case, catheters=tuple(moved)), self.planning)
        except InputError:  # there is none, or one of them missed every lesion
            return [self.inserted(catheter) for catheter in moved]
        rate = dose_rate(dwells, self.points.points_mm, self.source, strength_u=self.strength_u)
        columns = [np.flatnonzero(dwells.catheter == k) for k in range(len(moved))]
        each = (DoseRate(rate.gy_per_s[:, own].copy(), rate.extrapolated) for own in columns)
        return [Inserted(catheter, own) for catheter, own in zip(moved, each, strict=True)]

    def clear(self, inside: Sequence[Inserted]) -> IntArray:
        """Return the first paths that keep distance and angle to everything that is in: so many as a choice is from."""
        if not inside:
            return np.arange(len(self.paths))[: self.options.candidates]
        clear = clear_of(self.paths, [one.catheter for one in inside], self.options)
        return np.flatnonzero(clear)[: self.options.candidates]

    def rest(
        self, inside: Sequence[Inserted], count: int, *, before: Sequence[int] = (), gap_frac: float | None = None
    ) -> RestOfPaths:
        """Choose the paths for at most ``count`` further catheters; none where no path is clear.

        Parameters
        ----------
        inside : sequence of Inserted
        count : int
        before : sequence of int
            Paths chosen earlier; as far as they are clear, what is chosen is not worse.
        gap_frac : float, optional
            Prove the choice to this gap.
        """
        clear, barred = self.clear(inside), frozenset[int]()
        if not len(clear):
            clear, barred, count = np.zeros(1, dtype=np.int64), frozenset({0}), 0
        problem, candidates = self._choice(inside, clear, barred)
        kept = [int(np.searchsorted(clear, path)) for path in before if path in clear]
        found = chosen_rest(problem, candidates, count, planned_before=kept, gap_frac=gap_frac)
        return RestOfPaths(tuple(int(clear[k]) for k in found.order), found)

    def rests_beside(self, inside: Sequence[Inserted]) -> RestsBesideGuest:
        """Return what chooses among all paths beside what is in and one catheter more, wherever that lies."""
        rates = [one.rate.gy_per_s for one in inside if one.rate.shape[1]]
        owner = np.concatenate([*(np.full(rate.shape[1], -1) for rate in rates), self.owner])
        problem = self._problem([*rates, self.problem.rate.gy_per_s]) if rates else self.problem
        return RestsBesideGuest(problem, owner, self.conflicts)

    def with_each(
        self, inside: Sequence[Inserted], chosen: Sequence[int], count: int
    ) -> dict[int, tuple[float, tuple[int, ...]]]:
        """Return clear path -> value of the best set of it and others of a choice, and these others.

        Parameters
        ----------
        inside : sequence of Inserted
        chosen : sequence of int
            Paths.
        count : int
            At most so many together.
        """
        clear = self.clear(inside)
        kept = [int(np.searchsorted(clear, path)) for path in chosen if path in clear]
        found = with_each(*self._choice(inside, clear, frozenset()), kept, count)
        return {
            int(path): (value, tuple(int(clear[k]) for k in others))
            for path, (value, others) in zip(clear, found, strict=True)
        }

    def _choice(
        self, inside: Sequence[Inserted], clear: IntArray, barred: frozenset[int]
    ) -> tuple[PlanProblem, Candidates]:
        column = np.flatnonzero(np.isin(self.owner, clear))
        rates = [one.rate.gy_per_s for one in inside]
        owner = np.concatenate(
            [np.full(sum(rate.shape[1] for rate in rates), -1), np.searchsorted(clear, self.owner[column])]
        )
        problem = self._problem([*rates, self.problem.rate.gy_per_s[:, column]])
        return problem, Candidates(owner, conflicts=self.conflicts[np.ix_(clear, clear)], barred=barred)

    def final(self, inside: Sequence[Inserted]) -> FinalPlan:
        """Plan what is in: the best times under all hard goals."""
        rates = [one.rate.gy_per_s for one in inside]
        prescribed = max(p.dose_gy for p in self.problem.goals.prescriptions)
        if not sum(rate.shape[1] for rate in rates):
            return FinalPlan(value=np.inf, short_gy=prescribed)
        try:
            optimum = optimize_times(self._problem(rates))
        except InfeasibleError:  # the limits leave no dose at all
            return FinalPlan(value=np.inf, short_gy=prescribed)
        short_gy = max((s.prescription_gy - s.reached_gy for s in optimum.shortfalls), default=0.0)
        return FinalPlan(value=optimum.certificate.main.value, short_gy=float(short_gy))

    def _problem(self, rates: Sequence[FloatArray]) -> PlanProblem:
        extrapolated = self.problem.rate.extrapolated
        return replace(self.problem, rate=DoseRate(np.concatenate(rates, axis=1), extrapolated))

    def _no_dwell(self) -> DoseRate:
        n = len(self.points)
        return DoseRate(np.zeros((n, 0)), np.zeros(n, dtype=np.bool_))


def insertion_setting(
    case: Case,
    goals: Goals,
    source: TG43Source,
    strength: Strength,
    *,
    options: PlaceOptions,
    planning: PlanOptions,
    room: Clearance | None = None,
) -> InsertionSetting:
    """Return what every choice between two insertions has in common.

    Parameters
    ----------
    case : Case
        Its catheters, if any, are in.
    goals : Goals
        Of these the hard ones count.
    source : TG43Source
    strength : Strength
    options : PlaceOptions
        Where one catheter is still to come (``count``), no path is needed to take the place of one that it excludes.
    planning : PlanOptions
    room : Clearance, optional
        Of the same case and options, found before.

    Raises
    ------
    InfeasibleError
        No path is left.
    InputError
        No prescription that counts; an obstacle that is no structure, no skin; no ribs, lungs, bowel or vessels
        segmented and not asked for so.
    """
    goals.require_prescription("a choice between insertions")
    refuse_missing_groups(case, without=options.without, body=options.body)
    found = ways(case, options, count=(1 if options.count == 1 else _POOL) * options.candidates, room=room)
    paths = by_turns(case, found.paths)
    # As in the choice of a placement: goals that may be missed, and the shape of isodoses, wait for the plan.
    hard = tuple(goal for goal in goals.goals if goal.level == 0 and goal.metric.kind != "conformity")
    goals = replace(goals, goals=hard)
    points = sample_points(
        case.dosed_structures(goals, "with limits"), spacing_mm=options.sample_mm, healthy=case.healthy
    )
    require_memory(
        2.5 * 8.0 * len(points) * len(paths) * _DWELLS_OF_PATH,
        f"a procedure on {len(points)} sample points and {len(paths)} paths",
        remedy="Take fewer paths (`candidates`).",
    )
    dwells = candidate_dwells(replace(case, catheters=named_apart(paths.catheters(), case.catheters)), planning)
    rate = dose_rate(dwells, points.points_mm, source, strength_u=strength.value_u)
    problem = PlanProblem(rate=rate, points=points, goals=goals, healthy=case.healthy, max_time_s=planning.max_dwell_s)
    setting = InsertionSetting(
        case=case,
        problem=problem,
        owner=dwells.catheter,
        paths=paths,
        conflicts=(line_gap_mm(paths) < options.apart_mm) | (angle_deg(paths) > options.spread_deg),
        options=options,
        planning=planning,
        source=source,
        strength_u=strength.value_u,
        given=(),
        solid=found.solid,
        margins_mm=found.margins_mm,
    )
    return replace(setting, given=tuple(setting.inserted(catheter) for catheter in case.catheters))
